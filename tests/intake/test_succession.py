"""From cut to cut: columns that moved, and figures that are suddenly zero."""

from __future__ import annotations

from pathlib import Path

import pytest

from prep_console.cuts.stamps import CutId
from prep_console.engine.view import SnapshotReader
from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication import actions, store
from prep_console.publication.station import Station
from tests.cuts import deliveries as d
from tests.stations import sandbox

PERSON = Actor(1000, "ana")
OPENS = "2024-06-02T20:00:00-06:00"


def station_of(folder: Path, opens: str = OPENS) -> Station:
    window = {"opens": opens, "closes": "2024-06-03T20:00:00-06:00"}
    return sandbox(folder, {"election": {"elections": ["DIP_LOC"], **window}}).station


def take(station: Station, folder: Path, stamp: str, csv: bytes) -> Receipt:
    path = folder / f"{stamp}_PREP_DIP_LOC_QRO.zip"
    path.write_bytes(d.zipped({"QRO_DIP_LOC_2024.csv": csv}))
    receipt = receive(station, path, actor=PERSON)
    assert receipt.result == "sealed", [f.check for f in receipt.examination.findings]
    return receipt


def odd(station: Station, receipt: Receipt) -> list[str]:
    """Which checks warned in the sealed cut."""
    manifest, _ = store.load(station, str(receipt.cut))
    return [f.check for f in manifest.findings]


def zero(stamp: str) -> bytes:
    return (
        d.results_csv(stamp=stamp, rows=4, votes=0)
        .replace(
            b"4,4,0,4,100.0000,4,100.0000,0.0000,0,4000", b"4,0,0,0,0.0000,0,0.0000,0.0000,0,0"
        )
        .replace(b",1000,,1,-", b",1000,,,-")
    )


def with_columns(stamp: str, swap: tuple[bytes, bytes]) -> bytes:
    return d.results_csv(stamp=stamp).replace(*swap)


@pytest.mark.parametrize(
    ("swap", "what", "value"),
    [
        ((b"PAN,PRI,", b"PRI,PAN,"), "+0 -0", "PRI"),
        ((b"PAN,PRI,", b"PAN,MORENA,"), "+1 -1", "MORENA"),
        ((b",OBSERVACIONES,", b",OBSERVACION,"), "+1 -1", "OBSERVACION"),
    ],
)
def test_columns_that_changed_are_said_and_published(
    tmp_path: Path, swap: tuple[bytes, bytes], what: str, value: str
) -> None:
    station = station_of(tmp_path)
    take(station, tmp_path, "20240602_2005", d.results_csv())
    receipt = take(station, tmp_path, "20240602_2010", with_columns("20240602_2010", swap))
    manifest, _ = store.load(station, "20240602_2010")
    (found,) = manifest.findings
    assert found.check == "results.columns_changed"
    assert found.values == {"election": "DIP_LOC", "what": what, "value": value}
    assert station.live().cut == receipt.cut
    same = take(station, tmp_path, "20240602_2015", with_columns("20240602_2015", swap))
    assert odd(station, same) == []


def test_zero_before_the_opening_is_fine_and_after_it_only_said(tmp_path: Path) -> None:
    station = station_of(tmp_path)
    before = take(station, tmp_path, "20240602_1950", zero("20240602_1950"))
    assert "cut.still_zero" not in odd(station, before)
    after = take(station, tmp_path, "20240602_2005", zero("20240602_2005"))
    assert odd(station, after) == ["cut.still_zero"]
    assert station.live().cut == "20240602_2005"


def test_zero_after_figures_waits_for_a_person(tmp_path: Path) -> None:
    station = station_of(tmp_path)
    good = take(station, tmp_path, "20240602_2005", d.results_csv())
    for stamp in ("20240602_2010", "20240602_2015"):  # the second one is no better than the first
        questioned = take(station, tmp_path, stamp, zero(stamp))
        assert "cut.zero" in odd(station, questioned)
        assert questioned.waits is not None
        assert "its figures are zero" in questioned.waits.in_("en")
        assert station.live().cut == good.cut
        waits = SnapshotReader(station.settings).read().cuts[0]
        assert (waits.id, waits.waits_for_person, waits.questioned) == (stamp, True, True)
    later = take(station, tmp_path, "20240602_2020", d.results_csv(stamp="20240602_2020"))
    assert odd(station, later) == []
    assert station.live().cut == later.cut
    assert not SnapshotReader(station.settings).read().cuts[0].questioned


def test_a_person_publishes_a_questioned_cut(tmp_path: Path) -> None:
    station = station_of(tmp_path)
    take(station, tmp_path, "20240602_2005", d.results_csv())
    take(station, tmp_path, "20240602_2010", zero("20240602_2010"))
    actions.publish(station, CutId.of("20240602_2010"), actor=PERSON, reason="the institute says")
    assert station.live().cut == "20240602_2010"
