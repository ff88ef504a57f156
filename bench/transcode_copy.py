"""CPU of the transcode job when the source's own stream is the largest rendition, beside the bare ffmpeg that encodes all three."""

from __future__ import annotations

from bench.harness import Goal, Measured
from bench.transcode import LENGTHS, compare, lecture

GOAL = Goal(0.6, "× one bare ffmpeg")
CLOSE = 60  # frames between key frames, as recorders and meeting software write them


def measure() -> Measured:
    return compare({seconds: lecture(seconds, CLOSE) for seconds in LENGTHS}, copied=True)
