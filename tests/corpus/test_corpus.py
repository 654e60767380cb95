"""Every delivery of the corpus through a real station, taken by a child process.

A hostile one is stopped by the checks that are meant for it and by no other one, lies in
quarantine and nowhere else, and costs little memory; an odd one goes live with its warnings. Then
the next good cut goes live as if nothing had been.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.corpus.bombs import BOMBS
from tests.corpus.cases import HOSTILE, LOWERED
from tests.corpus.lies import BROKEN_OFF, LIES
from tests.corpus.odd import ODD
from tests.corpus.quine import quine
from tests.corpus.shapes import STAMP, Case
from tests.corpus.taker import Taken, Taker, taker
from tests.cuts import deliveries as d
from tests.stations import Sandbox, sandbox

MOST_BYTES = 64 * 1024**2
"""By which the process that takes a delivery may grow."""
BEFORE, AFTER = "20240602_1945", "20240602_2025"
LIMITS = {"max_total_bytes": 3_000_000, "max_entries": 50, "max_ratio": 100}
REAL = {**HOSTILE, **LIES, **BROKEN_OFF, **BOMBS}


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taker]:
    """One for all, warm: what it has read once it need not read again."""
    folder = tmp_path_factory.mktemp("warm")
    with taker() as made:
        _good(made, _station(folder), folder, BEFORE)
        yield made


def _station(folder: Path, intake: Mapping[str, object] | None = None) -> Sandbox:
    tables = {"election": {"elections": ["DIP_LOC"]}, "intake": intake or {}}
    return sandbox(folder, tables)


def _good(child: Taker, box: Sandbox, folder: Path, stamp: str) -> None:
    """A good cut comes and goes live."""
    path = folder / f"{stamp}_PREP_DIP_LOC_QRO.zip"
    path.write_bytes(d.cut_zip(stamp=stamp))
    taken = child.take(box.file, path)
    assert (taken.published, taken.stops) == (stamp, frozenset())
    assert box.station.live().cut == stamp


def _around(box: Sandbox, folder: Path) -> dict[str, tuple[int, int, int]]:
    root = str(box.settings.root)
    seen = d.everything_under(folder)
    return {path: what for path, what in seen.items() if not path.startswith(root)}


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _is_refused(child: Taker, box: Sandbox, folder: Path, case: Case) -> Taken:
    station = box.station
    good, incoming = folder / "good", folder / "incoming"
    good.mkdir()
    incoming.mkdir()
    _good(child, box, good, BEFORE)
    path = case.write(incoming)
    before = _around(box, folder), _names(station.public), _names(station.cuts)

    taken = child.take(box.file, path)

    assert (taken.result, taken.published) == ("refused", None)
    assert taken.stops == case.checks
    assert taken.grown <= MOST_BYTES
    assert taken.quarantined is not None
    assert (station.quarantine / taken.quarantined / "reason.json").is_file()
    assert (_around(box, folder), _names(station.public), _names(station.cuts)) == before
    assert not list(station.staging.iterdir())
    assert station.live().cut == BEFORE
    _good(child, box, good, AFTER)
    return taken


@pytest.mark.parametrize("kind", REAL)
def test_a_hostile_delivery_is_stopped_by_its_check(
    kind: str, child: Taker, tmp_path: Path
) -> None:
    _is_refused(child, _station(tmp_path), tmp_path, REAL[kind])


@pytest.mark.parametrize("kind", LOWERED)
def test_so_is_one_at_a_station_with_low_bounds(kind: str, child: Taker, tmp_path: Path) -> None:
    _is_refused(child, _station(tmp_path, LIMITS), tmp_path, LOWERED[kind])


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_delivery_goes_live_with_its_warnings(
    kind: str, child: Taker, tmp_path: Path
) -> None:
    box, case = _station(tmp_path), ODD[kind]
    good, incoming = tmp_path / "good", tmp_path / "incoming"
    good.mkdir()
    incoming.mkdir()
    _good(child, box, good, BEFORE)
    path = case.write(incoming)

    taken = child.take(box.file, path)

    assert (taken.result, taken.stops) == ("sealed", frozenset())
    assert taken.warnings == case.checks
    assert taken.grown <= MOST_BYTES
    assert taken.published == STAMP
    site = box.station.cuts / taken.published / "site"
    if path.is_file():
        assert (site / path.name).read_bytes() == path.read_bytes()
    assert not list(box.station.staging.iterdir())
    _good(child, box, good, AFTER)


def test_there_are_as_many_as_there_are_said_to_be() -> None:
    assert len(REAL) + len(LOWERED) >= 200
    assert len(ODD) >= 40


def test_the_archive_that_holds_itself_is_a_sound_one() -> None:
    with zipfile.ZipFile(io.BytesIO(quine())) as archive:
        (name,) = archive.namelist()
        assert archive.read(name) == quine()
