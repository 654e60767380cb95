"""The main job once through, by command, every step checked over HTTP and byte by byte.

What ``make demo`` does where there is no terminal. It fails when anything did not happen.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prep_console.cuts.stamps import Stamp
from prep_console.drill.children import wait_for
from prep_console.drill.institute import deliver, stamps_of
from prep_console.drill.nights import Night, cut_files, put
from prep_console.drill.sandbox import Sandbox
from prep_console.problems import Failed
from prep_console.wording import N_, Sentence, sentence

Tell = Callable[[Sentence], None]

LEAST_CUTS = 2
"""A rollback needs a cut to go back to."""
_WITHIN_S = 60.0
_SLOW_S = 0.8
"""How long the second archive of each cut takes."""


def tour(
    station: Sandbox, night: Night, cuts: int, tell: Tell, *, lose_mains: bool = False
) -> None:
    """``cuts`` cuts, a damaged delivery, rollback, hold, release, freeze; Failed if one fails.

    ``lose_mains``: a power failure before all that, which the public must not notice.
    """
    walk = _Walk(station, night, tell)
    walk.nothing_is_public()
    walk.instruments_read()
    if lose_mains:
        walk.mains_are_lost()
    for number in range(cuts):
        walk.cut_goes_live(next(walk.stamps), in_place=number == 1)
    again = next(walk.stamps)
    walk.damaged_is_refused(again)
    walk.cut_goes_live(again)
    older, newer = walk.known[-2:]
    walk.decision("rollback", older, "hold")
    waiting = walk.cut_is_stored(older, N_("{cut} arrived and waits; {live} stays public"))
    walk.decision("release", waiting, "auto")
    walk.decision("freeze", waiting, "frozen")
    walk.cut_is_stored(waiting, N_("{cut} arrived after the freeze; {live} stays public"))
    walk.record_holds(withdrawn=newer)


class _Walk:
    """A station, a night, and what was delivered of it so far."""

    def __init__(self, station: Sandbox, night: Night, tell: Tell) -> None:
        self._station = station
        self._night = night
        self._tell = tell
        self._entrega = station.settings.drop_folder
        self._delivered: dict[str, Mapping[str, bytes]] = {}
        self.stamps = _from_the_rush(night)

    @property
    def known(self) -> list[str]:
        """Cuts delivered whole, oldest first."""
        return list(self._delivered)

    def nothing_is_public(self) -> None:
        answer = self._station.visit()
        _must(answer.status == 503, N_("the site answers {found} before the first cut"), answer)
        self._tell(sentence(N_("no cut yet: the site answers 503")))

    def instruments_read(self) -> None:
        """The clock and every device of the power, from the peers of this rehearsal."""
        seconds = wait_for(
            lambda: self._source() == "mains" and self._reading("clock.offset")["state"] == "ok",
            _WITHIN_S,
            sentence(N_("the clock and the power were not read")),
        )
        offset = self._reading("clock.offset")["value"]
        self._tell(
            sentence(
                N_(
                    "clock {offset:+.1f} ms, power from the mains: read {seconds:.1f} s after start"
                ),
                offset=1000 * offset,
                seconds=seconds,
            )
        )

    def mains_are_lost(self) -> None:
        """Battery, then the generator, then the mains again."""
        self._station.mains.order("off")
        for source, told in (
            ("battery", N_("mains lost: on battery, seen after {seconds:.0f} s")),
            ("generator", N_("the generator runs and feeds, seen after {seconds:.0f} s")),
        ):
            self._await_source(source, told)
        self._station.mains.order("on")
        self._await_source("mains", N_("the mains are back, seen after {seconds:.0f} s"))

    def _await_source(self, source: str, told: str) -> None:
        seconds = wait_for(
            lambda: self._source() == source,
            _WITHIN_S,
            sentence(N_("the power never came from: {source}"), source=source),
        )
        self._tell(sentence(told, seconds=seconds))

    def _source(self) -> object:
        return self._reading("power.source")["value"]

    def _reading(self, name: str) -> Mapping[str, Any]:
        readings = self._station.status()["readings"]
        nothing: Mapping[str, Any] = {"value": None, "state": "unknown"}
        found: Mapping[str, Any] = readings.get(name, nothing)
        return found

    def cut_goes_live(self, stamp: Stamp, *, in_place: bool = False) -> None:
        """Both archives, the second one slowly; meanwhile the public must keep the cut before."""
        cut, before = str(stamp), self._station.visit().cut
        pause = threading.Event()

        def wait(seconds: float) -> None:
            pause.wait(seconds)
            public = self._station.visit().cut
            _must(public == before, N_("{found} is public before the cut was whole"), public)

        files = deliver(
            self._entrega, self._night, stamp, slow_s=_SLOW_S, wait=wait, in_place=in_place
        )
        self._delivered[cut] = files
        seconds = wait_for(
            lambda: self._station.visit().cut == cut,
            _WITHIN_S,
            sentence(N_("{cut} did not go live"), cut=cut),
        )
        compared = self._compare(cut)
        wait_for(
            lambda: not list(self._entrega.iterdir()),
            _WITHIN_S,
            sentence(N_("what was sealed is still in the drop folder")),
        )
        self._tell(
            sentence(
                N_("{cut} is public {seconds:.1f} s after it was whole; compared to the byte: {n}"),
                cut=cut,
                seconds=seconds,
                n=compared,
            )
        )

    def damaged_is_refused(self, stamp: Stamp) -> None:
        """An archive with one wrong byte: kept in quarantine, and nothing public moves."""
        before = self._station.visit().cut
        name, data = next(iter(cut_files(self._night, stamp).items()))
        at = len(data) * 3 // 5
        damaged = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        put(self._entrega / name, damaged)
        quarantine = self._station.settings.root / "quarantine"
        wait_for(
            lambda: list(quarantine.glob("*/reason.json")),
            _WITHIN_S,
            sentence(N_("the damaged delivery was not refused")),
        )
        wait_for(
            lambda: not (self._entrega / name).exists(),
            _WITHIN_S,
            sentence(N_("what was refused is still in the drop folder")),
        )
        reason = json.loads(next(quarantine.glob("*/reason.json")).read_text())
        _must(reason["name"] == name, N_("another delivery was refused: {found}"), reason["name"])
        _must(_holds(quarantine, damaged), N_("the refused bytes are not in quarantine"), name)
        public = self._station.visit().cut
        _must(public == before, N_("the refused delivery moved the public cut to {found}"), public)
        checks = ", ".join(finding["check"] for finding in reason["findings"])
        self._tell(
            sentence(
                N_("{name} came damaged: refused ({checks}), kept in quarantine; {live} stays"),
                name=name,
                checks=checks,
                live=before,
            )
        )

    def cut_is_stored(self, live: str, told: str) -> str:
        """A new cut while publishing is off: sealed, not public. Its id."""
        stamp = next(self.stamps)
        cut = str(stamp)
        self._delivered[cut] = deliver(self._entrega, self._night, stamp)
        wait_for(
            lambda: cut in self._states(),
            _WITHIN_S,
            sentence(N_("{cut} was not stored"), cut=cut),
        )
        self._compare(live)
        self._tell(sentence(told, cut=cut, live=live))
        return cut

    def decision(self, action: str, expected: str, mode: str) -> None:
        """An action by command, as a person acts, then what a visitor gets."""
        began = time.monotonic()
        called = self._station.call(action, "--reason", "demo", "--yes", "--json")
        seconds = time.monotonic() - began
        _must(called.returncode == 0, N_("the command failed: {found}"), called.stderr.strip())
        outcome = json.loads(called.stdout)
        _must(
            (outcome["to"] or outcome["from"], outcome["mode"]) == (expected, mode),
            N_("the command did something else: {found}"),
            called.stdout,
        )
        compared = self._compare(expected)
        self._tell(
            sentence(
                N_("{action}: {cut} is public, mode {mode} ({ms} ms); compared to the byte: {n}"),
                action=action,
                cut=expected,
                mode=mode,
                n=compared,
                ms=round(seconds * 1000),
            )
        )

    def record_holds(self, *, withdrawn: str) -> None:
        called = self._station.call("journal", "--verify")
        _must(called.returncode == 0, N_("the journal does not verify: {found}"), called.stdout)
        states = self._states()
        final = str(self._station.status()["live"]["id"])
        _must(
            (states.get(withdrawn), states.get(final)) == ("withdrawn", "final"),
            N_("the cuts are in another state: {found}"),
            states,
        )
        self._tell(sentence(N_("the journal verifies; {cut} is the final cut"), cut=final))

    def _states(self) -> dict[str, str]:
        called = self._station.call("cuts", "--json")
        _must(called.returncode == 0, N_("the command failed: {found}"), called.stderr.strip())
        return {cut["id"]: cut["state"] for cut in json.loads(called.stdout)["cuts"]}

    def _compare(self, cut: str) -> int:
        """Every delivered file as a visitor gets it, and the estado; how many files."""
        for name, data in self._delivered[cut].items():
            answer = self._station.visit(f"/{quote(name)}")
            _must(
                (answer.status, answer.cut, _hash(answer.body)) == (200, cut, _hash(data)),
                N_("{found} is not served as delivered"),
                f"{name} ({answer.status}, {answer.cut})",
            )
        prefix = self._station.settings.publication.estado_prefix
        estado = json.loads(self._station.visit(f"{prefix}estado.json").body)
        _must(
            (estado["cut"], estado["phase"]) == (cut, "simulacro"),
            N_("the estado says something else: {found}"),
            estado,
        )
        return len(self._delivered[cut])


def _from_the_rush(night: Night) -> Iterator[Stamp]:
    """The night's stamps from a quarter in, when every cut brings many actas."""
    stamps = list(stamps_of(night))
    return iter(stamps[len(stamps) // 4 :])


def _must(holds: bool, otherwise: str, found: object) -> None:
    if not holds:
        raise Failed(
            sentence(otherwise, found=str(found)),
            sentence(N_("run the demo with --folder and read the logs that it keeps")),
        )


def _holds(folder: Path, data: bytes) -> bool:
    return any(p.read_bytes() == data for p in folder.rglob("*") if p.is_file())


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
