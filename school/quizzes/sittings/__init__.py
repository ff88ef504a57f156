"""Sittings: start, answers as they are given, submission, the page and what came of it, and the invigilator's side."""
