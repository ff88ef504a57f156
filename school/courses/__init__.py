"""Courses: the catalogue (课程中心), lessons, the trainer's studio and review before publication."""
