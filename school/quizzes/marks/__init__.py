"""Marks: settling by the newest key, short answers marked by people, corrected keys, results and what they earn."""
