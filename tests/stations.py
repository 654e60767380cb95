"""Stations in scratch folders, and the real command line run against them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prep_console import config
from prep_console.config import Settings
from prep_console.publication.station import Station
from tests.processes import ended

PROGRAM = Path(sys.executable).with_name("prep-console")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A settings file and its station."""

    file: Path
    settings: Settings

    @property
    def station(self) -> Station:
        """A fresh look: nothing is remembered from an earlier one."""
        return Station(self.settings)

    def run(self, *arguments: str | Path, lang: str = "en", timeout_s: float = 60.0) -> Ran:
        """The installed program as a child process."""
        done = subprocess.run(
            [PROGRAM, "--config", self.file, "--lang", lang, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """The installed program, still running; the caller stops it by its pid."""
        return subprocess.Popen(
            [PROGRAM, "--config", self.file, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @contextmanager
    def engine(self) -> Iterator[subprocess.Popen[bytes]]:
        """One that leads, or stands by, until the block ends."""
        process = self.start("engine")
        try:
            yield process
        finally:
            ended(process)


def sandbox(folder: Path, tables: Mapping[str, Mapping[str, object]] | None = None) -> Sandbox:
    """A station under ``folder`` that expects DIP_LOC and AYUN of QRO, with ``tables`` over it."""
    document: dict[str, dict[str, object]] = {
        "station": {"root": str(folder / "root")},
        "election": {"elections": ["DIP_LOC", "AYUN"], "state": "QRO"},
    }
    for table, values in (tables or {}).items():
        document.setdefault(table, {}).update(values)
    text = "\n".join(
        f"[{table}]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in values.items()) + "\n"
        for table, values in document.items()
    )
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o644)
    return Sandbox(file, config.load(file))
