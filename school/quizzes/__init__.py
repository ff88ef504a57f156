"""Quizzes, exams and contests: the question bank, papers, sittings, marking, results and their analysis."""
