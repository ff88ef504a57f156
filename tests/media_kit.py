"""What several tests of the media room need."""

from __future__ import annotations

import time

from sqlalchemy.orm import Session

from school.core.time import now
from school.media.models import AssetState, MediaAsset
from school.org.models import Account


def an_asset(s: Session, state: AssetState = AssetState.CHECKING) -> MediaAsset:
    owner = Account(login=f"t{time.monotonic_ns()}", name="何小满", password_hash="x", created_at=now())
    s.add(owner)
    s.flush()
    asset = MediaAsset(owner_id=owner.id, title="第一讲", file_name="a.mp4", size=1, state=state, created_at=now())
    s.add(asset)
    s.flush()
    return asset
