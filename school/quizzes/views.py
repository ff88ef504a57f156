"""Every address of the room on its one blueprint, as the roof registers it."""

from school.quizzes.analysis import views as report_pages
from school.quizzes.bank import exchange_views as exchange_pages
from school.quizzes.bank import file_views as file_pages
from school.quizzes.bank import views as bank_pages
from school.quizzes.blueprint import blueprint
from school.quizzes.marks import key_views as key_pages
from school.quizzes.marks import results_views as results_pages
from school.quizzes.marks import short_views as short_pages
from school.quizzes.papers import composer, pages, reviewing, studio
from school.quizzes.papers import onpaper_views as onpaper_pages
from school.quizzes.sittings import desk, taking
from school.quizzes.sittings import views as sittings_api

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
