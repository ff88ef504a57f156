"""Processes that make media: the transcoder, and later the live relay and packager. No Flask here."""
