"""The English catalogue is complete: every Chinese source string has its English, with all its places."""

import subprocess
import sys
from pathlib import Path


def test_every_source_string_has_its_english() -> None:
    words = Path(__file__).parent.parent / "script" / "words.py"
    result = subprocess.run([sys.executable, words, "--check"], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout
