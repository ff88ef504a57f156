"""One contract for both object stores: a folder and a real S3 server, and what each says when it is away or full."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import services
from conftest import with_s3
from school.core.errors import Invalid, NotFound, Unavailable
from school.core.settings import Settings
from school.core.store import ObjectStore, open_store
from school.core.store_folder import FolderStore

MIB = 1024**2


def _keys(store: ObjectStore, prefix: str) -> list[str]:
    return sorted(stat.key for stat in store.list(prefix))


def _bytes(seed: str, size: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(size)


@pytest.mark.parametrize(
    "key", ["a", "t/7/v1/seg-00001.m4s", "课件/第一讲 “两山” 理论.pptx", "名·买买提/é+%20&?=#.mp4"]
)
def test_an_object_is_read_back_whole_under_its_key(store: ObjectStore, key: str) -> None:
    store.put(key, b"one")
    store.put(key, b"two!")
    assert store.read(key) == b"two!"
    assert (store.stat(key).key, store.stat(key).size) == (key, 4)
    assert _keys(store, "") == [key]


def test_an_object_of_eight_mebibytes_and_an_empty_one(store: ObjectStore, tmp_path: Path) -> None:
    data = _bytes("eight", 8 * MIB)
    store.put("big", data)
    store.put("empty", b"")
    assert store.read("big") == data
    assert store.read("empty") == b""
    assert b"".join(store.stream("empty")) == b""
    store.fetch("big", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data


def test_a_file_larger_than_one_request_is_stored(store: ObjectStore, tmp_path: Path) -> None:
    source = tmp_path / "讲座.mp4"
    source.write_bytes(_bytes("file", 33 * MIB + 7))
    store.put_path("up/source", source, "video/mp4")
    assert store.stat("up/source").size == 33 * MIB + 7
    assert store.read("up/source") == source.read_bytes()


@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (0, None), (5, 10), (999_990, 100), (1_000_000, None), (2_000_000, 5), (3, 0)]
)
def test_ranges_are_read_as_python_slices_them(store: ObjectStore, start: int, length: int | None) -> None:
    data = _bytes("range", 1_000_000)
    store.put("r", data)
    end = None if length is None else start + length
    assert b"".join(store.stream("r", start, length)) == data[start:end]


def test_a_stream_may_be_left_half_read(store: ObjectStore) -> None:
    store.put("half", _bytes("half", 2 * MIB))
    for _ in range(40):  # more than the connections there are
        pieces = store.stream("half")
        assert len(next(pieces)) > 0
        pieces.close()
        assert list(pieces) == []
    assert len(store.read("half")) == 2 * MIB


def test_parts_are_joined_in_order_and_stay(store: ObjectStore) -> None:
    sizes = [8 * MIB, 5 * MIB, 17]
    parts = [f"parts/{number}" for number in range(len(sizes))]
    for part, size in zip(parts, sizes, strict=True):
        store.put(part, _bytes(part, size))
    store.compose("whole", parts)
    assert store.read("whole") == b"".join(_bytes(part, size) for part, size in zip(parts, sizes, strict=True))
    assert _keys(store, "parts/") == parts
    store.compose("single", ["parts/2"])
    assert store.read("single") == _bytes("parts/2", 17)


def test_a_short_part_before_the_last_is_refused(store: ObjectStore) -> None:
    store.put("p/0", b"short")
    store.put("p/1", b"end")
    with pytest.raises(Invalid) as refusal:
        store.compose("joined", ["p/0", "p/1"])
    assert refusal.value.code == "store.part"
    with pytest.raises(NotFound):
        store.stat("joined")


def test_a_prefix_is_listed_and_deleted_and_its_neighbours_stay(store: ObjectStore) -> None:
    for key in ("t/1/a", "t/1/b/c", "t/10/a", "t/2/a"):
        store.put(key, b"x")
    assert _keys(store, "t/1/") == ["t/1/a", "t/1/b/c"]
    assert _keys(store, "t/1") == ["t/1/a", "t/1/b/c", "t/10/a"]
    store.delete_prefix("t/1/")
    store.delete_prefix("nothing/here/")
    assert _keys(store, "") == ["t/10/a", "t/2/a"]


def test_a_missing_object_is_said_and_deleting_it_is_no_error(store: ObjectStore, tmp_path: Path) -> None:
    store.delete("gone")
    for act in (
        lambda: store.read("gone"),
        lambda: store.stream("gone"),
        lambda: store.stream("gone", 5),
        lambda: store.stat("gone"),
        lambda: store.fetch("gone", tmp_path / "gone"),
        lambda: store.compose("new", ["gone"]),
    ):
        with pytest.raises(NotFound) as refusal:
            act()
        assert refusal.value.code == "store.missing"
    store.put("place/a", b"x")
    with pytest.raises(NotFound):
        store.read("place")
    assert _keys(store, "") == ["place/a"]


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a\0b", "a\nb", "a\\..\\b", "x" * 600, "y/" + "n" * 201]
)  # fmt: skip
def test_a_key_outside_the_store_cannot_be_named(store: ObjectStore, key: str) -> None:
    for act in (lambda: store.put(key, b"x"), lambda: store.read(key), lambda: store.delete(key)):
        with pytest.raises(Invalid) as refusal:
            act()
        assert refusal.value.code == "store.key"


def test_two_writers_of_one_key_leave_one_whole_object(store: ObjectStore) -> None:
    versions = [_bytes(f"v{number}", MIB) for number in range(4)]
    writers = [threading.Thread(target=store.put, args=("same", data)) for data in versions]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.read("same") in versions


def test_a_writer_killed_in_the_middle_leaves_no_object(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    store.put("lecture", b"old")
    (tmp_path / "store" / ".drafts" / "killed").write_bytes(b"half of the new")
    assert store.read("lecture") == b"old"
    assert _keys(store, "") == ["lecture"]


def test_a_full_disk_is_said_and_nothing_is_left(tmp_path: Path) -> None:
    """On a file system of one mebibyte; where nobody may mount one, under a limit on the size of files."""
    script = f"""
import resource, subprocess, sys
from pathlib import Path
place = Path({str(tmp_path)!r})
mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place], capture_output=True).returncode == 0
from school.core.errors import Unavailable
from school.core.store_folder import FolderStore
store = FolderStore(place / "store")
store.put("small", b"x" * 1000)
(place / "source").write_bytes(b"y" * 600_000)
if not mounted:
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
for act in (lambda: store.put("big", b"x" * 2_000_000), lambda: store.put_path("big", place / "source")):
    try:
        act()
        sys.exit("a full disk took it")
    except Unavailable as refusal:
        assert refusal.code == "store.full", refusal.code
assert [stat.key for stat in store.list("")] == ["small"]
assert not list((place / "store" / ".drafts").iterdir())
store.put("again", b"z" * 1000)
print("held")
"""
    command = [sys.executable, "-c", script]
    apart = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-Urm"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode == 0:
        command = [*apart, *command]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.stdout == "held\n", answer.stderr


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    with pytest.raises(Unavailable) as refusal:
        FolderStore(blocked).put("a", b"x")
    assert refusal.value.code == "store.away"


@pytest.mark.slow
def test_s3_that_is_away_is_said_within_seconds_and_keeps_what_it_took(tmp_path: Path) -> None:
    from conftest import part

    with part(services.s3(tmp_path)) as server:
        store = open_store(with_s3(Settings(data=tmp_path / "data"), server))
        store.prepare()
        store.put("kept", b"acknowledged")
        server.stop()
        for act in (lambda: store.put("lost", b"x"), lambda: store.read("kept"), lambda: list(store.list(""))):
            with pytest.raises(Unavailable) as refusal:
                act()
            assert refusal.value.code == "store.away"
        server.start()
        store.prepare()
        assert store.read("kept") == b"acknowledged"
        store.put("kept", b"new")
        assert store.read("kept") == b"new"


def test_s3_with_a_wrong_key_or_bucket_is_said(s3_server: services.S3Server, tmp_path: Path) -> None:
    from dataclasses import replace

    good = with_s3(Settings(data=tmp_path), s3_server)
    for wrong in (replace(good, s3_secret_key="wrong"), replace(good, s3_bucket="no-such-bucket")):
        with pytest.raises(Unavailable) as refusal:
            open_store(wrong).put("a", b"x")
        assert refusal.value.code == "store.refused"


def test_a_store_works_under_gevent(store: ObjectStore, tmp_path: Path) -> None:
    """Twenty greenlets at once in a patched process, while another one keeps ticking."""
    from school.core.store_s3 import S3Store

    made = "FolderStore(Path(sys.argv[1]))"
    environ = dict(os.environ)
    if isinstance(store, S3Store):
        settings = store.settings
        made = "open_store(load())"
        from school.core.settings import dump

        environ |= dump(settings)
    script = f"""
from gevent import monkey; monkey.patch_all()
import sys, gevent
from pathlib import Path
from school.core.errors import NotFound
from school.core.settings import load
from school.core.store import open_store
from school.core.store_folder import FolderStore
store = {made}
ticks = []
def tick():
    while True:
        ticks.append(1)
        gevent.sleep(0.005)
ticker = gevent.spawn(tick)
def work(number):
    store.put(f"g/{{number}}", bytes([number]) * 500_000)
    return store.read(f"g/{{number}}") == bytes([number]) * 500_000
jobs = [gevent.spawn(work, number) for number in range(20)]
gevent.joinall(jobs, raise_error=True)
assert all(job.value for job in jobs)
assert len(ticks) > 3, "the hub stood still"
try:
    store.read("g/none")
    sys.exit("a missing object was read")
except NotFound:
    print("held")
"""
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path / "store")],
        capture_output=True, text=True, env=environ, check=False,
    )  # fmt: skip
    assert (answer.stdout, answer.stderr) == ("held\n", "")
