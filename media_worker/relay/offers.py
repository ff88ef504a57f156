"""What an offer (SDP) asks for, section by section, before a connection is made for it."""

from __future__ import annotations

from dataclasses import dataclass

from media_worker.relay import aiortc_hooks as hooks
from school.core.errors import Invalid
from school.core.i18n import N_

LARGEST = 64 * 1024  # bytes of an offer
SECTIONS = 10


@dataclass(frozen=True, slots=True)
class Section:
    """One media section; `codecs` of those we know, in lower case."""

    kind: str
    direction: str
    codecs: tuple[str, ...]

    @property
    def sends(self) -> bool:
        return self.direction in ("sendonly", "sendrecv")

    @property
    def receives(self) -> bool:
        return self.direction in ("recvonly", "sendrecv")

    def codec(self, *, transcode: bool = False) -> str | None:
        """What it will carry: `opus`, `h264`, with `transcode` also `vp8`; None when nothing fits."""
        wanted = ("opus",) if self.kind == "audio" else ("h264", "vp8") if transcode else ("h264",)
        return next((codec for codec in wanted if codec in self.codecs), None)


def read(offer: str) -> list[Section]:
    """The sections of an offer; Invalid (`stream.offer`) when it is none, or asks for more than pictures and sound."""
    try:
        media = hooks.parse(offer).media
        if not 1 <= len(media) <= SECTIONS or any(one.kind not in ("audio", "video") for one in media):
            raise ValueError("sections")
        return [Section(one.kind, one.direction or "sendrecv", tuple(hooks.common_codecs(one))) for one in media]
    except ValueError as error:
        raise Invalid("stream.offer", N_("直播软件发来的连接请求读不懂。请更新浏览器或直播软件后再试。")) from error
