"""Lists of hashes beside what is fetched: they come along, and the gate is held to them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console.config import Settings
from prep_console.cuts.manifests import LARGEST
from prep_console.intake.pull.lists import take_away
from prep_console.intake.receipt import Receipt
from prep_console.intake.receive import receive
from prep_console.journal.actor import Actor
from prep_console.publication.station import Station
from tests.cuts import deliveries as d
from tests.intake.pull.pulling import of_sshd, pulled, settings_of
from tests.intake.pull.web import Web, web
from tests.sshd import Sshd, sshd

pytestmark = pytest.mark.server

DIP, AYUN = "20240602_2005_PREP_DIP_LOC_QRO.zip", "20240602_2005_PREP_AYUN_QRO.zip"
ENGINE = Actor(1000, "engine")
FORMS = [f"{DIP}.sha256", f"{DIP}.md5", "SHA256SUMS"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Web]:
    with web(tmp_path / "web", tmp_path / "www") as running:
        yield running


def put(there: Path, listing: str, of: bytes) -> None:
    """Both archives, and a list that says of DIP that it has the bytes ``of``."""
    there.mkdir(exist_ok=True)
    (there / DIP).write_bytes(d.cut_zip("DIP_LOC"))
    (there / AYUN).write_bytes(d.cut_zip("AYUN"))
    say(there, listing, of)


def say(there: Path, listing: str, of: bytes) -> None:
    """The list alone: what it says of DIP."""
    algorithm = "md5" if listing.endswith("md5") else "sha256"
    (there / listing).write_text(f"{hashlib.new(algorithm, of).hexdigest()}  {DIP}\n")


async def taken(settings: Settings) -> dict[str, Receipt]:
    """Pull, and take what came as the engine does."""
    got = await pulled(settings)
    receipts = {p.name: receive(Station(settings), p, actor=ENGINE) for p in got.paths}
    for path in got.paths:
        take_away(path)
    return receipts


def stops(receipt: Receipt) -> list[tuple[str, object]]:
    found = receipt.examination.findings
    return [(f.check, f.values.get("manifest")) for f in found if f.severity == "stop"]


async def _is_held_against(settings: Settings, there: Path, listing: str) -> None:
    put(there, listing, b"another file")
    assert set(await taken(settings)) == {AYUN}  # perhaps its list is not there yet
    receipts = await taken(settings)
    assert stops(receipts[DIP]) == [("manifest.mismatch", listing)]
    assert receipts[DIP].result == "refused"
    assert await taken(settings) == {}  # what was refused comes once
    fetched = Station(settings).root / "fetched"
    assert [p.name for p in fetched.glob("*/*") if not p.name.startswith(".")] == []


@pytest.mark.parametrize("listing", FORMS)
async def test_sftp_is_held_against_its_list(server: Sshd, tmp_path: Path, listing: str) -> None:
    there = tmp_path / "cortes"
    await _is_held_against(of_sshd(tmp_path, server, there), there, listing)


@pytest.mark.parametrize("listing", FORMS)
async def test_https_is_held_against_its_list(site: Web, tmp_path: Path, listing: str) -> None:
    more = {"url": f"{site.url}/20240602_2005_PREP_{{election}}_QRO.zip"}
    settings = settings_of(tmp_path, {"kind": "https", "ca_file": str(site.ca), **more})
    await _is_held_against(settings, site.root, listing)


async def test_what_its_list_confirms_is_taken_and_both_are_gone(
    server: Sshd, tmp_path: Path
) -> None:
    there = tmp_path / "cortes"
    put(there, FORMS[0], d.cut_zip("DIP_LOC"))
    (there / "SHA256SUMS").write_text(f"{'0' * 64}  otro.zip\n")
    receipts = await taken(of_sshd(tmp_path, server, there))
    assert {name: stops(r) for name, r in receipts.items()} == {DIP: [], AYUN: []}
    assert receipts[AYUN].cut or receipts[DIP].cut
    assert not [p for p in (tmp_path / "root/fetched/sftp").iterdir() if p.name[0] != "."]


async def test_an_archive_whose_list_follows_a_moment_later_is_not_refused(
    server: Sshd, tmp_path: Path
) -> None:
    there = tmp_path / "cortes"
    put(there, FORMS[0], b"of the one before, under the same name")
    settings = of_sshd(tmp_path, server, there)
    assert set(await taken(settings)) == {AYUN}
    put(there, FORMS[0], d.cut_zip("DIP_LOC"))
    os.utime(there / FORMS[0], (1e9, 1e9))  # sftp tells whole seconds
    assert stops((await taken(settings))[DIP]) == []


async def test_a_refused_one_is_fetched_again_when_its_list_is_mended(
    server: Sshd, tmp_path: Path
) -> None:
    there = tmp_path / "cortes"
    put(there, FORMS[0], b"wrong")
    settings = of_sshd(tmp_path, server, there)
    for _ in range(2):
        receipts = await taken(settings)
    assert receipts[DIP].result == "refused"
    put(there, FORMS[0], d.cut_zip("DIP_LOC"))
    os.utime(there / FORMS[0], (1e9, 1e9))  # sftp tells whole seconds
    receipts = await taken(settings)
    assert (receipts[DIP].result, receipts[DIP].cut) == ("sealed", "20240602_2005")


@pytest.mark.parametrize("listing", FORMS)
async def test_over_https_too_however_late_the_list_is_mended(
    site: Web, tmp_path: Path, listing: str
) -> None:
    put(site.root, listing, b"wrong")
    settings = settings_of(
        tmp_path, {"kind": "https", "ca_file": str(site.ca), "url": f"{site.url}/{DIP}"}
    )
    for _ in range(2):
        receipts = await taken(settings)
    assert receipts[DIP].result == "refused"
    for _ in range(3):
        assert await taken(settings) == {}
    say(site.root, listing, b"wrong again")
    assert (await taken(settings))[DIP].result == "refused"
    assert await taken(settings) == {}
    say(site.root, listing, d.cut_zip("DIP_LOC"))
    assert stops((await taken(settings))[DIP]) == []
    assert await taken(settings) == {}


async def test_a_web_page_in_the_place_of_a_list_is_none(site: Web, tmp_path: Path) -> None:
    put(site.root, "SHA256SUMS", b"")
    for name in FORMS:
        (site.root / name).write_text(f"<html>{'0' * 64}  {DIP}</html>")
    settings = settings_of(
        tmp_path, {"kind": "https", "ca_file": str(site.ca), "url": f"{site.url}/{DIP}"}
    )
    assert stops((await taken(settings))[DIP]) == []


LONG = b"0" * (LARGEST + 1)


def warns(receipt: Receipt) -> list[str]:
    found = receipt.examination.findings
    return [f.where for f in found if f.check == "manifest.too_long"]


async def _is_taken_and_its_list_told(settings: Settings, there: Path, listing: str) -> None:
    put(there, listing, b"")
    (there / listing).write_bytes(LONG)
    receipts = await taken(settings)
    assert {name: receipt.result for name, receipt in receipts.items()}.keys() == {DIP, AYUN}
    assert [stops(receipt) for receipt in receipts.values()] == [[], []]
    assert warns(receipts[DIP]) == [listing]
    assert warns(receipts[AYUN]) == ([listing] if listing == "SHA256SUMS" else [])
    assert await taken(settings) == {}


@pytest.mark.parametrize("listing", FORMS)
async def test_a_list_that_is_too_long_keeps_no_cut_away(
    site: Web, tmp_path: Path, listing: str
) -> None:
    more = {"url": f"{site.url}/20240602_2005_PREP_{{election}}_QRO.zip"}
    settings = settings_of(tmp_path, {"kind": "https", "ca_file": str(site.ca), **more})
    await _is_taken_and_its_list_told(settings, site.root, listing)


@pytest.mark.parametrize("listing", FORMS)
async def test_nor_over_sftp(server: Sshd, tmp_path: Path, listing: str) -> None:
    there = tmp_path / "cortes"
    await _is_taken_and_its_list_told(of_sshd(tmp_path, server, there), there, listing)


async def test_of_two_lists_the_one_that_can_be_read_still_counts(
    site: Web, tmp_path: Path
) -> None:
    put(site.root, FORMS[0], b"another file")
    (site.root / "SHA256SUMS").write_bytes(LONG)
    settings = settings_of(
        tmp_path, {"kind": "https", "ca_file": str(site.ca), "url": f"{site.url}/{DIP}"}
    )
    assert await taken(settings) == {}  # perhaps its list is not there yet
    receipt = (await taken(settings))[DIP]
    assert (receipt.result, warns(receipt)) == ("refused", ["SHA256SUMS"])
