"""Every address of the room on its one blueprint, as the roof registers it."""

from school.courses import catalogue, reviewing, studio, watch
from school.courses.blueprint import blueprint

__all__ = ["blueprint", "catalogue", "reviewing", "studio", "watch"]
