"""Turns an uploaded recording into an adaptive, resumable, honest timeline: probe, plan, encode, package, check."""
