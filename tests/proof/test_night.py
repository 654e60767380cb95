"""A whole night in minutes: every cut of 24 hours while everything around the engine misbehaves.

A real Apache under load, a real engine, ten consoles, and at each cut a fault drawn by lot: the
engine killed and started again as systemd does, an upload that stops half-way, a cut of another
state, a time server and a UPS that lie, hang and shout, a telemetry file that is gone or garbage,
a console that is dropped. No cut may be lost, no visitor may get an answer that is not whole, and
nothing may grow.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
import pytest

from prep_console import config
from prep_console.journal.reading import verify
from tests import hostile, nights
from tests.apache.conftest import open_folder
from tests.apache.load import ESTADO_JSON, Expected, drive
from tests.apache.server import Apache
from tests.console.terminals import Pty
from tests.processes import ended
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
SETTLED = 0.4
"""Share of the night after which everything has reached its size, and the engine lives on."""
GROWTH = 1.10
MIB = 1024**2
TELEMETRY = 4 * MIB
QUARANTINE = 2 * MIB
JOURNAL_A_CUT = 16 * 1024
MOODS: tuple[hostile.Behaviour, ...] = ("answers", "hang", "garbage", "close", "drip", "megabyte")


@dataclass
class Held:
    """What a process holds at a moment."""

    memory: int
    descriptors: int

    @classmethod
    def by(cls, pid: int) -> Held:
        process = psutil.Process(pid)
        return cls(process.memory_info().rss, process.num_fds())


@dataclass
class Night:
    """The station, everything around it, and what was done to it so far."""

    box: Sandbox
    made: list[dict[str, Path]]
    """Of each cut its archives, written beforehand and moved in when their time comes."""
    alien: Path
    clock: hostile.Peer
    ups: hostile.Peer
    consoles: list[Pty]
    chance: random.Random = field(default_factory=lambda: random.Random(20240602))
    faults: dict[str, int] = field(default_factory=dict)
    delivered: int = 0
    half: Path | None = None
    engine: subprocess.Popen[bytes] | None = None
    settled: dict[int, Held] = field(default_factory=dict)

    @property
    def drop(self) -> Path:
        return self.box.settings.drop_folder

    def start_engine(self) -> None:
        log = (self.box.file.parent / "engine.log").open("ab")
        with log:
            self.engine = subprocess.Popen(
                [PROGRAM, "--config", self.box.file, "engine"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def step(self) -> None:
        """The next cut comes, and with it perhaps a fault."""
        if self.half is not None:  # the upload that stopped goes on
            shutil.copyfile(self.half, self.drop / self.half.name)
            self.half = None
        early = self.delivered < SETTLED * CUTS
        if not early and not self.settled:
            self.settled = {pid: Held.by(pid) for pid in self.pids()}
        fault = self.chance.choice([*self._faults(early), None])
        if self.delivered == 2:  # however short the night
            fault = self._engine_is_killed
        if fault is not None:
            name = fault.__name__.removeprefix("_").replace("_", " ")
            self.faults[name] = self.faults.get(name, 0) + 1
            fault()
        archives = list(self.made[self.delivered].values())
        self.delivered += 1
        last = self.delivered == CUTS
        for path in archives:
            if fault == self._upload_stops and path == archives[0] and not last:
                data = path.read_bytes()
                (self.drop / path.name).write_bytes(data[: len(data) // 2])
                self.half = path
            else:
                shutil.copyfile(path, self.drop / f".{path.name}.part")
                (self.drop / f".{path.name}.part").rename(self.drop / path.name)

    def pids(self) -> list[int]:
        assert self.engine is not None
        return [self.engine.pid, *(console.process.pid for console in self.consoles[1:])]

    # -- what goes wrong; the first console is the one that is dropped -----------------------

    def _faults(self, early: bool) -> list[Callable[[], None]]:
        always = [
            self._upload_stops,
            self._another_state,
            self._clock_server_misbehaves,
            self._ups_misbehaves,
            self._telemetry_is_gone,
            self._telemetry_is_garbage,
            self._console_is_dropped,
        ]
        return [*always, self._engine_is_killed] if early else always

    def _engine_is_killed(self) -> None:
        assert self.engine is not None
        self.engine.kill()
        self.engine.wait(10)
        self.start_engine()

    def _upload_stops(self) -> None:
        """Done where the archives are moved in."""

    def _another_state(self) -> None:
        shutil.copyfile(self.alien, self.drop / self.alien.name)

    def _clock_server_misbehaves(self) -> None:
        self.clock.become(self.chance.choice([m for m in MOODS if m != "reset"]))

    def _ups_misbehaves(self) -> None:
        self.ups.become(self.chance.choice(MOODS))

    def _telemetry_is_gone(self) -> None:
        (self.box.settings.root / "telemetry.db").unlink(missing_ok=True)

    def _telemetry_is_garbage(self) -> None:
        (self.box.settings.root / "telemetry.db").write_bytes(b"\xff" * 4096)

    def _console_is_dropped(self) -> None:
        self.consoles[0].drop()
        self.consoles[0].process.wait(30)
        self.consoles[0] = console(self.box)


def console(box: Sandbox) -> Pty:
    made = Pty([PROGRAM, "--config", box.file, "console"], (120, 40))
    made.forget_slave()
    return made


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
        alien = nights.archive(folder / "made", "DIP_LOC", stamps[0])
        alien = alien.rename(alien.with_name(alien.name.replace("QRO", "COAH")))
        consoles: list[Pty] = []
        it = Night(box, made, alien, clock, ups, consoles)
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
        wait_until(lambda: it.box.station.live().cut == stamps[0], 30, "the first cut is live")
        tally = drive(
            apache.port,
            expected,
            paths,
            it.step,
            requests=100 * CUTS,
            switches=CUTS - 1,
            pause_s=EVERY_S,
            deadline_s=CUTS * EVERY_S * 2,
            visitors=2,
        )
        wait_until(lambda: it.box.station.live().cut == stamps[-1], 60, "the last cut is live")
        final = {pid: Held.by(pid) for pid in it.settled}
        sealed = {cut["id"] for cut in json.loads(it.box.run("cuts", "--json").out)["cuts"]}

        faults = sum(it.faults.values())
        bad = tally.faults + len(set(stamps) - sealed)
        table.record(f"a night of {CUTS} cuts", tried=faults, fired=faults, bad=bad)
        print(f"\n{CUTS} cuts, {tally.requests:,} answers, {faults} faults: {it.faults}")
        assert tally.switches == CUTS - 1
        assert tally.faults == 0, tally.examples
        assert set(stamps) - sealed == set()
        assert len(tally.cuts) >= 0.8 * CUTS
        assert faults >= CUTS // 3
        assert it.settled
        for pid, before in it.settled.items():
            assert final[pid].memory <= GROWTH * before.memory + 2 * MIB, (before, final[pid])
            most = before.descriptors + 3
            wait_until(partial(_holds, pid, most), 60, "looks come to an end")
        root = it.box.settings.root
        assert sum(p.stat().st_size for p in root.glob("telemetry.db*")) <= 2 * TELEMETRY
        assert it.box.station.journal.stat().st_size <= CUTS * JOURNAL_A_CUT
        quarantined = sum(p.stat().st_size for p in (root / "quarantine").rglob("*"))
        assert quarantined <= 2 * QUARANTINE
        assert verify(it.box.station.journal).ok
