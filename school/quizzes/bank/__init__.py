"""The question bank: questions with versions and keys, their files, search, review, import and export, and lending to a live class."""
