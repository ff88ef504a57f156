"""Every table of the school in one place, so that foreign keys resolve and migrations see them all."""

from school.core import lease
from school.core.db import Base
from school.courses import models as courses
from school.live import models as live
from school.media import models as media
from school.org import models as org
from school.quizzes import models as quizzes
from school.records import models as records

__all__ = ["Base", "courses", "lease", "live", "media", "org", "quizzes", "records"]
