"""Keys, signatures and sealed fields: made once, kept private, and still good after the ring has turned."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from school.core.crypto import decrypt, encrypt, id_hash
from school.core.keys import load_keys, rotate
from school.core.settings import Settings, SettingsError
from school.core.signing import sign, verify


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_the_first_start_makes_private_keys_and_the_next_ones_read_them(here: Settings) -> None:
    keys = load_keys(here)
    assert load_keys(here) == keys
    assert (here.data / "keys.json").stat().st_mode & 0o777 == 0o600
    assert len(keys.id_hash) == 32
    assert keys.id_hash not in keys.ring.values()
    assert [path.name for path in here.data.iterdir()] == ["keys.json"]


def test_processes_that_start_together_agree_on_one_ring(here: Settings) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from school.core.keys import load_keys\nfrom school.core.settings import Settings\n"
        "sys.stdin.readline()\nprint(load_keys(Settings(data=Path(sys.argv[1]))).current[1].hex())\n"
    )
    command = [sys.executable, "-c", script, str(here.data)]
    starting = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    for one in starting:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    assert len({one.communicate()[0] for one in starting}) == 1


def test_what_was_signed_and_sealed_before_a_turn_is_still_good_and_new_ones_use_the_new_key(here: Settings) -> None:
    before = load_keys(here)
    signature, sealed, digest = (
        sign(before, "media", "7/1"),
        encrypt(before, "65310119900101001X"),
        id_hash(before, "x"),
    )
    assert rotate(here) == "k2"
    after = load_keys(here)
    assert after.current[0] == "k2"
    assert verify(after, "media", "7/1", signature)
    assert decrypt(after, sealed) == "65310119900101001X"
    assert id_hash(after, "x") == digest, "the hash key never turns"
    assert sign(after, "media", "7/1").startswith("k2.")
    assert not verify(before, "media", "7/1", sign(after, "media", "7/1")), "an unknown key opens nothing"


def test_a_signature_fits_one_text_and_one_purpose(here: Settings) -> None:
    keys = load_keys(here)
    signature = sign(keys, "media", "7/1795370400")
    assert verify(keys, "media", "7/1795370400", signature)
    for purpose, text, given in (
        ("media", "8/1795370400", signature),
        ("study", "7/1795370400", signature),
        ("media", "7/1795370400", signature[:-1] + ("A" if signature[-1] != "A" else "B")),
        ("media", "7/1795370400", ""),
        ("media", "7/1795370400", "k1."),
        ("media", "7/1795370400", "é" + signature),
    ):
        assert not verify(keys, purpose, text, given)


def test_half_a_sign_is_no_signature(here: Settings) -> None:
    keys = load_keys(here)
    for text, signature in (("a", "k1.\ud800"), ("\ud800", sign(keys, "play", "a")), ("a", "\ud800.x")):
        assert not verify(keys, "play", text, signature)


def test_new_keys_are_on_the_disk_before_anything_is_closed_with_them(
    here: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = here.data / "keys.json"
    synced: list[tuple[bool, str]] = []

    def fsync(handle: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(handle).st_mode), path.read_text() if path.exists() else ""))

    monkeypatch.setattr("school.core.keys.os.fsync", fsync)
    load_keys(here)
    assert synced[-1] == (True, path.read_text())
    rotate(here)
    assert synced[-1] == (True, path.read_text())


def test_a_sealed_field_is_never_the_same_twice_and_an_altered_one_is_refused(here: Settings) -> None:
    keys = load_keys(here)
    assert encrypt(keys, "13900000000") != encrypt(keys, "13900000000")
    sealed = bytearray(encrypt(keys, "13900000000"))
    sealed[-1] ^= 1
    with pytest.raises(InvalidTag):
        decrypt(keys, bytes(sealed))


def test_given_keys_are_used_in_their_order_and_malformed_ones_stop_the_start(here: Settings) -> None:
    given = replace(here, secret_keys=f"k2:{'22' * 32},k1:{'11' * 32}", id_hash_key="33" * 32)
    keys = load_keys(given)
    assert keys.current == ("k2", bytes.fromhex("22" * 32))
    assert not (here.data / "keys.json").exists()
    for bad in ("k1", "k1:zz", f"k1:{'11' * 16}", f"k1:{'11' * 32},"):
        with pytest.raises(SettingsError):
            load_keys(replace(given, secret_keys=bad))
