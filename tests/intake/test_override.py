"""A person lets a stopped delivery through, with a reason; nothing unsafe ever."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prep_console.intake import override as overriding
from prep_console.intake.override import override
from prep_console.intake.receive import receive
from prep_console.journal import journal
from prep_console.journal.actor import Actor
from prep_console.problems import Refused, WrongUsage
from prep_console.publication import actions, store
from tests.cuts import deliveries as d
from tests.stations import Sandbox, sandbox

PERSON = Actor(1000, "ana")
STAMP = "20240602_2005"
LATER = "20240602_2010"
NAME = f"{STAMP}_PREP_DIP_LOC_QRO.zip"


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"]}})


def quarantined(box: Sandbox, folder: Path, data: bytes, name: str = NAME) -> str:
    path = folder / name
    path.write_bytes(data)
    receipt = receive(box.station, path, actor=PERSON)
    assert receipt.result == "refused"
    assert receipt.quarantined is not None
    path.unlink()
    return receipt.quarantined


def of_coahuila() -> bytes:
    return d.zipped(d.cut_files(state="COAH"))


def test_a_stopped_delivery_goes_live_with_a_reason(box: Sandbox, tmp_path: Path) -> None:
    """What was delivered is what is published, and manifest and journal say who wanted it."""
    data = d.zipped({**d.cut_files(), "cortePrueba.csv": d.results_csv()})
    identity = quarantined(box, tmp_path, data, NAME.replace("PREP", "PREP_PRUEBA"))
    said = box.run("publish", identity, "--override", "--reason", "se llama así", "--json")
    assert said.code == 0, said.err
    assert (said.json["cut"], said.json["live"], said.json["verdict"]) == (STAMP, True, "odd")
    station = box.station
    assert station.live().cut == STAMP
    assert store.sealed_path(station, STAMP, next(iter(store.load(station, STAMP)[0].files)))
    manifest, _ = store.load(station, STAMP)
    found = {f.check: f for f in manifest.findings}
    assert found["product.test"].severity == "warning"
    assert found["delivery.overridden"].values["reason"] == "se llama así"
    lines = [(line.kind, dict(line.data)) for line in journal.tail(station.journal, 50)]
    (decided,) = [data for kind, data in lines if kind == "overridden"]
    assert (decided["quarantine"], decided["checks"]) == (identity, ["product.test"])
    assert decided["reason"] == "se llama así"
    (intent,) = [data for kind, data in lines if kind == "intent"]
    assert (intent["person"], intent["reason"]) == (True, "se llama así")
    told = box.run("journal", "--json").out
    assert "overridden" in told


def test_a_tree_too(box: Sandbox, tmp_path: Path) -> None:
    tree = d.put(tmp_path / f"{STAMP}_PREP", d.cut_files(state="COAH"))
    receipt = receive(box.station, tmp_path / f"{STAMP}_PREP", actor=PERSON)
    assert receipt.quarantined is not None, tree
    taken = override(box.station, receipt.quarantined, actor=PERSON, reason="sí es nuestro")
    assert (taken.result, taken.cut) == ("sealed", STAMP)
    assert taken.published is not None
    assert taken.published.to_cut == STAMP
    assert "COAH_DIP_LOC_2024.csv" in store.load(box.station, STAMP)[0].files


def test_without_a_reason_nothing_is_done(box: Sandbox, tmp_path: Path) -> None:
    identity = quarantined(box, tmp_path, of_coahuila())
    said = box.run("publish", identity, "--override")
    assert said.code == 1
    assert "--reason" in said.err
    assert box.station.live().cut is None
    assert box.station.state().cuts == {}


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (d.with_entry("../out.txt"), "archive.path"),
        (d.cut_zip()[:-40], "archive.truncated"),
        (d.zipped({**d.cut_files(), "SHA256SUMS": b"0" * 64 + b"  LEEME.txt\n"}), "manifest"),
        (d.zipped({"QRO_DIP_LOC_2024.csv": d.results_csv()[:-30]}), "results.cut_off"),
        (d.zipped({"LEEME.txt": b"x"}), "results.missing"),
    ],
)
def test_what_is_unsafe_stays_in_quarantine(
    box: Sandbox, tmp_path: Path, data: bytes, check: str
) -> None:
    identity = quarantined(box, tmp_path, data)
    reason = json.loads((box.station.quarantine / identity / "reason.json").read_text())
    assert any(f["check"].startswith(check) for f in reason["findings"])
    with pytest.raises(Refused, match=identity):
        override(box.station, identity, actor=PERSON, reason="publish it")
    assert box.station.state().cuts == {}
    assert [p.name for p in box.station.quarantine.iterdir()] == [identity]


def test_an_older_cut_is_let_in_by_another_command(box: Sandbox, tmp_path: Path) -> None:
    newest = tmp_path / f"{LATER}_PREP_DIP_LOC_QRO.zip"
    newest.write_bytes(d.cut_zip("DIP_LOC", LATER))
    assert box.run("receive", newest).code == 0
    identity = quarantined(box, tmp_path, d.cut_zip())
    ran = box.run("publish", identity, "--override", "--reason", "lo pide el instituto")
    assert ran.code == 1
    assert "accept-from STAMP" in ran.err


def test_a_forged_reason_lets_nothing_unsafe_through(box: Sandbox, tmp_path: Path) -> None:
    """What counts is what is found in the bytes, not what was once written about them."""
    identity = quarantined(box, tmp_path, d.with_entry("../out.txt"))
    file = box.station.quarantine / identity / "reason.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "findings": []}))
    with pytest.raises(Refused, match=identity):
        override(box.station, identity, actor=PERSON, reason="publish it")
    assert box.station.state().cuts == {}
    assert [p.name for p in box.station.quarantine.iterdir()] == [identity]


@pytest.mark.parametrize("identity", ["../cuts", "20240602T000000Z", "", "20240602_2005"])
def test_there_is_no_such_delivery(box: Sandbox, identity: str) -> None:
    with pytest.raises(WrongUsage):
        override(box.station, identity, actor=PERSON, reason="x")


def test_its_bytes_may_be_gone(box: Sandbox, tmp_path: Path) -> None:
    identity = quarantined(box, tmp_path, of_coahuila())
    store.discard(box.station.quarantine / identity / "files")
    said = box.run("publish", identity, "--override", "--reason", "x")
    assert said.code == 1
    assert identity in said.err


def test_twice_is_once(box: Sandbox, tmp_path: Path) -> None:
    identity = quarantined(box, tmp_path, of_coahuila())
    assert override(box.station, identity, actor=PERSON, reason="x").result == "sealed"
    assert override(box.station, identity, actor=PERSON, reason="x").result == "had"
    assert list(box.station.state().cuts) == [STAMP]


def test_nothing_is_let_through_while_a_cut_is_frozen(box: Sandbox, tmp_path: Path) -> None:
    identity = quarantined(box, tmp_path, of_coahuila())
    final = tmp_path / "20240602_2000_PREP_DIP_LOC_QRO.zip"
    final.write_bytes(d.cut_zip(stamp="20240602_2000"))
    receive(box.station, final, actor=PERSON)
    assert box.run("freeze", "--reason", "último corte", "--yes").code == 0
    said = box.run("publish", identity, "--override", "--reason", "x")
    assert said.code == 1
    assert "not done: cut 20240602_2000 is frozen as the final one" in said.err
    assert "thaw first" in said.err
    assert list(box.station.state().cuts) == ["20240602_2000"]
    assert "overridden" not in {line.kind for line in journal.tail(box.station.journal, 50)}
    assert box.run("thaw", "--reason", "x", "--yes").code == 0
    assert box.run("publish", identity, "--override", "--reason", "x").code == 0
    assert box.station.live().cut == STAMP


def _frozen_after(box: Sandbox, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Somebody else freezes just after the override did ``name``."""
    before = getattr(overriding, name)

    def then(*args: object, **named: object) -> object:
        done = before(*args, **named)
        actions.freeze(box.station, actor=PERSON, reason="último corte")
        return done

    monkeypatch.setattr(overriding, name, then)


@pytest.mark.parametrize(("name", "sealed"), [("_kept", False), ("receive", True)])
def test_who_freezes_meanwhile_wins(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, sealed: bool
) -> None:
    """Before it is sealed nothing is done; afterwards it is said that it is stored."""
    identity = quarantined(box, tmp_path, of_coahuila())
    final = tmp_path / "20240602_2000_PREP_DIP_LOC_QRO.zip"
    final.write_bytes(d.cut_zip(stamp="20240602_2000"))
    receive(box.station, final, actor=PERSON)
    actions.hold(box.station, actor=PERSON)
    _frozen_after(box, monkeypatch, name)
    with pytest.raises(Refused, match="20240602_2000") as told:
        override(box.station, identity, actor=PERSON, reason="x")
    assert (STAMP in box.station.state().cuts) == sealed
    assert (f"stored as cut {STAMP}" in told.value.what.in_("en")) == sealed
    assert box.station.live().cut == "20240602_2000"


def test_cut_short_between_sealing_and_publishing_it_is_done_by_the_next_try(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.hold(box.station, actor=PERSON)
    identity = quarantined(box, tmp_path, of_coahuila())

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr(actions, "publish", dies)
        with pytest.raises(KeyboardInterrupt):
            override(box.station, identity, actor=PERSON, reason="x")
    assert box.station.live().cut is None
    assert override(box.station, identity, actor=PERSON, reason="x").result == "had"
    assert box.station.live().cut == STAMP
