"""Every hostile delivery through a real station: quarantined, nothing of it anywhere else, and
the next good cut goes live."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from tests.corpus import cases
from tests.cuts import deliveries as d
from tests.cuts import test_hostile as built
from tests.stations import Sandbox, sandbox

ENGINE = Actor(1000, "engine")
MOST_BYTES = 64 * 1024**2
"""By which the reading process may grow."""
OTHERWISE_BOUNDED = {"zip: nesting"}
"""Stopped only by a bound that a station does not set lower; a deeper one is among the cases."""

Write = Callable[[Path], Path]


def _file(name: str, data: bytes) -> Write:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(data)
        return folder / name

    return write


def _tree(spoil: Callable[[Path], None]) -> Write:
    def write(folder: Path) -> Path:
        tree = d.put(folder / f"{cases.STAMP}_PREP_QRO", {cases.NAME: d.cut_zip()})
        spoil(tree)
        return tree

    return write


def _writers(kind: str) -> Write:
    group, _, case = kind.partition(" | ")
    if group == "tree":
        return _tree(built.TREES[case][0])
    if group == "archive":
        name, data, _ = built.HOSTILE[case]()
        return _file(name, data)
    return _file(*cases.HOSTILE[case])


KINDS = [
    *(f"archive | {case}" for case in built.HOSTILE if case not in OTHERWISE_BOUNDED),
    *(f"tree | {case}" for case in built.TREES),
    *(f"content | {case}" for case in cases.HOSTILE),
]


def _memory(field: str) -> int:
    """Bytes that this process has (VmRSS) or had at most (VmHWM)."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found
    return int(found[1]) * 1024


def _taken(box: Sandbox, folder: Path, stamp: str) -> Receipt:
    path = folder / f"{stamp}_PREP_DIP_LOC_QRO.zip"
    path.write_bytes(d.cut_zip(stamp=stamp))
    return receive(box.station, path, actor=ENGINE, clock_known=True)


def _around(box: Sandbox, folder: Path) -> dict[str, tuple[int, int, int]]:
    root = str(box.settings.root)
    seen = d.everything_under(folder)
    return {path: what for path, what in seen.items() if not path.startswith(root)}


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_quarantined_and_the_next_good_cut_goes_live(kind: str, tmp_path: Path) -> None:
    limits = {"max_total_bytes": 3_000_000, "max_entries": 50, "max_ratio": 100}
    box = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}, "intake": limits})
    good = tmp_path / "good"
    good.mkdir()
    assert _taken(box, good, "20240602_1945").published is not None
    station = box.station
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    path = _writers(kind)(incoming)
    before = _around(box, tmp_path), _names(station.public), _names(station.cuts)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins again from here
    held = _memory("VmRSS")

    receipt = receive(station, path, actor=ENGINE, clock_known=True)

    assert _memory("VmHWM") - held <= MOST_BYTES
    assert (receipt.result, receipt.published) == ("refused", None)
    assert any(f.severity == "stop" for f in receipt.examination.findings)
    assert receipt.quarantined is not None
    assert (station.quarantine / receipt.quarantined).is_dir()
    assert (_around(box, tmp_path), _names(station.public), _names(station.cuts)) == before
    assert not list(station.staging.iterdir())
    assert station.live().cut == "20240602_1945"
    assert _taken(box, good, "20240602_2025").published is not None
    assert station.live().cut == "20240602_2025"
