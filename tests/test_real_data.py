"""Real PREP files through the real program: the figures that the files themselves state."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.stations import Sandbox, sandbox

pytestmark = pytest.mark.real_data


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return sandbox(tmp_path, {"election": {"elections": [], "state": ""}})


def verified(box: Sandbox, path: Path) -> Any:
    ran = box.run("verify", path, "--json")
    assert ran.code == 0, ran
    return ran.json


def test_quintana_roo_2019(box: Sandbox, real_data: Path) -> None:
    said = verified(box, real_data / "qroo_2019" / "20190603_0547_PREP_DIP_QROO.zip")
    (election,) = said["elections"]
    figures = election["figures"]
    assert said["stamp"].startswith("2019-06-03T05:47:00")
    assert (election["code"], election["state"], election["rows"]) == ("DIP_LOC", "QROO", 2136)
    assert (figures["expected"], figures["counted"]) == (2136, 2031)
    assert (figures["votes_with_special"], figures["turnout"]) == (263005, 22.1523)


def test_puebla_2018(box: Sandbox, real_data: Path) -> None:
    said = verified(box, real_data / "puebla_2018_gob" / "20180702_2000_PREP_GOB_PUE")
    (election,) = said["elections"]
    figures = election["figures"]
    assert (figures["expected"], figures["captured"], figures["counted"]) == (7548, 7407, 6232)
    assert (election["code"], election["rows"]) == ("GUB", 7548)


def test_campeche_2021_zero_cut(box: Sandbox, real_data: Path) -> None:
    said = verified(box, real_data / "campeche_2021_zero" / "20210601_1852_PREP_CAMP.zip")
    assert {e["code"] for e in said["elections"]} == {"GUB", "DIP_LOC", "AYUN", "JUNTAS"}
    assert all(e["figures"]["counted"] == 0 for e in said["elections"])
    assert "candidates.placeholder" in {f["check"] for f in said["findings"]}


def test_a_wrong_state_stops(tmp_path: Path, real_data: Path) -> None:
    box = sandbox(tmp_path, {"election": {"elections": ["DIP_LOC"], "state": "QRO"}})
    path = real_data / "qroo_2019" / "20190603_0547_PREP_DIP_QROO.zip"
    ran = box.run("verify", path, "--json")
    assert (ran.code, ran.json["verdict"]) == (1, "stopped")
    assert "state.wrong" in {f["check"] for f in ran.json["findings"]}


def test_forty_real_cuts_of_a_night_go_live_in_order_and_only_so(
    box: Sandbox, real_data: Path
) -> None:
    folder = real_data / "ine_2018_site_json"
    with (folder / "CUTS.tsv").open(encoding="utf-8") as table:
        counted = {
            row["file"]: int(row["counted"]) for row in csv.DictReader(table, delimiter="\t")
        }
    files = sorted(folder.glob("*.json"))
    assert len(files) == 40
    for path in files:
        ran = box.run("receive", path, "--json")
        assert ran.code == 0, ran
        assert ran.json["live"] is True
        assert ran.json["elections"][0]["figures"]["counted"] == counted[path.name]
        assert box.station.live().cut == path.name[:13]
    for path in (files[0], files[20], files[38]):
        ran = box.run("receive", path)
        assert ran.code == 1, ran
    again = box.run("receive", files[39], "--json")
    assert (again.code, again.json["result"], again.json["live"]) == (0, "had", True)
    assert box.station.live().cut == files[39].name[:13]
    assert len(box.run("cuts", "--json").json["cuts"]) == 40
    assert box.run("journal", "--verify").code == 0
