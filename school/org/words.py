"""Words for what the org room's tables hold, marked for the catalogue; templates reach them as filters."""

from __future__ import annotations

import re

from school.core.i18n import N_
from school.org.models import MemberCategory

CATEGORIES = {
    MemberCategory.APPLICANT: N_("入党申请人"),
    MemberCategory.ACTIVIST: N_("入党积极分子"),
    MemberCategory.CANDIDATE: N_("发展对象"),
    MemberCategory.PROBATIONARY: N_("预备党员"),
    MemberCategory.FULL: N_("正式党员"),
}

# The first pattern that a browser's name for itself matches says what to call it.
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS|OpenHarmony", "HarmonyOS"), ("Android", "Android"),
    ("Windows", "Windows"), ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip
_BROWSERS = (
    ("MicroMessenger", N_("微信")), ("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip


def device_words(agent: str) -> tuple[str, ...]:
    """What to call a device from its User-Agent: (`Android`, `微信`), source words; empty when nothing is known."""
    found = (next((name for sign, name in kinds if re.search(sign, agent)), "") for kinds in (_SYSTEMS, _BROWSERS))
    return tuple(name for name in found if name)
