"""Six months after the freeze: the final cut stays up, byte for byte, and nothing grows.

A real engine on a clock of its own that runs at ten times its speed and leaps a day whenever
the engine has looked at the site (libfaketime, wall and monotonic clock together); a real Apache
with TLS on ours. Meanwhile the machine is started anew, the certificate is renewed shortly before
it ends, and the institute delivers once more. What a whole half-year of samples and of a
restless instrument leaves behind is told by the parts themselves, second by second of that time.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import ssl
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme

from prep_console import telemetry
from prep_console.journal import chain, journal
from prep_console.journal.actor import Actor
from prep_console.journal.reading import verify
from prep_console.probes.probe import reading
from prep_console.telemetry.store import Bounds, Store
from tests import nights
from tests.alarms.simulated import ENGINE, Sim
from tests.apache.conftest import open_folder
from tests.apache.server import Apache
from tests.proof import engine_clock, table
from tests.stations import Sandbox, sandbox
from tests.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(3600)]

MONTHS = 182
DAYS = MONTHS if table.WHOLE else 8
REBOOT_DAYS = 13 if table.WHOLE else 3
RATE = 10
"""Faster, and a look that has five seconds would fail on a busy machine for want of time."""
RENEWED = DAYS // 2
"""Day on which the certificate is renewed, four days before it ends."""
DELIVERED = {DAYS // 3 + n for n in (0, 1, 2)}
"""Days on which a cut comes that nobody expected."""
FINAL_CUTS = 3
KEEP_CUTS = 4
TELEMETRY = 2 * 1024**2
JOURNAL_A_DAY = 8 * 1024
LINES_A_DAY = 100
NEVER = {
    *("cut.late", "cut.unpublished", "cut.damaged", "cut.tampered", "election.stopped"),
    *("cut.doubtful", "pointer.moved", "journal.broken", "hold.long", "site.differs"),
}
"""Alarms that have no reason to be while a whole final cut is frozen and served."""


class OwnApache(Apache):
    """It dies as in a power cut, takes signals, and its certificate is not self-made."""

    ca_file: Path

    def connect(self) -> http.client.HTTPConnection:
        trust = ssl.create_default_context(cafile=str(self.ca_file))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=trust)

    def kill(self) -> None:
        assert self._process is not None
        engine_clock.kill(self._process.pid)
        self._process.wait(10)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclass
class Service:
    """The frozen station, its engine on the other clock, its Apache, and what was done so far."""

    box: Sandbox
    apache: OwnApache
    folder: Path
    authority: trustme.CA
    final: str
    served: Mapping[str, bytes]
    """URL path to bytes as delivered."""
    began: datetime
    day: int = 0
    wrapper: subprocess.Popen[bytes] | None = None
    bad: list[str] = field(default_factory=list)
    answers: int = 0

    @property
    def root(self) -> Path:
        return self.box.settings.root

    # -- time ----------------------------------------------------------------------------------

    def leap(self) -> None:
        """It is the next day, for the engine and its children at once."""
        self.day += 1
        engine_clock.tell(self.folder / "clock", f"+{self.day}d x{RATE}")

    @property
    def morning(self) -> datetime:
        """Before this moment it was another day."""
        return self.began + timedelta(days=self.day)

    # -- processes -----------------------------------------------------------------------------

    def start_engine(self) -> None:
        self.wrapper = engine_clock.start(
            self.box, self.folder / "clock", self.folder / "engine.log"
        )

    def kill_engine(self) -> None:
        if self.wrapper is not None:
            engine_clock.kill(self.wrapper.pid)
            self.wrapper.wait(10)
            self.wrapper = None

    def reboot(self) -> None:
        """The power goes: nobody says goodbye, and what lies in run/ is gone."""
        self.kill_engine()
        self.apache.kill()
        for each in (self.root / "run").iterdir():
            each.unlink()
        self.apache.__enter__()
        self.start_engine()

    def renew_certificate(self, days: int) -> None:
        """Another certificate that ends in so many days; Apache takes it without a break."""
        made = self.authority.issue_cert(
            "127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=self.day + days)
        )
        into = self.apache.into
        made.private_key_pem.write_to_path(str(into / "key.pem"))
        made.cert_chain_pems[0].write_to_path(str(into / "certificate.pem"))
        self.apache.signal(signal.SIGUSR1)

    def deliver(self, stamp: str) -> None:
        for path in nights.two_archives(self.folder, stamp, actas=4).values():
            path.rename(self.box.settings.drop_folder / path.name)
        wait_until(lambda: stamp in self.box.station.state().cuts, 120, f"{stamp} is stored")

    def told(self, alarm: str) -> bool:
        """Whether the journal says that it is there."""
        open_now = self.box.station.state().alarms.values()
        return any(record.id == alarm for record in open_now)

    # -- looks ---------------------------------------------------------------------------------

    def said(self) -> dict[str, Any]:
        """What the engine last wrote; nothing while none does."""
        try:
            found: dict[str, Any] = json.loads((self.root / "run" / "now.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return found

    def seen_today(self) -> bool:
        """Whether the engine has looked at the site today, and found the final cut there."""
        served = self.said().get("served")
        if not served or not served["ok"] or served["id"] != self.final:
            return False
        return datetime.fromisoformat(served["checked_at"]) >= self.morning

    def sees_the_day(self) -> None:
        """Wait for it; what the engine does instead is told."""
        wait_until(self.seen_today, 400, self._instead)

    def _instead(self) -> str:
        assert self.wrapper is not None
        above = psutil.Process(self.wrapper.pid)
        states = [(p.name(), p.status(), p.cpu_times()) for p in above.children(recursive=True)]
        log = (self.folder / "engine.log").read_text("utf-8")[-3000:]
        return f"day {self.day}: the engine sees the final cut: {states} {self.said()}\n{log}"

    def visit(self) -> None:
        """Everything that was delivered, as a visitor gets it."""
        for path, wanted in self.served.items():
            answer = self.apache.get(path)
            self.answers += 1
            if (answer.status, answer.cut, answer.body) != (200, self.final, wanted):
                self.bad.append(f"day {self.day}: {path}: {answer.status} {answer.cut}")
        estado = json.loads(self.apache.get("/_prep/estado.json").body)
        self.answers += 1
        if (estado["cut"], estado["final"]) != (self.final, True):
            self.bad.append(f"day {self.day}: estado says {estado['cut']}, {estado['final']}")

    def look(self) -> None:
        """The day as it ought to be."""
        self.visit()
        state = self.box.station.state()
        if (state.mode, state.live) != ("frozen", self.final):
            self.bad.append(f"day {self.day}: {state.mode} {state.live}")
        size = sum(p.stat().st_size for p in self.root.glob("telemetry.db*"))
        if size > TELEMETRY + 1024**2:
            self.bad.append(f"day {self.day}: telemetry takes {size} bytes")
        if not verify(self.box.station.journal, public=self.box.station.own_head()).ok:
            self.bad.append(f"day {self.day}: the journal does not verify")


@contextlib.contextmanager
def frozen_service(folder: Path) -> Iterator[Service]:
    began = datetime.now(UTC)
    bare = sandbox(folder, {"publication": {"keep_cuts": KEEP_CUTS}})
    bare.station.prepare()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    apache = OwnApache(bare.settings, folder / "apache", tls=True)
    apache.ca_file = folder / "ca.pem"
    box = sandbox(
        folder,
        {
            "site": {"url": f"{apache.url}/", "ca_file": str(folder / "ca.pem")},
            "clock": {"servers": [], "daemon": "none"},
            "telemetry": {"max_bytes": TELEMETRY},
            "publication": {"keep_cuts": KEEP_CUTS},
        },
    )
    day = (began + timedelta(days=MONTHS + 30)).date().isoformat()
    text = box.file.read_text().replace("[election]\n", f"[election]\nretain_until = {day}\n")
    box.file.write_text(text)
    stamps = nights.stamps("20240602_2005", FINAL_CUTS)
    for stamp in stamps:
        for path in nights.two_archives(folder, stamp, actas=4).values():
            ran = box.run("receive", path)
            assert ran.code == 0, ran.err
    assert box.run("freeze", "--yes", "--reason", "it is over").code == 0
    last = nights.two_archives(folder, stamps[-1], actas=4).values()
    served = {f"/{path.name}": path.read_bytes() for path in last}
    it = Service(box, apache, folder, authority, stamps[-1], served, began)
    first = authority.issue_cert("127.0.0.1", not_after=began + timedelta(days=RENEWED + 4))
    first.private_key_pem.write_to_path(str(apache.into / "key.pem"))
    first.cert_chain_pems[0].write_to_path(str(apache.into / "certificate.pem"))
    it.leap()
    with apache:
        it.start_engine()
        try:
            yield it
        finally:
            it.kill_engine()


@pytest.fixture
def scratch() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: half a year is a quarter of a million flushes."""
    there = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=there if there.is_dir() else tmp_path) as folder:
        yield Path(folder)


def test_the_final_cut_stays_for_months_whatever_happens_around_it(scratch: Path) -> None:
    late = iter(nights.stamps("20240603_0900", 20))
    done: Counter[str] = Counter()
    with frozen_service(scratch) as it:
        frozen_at = it.box.station.state().position.seq
        while True:
            it.sees_the_day()
            it.look()
            done["days"] += 1
            if it.day == RENEWED:
                wait_until(lambda: it.told("site.certificate"), 120, "its end is announced")
                it.renew_certificate(400)
                done["certificate renewed"] += 1
            if it.day in DELIVERED:
                it.deliver(next(late))
                done["deliveries after the freeze"] += 1
                wait_until(lambda: it.told("cut.undecided"), 120, "the delivery is announced")
                it.look()
            if it.day >= DAYS:
                break
            it.leap()
            if it.day % REBOOT_DAYS == 0:
                it.reboot()
                done["reboots"] += 1

        pruned = it.box.run("prune")
        assert pruned.code == 0, pruned.err
        it.look()
        lines = journal.read(it.box.station.journal).lines[frozen_at:]
        raised = Counter(str(line.data["alarm"]) for line in lines if line.kind == "raised")
        it.bad += [f"alarm {name}, {raised[name]} times" for name in NEVER & raised.keys()]
        stored = {cut.id for cut in it.box.station.state().cuts.values() if not cut.pruned}
        print(f"\n{dict(done)}; {it.answers} answers; {len(lines)} lines; alarms {dict(raised)}")
        print("\n".join(it.bad))
        table.record(
            f"frozen for {DAYS} days, with reboots and renewal",
            tried=DAYS + len(DELIVERED) + 1 + DAYS // REBOOT_DAYS,
            fired=sum(done.values()),
            bad=len(it.bad),
        )
        assert it.bad == []
        assert done["reboots"] == DAYS // REBOOT_DAYS
        assert done["deliveries after the freeze"] == len(DELIVERED)
        assert it.told("cut.undecided")
        wait_until(lambda: not it.told("site.certificate"), 120, "it was renewed in time")
        assert it.final in stored
        assert len(stored) <= KEEP_CUTS
        assert lines[-1].time - it.began > timedelta(days=RENEWED)  # on the engine's own clock
        assert it.box.station.journal.stat().st_size <= 65536 + DAYS * JOURNAL_A_DAY


def test_half_a_year_of_samples_stays_within_its_size(memory: Path) -> None:
    step_s = 60 if table.WHOLE else 1800
    at = begin = datetime(2024, 6, 4, tzinfo=UTC)
    store = Store(memory / "telemetry.db", Bounds(keep_s=72 * 3600, max_bytes=TELEMETRY))
    names = [f"host.number{n}" for n in range(20)]
    looks = MONTHS * 86_400 // step_s
    most = 0
    for n in range(looks):
        at += timedelta(seconds=step_s)
        store.add(at, {name: reading(float(n % 97), "%", at) for name in names})
        if n % 30 == 0:
            store.bound(at)
            most = max(most, store.bytes())
    store.close()
    table.walked("half a year of samples", looks, bad=int(most > TELEMETRY))
    assert TELEMETRY // 2 < most <= TELEMETRY
    day = telemetry.history(memory, names[0], at - timedelta(days=1), at, 50)
    assert sum(point.mean is not None for point in day) >= 40
    assert at - begin > timedelta(days=MONTHS - 1)


class Written(Sim):
    """Counts what its journal would hold."""

    bytes = 0

    def write(self, kind: str, data: Mapping[str, object], actor: Actor = ENGINE) -> None:
        _, raw = chain.compose(self.state.position.seq + 1, self.now, actor, kind, data, "0" * 64)
        self.bytes += len(raw)
        super().write(kind, data, actor)


@pytest.mark.parametrize("period_s", [120, 240, 360, 720, 3700, 7300])
def test_an_instrument_that_never_rests_does_not_fill_the_journal(period_s: int) -> None:
    """The site fails for half of each period, without end."""
    days = 30 if table.WHOLE else 4
    sim = Written()
    sim.cut("20240602_2005")
    sim.write("freeze", {"reason": "x"})
    began, before = sim.now, sim.state.position.seq
    while (gone := sim.now - began) < timedelta(days=days):
        fails = gone.total_seconds() % period_s < period_s / 2
        sim.serve("20240602_2005", "no answer" if fails else None)
        sim.step(10)
    lines = (sim.state.position.seq - before) / days
    print(f"\n{period_s} s: {lines:.0f} lines, {sim.bytes / days:.0f} bytes a day")
    table.walked("days of an instrument that never rests", days)
    assert sim.state.position.seq > before + 1
    assert lines <= LINES_A_DAY
