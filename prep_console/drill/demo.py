"""``prep-console demo``: a whole station in a scratch folder, labelled SIMULACRO throughout.

On a terminal it is a night to play with: a simulated institute delivers cut after cut, and the
real console shows them. Without one it is the guided tour, which checks what it shows.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console import wording
from prep_console.drill.children import child
from prep_console.drill.final import UnreadableFinalError
from prep_console.drill.mains import Order
from prep_console.drill.nights import Night, night_from, synthetic_night
from prep_console.drill.sandbox import Sandbox, sandbox
from prep_console.drill.synthetic import NIGHT
from prep_console.drill.tour import LEAST_CUTS, tour
from prep_console.problems import Failed, WrongUsage
from prep_console.wording import N_, Language, Sentence, by_count, sentence

DEFAULT_SPEED = 15.0
"""Simulated seconds per second: a five-minute cut every 20 s."""
_TOUR_CUTS = 3
_ZONE = ZoneInfo("America/Mexico_City")


def run(
    *,
    speed: float | None = None,
    source: Path | None = None,
    folder: Path | None = None,
    language: Language = "es",
    screen: bool = True,
    cuts: int | None = None,
    port: int | None = None,
    lose_mains: float | None = None,
    generator_fails: bool = False,
) -> int:
    """Run the demo; the exit code. Problem when it cannot be, or when the tour finds a fault.

    ``source`` is a real final cut to derive the night from; ``folder`` an empty one that is kept.
    Without a terminal ``screen`` means the tour too. ``lose_mains``: seconds until the mains go.
    """
    wording.use(language)
    speed = DEFAULT_SPEED if speed is None else speed
    screen = screen and sys.stdin.isatty() and sys.stdout.isatty()
    _check(speed, cuts, screen)
    if lose_mains is not None and not 0 <= lose_mains <= 24 * 3600:
        raise WrongUsage(
            sentence(N_("{n} is no number of seconds until the mains go"), n=lose_mains),
            sentence(N_("30 loses them half a minute after the start")),
        )
    opens = opens_before(datetime.now(_ZONE))
    night = night_of(source, opens)
    title = sentence(N_("SIMULACRO: invented election"))
    if night.source:
        title = sentence(N_("SIMULACRO: cuts derived from {file}"), file=night.source)
    _tell(sentence(N_("SIMULACRO: a rehearsal on this machine only; nothing here is a result")))
    with ExitStack() as ending:
        end_like_an_error(ending)
        station = ending.enter_context(
            sandbox(
                folder=folder,
                language=language,
                title=title.in_(language),
                state=night.state,
                elections=night.elections,
                port=port,
                cut_every_s=300 / speed if screen else 300,
            )
        )
        for peer in _peers(station, night):
            _tell(peer)
        if not screen:
            tour(station, night, cuts or _TOUR_CUTS, _tell, lose_mains=lose_mains is not None)
            code = 0
        else:
            child(
                _institute(station, source, opens, 300 / speed, cuts),
                ending,
                log=station.folder / "institute.log",
            )
            if lose_mains is not None:
                _lose_mains(station, lose_mains, generator_fails, ending)
            code = subprocess.run(station.command("console"), check=False).returncode
    if folder is not None:
        _tell(
            sentence(N_("everything was stopped; the station is kept in {path}"), path=str(folder))
        )
    else:
        _tell(sentence(N_("everything was stopped and removed")))
    return code


def _check(speed: float, cuts: int | None, screen: bool) -> None:
    if not 0 < speed <= 3000:
        raise WrongUsage(
            sentence(N_("the speed {speed} is not between 0 and 3000"), speed=speed),
            sentence(N_("15 brings a five-minute cut every 20 seconds")),
        )
    least = 1 if screen else LEAST_CUTS
    if cuts is not None and cuts < least:
        raise WrongUsage(
            Sentence(
                by_count(cuts, N_("{n} cut is too few"), N_("{n} cuts are too few")), {"n": cuts}
            ),
            sentence(N_("ask for {n} or more"), n=least),
        )


def night_of(source: Path | None, opens: datetime) -> Night:
    if source is None:
        return synthetic_night(opens)
    try:
        return night_from(source)
    except UnreadableFinalError as error:
        raise WrongUsage(
            sentence(
                N_("no night can be derived from {path}: {error}"),
                path=str(source),
                error=str(error.said),
            ),
            sentence(N_("name a final cut: its zip, its folder, or the results CSV")),
        ) from error
    except OSError as error:
        kind = WrongUsage if isinstance(error, FileNotFoundError) else Failed
        raise kind(
            sentence(
                N_("{path} cannot be read: {error}"), path=str(source), error=error.strerror or ""
            ),
            sentence(N_("check its name and permissions")),
        ) from error


def opens_before(now: datetime) -> datetime:
    """When the invented night opened (wall time): so long ago that no stamp lies in the future.

    A cut from the future is stopped, and a fast night would run ahead of the clock; so it is
    the night that just went by. The engine measures lateness from the arrivals in such a case.
    """
    began = (now.astimezone(_ZONE) - NIGHT - timedelta(minutes=10)).replace(tzinfo=None)
    return began.replace(minute=began.minute // 5 * 5, second=0, microsecond=0)


def _peers(station: Sandbox, night: Night) -> list[Sentence]:
    """Which neighbours are real here."""
    origin = sentence(N_("results: an invented election ({list})"), list=" ".join(night.elections))
    if night.source:
        origin = sentence(
            N_("results: DERIVED from {file}; the institute never delivered these cuts"),
            file=night.source,
        )
    return [
        station.web_server,
        sentence(N_("institute: simulated; engine, console and commands: the real ones")),
        *station.mains.told,
        station.clock.told,
        sentence(
            N_("to lose the mains: echo off > {file} (on: back; off, generator fails)"),
            file=str(station.mains.file),
        ),
        origin,
        sentence(N_("the public site: {url}"), url=station.url),
    ]


def _lose_mains(station: Sandbox, after_s: float, fails: bool, ending: ExitStack) -> None:
    order: Order = "off, generator fails" if fails else "off"
    timer = threading.Timer(after_s, station.mains.order, [order])
    timer.daemon = True
    timer.start()
    ending.callback(timer.cancel)


def _institute(
    station: Sandbox, source: Path | None, opens: datetime, every_s: float, cuts: int | None
) -> list[str]:
    command = [sys.executable, "-m", "prep_console.drill.institute"]
    command += [str(station.settings.drop_folder), "--every", str(every_s)]
    command += ["--from", str(source)] if source else ["--opens", opens.isoformat()]
    return [*command, *(["--cuts", str(cuts)] if cuts else [])]


def end_like_an_error(ending: ExitStack) -> None:
    """SIGTERM and SIGHUP unwind as ^C does, so that every child is stopped."""

    def leave(number: int, _: object) -> None:
        for again in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        ending.callback(signal.signal, number, signal.signal(number, leave))


def _tell(told: Sentence) -> None:
    sys.stdout.write(f"{told}\n")
    sys.stdout.flush()
