"""What an organisation's page reads: its figures, months and place in the tree, then its members or what lies below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.orm import Session

from school.core.person import Person, Role
from school.org.models import Organization, OrgType
from school.org.queries import ancestors
from school.portal.sheets import Summary, mean, remainder
from school.records import reports
from school.records.cases import waiting_counts
from school.records.models import OrgYear
from school.records.reports import Filters, MemberRow
from school.webkit.figures import places

PAGE_SIZE = 20
YEARS = 5  # offered to choose from
KEEPERS = (Role.BRANCH_SECRETARY, Role.ORG_ADMIN)  # who reads an organisation's figures
WITH_MEMBERS = (OrgType.BRANCH, OrgType.JOINT_BRANCH, OrgType.GROUP)


@dataclass(frozen=True, slots=True)
class Overview:
    """One page. `crumbs` are the organisations above, each with whether this person may open it; `months` mean hundredths
    of hours a member, (集中, 网络). A branch fills `rows` and `found`, a committee `children`, `own` and what a search found."""

    org: Organization
    year: int
    years: list[int]
    crumbs: list[tuple[Organization, bool]]
    total: Summary
    months: list[tuple[int, int]]
    filters: Filters
    rows: list[MemberRow]
    found: int = 0
    children: list[Summary] = field(default_factory=list)
    own: Summary | None = None
    waiting: int = 0  # 申请复核 that this person may answer

    @property
    def with_members(self) -> bool:
        return self.org.kind in WITH_MEMBERS

    @property
    def first(self) -> int:
        """The place of the first row in the whole list, from 1."""
        return (self.filters.page - 1) * PAGE_SIZE + 1

    @property
    def more(self) -> bool:
        return self.filters.page * PAGE_SIZE < self.found

    @property
    def group_places(self) -> int:
        return places(figure for row in self.rows for figure in (row.group_100, row.needed_group_100))

    @property
    def online_places(self) -> int:
        return places(row.online_100 for row in self.rows)


def read(s: Session, person: Person, org: Organization, year: int, today: date, filters: Filters) -> Overview:
    """Everything the page of `org` shows; whether `person` may see it has been asked before."""
    figures = reports.totals(s, org.id, year)
    total = Summary(org, figures)
    found, below, own = 0, list[Summary](), None
    if org.kind in WITH_MEMBERS:
        rows, found = reports.members(s, org.id, year, filters, PAGE_SIZE)
    else:
        rows = reports.find_members(s, org, year, filters.text, total.members)
        below = [Summary(*each) for each in reports.children(s, org.id, year, now=year == today.year)]
        own = remainder(total, below)
    return Overview(
        org=org,
        year=year,
        years=sorted({year, today.year, *reports.years(s, org.id)}, reverse=True)[:YEARS],
        crumbs=crumbs(s, person, org),
        total=total,
        months=_months(figures, 12 if year < today.year else today.month if year == today.year else 0),
        filters=filters,
        rows=rows,
        found=found,
        children=below,
        own=own,
        waiting=waiting_counts(s, [org.id], person.member_id).get(org.id, 0),
    )


def crumbs(s: Session, person: Person, org: Organization) -> list[tuple[Organization, bool]]:
    """The organisations above, the topmost first, each with whether this person may open it."""
    return [(above, person.holds(above.path, *KEEPERS)) for above in ancestors(s, org.id)]


def _months(figures: OrgYear | None, begun: int) -> list[tuple[int, int]]:
    """Means of the months begun; [] when there is nothing to show."""
    months: Sequence[Sequence[int]] = figures.months if figures else []
    if not figures or not figures.members or not any(map(any, months)):
        return []
    return [(mean(group, figures.members), mean(online, figures.members)) for group, online in months[:begun]]
