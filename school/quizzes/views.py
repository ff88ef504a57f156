"""Every address of the room on its one blueprint, as the roof registers it."""

from school.quizzes import pages, sittings_api, taking
from school.quizzes.blueprint import blueprint

__all__ = ["blueprint", "pages", "sittings_api", "taking"]
