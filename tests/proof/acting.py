"""The acts of the model carried out on a real station, and what the station is afterwards.

What is seen comes from the pointer, the journal and the commands; that the public gets something
whole is looked at from outside (``whole.py``).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path

from prep_console.intake.sealing import assemble_due
from prep_console.journal.actor import Actor
from prep_console.publication import actions
from prep_console.publication.settle import settle_if_open
from prep_console.values import fields_of, replace
from tests.cuts import deliveries as made
from tests.proof import model, whole
from tests.proof.model import (
    Act,
    Afresh,
    Cut,
    Decide,
    Deliver,
    Engine,
    Night,
    Override,
    Part,
    Prune,
    Repair,
    Waiting,
)
from tests.proof.stations import Place, Said, place

_SETTINGS = f"""
[election]
state = "QRO"
elections = ["DIP_LOC", "AYUN"]
[intake]
carry_after_seconds = 86400
[publication]
ballast_bytes = 65536
keep_cuts = {model.KEPT}
"""
"""Waiting never ends by itself: how long a step takes on this machine must change nothing."""
_REFUSED_KEPT = 50
_VOTES = {"first": 10, "other": 20, "fewer": 10}
_ENGINE = Actor(0, "engine")
FUTURE = "20991231_2000"


def station_in(folder: Path) -> Place:
    """An empty station on election day."""
    at = place(folder, extra=_SETTINGS)
    text = at.settings_file.read_text("utf-8")
    at.settings_file.write_text(text.replace('"simulacro"', '"jornada"'), "utf-8")
    return at


@cache
def archive(part: Part) -> bytes:
    """``other``: other bytes. ``fewer``: an acta less than usual, which only warns."""
    files = made.cut_files(part.election, part.stamp)
    rows = 3 if part.version == "fewer" else 4
    results = made.results_csv(part.election, part.stamp, votes=_VOTES[part.version], rows=rows)
    content = made.zipped({**files, f"QRO_{part.election}_{part.stamp[:4]}.csv": results})
    _VERSIONS[hashlib.sha256(content).hexdigest()] = part.version
    return content


_VERSIONS: dict[str, str] = {}
"""SHA-256 of the archives that were made, to their version."""


class Acting:
    """One station, its deliveries, and what was refused as a test."""

    def __init__(self, folder: Path) -> None:
        self.at = station_in(folder / "at")
        self._deliveries = folder / "deliveries"
        self._deliveries.mkdir()
        self._tests: dict[str, tuple[Part, ...]] = {}
        """What lies in quarantine and may be let out, by the name that it was delivered under."""

    def ready(self, act: Act) -> Callable[[], Said] | None:
        """Lay out what the act needs; the act itself, or None when it cannot be done now."""
        call = self.at.call
        match act:
            case Decide(action, cut, reason):
                return lambda: call(*_arguments(action, cut, reason))
            case Deliver(by="resync"):
                self._put(act, self.at.settings.drop_folder)
                return lambda: call("resync")
            case Deliver():
                name = f"entrega-{len(list(self._deliveries.iterdir()))}"
                path = self._put(act, self._deliveries / name)
                if act.fault == "test":
                    self._tests[name] = act.parts
                now = ["--now"] if act.now else []
                return lambda: call("receive", *now, str(path))
            case Override(parts, reason):
                identity = self._quarantined(parts)
                if identity is None:
                    return None
                return lambda: call("publish", identity, "--override", "--reason", reason)
            case Repair():
                return (lambda: call("resync")) if self._damage() else None
            case Engine():
                return self._engine
            case Prune():
                return lambda: call("prune")
            case Afresh():
                return lambda: call("station", "new", "--yes")

    def tests(self) -> list[tuple[Part, ...]]:
        """What could be let out of quarantine now."""
        names = [refused.name for refused in self.at.station.state().refused]
        return [self._tests[name] for name in names if name in self._tests]

    def tidy(self) -> None:
        """The institute takes back what lies in the drop folder."""
        shutil.rmtree(self.at.settings.drop_folder, ignore_errors=True)
        shutil.rmtree(self.at.root / "fetched", ignore_errors=True)

    def settle(self) -> None:
        """What the engine begins with."""
        self.at.station.prepare()
        settle_if_open(self.at.station)

    def _engine(self) -> Said:
        station = self.at.station
        assemble_due(station, actor=_ENGINE)
        actions.advance(station, actor=_ENGINE)
        return Said(0, "", "")

    def _put(self, act: Deliver, folder: Path) -> Path:
        folder.mkdir(exist_ok=True, parents=True)
        for part in act.parts:
            own = replace(part, stamp=FUTURE) if act.fault == "future" else part
            content = archive(own)
            product = "PREP_PRUEBA" if act.fault == "test" else "PREP"
            path = folder / f"{own.stamp}_{product}_{own.election}_QRO.zip"
            path.write_bytes(content[:-30] if act.fault == "torn" else content)
        if act.images:
            (folder / "acta.jpg").write_bytes(b"\xff\xd8" + folder.name.encode())
        return folder

    def _quarantined(self, parts: tuple[Part, ...]) -> str | None:
        found = [r.id for r in self.at.station.state().refused if self._tests.get(r.name) == parts]
        return found[-1] if found else None

    def _damage(self) -> bool:
        """Change a file of the live cut that no other cut shares, with a good copy at hand."""
        cut, _ = whole.live(self.at.root)
        site = self.at.root / "cuts" / cut / "site"
        alone = [p for p in whole.files(site) if p.stat().st_nlink == 1]
        if cut == whole.NOTHING or not alone:
            return False
        content = alone[0].read_bytes()
        good = self.at.root / "fetched" / "source" / alone[0].name
        good.parent.mkdir(parents=True, exist_ok=True)
        good.write_bytes(content)
        alone[0].chmod(0o644)
        alone[0].write_bytes(bytes([content[0] ^ 1]) + content[1:])
        alone[0].chmod(0o444)
        return True


def _arguments(action: str, cut: str | None, reason: str) -> list[str]:
    to = ["--to"] if action == "rollback" and cut is not None else []
    named = [cut] if cut is not None else []
    return [action, *to, *named, *(["--reason", reason] if reason else [])]


def seen(at: Place) -> Night:
    """The station as its journal has it, and what the pointer says is live."""
    state = at.station.state()
    cut, _ = whole.live(at.root)
    cuts = [
        Cut(
            stamp=record.id.partition(".")[0],
            revision=int(record.id.partition(".")[2] or 1),
            parts=tuple(Part(p.election, p.stamp, _VERSIONS[p.sha256]) for p in record.parts),
            carried=frozenset(p.election for p in record.parts if p.carried),
            corrected=record.why == "corrected",
            epoch=record.epoch,
            withdrawn=record.withdrawn,
            published=record.published_at is not None,
            pruned=record.pruned,
        )
        for record in state.cuts.values()
    ]
    return Night(
        mode=state.mode,
        live=None if cut == whole.NOTHING else cut,
        marks=dict(state.marks),
        epoch=state.epoch,
        accepted_from=state.accepted_from,
        cuts={c.id: c for c in cuts},
        waiting=tuple(
            Waiting(
                tuple(Part(p.election, p.stamp, _VERSIONS[p.sha256]) for p in entry.parts),
                entry.corrected,
            )
            for entry in state.waiting
        ),
        refused=len(state.refused),
    )


def same(here: Night, wanted: Night) -> bool:
    """Whether they are one state; of what was refused the journal remembers the last ones."""
    return here == replace(wanted, refused=min(wanted.refused, _REFUSED_KEPT))


def difference(here: Night, wanted: Night) -> str:
    """In which of its fields a station is not as it may be."""
    apart = {
        name: (is_, may)
        for name, is_ in fields_of(here).items()
        if is_ != (may := getattr(wanted, name))
    }
    if "cuts" in apart:
        mine, theirs = apart["cuts"]
        apart["cuts"] = (
            [c for c in mine.values() if c not in theirs.values()],
            [c for c in theirs.values() if c not in mine.values()],
        )
    return "; ".join(f"{name} is {is_}, may be {may}" for name, (is_, may) in apart.items())


def told_wrong(at: Place, night: Night) -> list[str]:
    """Where the commands say something else than the state that the station is in."""
    status, cuts = (json.loads(at.call(name, "--json").out) for name in ("status", "cuts"))
    previous = night.previous
    words = {c.id: _word(night, c, previous) for c in night.stored}
    marks = {e: datetime.fromisoformat(s).strftime("%Y%m%d_%H%M") for e, s in _marks(status)}
    found: list[tuple[str, object, object]] = [
        (name, said, wanted)
        for name, said, wanted in (
            ("mode", status["mode"], night.mode),
            ("live", status["live"] and status["live"]["id"], night.live),
            ("previous", status["previous"], previous and previous.id),
            ("high_water", marks, dict(night.marks)),
            ("cuts", {c["id"]: c["state"] for c in cuts["cuts"]}, words),
            ("order", [c["id"] for c in cuts["cuts"]], [c.id for c in reversed(night.stored)]),
        )
        if said != wanted
    ]
    asks = [a["text"] for a in status["alarms"] if a["id"] == "cut.undecided"]
    undecided = model.undecided(night)
    if undecided and not any(undecided[-1] in text for text in asks):
        found.append(("asks about", asks, undecided[-1]))
    lacking = model.lacking(night)
    if lacking is not None and set(status["waiting_for"]) != lacking:
        found.append(("waiting_for", status["waiting_for"], lacking))
    return [f"{name}: says {said}, is {wanted}" for name, said, wanted in found]


def _marks(status: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    return list(status["high_water"].items())


def _word(night: Night, cut: Cut, previous: Cut | None) -> str:
    if cut.id == night.live:
        return "final" if night.mode == "frozen" else "live"
    if cut.withdrawn:
        return "withdrawn"
    return "previous" if cut == previous else "kept"
