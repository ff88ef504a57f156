"""Every address of the room on its one blueprint, as the roof registers it."""

from school.quizzes import (
    bank_pages,
    composer,
    desk,
    exchange_pages,
    file_pages,
    key_pages,
    onpaper_pages,
    pages,
    report_pages,
    results_pages,
    reviewing,
    short_pages,
    sittings_api,
    studio,
    taking,
)
from school.quizzes.blueprint import blueprint

__all__ = [
    "bank_pages",
    "blueprint",
    "composer",
    "desk",
    "exchange_pages",
    "file_pages",
    "key_pages",
    "onpaper_pages",
    "pages",
    "report_pages",
    "results_pages",
    "reviewing",
    "short_pages",
    "sittings_api",
    "studio",
    "taking",
]
