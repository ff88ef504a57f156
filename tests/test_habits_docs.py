"""The documents keep step with the house: every setting, the tree of folders, and what each file says of itself."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LONGEST = 500
GENERATED = {"requirements.lock", "requirements-test.lock", "package-lock.json"}
TEXT = {
    ".py",
    ".js",
    ".css",
    ".html",
    ".md",
    ".sh",
    ".toml",
    ".json",
    ".yml",
    ".yaml",
    ".ini",
    ".cfg",
    ".mako",
    ".template",
    "",
}


def tracked() -> list[Path]:
    """The files of the repository as they are on the disk, new ones that nothing ignores included."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.check_output(command, cwd=ROOT, text=True).split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def texts() -> list[Path]:
    return [path for path in tracked() if path.suffix in TEXT and path.name not in GENERATED]


def _migration(path: Path) -> bool:
    """Written by Alembic, never changed after a release."""
    return path.relative_to(ROOT).parts[:2] == ("migrations", "versions")


def _first_lines(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8").splitlines()[:3])


def test_every_setting_stands_in_the_operations_page() -> None:
    answer = subprocess.run(
        [sys.executable, ROOT / "script" / "document.py", "--check"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_the_tree_in_the_architecture_page_is_the_tree_of_folders() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"```tree\n(.*?)```", page, re.DOTALL)
    assert block, "docs/architecture.md has no tree"
    told = {line.split()[0] for line in block[1].splitlines()}
    files = [path.relative_to(ROOT) for path in tracked()]
    top = {f"{file.parts[0]}/" for file in files if len(file.parts) > 1 and not file.parts[0].startswith(".")}
    inner = {
        f"{file.parts[0]}/{file.parts[1]}/"
        for file in files
        if len(file.parts) > 2 and file.parts[0] in {"school", "media_worker"} and file.suffix == ".py"
    }
    parts = {
        f"{file.parent}/"
        for file in files
        if len(file.parts) == 4 and file.parts[0] == "school" and file.name == "__init__.py"
    }
    real = top | inner | parts
    assert real - told == set(), "folders that docs/architecture.md does not name"
    assert told - real == set(), "folders that docs/architecture.md names and that are not there"


def test_no_file_is_longer_than_five_hundred_lines() -> None:
    lengths = {
        path: len(path.read_bytes().splitlines())
        for path in texts()
        if path.suffix in {".py", ".js", ".css", ".html"} and not _migration(path)
    }
    long = {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST}
    assert long == {}


@pytest.mark.parametrize("suffix", [".py", ".js", ".css", ".html", ".sh"])
def test_every_file_opens_with_a_sentence_that_says_what_it_is(suffix: str) -> None:
    silent = []
    for path in texts():
        name = path.relative_to(ROOT)
        if path.suffix != suffix or _migration(path):
            continue
        if suffix == ".py":
            doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            said = bool(doc) and doc.split("\n\n")[0].rstrip().endswith((".", "?", "!"))
        elif suffix == ".html":
            said = bool(re.match(r"\s*(\{%-? (extends|import)|\{#)", path.read_text(encoding="utf-8")))
        else:
            said = bool(re.match(r"(#!.*\n)?\s*(//|/\*|#) ?\S+ \S+", _first_lines(path)))
        if not said:
            silent.append(str(name))
    assert silent == []


def test_commands_open_with_a_sentence() -> None:
    commands = [
        path for path in [*(ROOT / "script").iterdir(), ROOT / ".ci" / "run"] if path.is_file() and not path.suffix
    ]
    assert len(commands) >= 5
    for command in commands:
        first, second = command.read_text(encoding="utf-8").splitlines()[:2]
        assert first.startswith("#!"), command
        assert re.match(r"# \S+ \S+.*[.:]", second), command
        assert command.stat().st_mode & 0o111, f"{command} cannot be run"


def test_no_file_names_an_index_host_or_a_folder_of_one_machine() -> None:
    forbidden = [
        "py" + "pi.org", "python" + "hosted.org", "registry.npm" + "js.org", "npm" + "mirror", "tuna.tsing" + "hua", "mirrors.ali" + "yun",
        "/wo" + "rk/", "/tmp/te" + "am", "/ro" + "ot/", "/ho" + "me/",
    ]  # fmt: skip
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked()
        if path.suffix in {*TEXT, ".lock", ".svg", ".po"}
        for word in forbidden
        if word in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def test_the_lock_of_the_scripts_names_no_address() -> None:
    lock = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"integrity"' in lock


def test_links_between_the_documents_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)} → {target}"
        for page in texts()
        if page.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]
    assert dead == []


def test_imports_point_down() -> None:
    answer = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
