"""How far a running resync is, for any console to show, and a person's word to stop it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from prep_console.decoding import decode
from prep_console.intake.pull.job import Progress
from prep_console.problems import Refused
from prep_console.publication import lock
from prep_console.publication.station import Station
from prep_console.wording import N_, sentence

_BETWEEN_S = 0.5
"""Between two states of the file."""
SILENT_S = 60.0
"""Who may not look at the lock takes a file that is older for what a killed resync left."""

Doing = Literal["asking", "fetching", "comparing", "taking"]


class ResyncProgress(msgspec.Struct, frozen=True):
    """What a resync is doing now."""

    source: str
    """Name of the source, '' where none is concerned."""
    state: Doing
    file: str = ""
    """Visible name."""
    bytes: int = 0
    total_bytes: int | None = None
    bytes_per_s: float = 0.0
    eta_s: float | None = None


Shown = Callable[[ResyncProgress], None]


def lock_of(station: Station) -> Path:
    """Held while a resync runs."""
    return station.run / "resync.lock"


def read(station: Station) -> ResyncProgress | None:
    """What the running resync does; None when none runs."""
    held = lock.is_held(lock_of(station))
    if held is False or (held is None and silent_s(station) > SILENT_S):
        return None
    try:
        return decode(_file(station).read_bytes(), ResyncProgress)
    except (OSError, ValueError):
        return None


def silent_s(station: Station) -> float:
    """For how long nothing was heard of the resync that runs: it hangs, or was stopped."""
    with suppress(OSError):
        return max(0.0, time.time() - _file(station).stat().st_mtime)
    holder = lock.holder_of(lock_of(station))
    return max(0.0, time.time() - holder.since) if holder is not None else 0.0


def cancel(station: Station) -> bool:
    """Ask the running resync to stop; False when none runs or this user may not stop it.

    What it is sealing it seals first: a cut is whole or not there.
    """
    if read(station) is None:
        return False
    try:
        _wish(station).touch()
    except OSError:
        return False
    return True


class Teller:
    """Writes the progress of the one resync that runs, and hears the wish to stop."""

    def __init__(self, station: Station, shown: Shown) -> None:
        """``shown`` gets every state as well."""
        self._station = station
        self._shown = shown
        self._source = ""
        self._written_at = 0.0
        _wish(station).unlink(missing_ok=True)

    def now(self, state: Doing, source: str = "", file: str = "") -> None:
        """It begins something else."""
        self._source = source
        self._written_at = 0.0
        self._write(ResyncProgress(source, state, file))

    def fetching(self, progress: Progress) -> None:
        """More of a file is here."""
        self.moved(
            "fetching",
            progress.file,
            progress.bytes,
            progress.total_bytes,
            progress.bytes_per_s,
        )

    def moved(
        self, state: Doing, file: str, done: int, total: int | None, bytes_per_s: float
    ) -> None:
        """So many bytes of what it does now are done."""
        left = (total - done) / bytes_per_s if total is not None and bytes_per_s > 0 else None
        self._write(ResyncProgress(self._source, state, file, done, total, bytes_per_s, left))

    def heed(self) -> None:
        """Refused when somebody wished it to stop."""
        if _wish(self._station).exists():
            raise Refused(
                sentence(N_("the resync was cancelled")),
                sentence(N_("what is public stays; what was fetched is kept for the next one")),
            )

    def end(self) -> None:
        """Nothing runs any more."""
        _file(self._station).unlink(missing_ok=True)
        _wish(self._station).unlink(missing_ok=True)

    def _write(self, progress: ResyncProgress) -> None:
        self._shown(progress)
        if time.monotonic() - self._written_at < _BETWEEN_S:
            return
        self._written_at = time.monotonic()
        file = _file(self._station)
        beside = file.with_name(f"{file.name}.new")
        with suppress(OSError):  # a full disk: it works on, unseen
            beside.write_bytes(msgspec.json.encode(progress))
            beside.chmod(0o644)
            beside.rename(file)


def _file(station: Station) -> Path:
    return station.run / "resync.json"


def _wish(station: Station) -> Path:
    return station.run / "resync.cancel"
