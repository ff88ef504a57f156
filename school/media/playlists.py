"""HLS playlists (RFC 8216) as text, written from a timeline's renditions and segments; every name in them is relative."""

from __future__ import annotations

from collections.abc import Sequence

from school.media.rules import Rendition, init_name, segment_name

HEAD = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
LEAST_TARGET = 6  # seconds; a growing playlist may not change its target once longer segments come
SOUND = "sound"  # the one audio group


def master(renditions: Sequence[Rendition]) -> str:
    """The master playlist: pictures from the lightest up, each with the sound beside it, and the sound alone."""
    videos = sorted((r for r in renditions if r.kind == "video"), key=lambda r: r.bandwidth)
    audio = next((r for r in renditions if r.kind == "audio"), None)
    lines = [*HEAD]
    if audio and videos:
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{SOUND}",NAME="{audio.name}",DEFAULT=YES,AUTOSELECT=YES,'
            f'URI="{audio.name}/index.m3u8"'
        )
    for video in videos:
        lines += _variant(video, audio, grouped=audio is not None)
    if audio:
        lines += _variant(audio, None, grouped=bool(videos))
    return "\n".join(lines) + "\n"


def media(rendition: str, segments: Sequence[tuple[int, int, int]], *, sealed: bool) -> str:
    """One rendition's playlist from (number, length in µs, run); while it grows, players begin at its beginning.

    A run has an init section of its own, and players are told that its clock begins anew.
    """
    seconds = [us / 1_000_000 for _, us, _ in segments]
    target = max([LEAST_TARGET, *(int(length + 0.5) for length in seconds)])
    lines = [
        *HEAD,
        f"#EXT-X-TARGETDURATION:{target}",
        f"#EXT-X-PLAYLIST-TYPE:{'VOD' if sealed else 'EVENT'}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        *([] if sealed else ["#EXT-X-START:TIME-OFFSET=0,PRECISE=YES"]),
    ]
    last: int | None = None
    for (number, _, run), length in zip(segments, seconds, strict=True):
        if run != last:
            lines += [] if last is None else ["#EXT-X-DISCONTINUITY"]
            lines.append(f'#EXT-X-MAP:URI="{_file(init_name(rendition, run))}"')
            last = run
        lines += [f"#EXTINF:{length:.6f},", _file(segment_name(rendition, number))]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if sealed else [])]) + "\n"


def _variant(main: Rendition, audio: Rendition | None, *, grouped: bool) -> list[str]:
    """A variant's line and address; its bit rates and codecs include the sound that plays with it."""
    both = [main, *([audio] if audio else [])]
    facts = [f"BANDWIDTH={sum(r.bandwidth for r in both)}"]
    if all(r.average for r in both):
        facts.append(f"AVERAGE-BANDWIDTH={sum(r.average for r in both)}")
    facts.append(f'CODECS="{",".join(r.codecs for r in both)}"')
    if main.kind == "video":
        facts.append(f"RESOLUTION={main.width}x{main.height}")
        if main.frame_rate:
            facts.append(f"FRAME-RATE={main.frame_rate:.3f}")
    if grouped:
        facts.append(f'AUDIO="{SOUND}"')
    return [f"#EXT-X-STREAM-INF:{','.join(facts)}", f"{main.name}/index.m3u8"]


def _file(name: str) -> str:
    return name.rpartition("/")[2]
