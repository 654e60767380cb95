"""One rehearsal night on the sandbox station: the cuts, the faults, and what the public saw."""

from __future__ import annotations

import hashlib
import http.client
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from prep_console.cuts.stamps import Stamp
from prep_console.drill.authority import LONG_DAYS
from prep_console.drill.institute import STEP, stamps_of
from prep_console.drill.nights import Contest, Night, cut_files, put
from prep_console.drill.sandbox import Sandbox, serve
from prep_console.drill.scenario import Fault, Scenario

Public = Literal["none", "fresh", "stale", "wrong", "down"]
_TICK_S = 0.25
_LOOK_S = 1.0
_BALLAST_BYTES = 2 * 2**30
_DRIFT_S = 5.0
_SHORT_DAYS = 2
_LEAST_STALE_S = 6.0
_LEAST_LATE_S = 12.0
"""However quick the night: an alarm that is over before it can be read rehearses nothing."""
_ENDING_S = 6.0
"""The night goes on for so long after the last fault, for people to set things right."""


@dataclass(slots=True)
class Told:
    """What happened, by real time (UTC)."""

    began: datetime
    faults: dict[int, tuple[datetime, datetime | None]] = field(default_factory=dict)
    """Number from 1: from when until when."""
    cuts: list[tuple[datetime, str]] = field(default_factory=list)
    public: list[tuple[datetime, Public]] = field(default_factory=list)
    """From when on the public saw it so."""


class Rehearsal:
    """The institute, the faults and a visitor, stepped by :meth:`run` in one thread."""

    def __init__(self, station: Sandbox, night: Night, scenario: Scenario, speed: float) -> None:
        self._station, self._night, self._scenario = station, night, scenario
        self._speed = speed
        stamps = list(stamps_of(night))
        self._stamps = iter(stamps[len(stamps) // 4 :])
        self._started = time.monotonic()
        self._ends: dict[int, float] = {}
        self._happened: set[int] = set()
        """Faults in which a cut came."""
        self._queue: list[tuple[float, Path, bytes]] = []
        self._bad: set[str] = set()
        self._defaced: tuple[str, str, str] | None = None
        self._frozen_at: Stamp | None = None
        self._fresh_since = self._started
        self._seen_cut: str | None = None
        self._web_down = False
        self.told = Told(datetime.now(UTC))

    def run(self, still: Callable[[], bool]) -> Told:
        """Until the night is over, or ``still()`` is false."""
        step_s = STEP.total_seconds() / self._speed
        due, look = self._started, self._started
        last = self._started + self._scenario.minutes * 60 / self._speed
        while still():
            now = time.monotonic()
            self._turn(now)
            if now >= due:
                self._deliver(now)
                due += step_s
            for entry in [e for e in self._queue if e[0] <= now]:
                self._queue.remove(entry)
                put(entry[1], entry[2])
            if now >= look:
                self._look(now)
                look = now + _LOOK_S
            over = len(self.told.faults) == len(self._scenario.fault) and not self._ends
            if self._ends:
                last = max(last, now + _ENDING_S)
            if now >= last and over:
                break
            _pause(_TICK_S)
        for number in list(self._ends):
            self._end(number)
        return self.told

    def _turn(self, now: float) -> None:
        """Begin and end faults."""
        passed_minutes = (now - self._started) * self._speed / 60
        for number, fault in enumerate(self._scenario.fault, 1):
            if number not in self.told.faults and passed_minutes >= fault.at:
                lasts = max(fault.minutes * 60 / self._speed, fault.seconds_at_least)
                self._ends[number] = now + lasts
                self.told.faults[number] = (datetime.now(UTC), None)
                self._begin(fault)
        order = self._station.folder / "web"
        if self._web_down and order.exists() and order.read_text("utf-8").strip() == "on":
            self._start_web()
        for number in [n for n, end in self._ends.items() if end <= now]:
            self._end(number)

    def _active(self, kind: str) -> bool:
        return any(self._scenario.fault[n - 1].kind == kind for n in self._ends)

    def _begin(self, fault: Fault) -> None:
        station = self._station
        if fault.kind == "mains-lost":
            station.mains.order("off")
        elif fault.kind == "generator-fails":
            station.mains.order("off, generator fails")
        elif fault.kind == "clock-drifts" and station.drift is not None:
            station.drift(_DRIFT_S)
        elif fault.kind == "disk-fills":
            with (station.folder / "ballast").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _BALLAST_BYTES)
        elif fault.kind == "web-server-dies":
            station.web.close()
            self._web_down = True
        elif fault.kind == "defaced":
            self._deface()
        elif fault.kind == "certificate-expires":
            station.renew(_SHORT_DAYS)

    def _end(self, number: int) -> None:
        del self._ends[number]
        began, _ = self.told.faults[number]
        self.told.faults[number] = (began, datetime.now(UTC))
        kind = self._scenario.fault[number - 1].kind
        if kind in {"mains-lost", "generator-fails"}:
            self._station.mains.order("on")
        elif kind == "clock-drifts" and self._station.drift is not None:
            self._station.drift(0.0)
        elif kind == "disk-fills":
            (self._station.folder / "ballast").unlink(missing_ok=True)
        elif kind == "web-server-dies" and self._web_down:
            self._start_web()
        elif kind == "certificate-expires":
            self._station.renew(LONG_DAYS)

    def _start_web(self) -> None:
        station = self._station
        serve(station.settings, station.folder, station.port, station.web, station.authority)
        self._web_down = False

    def _deface(self) -> None:
        """Other bytes in the first file of the public cut, as an intruder with rights would."""
        with suppress(OSError, http.client.HTTPException):
            cut = self._station.visit().cut
            site = self._station.settings.root / "cuts" / str(cut) / "site"
            for file in sorted(p for p in site.rglob("*") if p.is_file())[:1]:
                data = file.read_bytes()
                name = file.relative_to(site).as_posix()
                self._defaced = (str(cut), name, hashlib.sha256(data).hexdigest())
                file.chmod(0o644)
                file.write_bytes(data[:-7] + b"DEFACED")

    def _deliver(self, now: float) -> None:
        """The cut that is due, as the faults of this moment have it."""
        stamp = next(self._stamps, None)
        at_work = {n: self._scenario.fault[n - 1].kind for n in self._ends}
        kinds: set[str] = {
            k for n, k in at_work.items() if not (k in _ONE_CUT and n in self._happened)
        }
        if stamp is None or ("silence" in kinds and not kinds & _DELIVERED):
            return
        self._happened.update(at_work)
        drop = self._station.settings.drop_folder
        files = self._files(stamp, kinds)
        late_s = max(8 * 60 / self._speed, _LEAST_LATE_S) if "late" in kinds else 0.0
        for at, (name, data) in enumerate(files.items()):
            last = at == len(files) - 1
            if last and "half" in kinds:
                (drop / name).write_bytes(data[: len(data) // 2])
            elif not (last and "one-election-late" in kinds):
                self._queue.append((now + late_s, drop / name, data))
        if not kinds & {"half", "one-election-late", "corrupt"}:
            self.told.cuts.append((datetime.now(UTC), str(stamp)))

    def _files(self, stamp: Stamp, kinds: set[str]) -> dict[str, bytes]:
        contests = self._night.contests
        if "figures-stand-still" in kinds:
            self._frozen_at = self._frozen_at or stamp
            return {
                c.archive_name(stamp): c.archive(stamp, as_of=self._frozen_at) for c in contests
            }
        self._frozen_at = None
        if "totals-fall" in kinds:
            self._bad.add(str(stamp))
            before = Stamp(stamp.wall - 12 * STEP)
            return {c.archive_name(stamp): c.archive(stamp, as_of=before) for c in contests}
        if "test-data" in kinds:
            self._bad.add(str(stamp))
            return {_called(c, stamp, "PRUEBA"): c.archive(stamp) for c in contests}
        files = cut_files(self._night, stamp)
        first = next(iter(files))
        if "corrupt" in kinds:
            data = files[first]
            at = len(data) * 3 // 5
            files[first] = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        if "wrong-election" in kinds:
            name = contests[0].archive_name(stamp).replace(contests[0].code, "GOB", 1)
            files = {name: contests[0].archive(stamp), **files}
        if "corrected" in kinds:
            again = contests[0].archive(stamp, extra={"AVISO.txt": b"SIMULACRO: corregido\r\n"})
            after = time.monotonic() + 3.0
            self._queue.append((after, self._station.settings.drop_folder / first, again))
        return files

    def _look(self, now: float) -> None:
        """What a visitor sees."""
        state = self._visit(now)
        if not self.told.public or self.told.public[-1][1] != state:
            self.told.public.append((datetime.now(UTC), state))

    def _visit(self, now: float) -> Public:
        try:
            answer = self._station.visit()
            cut = answer.cut
            if answer.status == 503 and self._seen_cut is None:
                return "none"
            if answer.status != 200:
                return "down"
            if self._defaced is not None and cut == self._defaced[0]:
                body = self._station.visit("/" + quote(self._defaced[1])).body
                if hashlib.sha256(body).hexdigest() != self._defaced[2]:
                    return "wrong"
        except (OSError, http.client.HTTPException):
            return "down"
        if cut in self._bad:
            return "wrong"
        if cut != self._seen_cut:
            self._seen_cut, self._fresh_since = cut, now
        old = now - self._fresh_since > max(_LEAST_STALE_S, 2 * 300 / self._speed)
        return "stale" if old else "fresh"


_ONE_CUT = {"test-data", "totals-fall", "corrected"}
"""One cut is so, and the next one is not, however close to the end of the fault it comes."""
_DELIVERED = {"test-data", "totals-fall", "corrected", "half"}
"""A silence that follows one of these does not swallow it."""


def _called(contest: Contest, stamp: Stamp, word: str) -> str:
    return contest.archive_name(stamp).replace("_PREP_", f"_PREP_{word}_", 1)


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)
