"""What courses, live classes and quizzes are alike in: a sheet in the name of an organisation that another person reviews."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from school.core.secrecy import Secrecy
from school.org.models import Account, Organization


class Offered:
    """The columns such tables share. Who makes it, and which states it goes through, each says in its own words."""

    title: Mapped[str] = mapped_column(sa.String(80))
    slip: Mapped[str] = mapped_column(sa.String(4), default="")  # the characters on the cover (题签)
    summary: Mapped[str] = mapped_column(sa.String(1000), default="")
    org_id: Mapped[int] = mapped_column(sa.ForeignKey(Organization.id), index=True)  # 主办单位
    compulsory: Mapped[bool] = mapped_column(default=False)
    secrecy: Mapped[Secrecy] = mapped_column(sa.String(10), default=Secrecy.INTERNAL)
    reviewer_id: Mapped[int | None] = mapped_column(sa.ForeignKey(Account.id))
    review_note: Mapped[str] = mapped_column(sa.String(400), default="")
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)  # for two people who edit at once

    @declared_attr
    @classmethod
    def org(cls) -> Mapped[Organization]:
        return relationship()
