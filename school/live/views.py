"""Every address of the room on its one blueprint, as the roof registers it."""

from school.live import acts, console, pages, reports, reviewing, room, studio, tickets
from school.live.blueprint import blueprint

__all__ = ["acts", "blueprint", "console", "pages", "reports", "reviewing", "room", "studio", "tickets"]
