"""``python -m tests.pictures [NAME ...]``: the pictures in ``screenshots/``, taken anew.

The installed console in a real tmux over a real station: a synthetic night behind a real Apache,
received cut by cut at the hours of its cuts (libfaketime sets only the time of day), then driven
by keys. Names choose pictures; the whole night is played in any case.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console.cuts.stamps import Stamp
from prep_console.wording import Language
from tests import nights
from tests.apache.server import Apache
from tests.bench.grounds import scratch
from tests.console.terminals import CHECKOUT, Tmux
from tests.pictures import matrix, public
from tests.pictures.drawing import svg
from tests.processes import ended
from tests.stations import PROGRAM, Sandbox, sandbox
from tests.waiting import wait_until

OUT = CHECKOUT / "screenshots"
ZONE = ZoneInfo("America/Mexico_City")
FIRST, CUTS, ACTAS = "20240602_2005", 79, 2_000
"""From 20:05 to 02:35, as many cuts as a real night has by then."""
LOOKED_AT = datetime(2024, 6, 3, 2, 36, 40, tzinfo=ZONE)
SAMPLES = 5
"""Of the instruments' history, one each ten seconds."""
LANGUAGES: tuple[Language, ...] = ("es", "en")
SIZES = {"console": (120, 40), "small": (80, 24), "wall": (160, 45)}


def offset_s(moment: datetime) -> float:
    """What to add to the real clock so that it is ``moment`` now."""
    return moment.timestamp() - time.time()


def at(moment: datetime | float, *command: str | Path) -> list[str]:
    """``command`` under a clock that says ``moment`` (or the real one plus so many seconds).

    Not through the ``faketime`` program: that stays as a parent, and a signal meant for the
    command would reach only it.
    """
    shift = moment if isinstance(moment, float) else offset_s(moment)
    clock = [
        "LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        f"FAKETIME={shift:+.3f}s",
    ]
    return ["env", *clock, *(str(part) for part in command)]


def as_png(drawn: Path, out: Path, zoom: float) -> None:
    """A terminal has few colours: with a palette a picture takes a quarter of the bytes."""
    subprocess.run(["rsvg-convert", "--zoom", f"{zoom:g}", "-o", out, drawn], check=True)
    subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "32", out], check=True)
    print(out.relative_to(CHECKOUT), flush=True)


@dataclass
class Screens:
    """Consoles in both languages, and the pictures wanted of them."""

    folder: Path
    wanted: Sequence[str]
    screens: dict[tuple[str, Language], Tmux] = field(default_factory=dict)

    def both(self, kind: str, *keys: str) -> None:
        """The same keys in both languages' consoles."""
        for language in LANGUAGES:
            self.screens[kind, language].keys(*keys)

    def see(self, kind: str, spanish: str, english: str) -> None:
        for language, text in (("es", spanish), ("en", english)):
            self.screens[kind, "es" if language == "es" else "en"].see(text, 30)

    def take(self, kind: str, name: str) -> None:
        """One picture per language."""
        for language in LANGUAGES:
            full = f"{name}-{language}"
            if self.wanted and not any(one in full for one in self.wanted):
                continue
            captured = self.screens[kind, language].tmux("capture-pane", "-e", "-N", "-p")
            drawn = OUT / f"{full}.svg"
            drawn.write_text(svg(captured, SIZES[kind], f"prep-console: {name}"), "utf-8")
            as_png(drawn, drawn.with_suffix(".png"), 1.5)


@dataclass
class Studio(Screens):
    """A station with its consoles open."""

    box: Sandbox = field(kw_only=True)
    shift: float = 0.0

    def receive(self, stamp: str) -> None:
        """Both archives of a cut, 38 and 41 seconds after its hour."""
        made = self.folder / f"delivery-{stamp}"
        made.mkdir()
        there = Stamp.of(stamp).at(ZONE).timestamp()
        for late, archive in enumerate(nights.two_archives(made, stamp, actas=ACTAS).values()):
            moment = datetime.fromtimestamp(there + 38 + 3 * late, ZONE)
            clock = self.shift or offset_s(moment)
            self.run(clock, "receive", archive)
        shutil.rmtree(made)

    def run(self, clock: float, *arguments: str | Path) -> None:
        command = at(clock, PROGRAM, "--config", self.box.file, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(done.stderr)

    @contextlib.contextmanager
    def engine(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            at(self.shift, PROGRAM, "--config", self.box.file, "engine"),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            ended(process)

    def open(self, stack: contextlib.ExitStack, *command_line: str) -> None:
        """A screen of each size in each language; the console when no other command is named."""
        for kind, size in SIZES.items():
            for language in LANGUAGES:
                wall = ["--wall"] if kind == "wall" else []
                command = at(
                    self.shift,
                    PROGRAM,
                    "--config",
                    self.box.file,
                    "--lang",
                    language,
                    *(command_line or ("console",)),
                    *wall,
                )
                name = "-".join((*command_line[:1], kind, language))
                socket = self.folder / f"{name}.tmux"
                screen = Tmux(socket, command, size, {"TERM": "tmux-256color"})
                self.screens[kind, language] = stack.enter_context(screen)


def main(wanted: Sequence[str]) -> None:
    with scratch() as folder:
        root = folder / "station"
        root.mkdir()
        bare = sandbox(root)
        bare.station.prepare()
        with Apache(bare.settings, root / "apache") as apache:
            box = sandbox(
                root,
                {
                    "site": {"url": apache.url + "/"},
                    "station": {"name": "Difusor UAQ"},
                    "election": {"title": "Proceso Electoral Local 2023-2024"},
                    "host": {"min_cpus": 1, "min_memory_bytes": 1, "min_free_bytes": 1},
                },
            )
            if not wanted or not all(_made_up_too(one) for one in wanted):
                play(Studio(folder, wanted, box=box))
        instruments(folder, wanted)
        if not wanted or "public" in wanted:
            print(public.take(OUT).relative_to(CHECKOUT), flush=True)
        every_look(folder, wanted)


def _made_up_too(wanted: str) -> bool:
    """Whether a name is of pictures that need no real night."""
    return any(part in wanted for part in _MADE) or any(wanted in f"{one}-" for one in _LOOKS)


def every_look(folder: Path, wanted: Sequence[str]) -> None:
    """Each theme, size class and language."""

    def draw(name: str, size: tuple[int, int], captured: str, zoom: float) -> None:
        drawn = folder / f"{name}.svg"
        drawn.write_text(svg(captured, size, f"prep-console: {name}"), "utf-8")
        as_png(drawn, OUT / f"{name}.png", zoom)

    matrix.take(folder, wanted, LANGUAGES, lambda *c: at(offset_s(LOOKED_AT), *c), draw)


def play(studio: Studio) -> None:
    """The night, and what is done in it."""
    stamps = nights.stamps(FIRST, CUTS + 1)
    stale = nights.archive(studio.folder, "AYUN", stamps[CUTS - 5], actas=ACTAS + 1)
    for stamp in stamps[:CUTS]:
        if stamp == stamps[CUTS - 1]:
            studio.run(offset_s(datetime(2024, 6, 3, 2, 33, 10, tzinfo=ZONE)), "receive", stale)
        studio.receive(stamp)
    studio.shift = offset_s(LOOKED_AT)
    with contextlib.ExitStack() as stack:
        with studio.engine():
            studio.open(stack)
            studio.see("console", "AL CORRIENTE", "UP TO DATE")
            studio.see("wall", "AL CORRIENTE", "UP TO DATE")
            studio.see("console", "sitio 200", "site 200")
            samples = studio.box.settings.root / "run" / "now.json"
            wait_until(lambda: _sampled(samples) >= SAMPLES, 90, "history for the graphs")
            studio.take("console", "console")
            studio.take("wall", "wall")
            studio.both("small", "b")
            studio.see("small", "¿Por qué?", "Why?")
            studio.take("small", "rollback")
            studio.screens["small", "en"].keys("Escape")
            studio.screens["small", "es"].keys("1", "s")
            studio.screens["small", "es"].see("Visto por HTTP", 30)
            studio.screens["small", "es"].keys("Enter")
            studio.receive(stamps[CUTS])
            studio.see("small", "1 corte nuevo espera", "1 new cut waits")
            studio.take("small", "hold")
            studio.see("wall", "RETENIDO", "ON HOLD")
            studio.take("wall", "wall-hold")
        studio.see("console", "MOTOR DETENIDO", "ENGINE STOPPED")
        studio.take("console", "no-engine")
    past(studio)


def past(studio: Studio) -> None:
    """The same night replayed, standing at the rollback."""
    with contextlib.ExitStack() as stack:
        studio.open(stack, "replay", "--from", "02:00", "--speed", "60")
        for kind in SIZES:
            studio.see(kind, "◂◂ REPETICIÓN", "◂◂ REPLAY")
            studio.both(kind, "v")
            studio.see(kind, "RETENIDO", "ON HOLD")
            studio.take(kind, f"replay{'' if kind == 'console' else f'-{kind}'}")


def instruments(folder: Path, wanted: Sequence[str]) -> None:
    """What the night above has not: every instrument, the power lost, alarms of every kind.

    The same console over a made-up station: a UPS and a generator are not in every building.
    """
    for made in ("equipped", "bad_night"):
        for kind in SIZES:
            if not wanted or any(one in f"{made} {kind}" or one in _MADE for one in wanted):
                _made_up(folder, made, kind, wanted)


_MADE = ("equipped", "power", "instruments", "graph", "alarm", "shelve", "manual", "public")
_LOOKS = tuple(shot.name for shot in matrix.shots())


def _made_up(folder: Path, made: str, kind: str, wanted: Sequence[str]) -> None:
    studio = Screens(folder, wanted)
    shift = offset_s(LOOKED_AT)
    with contextlib.ExitStack() as stack:
        for language in LANGUAGES:
            command = at(shift, sys.executable, "-m", "tests.console.sham", made)
            command += ["--en"] if language == "en" else []
            command += ["--wall"] if kind == "wall" else []
            screen = Tmux(
                folder / f"{made}-{kind}-{language}.tmux",
                command,
                SIZES[kind],
                {"TERM": "tmux-256color"},
            )
            studio.screens[kind, language] = stack.enter_context(screen)
        if made == "bad_night":
            studio.see(kind, "ALTERADO", "ALTERED")
        else:
            studio.see(kind, "AL CORRIENTE", "UP TO DATE")
        size = "" if kind == "console" else f"-{kind}"
        studio.take(kind, f"{'power-lost' if made == 'bad_night' else 'equipped'}{size}")
        if kind == "wall":
            return
        if made == "equipped":
            studio.both(kind, "i")
            studio.see(kind, "RELOJ", "CLOCK")
            studio.take(kind, f"instruments{size}")
            return
        studio.both(kind, "g")
        studio.see(kind, "HISTORIA", "HISTORY")
        studio.both(kind, "2")
        studio.see(kind, "┤", "┤")
        studio.take(kind, f"graph{size}")
        studio.both(kind, "q")
        studio.see(kind, "CORTES", "CUTS")
        studio.both(kind, "a")
        studio.see(kind, "qué hacer", "what to do")
        studio.take(kind, f"alarms{size}")
        studio.both(kind, "?")
        studio.see(kind, "MANUAL 5", "MANUAL 5")
        studio.take(kind, f"manual{size}")
        studio.both(kind, "Escape")
        studio.see(kind, "qué hacer", "what to do")
        if kind == "small":
            studio.both(kind, "Down", "Down", "s")
            studio.see(kind, "APLAZAR", "SHELVE")
            studio.both(kind, "2")
            studio.see(kind, "¿Por qué?", "Why?")
            studio.take(kind, f"shelve{size}")


def _sampled(now: Path) -> int:
    return len(json.loads(now.read_bytes())["history"].get("host.cpu", ()))


if __name__ == "__main__":
    main(sys.argv[1:])
