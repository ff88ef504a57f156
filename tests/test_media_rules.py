"""The pure rules of the media room: cutting uploads into parts, names, metadata, expiries and playlists."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from school.core.errors import Invalid
from school.media import playlists, reasons, rules
from school.media.rules import PartCutter, Piece, Rendition, Run

FULL, SHORT = 8, 5  # in place of 8 and 5 MiB


def upload(source: bytes, requests: list[list[int]]) -> dict[int, bytes]:
    """Send `source` in requests that break after the given reads; the parts as the database would hold them."""
    parts: dict[int, bytes] = {}
    offset = 0
    for reads in [*requests, [len(source)]]:
        last = max(parts) if parts else None
        tail = parts[last] if last is not None and rules.is_short(len(parts[last]), short=SHORT) else b""
        cutter = PartCutter(offset, tail, full=FULL)
        pieces: list[Piece] = []
        sent = offset
        for size in reads:
            pieces += cutter.feed(source[sent : sent + size])
            sent = min(sent + size, len(source))
        rest = cutter.rest()
        for piece in [*pieces, *([rest] if rest else [])]:
            parts[piece.offset] = piece.data
            offset = piece.end
        assert offset == sent, "everything that came in is in a part"
    return parts


@given(st.binary(max_size=100), st.lists(st.lists(st.integers(0, 20), max_size=6), max_size=8))
def test_however_the_line_breaks_the_parts_join_to_the_source(source: bytes, requests: list[list[int]]) -> None:
    parts = upload(source, requests)
    assert b"".join(parts[offset] for offset in sorted(parts)) == source
    ends = [offset + len(parts[offset]) for offset in sorted(parts)]
    assert sorted(parts)[1:] == ends[:-1], "no gap and no overlap"


@given(st.binary(min_size=1, max_size=100), st.lists(st.lists(st.integers(0, 20), max_size=6), max_size=8))
def test_only_the_last_part_may_be_short(source: bytes, requests: list[list[int]]) -> None:
    sizes = [len(data) for _, data in sorted(upload(source, requests).items())]
    assert all(SHORT <= size <= FULL for size in sizes[:-1])
    assert 0 < sizes[-1] <= FULL


def test_nothing_new_makes_no_part() -> None:
    assert PartCutter(3, b"abc", full=FULL).rest() is None
    assert PartCutter(0, full=FULL).rest() is None


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("台账规范.mov", "台账规范.mov"),
        ("../../etc/passwd", "passwd"),
        ("C:\\录像\\第一讲.mp4", "第一讲.mp4"),
        ("a\x00b\x1b[31m\u202egpj.mp4", "ab[31mgpj.mp4"),
        ("行\r\n尾\t.mp4", "行 尾 .mp4"),
        ("引\"号'<b>.mp4", "引\"号'<b>.mp4"),
        ("..", ""),
        ("  .隐藏. ", "隐藏"),
        ("阿依古丽·买买提.mp4", "阿依古丽·买买提.mp4"),
        ("\ud800坏.mp4", "坏.mp4"),
    ],
)
def test_a_file_name_is_fit_to_be_shown(given_name: str, kept: str) -> None:
    assert rules.clean_name(given_name) == kept


def test_a_very_long_name_keeps_its_suffix() -> None:
    name = rules.clean_name("长" * 300 + ".mp4")
    assert len(name) == rules.NAME_LENGTH
    assert name.endswith("….mp4")
    assert len(rules.clean_name("长" * 300)) == rules.NAME_LENGTH


@given(st.text(max_size=400))
def test_no_name_can_leave_its_folder(name: str) -> None:
    kept = rules.clean_name(name)
    assert "/" not in kept
    assert "\\" not in kept
    assert kept not in {".", ".."}
    assert len(kept) <= rules.NAME_LENGTH
    assert rules.clean_name(kept) == kept
    assert kept.isprintable() or not kept


@pytest.mark.parametrize(
    ("name", "stem"), [("第一讲.mp4", "第一讲"), (".mp4", ".mp4"), ("没有后缀", "没有后缀"), ("a.b.mkv", "a.b")]
)
def test_the_stem_is_the_first_title(name: str, stem: str) -> None:
    assert rules.stem(name) == stem


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_metadata_is_read() -> None:
    header = f"filename {b64('第一讲.mp4')}, filetype {b64('video/mp4')},is_draft"
    assert rules.parse_metadata(header) == {"filename": "第一讲.mp4", "filetype": "video/mp4", "is_draft": ""}
    assert rules.parse_metadata("") == {}


@pytest.mark.parametrize("header", ["filename 第一讲", "filename ***", "filename YQ==,filename YQ=="])
def test_metadata_that_is_none_is_refused(header: str) -> None:
    with pytest.raises(Invalid):
        rules.parse_metadata(header)


@pytest.mark.parametrize(
    ("size", "words"),
    [(1, "1 MB"), (412 * 1024**2, "412 MB"), (1024**3, "1 GB"), (1932735283, "1.8 GB"), (8 * 1024**3, "8 GB")],
)
def test_sizes_as_people_read_them(size: int, words: str) -> None:
    assert rules.size_words(size) == words


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1), timezones=st.just(UTC)),
    st.integers(0, 12 * 3_600_000),
)
def test_a_path_outlives_the_recording_by_six_hours_and_is_shared(moment: datetime, length_ms: int) -> None:
    expiry = rules.path_expiry(moment, length_ms)
    least = moment + timedelta(milliseconds=length_ms, hours=6)
    assert least <= expiry < least + timedelta(hours=6, seconds=1)
    assert expiry.timestamp() % (6 * 3600) == 0


LADDER = [
    Rendition("1080", "video", "avc1.640028", 3_200_000, 2_400_000, 1920, 1080, 30.0),
    Rendition("480", "video", "avc1.64001e", 700_000, 500_000, 854, 480, 30.0),
    Rendition("audio", "audio", "mp4a.40.2", 100_000, 96_000),
]


def test_the_master_playlist_adds_the_sound_to_every_picture() -> None:
    assert playlists.master(LADDER) == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="audio",DEFAULT=YES,AUTOSELECT=YES,URI="audio/index.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=596000,CODECS="avc1.64001e,mp4a.40.2",'
        'RESOLUTION=854x480,FRAME-RATE=30.000,AUDIO="sound"\n480/index.m3u8\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=3300000,AVERAGE-BANDWIDTH=2496000,CODECS="avc1.640028,mp4a.40.2",'
        'RESOLUTION=1920x1080,FRAME-RATE=30.000,AUDIO="sound"\n1080/index.m3u8\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=100000,AVERAGE-BANDWIDTH=96000,CODECS="mp4a.40.2",AUDIO="sound"\n'
        "audio/index.m3u8\n"
    )


def test_a_silent_picture_and_a_sound_alone_need_no_group() -> None:
    silent, heard = playlists.master(LADDER[:2]), playlists.master(LADDER[2:])
    assert "AUDIO" not in silent
    assert 'CODECS="avc1.64001e",' in silent
    assert heard.splitlines()[3:] == [
        '#EXT-X-STREAM-INF:BANDWIDTH=100000,AVERAGE-BANDWIDTH=96000,CODECS="mp4a.40.2"',
        "audio/index.m3u8",
    ]


def test_a_growing_playlist_begins_at_the_beginning_and_a_sealed_one_ends() -> None:
    growing = playlists.media("720", [(0, 4_000_000, 0), (1, 3_966_667, 0)], sealed=False)
    assert growing == (
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:6\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-START:TIME-OFFSET=0,PRECISE=YES\n"
        '#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4.000000,\n00000.m4s\n#EXTINF:3.966667,\n00001.m4s\n'
    )
    sealed = playlists.media("720", [(0, 8_600_000, 0)], sealed=True)
    assert "#EXT-X-TARGETDURATION:9\n#EXT-X-PLAYLIST-TYPE:VOD\n" in sealed
    assert sealed.endswith("#EXTINF:8.600000,\n00000.m4s\n#EXT-X-ENDLIST\n")
    assert "EXT-X-START" not in sealed


def test_each_run_has_its_init_section_and_is_announced() -> None:
    text = playlists.media("source", [(0, 2_000_000, 0), (1, 900_000, 0), (2, 2_000_000, 1)], sealed=True)
    assert text.splitlines()[6:] == [
        '#EXT-X-MAP:URI="init.mp4"', "#EXTINF:2.000000,", "00000.m4s", "#EXTINF:0.900000,", "00001.m4s",
        "#EXT-X-DISCONTINUITY", '#EXT-X-MAP:URI="init-1.mp4"', "#EXTINF:2.000000,", "00002.m4s", "#EXT-X-ENDLIST",
    ]  # fmt: skip


def test_runs_end_where_time_is_missing() -> None:
    wall = 1_800_000_000_000
    assert rules.merged_runs([]) == []
    assert rules.merged_runs(
        [
            (0, 2_000_000, 0, wall),
            (2000, 2_000_000, 0, wall + 2300),  # wavers
            (4000, 1_500_000, 1, wall + 4000),  # another publisher, at once
            (5500, 2_000_000, 1, wall + 65_500),  # the class was paused for a minute
        ]
    ) == [Run(wall, 0, 4000), Run(wall + 4000, 4000, 1500), Run(wall + 65_500, 5500, 2000)]


@pytest.mark.parametrize(
    ("name", "open_to_all"),
    [
        ("master.m3u8", True), ("720/index.m3u8", True), ("audio/init.mp4", True), ("1080/00012.m4s", True),
        ("source/init-12.mp4", True), ("source/init-.mp4", False),
        ("poster.jpg", True), ("storyboard.jpg", True), ("720/../../../keys.json", False), ("../2/poster.jpg", False),
        ("720/12.m4s", False), ("720/secret.txt", False), ("", False), ("master.m3u8\n", False), ("720//00001.m4s", False),
    ],
)  # fmt: skip
def test_only_playable_names_open(name: str, open_to_all: bool) -> None:
    assert (rules.PLAYABLE.fullmatch(name) is not None) == open_to_all


def test_reasons_speak_in_clock_times_and_always_say_what_to_do() -> None:
    message, params = reasons.sentence("file.truncated", {"kept_ms": 760_000, "expected_ms": 3_723_000})
    assert "只有前 12:40" in message % params
    assert "1:02:03" in message % params
    for code, text in reasons.REASONS.items():
        assert "请" in text or "点“重试”" in text, code
