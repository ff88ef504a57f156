"""The command line: `school COMMAND`. Each command resolves its input, calls a room and prints what happened."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from school import archive, clock, doctor, migrate
from school import up as supervisor
from school.core import keys as key_ring
from school.core import time
from school.core.db import Database
from school.core.errors import SchoolError
from school.core.logs import configure
from school.core.settings import Settings, SettingsError, load
from school.core.store import open_store

as_json = click.option("--json", "as_json", is_flag=True, help="machine-readable output")


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    settings.data.mkdir(parents=True, exist_ok=True)
    db = Database(settings.db_url)
    try:
        yield db
    finally:
        db.close()


def tell(value: Any, *, as_json: bool) -> None:
    """Print a dataclass, list or text: as JSON for programs, as lines for people."""
    if as_json:
        click.echo(
            json.dumps(
                value,
                ensure_ascii=False,
                default=lambda v: (
                    dataclasses.asdict(v) if dataclasses.is_dataclass(v) and not isinstance(v, type) else str(v)
                ),
            )
        )
    else:
        click.echo(
            value
            if isinstance(value, str)
            else json.dumps(dataclasses.asdict(value), ensure_ascii=False, indent=2, default=str)
        )


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--data", type=click.Path(path_type=Path), help="data folder (default: SCHOOL_DATA or ./data)")
@click.pass_context
def school(context: click.Context, data: Path | None) -> None:
    """网上党校 · the online party school."""
    context.obj = load(data=data)


@school.command()
@click.option("--host", help="address to listen on")
@click.option("--port", type=int, help="port to listen on")
@click.option("--data", type=click.Path(path_type=Path), help="data folder")
@click.option("--https", is_flag=True, default=None, help="self-signed TLS, so that cameras work on other machines")
@click.option("--no-demo", is_flag=True, help="leave an empty database empty")
@click.pass_obj
def up(
    settings: Settings, host: str | None, port: int | None, data: Path | None, https: bool | None, no_demo: bool
) -> None:
    """Run the whole school here: web, relay, packager, media workers and clock."""
    chosen: dict[str, Any] = {"host": host, "port": port, "data": data, "https": https}
    settings = dataclasses.replace(settings, **{k: v for k, v in chosen.items() if v is not None})
    if supervisor.listening(settings.host, settings.port):
        raise click.ClickException(f"端口 {settings.port} 已被占用。请用 --port 换一个端口，或先停下占用它的程序。")
    with database(settings) as db:
        if migrate.current(db) != migrate.newest():
            click.echo("正在准备数据库…")
            migrate.upgrade(db)
        open_store(settings).prepare()
        accounts = [] if no_demo or settings.production else _demo(db, settings)
    scheme = "https" if settings.https else "http"

    def ready() -> None:
        click.echo(
            f"\n{settings.name}已经打开：{scheme}://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{settings.port}"
        )
        for line in accounts:
            click.echo(line)
        click.echo("按 Ctrl-C 停止。\n")

    supervisor.up(settings, ready=ready, say=click.echo)
    click.echo("已停止，数据都已保存。")


def _demo(db: Database, settings: Settings) -> list[str]:
    """Fill an empty database with the fictional county; the lines that say how to sign in."""
    from school import demo

    if demo.fill(db, key_ring.load_keys(settings), settings, say=click.echo):
        click.echo("示例数据已经放好（人物和组织都是虚构的）。示例课程的视频还在后台制作，可以先登录看看。")
    return demo.account_lines(db)


@school.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Fill an empty database with the fictional 青禾县."""
    if settings.production:  # everybody knows the password of these accounts
        raise click.ClickException("正式运行的学校（SCHOOL_ENV=production）不放示例数据：示例账号的密码是公开的。")
    with database(settings) as db:
        migrate.upgrade(db)
        for line in _demo(db, settings):
            click.echo(line)


@school.command(name="migrate")
@click.pass_obj
def migrate_command(settings: Settings) -> None:
    """Bring the database to this release's schema."""
    with database(settings) as db:
        migrate.upgrade(db)
        open_store(settings).prepare()
        click.echo(f"数据库版本：{migrate.current(db)}")


@school.command(name="web")
@click.pass_obj
def web_command(settings: Settings) -> None:
    """Run one web process alone, behind nginx; `school up` runs everything."""
    command = supervisor.web_command(settings)
    os.execve(command[0], command, supervisor.environment(settings))


@school.command(name="clock")
@click.pass_obj
def clock_command(settings: Settings) -> None:
    """Run the timed jobs; several may run, one works at a time."""
    configure()
    clock.run(settings)


@school.group()
def lecture() -> None:
    """Lectures."""


@lecture.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--course", "course_id", type=int, required=True, help="number of the course, as in its address")
@click.option("--title", help="title of the lesson (default: the file's name)")
@as_json
@click.pass_obj
def upload(settings: Settings, file: Path, course_id: int, title: str | None, as_json: bool) -> None:
    """Put a local FILE into a course as a new lesson; the media worker makes it ready."""
    from school.courses import service as courses

    with database(settings) as db:
        lesson = courses.upload_lecture(db, open_store(settings), course_id, file, title or file.stem)
        facts = {"lesson": lesson.id, "asset": lesson.asset_id}
        tell(
            facts if as_json else f"已收下，课时 {lesson.id}。转码由媒体进程在后台完成，用 school media status 查看。",
            as_json=as_json,
        )


@school.group()
def media() -> None:
    """Media jobs."""


@media.command()
@as_json
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """What is queued, running, done and failed."""
    from school.media import queries

    with database(settings) as db, db.read() as session:
        tell(queries.overview(session), as_json=as_json)


@school.group()
def report() -> None:
    """Reports."""


@report.command()
@click.argument("code")
@click.option("--year", type=int, help="study year (default: this one)")
@as_json
@click.pass_obj
def branch(settings: Settings, code: str, year: int | None, as_json: bool) -> None:
    """The hours of the members of organisation CODE."""
    from school.org import queries as org
    from school.records import reports

    year = year or time.year_of(time.now(), settings.zone)
    with database(settings) as db, db.read() as session:
        organization = org.by_code(session, code)
        rows, _ = reports.members(session, organization.id, year, reports.Filters(), size=100_000)
    if as_json:
        tell({"code": code, "name": organization.name, "year": year, "members": rows}, as_json=True)
        return
    click.echo(f"{organization.name}　{year} 年")
    for row in rows:
        click.echo(
            f"{row.name}\t集中 {row.group_100 / 100:g}／{row.required_group_100 / 100:g}\t网络 {row.online_100 / 100:g}／{row.required_online_100 / 100:g}"
        )


@school.group()
def contest() -> None:
    """Contests."""


@contest.command(name="recount")
@click.argument("quiz_id", type=int, required=False)
@as_json
@click.pass_obj
def recount_command(settings: Settings, quiz_id: int | None, as_json: bool) -> None:
    """Count the contest QUIZ_ID (or every one) again from the stored answers; exit code 1 when anything differs."""
    from school.quizzes.marks import recount

    with database(settings) as db, db.read() as session:
        wanted = recount.contests(session) if quiz_id is None else [quiz_id]
        counted = [recount.recount(session, each) for each in wanted]
    if as_json:
        tell(counted, as_json=True)
    for each in () if as_json else counted:
        click.echo(f"{each.title}：{each.people} 人，{each.attempts} 份答卷，{len(each.differences)} 处与答案不一致")
        for found in each.differences:
            click.echo(
                f"  党员 {found.member_id}　答卷 {found.attempt_id}　{found.what}：存的是 {found.stored}，应为 {found.counted}"
            )
    if any(each.differences for each in counted):
        sys.exit(1)


@school.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@as_json
@click.pass_obj
def backup(settings: Settings, target: Path, as_json: bool) -> None:
    """Write everything (rows, objects, keys) to the file TARGET; it contains secrets."""
    with database(settings) as db:
        summary = archive.backup(db, open_store(settings), settings.data, target)
    tell(
        summary
        if as_json
        else f"已备份 {summary.rows} 行、{summary.objects} 个文件到 {target}。里面有密钥，请妥善保管。",
        as_json=as_json,
    )


@school.command()
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@click.pass_obj
def restore(settings: Settings, source: Path, as_json: bool) -> None:
    """Fill an empty school from the backup SOURCE."""
    with database(settings) as db:
        summary = archive.restore(db, open_store(settings), settings.data, source)
    tell(summary if as_json else f"已恢复 {summary.rows} 行、{summary.objects} 个文件。", as_json=as_json)


@school.command(name="doctor")
@as_json
@click.pass_obj
def doctor_command(settings: Settings, as_json: bool) -> None:
    """Say what is missing or wrong and how to mend it."""
    findings = list(doctor.examine(settings))
    if as_json:
        tell(findings, as_json=True)
    else:
        for finding in findings:
            click.echo(
                f"{'✓' if finding.good else '✗'} {finding.what}：{finding.found}"
                + ("" if finding.good else f"\n    怎么办：{finding.mend}")
            )
    if not all(finding.good for finding in findings):
        sys.exit(1)


@school.group()
def keys() -> None:
    """Keys."""


@keys.command()
@click.pass_obj
def rotate(settings: Settings) -> None:
    """Sign and encrypt with a new key from now on; older ones still open what they closed."""
    if settings.secret_keys:
        raise click.ClickException("密钥由 SCHOOL_SECRET_KEYS 给出，请在那里把新密钥写在最前面，然后重新启动。")
    click.echo(f"新密钥 {key_ring.rotate(settings)} 已启用。请重新启动各进程。")


def main() -> None:
    """Run the command line; a refusal is one sentence and exit code 1."""
    try:
        school(standalone_mode=False)
    except (SchoolError, SettingsError) as error:
        text = error.message % error.params if isinstance(error, SchoolError) else str(error)
        click.echo(text, err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
