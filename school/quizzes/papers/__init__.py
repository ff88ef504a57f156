"""Quizzes before they are sat: the sheet, the paper fixed or drawn by rule, review, the lists, the gate, and exams on paper."""
