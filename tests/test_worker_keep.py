"""The parent that forks whoever runs: back after a kill, ends with its child, and leaves nobody behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from patience import PATIENCE_S, until
from services import gone

PROGRAM = """
import signal, sys, time
from media_worker import keep
keep.STEADY = float(sys.argv[1])
keep.keep("it")
def asked(number, frame):
    print('asked', number, flush=True)
    raise SystemExit(7)
signal.signal(signal.SIGTERM, asked)
print('here', flush=True)
time.sleep(60)
"""


@contextmanager
def kept(folder: Path, *, steady: float, program: str = PROGRAM) -> Iterator[tuple[psutil.Popen, Path]]:
    """A program that is kept, and what it says."""
    said = folder / "said"
    with said.open("wb") as out:
        process = psutil.Popen([sys.executable, "-c", program, str(steady)], stdout=out, stderr=subprocess.DEVNULL)
        try:
            yield process, said
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def test_what_is_killed_is_there_again(tmp_path: Path) -> None:
    with kept(tmp_path, steady=0.0) as (parent, said):
        for falls in range(1, 4):
            until(lambda falls=falls: said.read_text().count("here") == falls)
            (child,) = parent.children()
            child.kill()
        until(lambda: said.read_text().count("here") == 4)
        assert parent.poll() is None


def test_what_falls_at_once_is_left_to_whoever_waits_longer(tmp_path: Path) -> None:
    with kept(tmp_path, steady=1000.0) as (parent, said):
        until(lambda: "here" in said.read_text())
        parent.children()[0].kill()
        assert parent.wait(PATIENCE_S) == 128 + signal.SIGKILL
        assert said.read_text() == "here\n"


def test_a_program_that_cannot_run_says_so(tmp_path: Path) -> None:
    program = "import sys; from media_worker.keep import keep; keep('it'); sys.exit(3)"
    with kept(tmp_path, steady=0.0, program=program) as (parent, _):
        assert parent.wait(PATIENCE_S) == 3


def test_who_is_asked_to_end_asks_the_child_and_ends_as_it_does(tmp_path: Path) -> None:
    with kept(tmp_path, steady=0.0) as (parent, said):
        until(lambda: "here" in said.read_text())
        parent.terminate()
        assert parent.wait(PATIENCE_S) == 7
        assert said.read_text() == f"here\nasked {signal.SIGTERM}\n"


def test_a_parent_that_is_killed_takes_its_child_along(tmp_path: Path) -> None:
    with kept(tmp_path, steady=0.0) as (parent, said):
        until(lambda: "here" in said.read_text())
        (child,) = parent.children()
        parent.kill()
        until(lambda: gone(child))
