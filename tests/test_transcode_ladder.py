"""The plan for a source, purely."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_worker.transcode import extras, ladder
from media_worker.transcode.facts import Facts, Picture, Sound

PICTURE = Picture(
    codec="h264", width=1920, height=1080, pixel_aspect=Fraction(1), rotation=0, rate=Fraction(30), pixel_format="yuv420p",
    interlaced=False, start_us=0, end_us=60_000_000, bit_rate=2_000_000, longest_gap_us=33_333, codecs="avc1.640028",
    timescale=15_360, longest_gop_us=2_000_000, cuts_us=tuple(range(0, 60_000_000, 4_000_000)),
)  # fmt: skip
FACTS = Facts("mov,mp4", 15_000_000, 60_000_000, 60_000_000, PICTURE, Sound("aac", 2, 44_100, 0, 60_000_000))


def shown(width: int, height: int, rate: Fraction = Fraction(30)) -> list[tuple[str, int, int]]:
    return [(s.name, s.width, s.height) for s in ladder.sizes(width, height, rate)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), [("1080", 1920, 1080), ("720", 1280, 720), ("480", 854, 480)]),
        ((1080, 1920), [("1080", 1080, 1920), ("720", 720, 1280), ("480", 480, 854)]),
        ((3840, 2160), [("1080", 1920, 1080), ("720", 1280, 720), ("480", 854, 480)]),
        ((1804, 1080), [("1080", 1804, 1080), ("720", 1202, 720), ("480", 802, 480)]),
        ((1600, 900), [("1080", 1600, 900), ("720", 1280, 720), ("480", 854, 480)]),
        ((1366, 768), [("720", 1280, 720), ("480", 854, 480)]),
        ((1280, 720), [("720", 1280, 720), ("480", 854, 480)]),
        ((720, 576), [("480", 600, 480)]),
        ((640, 360), [("480", 640, 360)]),
        ((321, 181), [("480", 320, 180)]),
        ((2560, 1080), [("1080", 1920, 810), ("720", 1280, 540), ("480", 854, 360)]),
    ],
)
def test_the_ladder_of_a_size(size: tuple[int, int], expected: list[tuple[str, int, int]]) -> None:
    assert shown(*size) == expected


@given(st.integers(2, 8000), st.integers(2, 5000))
def test_no_rendition_is_larger_than_its_source_or_odd(width: int, height: int) -> None:
    steps = ladder.sizes(width, height, Fraction(25))
    assert steps
    for step in steps:
        assert step.width <= width
        assert step.height <= height
        assert step.width % 2 == step.height % 2 == 0
    assert [s.width * s.height for s in steps] == sorted((s.width * s.height for s in steps), reverse=True)


@pytest.mark.parametrize(
    ("measured", "rate"),
    [
        (29.97, Fraction(30000, 1001)), (30.0, Fraction(30)), (23.976, Fraction(24000, 1001)), (25.01, Fraction(25)),
        (14.3, Fraction(15)), (0.2, Fraction(1)), (59.94, Fraction(60000, 1001)),
    ],
)  # fmt: skip
def test_a_measured_rate_is_a_usual_one(measured: float, rate: Fraction) -> None:
    assert ladder.snapped(measured) == rate


@given(st.sampled_from([7, 10, 12, 15, 24, 25, 30, Fraction(24000, 1001), Fraction(30000, 1001)]), st.integers(0, 5000))
def test_every_segment_begins_at_a_whole_tick_and_frame(rate: Fraction, number: int) -> None:
    plan = ladder.plan(replace(FACTS, picture=replace(PICTURE, rate=Fraction(rate), codecs="", cuts_us=())))
    assert (plan.start(number) * plan.timescale).denominator == 1
    assert (plan.start(number) * plan.rate).denominator == 1
    assert abs(plan.start(1) - ladder.SEGMENT) < Fraction(1, 2)


def test_above_30_frames_a_second_are_halved() -> None:
    assert ladder.halved(Fraction(60)) == 30
    assert ladder.halved(Fraction(60000, 1001)) == Fraction(30000, 1001)
    assert ladder.halved(Fraction(50)) == 25
    assert ladder.halved(Fraction(120)) == 30


def test_a_clean_source_is_copied_and_only_the_rest_encoded() -> None:
    plan = ladder.plan(FACTS)
    assert plan.copied
    assert plan.copied.name == "1080"
    assert [s.name for s in plan.steps] == ["720", "480"]
    assert plan.count == 15
    assert [r.name for r in plan.renditions] == ["1080", "720", "480", "audio"]


@pytest.mark.parametrize(
    "change",
    [
        {"codecs": ""}, {"cuts_us": ()}, {"rotation": 90}, {"pixel_aspect": Fraction(16, 11)}, {"interlaced": True},
        {"pixel_format": "yuv444p"}, {"longest_gop_us": 8_000_000}, {"bit_rate": 30_000_000}, {"start_us": 400_000},
        {"end_us": 50_000_000}, {"rate": Fraction(60)}, {"width": 2560, "height": 1440},
    ],
)  # fmt: skip
def test_what_keeps_a_source_from_being_copied(change: dict[str, object]) -> None:
    plan = ladder.plan(replace(FACTS, picture=replace(PICTURE, **change)))  # type: ignore[arg-type]
    assert plan.copied is None
    assert not plan.cuts_us
    assert plan.steps[0].name == "1080"


def test_a_recording_of_sound_alone_and_a_silent_one() -> None:
    heard = ladder.plan(replace(FACTS, picture=None))
    assert [r.name for r in heard.renditions] == ["audio"]
    assert heard.count == 0
    silent = ladder.plan(replace(FACTS, sound=None))
    assert [r.kind for r in silent.renditions] == ["video"] * 3
    assert silent.audio_count == 0


@given(st.sets(st.integers(0, 40)), st.integers(1, 40))
def test_runs_make_every_missing_segment_once(stored: set[int], count: int) -> None:
    asked: list[int] = []
    first = 0
    while run := ladder.next_run(stored, first, count):
        assert len(run) <= ladder.RUN
        assert run.start not in stored
        asked += run
        first = run.stop
    assert set(range(count)) - stored <= set(asked)
    assert len(asked) == len(set(asked))


@given(st.integers(1000, 40_000_000))
def test_levels_hold_what_the_encoder_makes(area: int) -> None:
    level = ladder.level(1920, max(2, min(1080, area // 1920)), Fraction(30))
    assert level in {30, 31, 32, 40}


def test_facts_survive_the_database() -> None:
    assert Facts.from_json(json.loads(json.dumps(FACTS.to_json()))) == FACTS


def test_a_storyboard_never_has_more_than_a_hundred_pictures() -> None:
    assert extras.sprite(95_000_000) == (10, 10, 1)
    assert extras.sprite(3 * 3600 * 1_000_000) == (108, 100, 10)
    assert extras.sprite(1_000_000) == (10, 1, 1)


def test_loudness_is_read_from_what_the_filter_says() -> None:
    said = "x Summary:\n\n  Integrated loudness:\n    I:         -14.3 LUFS\n    Threshold: -24.3 LUFS\n\n  Loudness range:\n    LRA:         6.2 LU\n  True peak:\n    Peak:       -2.9 dBFS\n"
    assert extras.measured(said) == {"integrated_lufs": -14.3, "range_lu": 6.2, "peak_dbfs": -2.9}
    assert extras.measured("    Peak:       -inf dBFS\n") == {}
