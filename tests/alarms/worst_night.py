"""The worst night: mains, UPS, generator, link, disk, Apache, the institute and people fail.

Eleven simulated hours in steps of a second through conditions and lifecycle, with noise at every
threshold. Only the clock is not real.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prep_console.alarms.lifecycle import Event
from prep_console.alarms.table import TABLE
from prep_console.config.instruments import Clock, Power
from prep_console.publication import rules
from prep_console.snapshot import ReadingState
from tests.alarms.simulated import ANA, EVENING, Sim, settings

GB = 1e9
_FINDING = {"check": "stamp.older", "severity": "stop", "text": "x", "where": "", "values": {}}


@dataclass(frozen=True, slots=True)
class Told:
    """A fault of the script, and when somebody was told of it."""

    key: str
    after_s: float | None
    """From its beginning to the list, by itself or under its cause; None: never."""
    allowed_s: float


@dataclass(slots=True)
class Outcome:
    """What the night was like for whoever sat through it."""

    hours: float
    events: list[Event] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    @property
    def raised(self) -> list[Event]:
        return [event for event in self.events if event.kind == "raised"]

    @property
    def most_in_ten_minutes(self) -> int:
        times = [event.at for event in self.raised]
        return max(
            (sum(at <= other < at + timedelta(minutes=10) for other in times) for at in times),
            default=0,
        )

    @property
    def an_hour(self) -> float:
        return len(self.raised) / self.hours

    @property
    def most_returns_in_a_minute(self) -> int:
        """How often one alarm was raised and cleared within any minute."""
        most = 0
        for key in {event.alarm.key for event in self.events}:
            ends = [e.at for e in self.events if e.alarm.key == key and e.kind == "cleared"]
            starts = [e.at for e in self.raised if e.alarm.key == key]
            for at in starts:
                end = at + timedelta(minutes=1)
                pairs = min(
                    sum(at <= one <= end for one in starts), sum(at <= one <= end for one in ends)
                )
                most = max(most, pairs)
        return most

    @property
    def late(self) -> list[Told]:
        return [one for one in self.told if one.after_s is None or one.after_s > one.allowed_s]


Act = Callable[["Night"], None]


class Night:
    """The scripted station; each method is something that happens, each attribute a fact."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self.chance = chance
        self.sim = Sim(settings(clock=Clock(servers=["a", "b", "c"]), power=Power()))
        self.start = EVENING
        self.mains, self.generator = True, "standby"
        self.charge = {"servidor": 100.0, "comunicaciones": 100.0}
        self.lost: set[str] = set()
        self.link = True
        self.free = 40 * GB
        self.filling = 0.0
        self.apache = True
        self.institute = True
        self.without: tuple[str, ...] = ()
        self.counted, self.counting = 100, True
        self.elsewhere = False
        self.noisy: str = ""
        self.cuts = 0

    def second(self, number: int) -> None:
        """What the world does, and what the probes then see."""
        drain = {"servidor": 0.12, "comunicaciones": 0.06}
        for name, charge in self.charge.items():
            fed = self.mains or self.generator == "running"
            self.charge[name] = min(100.0, charge + 0.05) if fed else max(0, charge - drain[name])
        self.free -= self.filling
        if self.noisy == "link":  # a bad plug
            self.link = number % 70 >= 45
        if number % 300 == 40 and self.institute and self.link:
            self._cut()
        if number % 5 == 0:
            self._host()
            self._power()
            self._services()
        if number % 16 == 0:
            self._clock()
        if number % 4 == 0:
            self._site()

    def _cut(self) -> None:
        self.cuts += 1
        self.counted += self.chance.randint(20, 60) if self.counting else 0
        wall = self.start.astimezone(self.sim.settings.zone) + timedelta(minutes=5 * self.cuts)
        self.sim.cut(f"{wall:%Y%m%d_%H%M}", counted=self.counted, carried=self.without)

    def _host(self) -> None:
        sim, chance = self.sim, self.chance
        cpu = chance.gauss(90 if self.noisy == "cpu" else 20, 6)
        sim.read("host.cpu", cpu, "warning" if cpu > 90 else "ok", unit="%")
        free = self.free + chance.gauss(0, 0.1 * GB)
        least = sim.settings.host.min_free_bytes
        state: ReadingState = (
            "critical" if free < least / 4 else "warning" if free < least else "ok"
        )
        sim.read("host.disk", free, state, unit="bytes")
        up = "up" if self.link else "down"
        sim.read("link.interface", up, "ok" if self.link else "critical", name="eth0")
        for name in ("link.dns", "link.route"):
            sim.read(name, "x") if self.link else sim.unread(name)

    def _power(self) -> None:
        sim = self.sim
        source = "mains" if self.mains else "battery"
        if not self.mains and self.generator == "running":
            source = "generator"
        states: dict[str, ReadingState] = {"generator": "warning", "battery": "critical"}
        state = states.get(source, "ok")
        sim.read("power.source", source, state)
        gen: ReadingState = "critical" if self.generator == "failed" else "ok"
        sim.read("power.planta", self.generator, gen, role="generator", automatic=True)
        for name, charge in self.charge.items():
            self._ups(name, charge, source)

    def _ups(self, name: str, charge: float, source: str) -> None:
        if name in self.lost:
            self.sim.read(f"power.{name}", None, "critical", error="gone", role="ups", lost=True)
            return
        if self.noisy == "ups" and name == "comunicaciones" and self.chance.random() < 0.5:
            self.sim.unread(f"power.{name}")
            return
        on_battery = source == "battery"
        shown = charge + self.chance.gauss(0, 1)
        low = on_battery and shown < 30
        state: ReadingState = "critical" if low else "warning" if on_battery else "ok"
        self.sim.read(
            f"power.{name}",
            shown,
            state,
            unit="%",
            role="ups",
            on_battery=on_battery,
            low_battery=False,
        )

    def _services(self) -> None:
        told = "running" if self.apache else "stopped"
        missing = "" if self.apache else "apache"
        state: ReadingState = "ok" if self.apache else "critical"
        self.sim.read("host.services", 4, state, apache=told, missing=missing)

    def _clock(self) -> None:
        if not self.link:
            self.sim.unread("clock.offset")
            return
        offset = self.chance.gauss(0.050 if self.noisy == "clock" else 0.003, 0.004)
        state: ReadingState = "warning" if abs(offset) >= 0.050 else "ok"
        self.sim.read("clock.offset", offset, state, unit="s")

    def _site(self) -> None:
        sim = self.sim
        if not self.apache:
            sim.serve(None, "connection refused")
            for name in ("site.certificate", "site.files", "site.time", "host.apache"):
                sim.unread(name, "connection refused")
            return
        sim.serve("20240602_2000" if self.elsewhere else sim.state.live)
        sim.read("site.certificate", 60.0, unit="days")
        sim.read("site.files", 8.0, unit="files")
        sim.read("site.time", "x")
        sim.read("host.apache", 12.0, running=3)

    def decide(self, kind: str) -> None:
        """A person's word."""
        self.sim.write(kind, {"reason": "x"}, ANA)
        newest = rules.newest_eligible(self.sim.state)
        if kind == "release" and newest is not None:
            self.sim.publish(newest.id)

    def refuse(self) -> None:
        """A bad delivery comes."""
        at = f"{self.sim.now:%H%M%S}"
        self.sim.write("refused", {"id": at, "name": f"{at}.zip", "findings": [_FINDING]})


def _set(**facts: object) -> Act:
    def act(night: Night) -> None:
        for name, value in facts.items():
            setattr(night, name, value)

    return act


def _empties(night: Night) -> None:
    night.charge["comunicaciones"] = 0.0
    night.lost.add("comunicaciones")


def _decides(kind: str) -> Act:
    return lambda night: night.decide(kind)


SCRIPT: Mapping[float, tuple[Act, tuple[str, ...]]] = {
    # minutes from 20:00: what happens, and what it must be told as, from that moment on
    40: (_set(mains=False), ("power.mains",)),
    41: (_set(generator="failed"), ("generator.failed:planta",)),
    53: (_set(generator="starting"), ()),
    54: (_set(generator="running"), ()),
    110: (_set(mains=True, generator="standby"), ()),
    # the second failure comes with the link's equipment on an empty UPS
    150: (_set(mains=False), ("power.mains",)),
    150.5: (_set(generator="running"), ()),
    151: (_empties, ("power.ups:comunicaciones",)),
    152: (
        _set(link=False),
        ("link.down", "instrument.unknown:link.dns", "instrument.unknown:clock.offset"),
    ),
    166: (_set(link=True, mains=True, generator="standby", lost=set()), ()),
    200: (_set(filling=9e6), ()),
    250: (_set(filling=0.0), ()),
    255: (_set(free=60 * GB), ()),
    270: (_set(apache=False), ("apache.down", "site.unseen", "instrument.unknown:site.files")),
    282: (_set(apache=True), ()),
    300: (_set(noisy="ups"), ()),
    330: (_set(noisy="cpu"), ()),
    360: (_set(noisy="clock"), ()),
    390: (_set(noisy="", institute=False), ()),
    403: (_set(institute=True), ()),
    420: (_set(without=("AYUN",)), ()),
    445: (_set(without=()), ()),
    460: (_set(counting=False), ()),
    490: (_set(counting=True), ()),
    500: (_decides("hold"), ()),
    522: (_decides("release"), ()),
    **{540 + n: (Night.refuse, ("cut.refused",) if n == 0 else ()) for n in range(8)},
    580: (_set(elsewhere=True), ("site.differs",)),
    583: (_set(elsewhere=False), ()),
    590: (_set(noisy="link"), ()),
    598: (_set(noisy="", link=True), ()),
    # everything at once
    610: (
        _set(mains=False, generator="failed", link=False, apache=False),
        ("power.mains", "generator.failed:planta", "link.down", "apache.down"),
    ),
    620: (_set(mains=True, generator="standby", link=True, apache=True), ()),
}
_LOOKS_S = 16.0
"""The slowest probe of the script looks this often: until then nobody can know."""


def play(seed: int = 1, *, first: float = 0, last: float = 660) -> Outcome:
    """From minute ``first`` to ``last`` of the night."""
    night = Night(seed)
    outcome = Outcome((last - first) / 60)
    open_until: list[tuple[str, datetime]] = []
    for number in range(int(first * 60), int(last * 60)):
        for key in _happens(night, number):
            open_until.append((key, night.sim.now))
        night.second(number)
        outcome.events += night.sim.step()
        open_until = [one for one in open_until if not _is_told(night, one, outcome)]
    outcome.told += [Told(key, None, 0.0) for key, _ in open_until]
    return outcome


def _happens(night: Night, number: int) -> Iterator[str]:
    if number / 60 in SCRIPT:
        act, keys = SCRIPT[number / 60]
        act(night)
        yield from keys


def _is_told(night: Night, fault: tuple[str, datetime], outcome: Outcome) -> bool:
    key, began = fault
    shown = {k for a in night.sim.alarms for k in (a.key, *a.consequences)}
    if key not in shown:
        return False
    rule = TABLE[key.partition(":")[0]]
    after = (night.sim.now - began).total_seconds()
    outcome.told.append(Told(key, after, rule.delay_s + _LOOKS_S))
    return True
