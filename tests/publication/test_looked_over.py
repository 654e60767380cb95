"""A cut that was looked over while a person decided: what moves afterwards is still noticed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.cuts.stamps import CutId
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.problems import Refused
from prep_console.publication import actions, store
from prep_console.publication.station import Station
from tests import nights
from tests.stations import sandbox

PERSON = Actor(1000, "ana", "192.0.2.7")
FIRST, SECOND = nights.stamps(count=2)


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """Two cuts that are trees, the second one live."""
    made = sandbox(tmp_path).station
    for stamp in (FIRST, SECOND):
        receive(made, nights.tree(tmp_path / stamp, stamp, actas=5), actor=PERSON)
    assert made.live().cut == SECOND
    return made


def looked_over(station: Station) -> store.LookedOver:
    looked = actions.look_ahead(station)
    assert looked is not None
    assert looked.cut == FIRST
    return looked


def test_a_rollback_looks_at_no_file_again(
    station: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = looked_over(station)
    assert looked.stands(station)

    def again(*_: object) -> bool:
        raise AssertionError("every file was looked at")

    monkeypatch.setattr(store, "_look", again)
    outcome = actions.rollback(station, actor=PERSON, reason="r", looked=looked)
    assert outcome.to_cut == station.live().cut == FIRST


def _some_file(site: Path) -> Path:
    return next(p for p in sorted(site.rglob("*")) if p.is_file() and p.parent != site)


def _gone(site: Path) -> None:
    _some_file(site).unlink()


def _replaced(site: Path) -> None:
    path = _some_file(site)
    (site / "other").write_bytes(b"another")
    (site / "other").rename(path)


def _linked(site: Path) -> None:
    path = _some_file(site)
    path.unlink()
    path.symlink_to("/etc/passwd")


def _folder_gone(site: Path) -> None:
    shutil.rmtree(_some_file(site).parent)


def _whole_site(site: Path) -> None:
    site.rename(site.with_name("away"))
    site.mkdir()


def _manifest(site: Path) -> None:
    path = site.parent / "cut.json"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b'"size":', b'"size": 1'))


@pytest.mark.parametrize(
    "damage", [_gone, _replaced, _linked, _folder_gone, _whole_site, _manifest]
)
def test_what_happens_between_look_and_confirmation_is_noticed(
    station: Station, damage: Callable[[Path], None]
) -> None:
    looked = looked_over(station)
    site = station.cuts / FIRST / store.SITE
    for folder, _, _ in os.walk(site):
        Path(folder).chmod(0o755)
    damage(site)
    assert not looked.stands(station)
    with pytest.raises(Refused, match="not whole"):
        actions.rollback(station, actor=PERSON, reason="r", looked=looked)
    assert station.live().cut == SECOND


def test_a_look_grows_old(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = looked_over(station)
    path = _some_file(station.cuts / FIRST / store.SITE)
    path.chmod(0o644)
    with path.open("ab") as file:
        file.write(b"more")  # in place: its folder has no trace of it
    assert looked.stands(station)
    monkeypatch.setattr(store, "LOOK_HOLDS_S", -1.0)
    with pytest.raises(Refused, match="not whole"):
        actions.rollback(station, actor=PERSON, reason="r", looked=looked)


def test_a_look_at_another_cut_says_nothing(station: Station) -> None:
    looked = actions.look_ahead(station, CutId.of(SECOND))
    assert looked is not None
    _open_and_remove(station)
    with pytest.raises(Refused, match="not whole"):
        actions.rollback(station, actor=PERSON, reason="r", looked=looked)
    assert actions.look_ahead(station) is None


def _open_and_remove(station: Station) -> None:
    path = _some_file(station.cuts / FIRST / store.SITE)
    path.parent.chmod(0o755)
    path.unlink()
