"""The online party school (网上党校): courses, live classes, quizzes and the study-hour ledger they all feed."""

__version__ = "0.3.0"
