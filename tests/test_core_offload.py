"""Work in the hub's thread pool: others go on meanwhile, what it raises arrives, and a killed caller waits for its end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from school.core.offload import in_thread

SCRIPT = """
from gevent import monkey; monkey.patch_all()
import gevent
from gevent.monkey import get_original
from school.core.offload import in_thread
sleep, done, unwound = get_original("time", "sleep"), [], []
def work():
    done.append("begun")
    sleep(0.3)
    done.append("ended")
    return 7
def caller():
    try:
        in_thread(work)
    finally:
        unwound.append(list(done))
turns = 0
def others():
    global turns
    while True:
        turns += 1
        gevent.sleep(0.005)
gevent.spawn(others)
assert in_thread(work) == 7 and turns > 3, turns
try:
    in_thread(int, "x")
except ValueError:
    print("raised")
done.clear()
killed = gevent.spawn(caller)
while not done:
    gevent.sleep(0.005)
killed.kill()
print(unwound, killed.dead)
"""


def test_work_leaves_the_hub_and_is_never_left_behind() -> None:
    answer = subprocess.run([sys.executable, "-W", "error", "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (answer.stdout, answer.stderr) == ("raised\n[['begun', 'ended']] True\n", "")


def test_without_gevent_it_simply_runs() -> None:
    assert in_thread(pow, 2, 5) == 32
    with pytest.raises(ValueError, match="invalid literal"):
        in_thread(int, "x")
