"""Every address of the room on its one blueprint, as the roof registers it."""

from school.live import acts, pages
from school.live import tickets
from school.live.blueprint import blueprint

__all__ = ["acts", "blueprint", "pages"]
