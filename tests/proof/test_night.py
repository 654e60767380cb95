"""A whole night in minutes: every cut of 24 hours while everything around the engine misbehaves.

A real Apache under load, a real engine, ten consoles, and at each cut a fault drawn by lot: the
engine killed and started again as systemd does, an upload that stops half-way, a cut of another
state, a time server and a UPS that lie, hang and shout, a telemetry file that is gone, garbage or
too large, a console that is dropped. No cut may be lost, no visitor may get an answer that is not
whole, every console shows the cut that is public, and nothing may grow.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from prep_console import config
from prep_console.journal.reading import verify
from prep_console.telemetry.store import Bounds, Store
from tests import hostile, nights
from tests.apache.conftest import open_folder
from tests.apache.load import ESTADO_JSON, Expected, drive
from tests.apache.server import Apache
from tests.console.terminals import Pty
from tests.cuts import deliveries
from tests.processes import LONG_S, ended, resident_bytes
from tests.proof import table
from tests.stations import PROGRAM, Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(3600)]

CUTS = 288 if table.WHOLE else 20
FIRST = "20240602_1800"
"""The synthetic night of a stamp goes on until 18:00 of the next day, when another one begins."""
EVERY_S = 5.0 if table.WHOLE else 2.0
"""Five minutes at 60 times their speed; the sample is quicker."""
CONSOLES = 10 if table.WHOLE else 3
QUIET = (0.25, 0.85)
"""Shares of the night between which the engine is not killed: there its growth is measured."""
KILLS = (1, round(QUIET[1] * CUTS))
"""Cuts before which it is killed for certain."""
SETTLED = 0.35
"""Share of the night after which everything has reached its size."""
GROWTH = 1.10
MIB = 1024**2
TELEMETRY = 4 * MIB
QUARANTINE = MIB // 2
ALIEN = 300_000
"""Bytes of another state's delivery: the quarantine has room for one of them."""
JOURNAL_A_CUT = 16 * 1024
WORKER_DESCRIPTORS = 32
"""It has 8 to 16; one kept of each delivery would be 50 before it is replaced."""
MOODS: tuple[hostile.Behaviour, ...] = ("answers", "hang", "garbage", "close", "drip", "megabyte")
Seen = Callable[[], bool]
"""Whether a fault was seen to have happened."""


@dataclass
class Held:
    """What a process holds at a moment."""

    memory: int
    descriptors: int

    @classmethod
    def by(cls, pid: int) -> Held:
        process = psutil.Process(pid)
        return cls(process.memory_info().rss, process.num_fds())

    @classmethod
    def by_worker(cls, engine: int) -> Held | None:
        """The process in which the engine reads deliveries; the larger one while it is replaced,
        None before there is one."""
        found = []
        for child in psutil.Process(engine).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if "--multiprocessing-fork" in child.cmdline():
                    found.append(cls.by(child.pid))
        return max(found, key=lambda held: held.memory, default=None)

    def has_room_for(self, later: Held) -> bool:
        return later.memory <= GROWTH * self.memory + 2 * MIB


@dataclass
class Night:
    """The station, everything around it, and what was done to it so far."""

    box: Sandbox
    stamps: list[str]
    made: list[dict[str, Path]]
    """Of each cut its archives, written beforehand and moved in when their time comes."""
    samples: Path
    """Telemetry of twice the size that is allowed."""
    clock: hostile.Peer
    ups: hostile.Peer
    consoles: list[Pty]
    chance: random.Random = field(default_factory=lambda: random.Random(20240602))
    tried: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    """Those of the faults that were seen to have happened."""
    pending: dict[str, tuple[str, Seen]] = field(default_factory=dict)
    """Those that were not seen yet, by what they harm: it is left alone until they are."""
    delivered: int = 0
    half: Path | None = None
    engine: subprocess.Popen[bytes] | None = None
    settled: dict[int, Held] = field(default_factory=dict)
    """What each console held when it had reached its size."""
    engine_settled: Held | None = None
    workers: list[Held] = field(default_factory=list)
    """From when all had reached its size to the end of the engine's quiet time."""

    @property
    def drop(self) -> Path:
        return self.box.settings.drop_folder

    @property
    def telemetry(self) -> Path:
        return self.box.settings.root / "telemetry.db"

    @property
    def telemetry_bytes(self) -> int:
        return sum(path.stat().st_size for path in self.telemetry.parent.glob("telemetry.db*"))

    def start_engine(self) -> None:
        if "telemetry" not in self.pending:
            for end in ("-wal", "-shm"):
                self.telemetry.with_name(self.telemetry.name + end).unlink(missing_ok=True)
            self.telemetry.parent.mkdir(exist_ok=True)
            shutil.copyfile(self.samples, self.telemetry)
            assert self.telemetry_bytes > TELEMETRY
            self.meant("telemetry is too large", lambda: self.telemetry_bytes <= TELEMETRY)
        log = (self.box.file.parent / "engine.log").open("ab")
        with log:
            self.engine = subprocess.Popen(
                [PROGRAM, "--config", self.box.file, "engine"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def meant(self, fault: str, seen: Seen) -> None:
        self.tried[fault] += 1
        self.pending[fault.split()[0]] = fault, seen

    def all_seen(self) -> bool:
        """Count what was seen to have happened by now; whether that is all of it."""
        for harmed, (fault, seen) in list(self.pending.items()):
            if seen():
                self.fired[fault] += 1
                del self.pending[harmed]
        return not self.pending

    def step(self) -> None:
        """The next cut comes, and with it perhaps a fault."""
        self.all_seen()
        if self.half is not None:  # the upload that stopped goes on
            shutil.copyfile(self.half, self.drop / self.half.name)
            self.half = None
        self._measure()
        fault = self.chance.choice([*self._faults(), None])
        if self.delivered in KILLS and "engine" not in self.pending:  # however short the night
            fault = self._engine_is_killed
        seen = fault() if fault is not None else None
        if fault is not None and seen is not None:
            self.meant(_name(fault), seen)
        archives = list(self.made[self.delivered].values())
        self.delivered += 1
        last = self.delivered == CUTS
        for path in archives:
            if fault == self._upload_stops and path == archives[0] and not last:
                data = path.read_bytes()
                (self.drop / path.name).write_bytes(data[: len(data) // 2])
                self.half = path
                self.meant(_name(fault), partial(_has, self.drop / path.name, len(data) // 2))
            else:
                shutil.copyfile(path, self.drop / f".{path.name}.part")
                (self.drop / f".{path.name}.part").rename(self.drop / path.name)

    # -- what is looked at -------------------------------------------------------------------

    def all_show_the_last(self) -> None:
        stamp = self.stamps[self.delivered - 1]
        wait_until(lambda: self.box.station.live().cut == stamp, 60, f"{stamp} is live")
        for n, terminal in enumerate(self.consoles):
            paint_anew(terminal)
            wait_until(partial(shows, terminal, stamp), 60, f"console {n} shows {stamp}")
            assert terminal.process.poll() is None
            assert resident_bytes(terminal.process.pid) > 0

    def _measure(self) -> None:
        """Consoles from when all has settled; the engine and its worker while it is left alone."""
        assert self.engine is not None
        engine = self.engine.pid
        at = self.delivered / CUTS
        if at >= SETTLED and not self.settled:
            wait_until(self._keeps_samples, 60, lambda: f"{self.pending}")
            self.all_show_the_last()
            self.settled = {pid: Held.by(pid) for pid in self.lasting()}
            self.engine_settled = Held.by(engine)
        if self.engine_settled is None:
            return
        if at < QUIET[1]:
            worker = Held.by_worker(engine)
            self.workers += [worker] if worker is not None else []
            return
        assert self.engine.poll() is None
        no_growth(engine, self.engine_settled)
        self.engine_settled = None
        half = len(self.workers) // 2  # however old the worker is: each has as many lives
        assert half >= (QUIET[1] - SETTLED) * CUTS // 4
        early, late = self.workers[:half], self.workers[half:]
        largest = max(early, key=lambda held: held.memory)
        assert all(largest.has_room_for(held) for held in late), self.workers
        assert all(held.descriptors <= WORKER_DESCRIPTORS for held in self.workers), self.workers

    def _keeps_samples(self) -> bool:
        """Whether the engine has its telemetry open: that is some descriptors more."""
        self.all_seen()
        return "telemetry" not in self.pending

    def lasting(self) -> list[int]:
        return [console.process.pid for console in self.consoles[1:]]

    # -- what goes wrong; the first console is the one that is dropped -----------------------

    def _faults(self) -> list[Callable[[], Seen | None]]:
        """Those that can happen now."""
        faults = [self._another_state, self._clock_server_misbehaves, self._ups_misbehaves]
        if _has_opened(self.consoles[0]):
            faults += [self._console_is_dropped]
        if self.delivered < CUTS - 1:
            faults += [self._upload_stops]
        if self.telemetry.exists():
            faults += [self._telemetry_is_gone, self._telemetry_is_garbage]
        if not QUIET[0] <= self.delivered / CUTS < QUIET[1]:
            faults += [self._engine_is_killed]
        return [one for one in faults if _name(one).split()[0] not in self.pending]

    def _engine_is_killed(self) -> Seen:
        assert self.engine is not None
        self.engine.kill()
        assert self.engine.wait(10) == -signal.SIGKILL
        self.start_engine()
        return partial(_leads, self.box.station.run / "now.json", self.engine.pid)

    def _upload_stops(self) -> None:
        """Done where the archives are moved in."""

    def _another_state(self) -> Seen:
        stamp = self.stamps[self.delivered]
        files = deliveries.cut_files("DIP_LOC", stamp, state="COAH")
        files["fotos/acta.jpg"] = random.Random(stamp).randbytes(ALIEN)
        made = self.drop / f".{stamp}_PREP_DIP_LOC_COAH.zip.part"
        made.write_bytes(deliveries.zipped(files))
        alien = made.rename(self.drop / f"{stamp}_PREP_DIP_LOC_COAH.zip")
        return partial(_refused, self.box.station.quarantine, alien.name)

    def _clock_server_misbehaves(self) -> Seen | None:
        return self._becomes(self.clock)

    def _ups_misbehaves(self) -> Seen | None:
        return self._becomes(self.ups)

    def _becomes(self, peer: hostile.Peer) -> Seen | None:
        """Another mood; one that answers again is no fault."""
        peer.become(self.chance.choice([mood for mood in MOODS if mood != peer.behaviour]))
        before = peer.asked
        return None if peer.behaviour == "answers" else lambda: peer.asked > before

    def _telemetry_is_gone(self) -> Seen:
        self.telemetry.unlink()
        return self._is_made_anew

    def _telemetry_is_garbage(self) -> Seen:
        self.telemetry.write_bytes(b"\xff" * 4096)
        return self._is_made_anew

    def _is_made_anew(self) -> bool:
        with suppress(FileNotFoundError), self.telemetry.open("rb") as file:
            return file.read(15) == b"SQLite format 3"
        return False

    def _console_is_dropped(self) -> Seen:
        self.consoles[0].drop()
        assert self.consoles[0].process.wait(30) == 128 + signal.SIGHUP
        self.consoles[0] = console(self.box)
        return partial(_has_opened, self.consoles[0])


def _name(fault: Callable[[], Seen | None]) -> str:
    return fault.__name__.removeprefix("_").replace("_", " ")


def _has(path: Path, size: int) -> bool:
    """Whether it is there still, as large as it was."""
    return path.exists() and path.stat().st_size == size


def _has_opened(terminal: Pty) -> bool:
    """Whether it says which cut is public."""
    return re.search(r"● \d\d:\d\d +public", terminal.text) is not None


def _leads(said: Path, pid: int) -> bool:
    """Whether the station's engine is this process."""
    return said.exists() and json.loads(said.read_bytes())["pid"] == pid


def _refused(quarantine: Path, name: str) -> bool:
    """Whether a delivery of this name lies there, for being another state's."""
    reasons = [json.loads(path.read_bytes()) for path in quarantine.glob("*/reason.json")]
    return any(
        found["check"] == "state.wrong"
        for reason in reasons
        if reason["name"] == name
        for found in reason["findings"]
    )


def no_growth(pid: int, before: Held) -> None:
    now = Held.by(pid)
    assert before.has_room_for(now), (before, now)
    most = before.descriptors + 3
    wait_until(partial(_holds, pid, most), 60, "looks come to an end")


def too_many_samples(path: Path) -> Path:
    """The samples of an earlier hour, twice as many bytes as the station may keep."""
    hour = int(time.time()) - 7200
    with closing(Store(path, Bounds(86_400, 2**40))):
        pass
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            "INSERT INTO sample VALUES (?, ?, ?, 0)",
            [(hour + n // 50, n % 50, "x" * 100) for n in range(2 * TELEMETRY // 100)],
        )
    return path


def console(box: Sandbox) -> Pty:
    made = Pty([PROGRAM, "--config", box.file, "--lang", "en", "console"], (120, 40))
    made.forget_slave()
    return made


def paint_anew(terminal: Pty) -> None:
    """Another size asks for the whole screen."""
    del terminal.received[:]
    terminal.resize((241 - terminal.size[0], 40))
    terminal.process.send_signal(signal.SIGWINCH)


def shows(terminal: Pty, stamp: str) -> bool:
    """Whether the whole screen says that this cut is public; one that does not yet is asked for
    another one, since what changes is painted in parts."""
    lines = terminal.painted()
    if any(re.match(rf" ● {stamp[9:11]}:{stamp[11:13]} +public ", one) for one in lines):
        return True
    if lines:
        paint_anew(terminal)
    return False


@contextmanager
def night(folder: Path, apache: Apache, stamps: list[str]) -> Iterator[Night]:
    with ExitStack() as ending:
        clock = ending.enter_context(hostile.udp("answers", b"\0" * 48))
        ups = ending.enter_context(hostile.tcp("answers", b"ERR DATA-STALE\n"))
        box = _station(folder, apache, clock, ups)
        made = []
        for stamp in stamps:
            own = folder / "made" / stamp
            own.mkdir(parents=True)
            made.append(nights.two_archives(own, stamp))
        samples = too_many_samples(folder / "made" / "telemetry.db")
        consoles: list[Pty] = []
        it = Night(box, stamps, made, samples, clock, ups, consoles)
        ending.callback(_end, it)
        it.start_engine()
        consoles.extend(console(box) for _ in range(CONSOLES))
        yield it


def _station(folder: Path, apache: Apache, clock: hostile.Peer, ups: hostile.Peer) -> Sandbox:
    box = sandbox(
        folder,
        {
            "site": {"url": f"{apache.url}/"},
            "clock": {"servers": [f"127.0.0.1:{clock.port}"], "daemon": "none"},
            "telemetry": {"max_bytes": TELEMETRY},
            "intake": {"quarantine_bytes": QUARANTINE},
            "publication": {"unpack": True, "keep_cuts": 10_000, "keep_bytes": 0},
        },
    )
    device = f'[[power.device]]\nname = "servidor"\nnut = "ups@127.0.0.1:{ups.port}"\n'
    box.file.write_text(f"{box.file.read_text()}\n{device}")
    return Sandbox(box.file, config.load(box.file))


def _end(it: Night) -> None:
    for each in it.consoles:
        each.drop()
        each.process.kill()
        each.process.wait(10)
    if it.engine is not None:
        ended(it.engine)


def _expected(it: Night, stamps: list[str]) -> tuple[Expected, list[str]]:
    """What each cut's files hash to, as delivered; the paths that visitors ask for."""
    expected: dict[str, dict[str, str]] = {}
    inside: set[str] = set()
    for stamp, archives in zip(stamps, it.made, strict=True):
        files = {f"/{p.name}": _sha256(p.read_bytes()) for p in archives.values()}
        for path in archives.values():
            with zipfile.ZipFile(path) as packed:
                for name in packed.namelist():
                    files[f"/{name}"] = _sha256(packed.read(name))
                    inside.add(f"/{name}")
        expected[stamp] = files
    common = sorted(path for path in inside if all(path in files for files in expected.values()))
    assert common
    return expected, [*common * 3, "/", ESTADO_JSON]


def _holds(pid: int, most: int) -> bool:
    """No more descriptors than these, but for a look at a neighbour that is under way."""
    return Held.by(pid).descriptors <= most


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def scratch() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def test_a_night_of_faults_loses_no_cut_and_serves_no_wrong_byte(scratch: Path) -> None:
    stamps = nights.stamps(FIRST, CUTS)
    bare = sandbox(scratch)
    bare.station.prepare()
    with (
        Apache(bare.settings, scratch / "apache") as apache,
        night(scratch, apache, stamps) as it,
    ):
        expected, paths = _expected(it, stamps)
        it.step()
        wait_until(lambda: it.box.station.live().cut == stamps[0], LONG_S, "the first cut is live")
        tally = drive(
            apache.port,
            expected,
            paths,
            it.step,
            requests=100 * CUTS,
            switches=CUTS - 1,
            pause_s=EVERY_S,
            deadline_s=CUTS * EVERY_S * 2 + 180,
            visitors=2,
        )
        it.all_show_the_last()
        wait_until(it.all_seen, 60, lambda: f"not seen: {it.pending}")
        sealed = {cut["id"] for cut in json.loads(it.box.run("cuts", "--json").out)["cuts"]}

        tried, fired = it.tried.total(), it.fired.total()
        bad = tally.faults + len(set(stamps) - sealed)
        table.record(f"a night of {CUTS} cuts", tried=tried, fired=fired, bad=bad)
        print(f"\n{CUTS} cuts, {tally.requests:,} answers, {fired} faults: {dict(it.fired)}")
        assert tally.switches == CUTS - 1
        assert tally.faults == 0, tally.examples
        assert set(stamps) - sealed == set()
        assert len(tally.cuts) >= 0.8 * CUTS
        assert fired >= CUTS // 3
        assert it.fired["engine is killed"] >= 2
        assert len(it.settled) == CONSOLES - 1
        for pid, before in it.settled.items():
            no_growth(pid, before)
        assert it.engine_settled is None
        assert it.telemetry_bytes <= TELEMETRY
        assert it.box.station.journal.stat().st_size <= CUTS * JOURNAL_A_CUT
        quarantined = it.box.station.quarantine.rglob("*.zip")
        assert sum(path.stat().st_size for path in quarantined) <= QUARANTINE
        assert verify(it.box.station.journal).ok
