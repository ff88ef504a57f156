"""What every bench shares: CPU seconds of processes, alternating runs of ours and the floor, and the one result object."""

from __future__ import annotations

import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))  # the tests' real servers


@dataclass(frozen=True)
class Goal:
    """The figure a bench must reach: `value` in `unit` at most."""

    value: float
    unit: str


@dataclass(frozen=True)
class Measured:
    """What a bench found: the figure, every run behind it, and what else must be true for it to hold."""

    value: float
    runs: list[dict[str, Any]]
    sound: bool = True
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spent:
    """CPU and wall seconds of one run."""

    cpu: float
    wall: float


def spent(work: Callable[[], object]) -> Spent:
    """What `work` costs in this process and in the children it waits for."""

    def clocks() -> float:
        return sum(
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )

    cpu, wall = clocks(), time.perf_counter()
    work()
    return Spent(clocks() - cpu, time.perf_counter() - wall)


def ahead() -> bool:
    """Let this process, and whatever it starts from now on, run before all other work of the machine; whether it may (root).

    A niceness would not do: Linux weighs it only within a session, and every server here is a session of its own.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True


def process_cpu(pid: int) -> float:
    """CPU seconds so far of a running process and its children."""
    parent = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in [parent, *parent.children(recursive=True)])


def alternate(
    sides: dict[str, Callable[[], Spent]], rounds: int, *, warm: int = 1
) -> tuple[dict[str, Spent], list[dict[str, Any]]]:
    """Run the sides in turn, every other round backwards; medians by side and each run as it was."""
    for _ in range(warm):
        for run in sides.values():
            run()
    found: dict[str, list[Spent]] = {name: [] for name in sides}
    runs: list[dict[str, Any]] = []
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            one = sides[name]()
            found[name].append(one)
            runs.append({"side": name, "cpu_s": round(one.cpu, 4), "wall_s": round(one.wall, 4)})
    medians = {
        name: Spent(statistics.median(one.cpu for one in each), statistics.median(one.wall for one in each))
        for name, each in found.items()
    }
    return medians, runs


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """This machine in one line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = round(psutil.virtual_memory().total / 1024**3)
    return f"{os.cpu_count()} × {model}, {memory} GiB, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def ffmpeg() -> str:
    """Path of the ffmpeg that the school uses."""
    import imageio_ffmpeg

    path: str = imageio_ffmpeg.get_ffmpeg_exe()
    return path


def quiet(command: Sequence[str | Path]) -> None:
    """Run a command to its end; CalledProcessError with its words when it fails."""
    subprocess.run(command, check=True, capture_output=True)


def report(name: str, goal: Goal, measured: Measured) -> dict[str, Any]:
    """The object that `script/bench` prints."""
    return {
        "name": name,
        "value": round(measured.value, 3),
        "unit": goal.unit,
        "goal": goal.value,
        "holds": measured.sound and measured.value <= goal.value,
        "machine": machine(),
        "runs": measured.runs,
        **measured.notes,
    }
