"""Stations that a proof can break: made by the real commands, copied, and put back as they were."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

from prep_console import cli, config, wording
from prep_console.config import Settings
from prep_console.publication.station import Station
from tests import nights

STAMPS = tuple(nights.stamps(count=6))
ACTAS = 4
"""Small: a proof repeats its command hundreds of times."""
EXTRA = """
[election]
state = "QRO"
elections = ["DIP_LOC", "AYUN"]
[publication]
ballast_bytes = 65536
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder with one station in it, its settings, and deliveries beside it."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "station"

    @property
    def settings_file(self) -> Path:
        return self.folder / "settings.toml"

    @cached_property
    def settings(self) -> Settings:
        return config.load(self.settings_file)

    @property
    def station(self) -> Station:
        """Read from disk anew, as the next process would."""
        return Station(self.settings)

    def command(self, *arguments: str, runner: Sequence[str] = ("-m", "prep_console")) -> list[str]:
        """The command line as a list, for a process of its own."""
        return [sys.executable, *runner, *self._options(), *arguments]

    def run(self, *arguments: str) -> Said:
        """The command in a process of its own."""
        done = subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def call(self, *arguments: str) -> Said:
        """The same code without the start of an interpreter: a tenth of the time."""
        out, err = io.StringIO(), io.StringIO()
        argv = ["prep-console", *self._options(), *arguments]
        language = wording.language()
        try:
            with (
                patch.object(sys, "argv", argv),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        finally:
            wording.use(language)
        return Said(code, out.getvalue(), err.getvalue())

    def _options(self) -> list[str]:
        return ["--config", str(self.settings_file), "--lang", "en"]


def place(folder: Path, *, station: str = "", extra: str = EXTRA) -> Place:
    """A folder with settings for a station that is not there yet.

    ``station`` adds lines to that table, ``extra`` replaces the other tables.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = Place(folder)
    made.settings_file.write_text(
        f'[station]\nroot = "{made.root}"\nphase = "simulacro"\n{station}\n{extra}', "utf-8"
    )
    made.settings_file.chmod(0o644)
    return made


def put_back(base: Path, root: Path) -> None:
    """Make ``root`` the same as ``base``, hard links and times included."""
    subprocess.run(["rm", "-rf", str(root)], check=True)
    subprocess.run(["cp", "-a", str(base), str(root)], check=True)


def deliveries(folder: Path, stamp: str, *, seed: int = nights.SEED) -> list[Path]:
    """Both archives of one cut, in the order that they come."""
    return list(nights.two_archives(folder, stamp, actas=ACTAS, seed=seed).values())


def receive_cuts(at: Place, folder: Path, stamps: Sequence[str]) -> None:
    """Cuts received one after another, two archives each."""
    for stamp in stamps:
        for path in deliveries(folder, stamp):
            said = at.call("receive", str(path))
            assert said.code == 0, said.err
