"""The tests as programs of their own: what a killed run leaves behind, and ports that nobody else is given."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil

import services
import warden
from patience import until

RUN = """
import subprocess, sys, time, warden
warden.watch_over_this_run()
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True).pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_killed_run() -> None:
    environ = {name: value for name, value in os.environ.items() if name != warden.MARK}
    environ["PYTHONPATH"] = os.path.dirname(warden.__file__)
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, env=environ)
    assert run.stdout is not None
    left = psutil.Process(int(run.stdout.readline()))
    assert left.is_running()
    run.kill()
    run.wait()
    run.stdout.close()
    until(lambda: services.gone(left))


def test_a_port_is_given_once() -> None:
    mine = [services.free_port() for _ in range(50)]
    assert len(set(mine)) == 50
    for port in mine:
        assert not services.listening("127.0.0.1", port)
