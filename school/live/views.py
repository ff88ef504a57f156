"""Every address of the room on its one blueprint, as the roof registers it."""

from school.live import acts, console, pages, replay, replay_desk, reports, reviewing, room, slides, studio, tickets
from school.live.blueprint import blueprint

__all__ = [
    "acts",
    "blueprint",
    "console",
    "pages",
    "replay",
    "replay_desk",
    "reports",
    "reviewing",
    "room",
    "slides",
    "studio",
    "tickets",
]
