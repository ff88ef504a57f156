"""Boxes of fragmented MP4: read whole, moved in time, never trusted."""

from __future__ import annotations

import io
import struct

import pytest
import transcode_kit as kit
from hypothesis import given
from hypothesis import strategies as st

from media_worker.transcode import boxes
from media_worker.transcode.boxes import Fragment


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("boxes") / "a.mp4"
    kit.clip(path, "-c:v", "libx264", "-g", "25", "-an", "-movflags", "+frag_keyframe+empty_moov+default_base_moof",
             "-video_track_timescale", "12800", sound=False, seconds=4)  # fmt: skip
    return path.read_bytes()


def test_pieces_are_the_init_section_and_one_fragment_for_each_key_frame(film: bytes) -> None:
    init, *fragments = boxes.read_pieces(io.BytesIO(film))
    assert isinstance(init, bytes)
    assert boxes.timescale(init) == 12_800
    assert boxes.codecs(init).startswith("avc1.64")
    parts = [f for f in fragments if isinstance(f, Fragment)]
    assert [f.base for f in parts] == [0, 12_800, 25_600, 38_400]
    assert [f.samples for f in parts] == [25] * 4
    assert sum(f.length for f in parts) == 4 * 12_800


def test_a_torn_stream_gives_only_whole_fragments(film: bytes) -> None:
    pieces = list(boxes.read_pieces(io.BytesIO(film[: len(film) * 2 // 3])))
    assert 2 <= len(pieces) < 5


def test_moving_a_fragment_changes_its_time_and_nothing_else(film: bytes) -> None:
    fragment = [p for p in boxes.read_pieces(io.BytesIO(film)) if isinstance(p, Fragment)][1]
    moved = boxes.stamped(fragment.data, 1_000_000)
    differing = [n for n, (a, b) in enumerate(zip(fragment.data, moved, strict=True)) if a != b]
    assert len(moved) == len(fragment.data)
    assert 0 < len(differing) <= 8
    again = next(p for p in boxes.read_pieces(io.BytesIO(moved)) if isinstance(p, Fragment))
    assert again.base == 1_012_800


@given(st.binary(max_size=200))
def test_any_bytes_end_in_pieces_or_a_refusal(data: bytes) -> None:
    try:
        list(boxes.walk(data))
        list(boxes.read_pieces(io.BytesIO(data)))
        list(boxes.top_kinds(io.BytesIO(data)))
    except boxes.Malformed:
        pass
    boxes.nal_kinds(data)
    boxes.avc_codecs(data)


def test_a_box_larger_than_memory_is_refused() -> None:
    with pytest.raises(boxes.Malformed):
        list(boxes.read_pieces(io.BytesIO(struct.pack(">I4s", 0xFFFFFFFF, b"mdat"))))


def test_units_must_fill_their_packet() -> None:
    assert boxes.nal_kinds(bytes([0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x41])) == {5, 1}
    assert boxes.nal_kinds(bytes(40)) == set()
    assert boxes.nal_kinds(bytes([0, 0, 0, 9, 0x65, 1])) == set()
