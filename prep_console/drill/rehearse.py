"""``prep-console drill``: a scenario on a sandbox station, the real console over it, a report."""

from __future__ import annotations

import getpass
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from prep_console import wording
from prep_console.drill.demo import end_like_an_error, night_of, opens_before
from prep_console.drill.drill_report import Rehearsed, html, text
from prep_console.drill.rehearsal import Rehearsal
from prep_console.drill.sandbox import sandbox
from prep_console.drill.scenario import load, shipped
from prep_console.drill.score import score
from prep_console.journal import journal
from prep_console.problems import Failed, Refused, WrongUsage
from prep_console.wording import N_, Language, sentence, visible

DEFAULT_SPEED = 15.0
_MARGIN_BYTES = 2**30
_ROOM_BYTES = 4 * 2**30


def listing() -> list[str]:
    """The shipped scenarios."""
    return [f"{name:20} {load(name).title}" for name in shipped()]


def run(
    name: str,
    *,
    speed: float | None = None,
    source: Path | None = None,
    report: Path | None = None,
    folder: Path | None = None,
    operator: str = "",
    language: Language = "es",
    screen: bool = True,
) -> int:
    """Rehearse; the exit code. It never touches a real station: it makes its own."""
    wording.use(language)
    scenario = load(name)
    speed = DEFAULT_SPEED if speed is None else speed
    if not 1 <= speed <= 120:
        raise WrongUsage(
            sentence(N_("the speed {speed} is not between 1 and 120"), speed=speed),
            sentence(N_("15 brings a five-minute cut every 20 seconds")),
        )
    if report is not None and report.exists() and any(report.iterdir()):
        raise Refused(
            sentence(N_("the folder {path} is not empty"), path=str(report)),
            sentence(N_("name an empty or a new one; a report is kept as it was")),
        )
    screen = screen and sys.stdin.isatty() and sys.stdout.isatty()
    night = night_of(source, opens_before(datetime.now(UTC)))
    title = sentence(N_("SIMULACRO: {title}"), title=str(scenario.title)).in_(language)
    least = 2**28
    if any(fault.kind == "disk-fills" for fault in scenario.fault):
        free = shutil.disk_usage(folder.parent if folder else tempfile.gettempdir()).free
        if free < _ROOM_BYTES:
            raise Refused(
                sentence(N_("this scenario needs 4 GB of free space to fill a part of")),
                sentence(N_("make room, or choose another scenario")),
            )
        least = free - _MARGIN_BYTES
    with ExitStack() as ending:
        end_like_an_error(ending)
        station = ending.enter_context(
            sandbox(
                folder=folder,
                language=language,
                title=title,
                state=night.state,
                elections=night.elections,
                port=None,
                speed=speed,
                least_free_bytes=least,
                tls=any(fault.kind == "certificate-expires" for fault in scenario.fault),
            )
        )
        sys.stdout.write(f"{title}\n{' '.join(station.command())}\n")
        sys.stdout.flush()
        rehearsal = Rehearsal(station, night, scenario, speed)
        console = ending.enter_context(_console(station.command("console"))) if screen else None
        told = rehearsal.run(lambda: console is None or console.poll() is None)
        if console is not None:
            console.terminate()
            console.wait()
        path = station.settings.root / "journal" / "journal.jsonl"
        read = journal.read(path)
        record = path.read_bytes()[: read.position.offset]  # the engine writes on
        ended = datetime.now(UTC)
        who = operator or getpass.getuser()
        scored = score(scenario, told, read.lines)
        done = Rehearsed(scenario, told, ended, read.lines, scored, who, speed, night.source)
        sys.stdout.write(text(done))
        if report is not None:
            _keep(report, done, record)
            sys.stdout.write(
                wording.say(N_("the report is kept in {path}"), path=visible(str(report))) + "\n"
            )
    return 0


def _console(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command)


def _keep(report: Path, done: Rehearsed, record: bytes) -> None:
    try:
        report.mkdir(parents=True, exist_ok=True)
        (report / "simulacro.html").write_text(html(done), "utf-8")
        (report / "simulacro.txt").write_text(text(done), "utf-8")
        (report / "journal.jsonl").write_bytes(record)
    except OSError as error:
        raise Failed(
            sentence(N_("the report cannot be written: {error}"), error=error.strerror or ""),
            sentence(N_("name another folder with --report")),
        ) from error
