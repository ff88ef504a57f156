"""Every table of the school in one place, so that foreign keys resolve and migrations see them all."""

from school.core import lease
from school.core.db import Base
from school.courses import models as courses
from school.live import models as live
from school.media import models as media
from school.org import models as org
from school.quizzes.bank import models as bank
from school.quizzes.marks import models as marks
from school.quizzes.papers import models as papers
from school.quizzes.sittings import models as sittings
from school.records import models as records

__all__ = ["Base", "bank", "courses", "lease", "live", "marks", "media", "org", "papers", "records", "sittings"]
