"""What runs in a school comes from requirements.lock alone; a package that only the tests install does not count."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

ALONE = """
import re, sys
from importlib.metadata import packages_distributions

locked = set(re.findall(r"^([a-z0-9.-]+)==", open("requirements.lock").read(), re.MULTILINE))
homes = {name: {re.sub(r"[-_.]+", "-", one).lower() for one in dists} for name, dists in packages_distributions().items()}

class Gate:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        homes_of = homes.get(top, set()) - {"online-party-school"}
        if top in homes and homes_of and not homes_of & locked:
            raise ModuleNotFoundError(f"{name} is not in requirements.lock")

sys.meta_path.insert(0, Gate())
import gunicorn.workers.ggevent
import media_worker.transcode.worker, school.cli, school.clock, school.demo, school.wsgi
print("all there")
"""


def test_every_process_starts_with_what_the_lock_names() -> None:
    answer = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.stdout == "all there\n", answer.stderr


def test_the_locks_carry_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text, name
        pinned = re.findall(r"^[a-z0-9.-]+==", text, re.MULTILINE)
        blocks = re.split(r"^(?=[a-z0-9.-]+==)", text, flags=re.MULTILINE)[1:]
        assert pinned
        assert all("--hash=sha256:" in block for block in blocks), name


def test_both_locks_agree() -> None:
    versions = [
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-test.lock")
    ]
    assert {name: versions[1].get(name) for name in versions[0]} == versions[0]
