"""The commands that are killed at every call, each with the station that it finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import nights
from tests.cuts import deliveries as made
from tests.proof.stations import ACTAS, STAMPS, Place, deliveries, receive_cuts

FIRST, SECOND, THIRD, FOURTH, *_ = STAMPS

_TWO_KEPT = """
[election]
state = "QRO"
elections = ["DIP_LOC", "AYUN"]
[publication]
ballast_bytes = 65536
keep_cuts = 400
"""

Prepare = Callable[[Place, Path], list[str]]
"""Make the station at a place, with deliveries in a folder; returns the command's arguments."""


@dataclass(frozen=True, slots=True)
class Scenario:
    prepare: Prepare
    settings: str = ""
    """Other tables of the settings while the command runs; '' for those of every proof."""
    damaged: str = ""
    """What is not whole before the command, in the words of ``whole.faults``: it may stay so."""


def _did(at: Place, *arguments: str) -> None:
    said = at.call(*arguments)
    assert said.code == 0, said.err


def _waits(at: Place, folder: Path) -> list[str]:
    receive_cuts(at, folder, [FIRST, SECOND])
    return ["receive", str(deliveries(folder, THIRD)[0])]


def _completes(at: Place, folder: Path) -> list[str]:
    receive_cuts(at, folder, [FIRST, SECOND])
    first, second = deliveries(folder, THIRD)
    _did(at, "receive", str(first))
    return ["receive", str(second)]


def _very_first(at: Place, folder: Path) -> list[str]:
    """A zip of zips on a station that has no folder yet."""
    return ["receive", str(nights.zip_of_zips(folder, FIRST, actas=ACTAS))]


def _tree(at: Place, folder: Path) -> list[str]:
    """The second of two trees: what did not change is linked."""
    _did(at, "receive", str(nights.tree(folder / FIRST, FIRST, actas=ACTAS)))
    return ["receive", str(nights.tree(folder / SECOND, SECOND, actas=ACTAS))]


def _refused(at: Place, folder: Path) -> list[str]:
    receive_cuts(at, folder, [SECOND])
    return ["receive", str(deliveries(folder, FIRST)[0])]


def _completed(at: Place, folder: Path) -> list[str]:
    """The late part of a cut that was published without it."""
    receive_cuts(at, folder, [FIRST, SECOND])
    first, second = deliveries(folder, THIRD)
    _did(at, "receive", "--now", str(first))
    return ["receive", str(second)]


def _corrected(at: Place, folder: Path) -> list[str]:
    """Other bytes for the live cut's own stamp: sealed, and only a person may publish it."""
    receive_cuts(at, folder, [FIRST, SECOND])
    return ["receive", str(deliveries(folder / "again", SECOND, seed=7)[0])]


def _after(*arguments: str, before: tuple[tuple[str, ...], ...] = (), cuts: int = 3) -> Prepare:
    """A command on a station with ``cuts`` cuts, after the commands ``before``."""

    def prepare(at: Place, folder: Path) -> list[str]:
        receive_cuts(at, folder, STAMPS[:cuts])
        for earlier in before:
            _did(at, *earlier)
        return list(arguments)

    return prepare


def _release(at: Place, folder: Path) -> list[str]:
    """Two cuts came while publishing was on hold: the newest goes live."""
    receive_cuts(at, folder, [FIRST, SECOND])
    _did(at, "hold")
    receive_cuts(at, folder, [THIRD, FOURTH])
    return ["release"]


def _resync_repairs(at: Place, folder: Path) -> list[str]:
    """A bit of the live cut's first archive went over; the institute's copy is in the drop."""
    receive_cuts(at, folder, [FIRST, SECOND])
    archive = deliveries(folder / "again", SECOND)[0]
    kept = at.root / "cuts" / SECOND / "site" / archive.name
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.chmod(0o644)
    kept.write_bytes(content)
    kept.chmod(0o444)
    archive.rename(at.settings.drop_folder / archive.name)
    return ["resync"]


def _overridden(at: Place, folder: Path) -> list[str]:
    """Another state's results were refused, and a person says that they are right."""
    receive_cuts(at, folder, [FIRST, SECOND])
    delivery = folder / "entrega"
    delivery.mkdir()
    for election in nights.ELECTIONS:
        files = made.cut_files(election, THIRD, state="COAH")
        (delivery / f"{THIRD}_PREP_{election}.zip").write_bytes(made.zipped(files))
    refused = at.call("receive", "--json", str(delivery))
    assert refused.code == 1, refused
    identity = json.loads(refused.out)["quarantine"]
    return ["publish", identity, "--override", "--reason", "proof"]


def _resync_finds_nothing_new(at: Place, folder: Path) -> list[str]:
    receive_cuts(at, folder, [FIRST, SECOND])
    return ["resync"]


MAIN: Mapping[str, Scenario] = {
    "receive, waits": Scenario(_waits),
    "receive, completes": Scenario(_completes),
    "receive, very first": Scenario(_very_first),
    "receive, tree": Scenario(_tree),
    "receive, refused": Scenario(_refused),
    "receive, completed": Scenario(_completed),
    "publish": Scenario(_after("publish", FIRST, "--reason", "proof")),
    "rollback": Scenario(_after("rollback", "--reason", "proof")),
    "rollback --to": Scenario(_after("rollback", "--to", FIRST)),
    "freeze": Scenario(_after("freeze")),
    "freeze ID": Scenario(_after("freeze", SECOND)),
}
"""Every point of these in each test run."""

REST: Mapping[str, Scenario] = {
    "receive, corrected": Scenario(_corrected),
    "publish, frozen anew": Scenario(
        _after("freeze", SECOND, "--reason", "late", before=(("freeze",),))
    ),
    "publish --override": Scenario(_overridden),
    "hold": Scenario(_after("hold", cuts=2)),
    "release": Scenario(_release),
    "thaw": Scenario(_after("thaw", before=(("freeze",),), cuts=2)),
    "suspend": Scenario(_after("suspend", cuts=2)),
    "accept-from": Scenario(_after("accept-from", FIRST, cuts=2)),
    "station new": Scenario(_after("station", "new", "--yes", cuts=2)),
    "prune": Scenario(_after("prune", cuts=5), settings=_TWO_KEPT.replace("400", "2")),
    "resync, repairs": Scenario(_resync_repairs, damaged="is not what the manifest says"),
    "resync, nothing new": Scenario(_resync_finds_nothing_new),
}
