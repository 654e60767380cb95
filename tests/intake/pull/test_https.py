"""Pulled from a real Apache over TLS, which is killed, frozen, and changes its files."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from prep_console.config import Settings
from prep_console.intake.pull.job import Progress, PullFailed
from prep_console.intake.pull.puller import Puller
from tests.intake.pull.pulling import archive, bytes_of, pulled, settings_of, until
from tests.intake.pull.web import Web, web
from tests.proof import table

pytestmark = pytest.mark.server

DIP, AYUN = "20240602_2005_PREP_DIP_LOC_QRO.zip", "20240602_2005_PREP_AYUN_QRO.zip"
ROUNDS = int(os.environ.get("PREP_PROOF_ROUNDS", "10"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Web]:
    with web(tmp_path / "web", tmp_path / "www") as running:
        yield running


def of_web(tmp_path: Path, server: Web, **more: object) -> Settings:
    return settings_of(tmp_path, {"kind": "https", "ca_file": str(server.ca), **more})


def index(server: Web, *names: str) -> str:
    (server.root / "ultimo.json").write_text(json.dumps({"archivos": list(names)}))
    return f"{server.url}/ultimo.json"


async def test_an_index_names_the_newest_and_unchanged_files_come_once(
    server: Web, tmp_path: Path
) -> None:
    sent = {DIP: archive(server.root, DIP, 3 << 20), AYUN: archive(server.root, AYUN, 5000, 2)}
    settings = of_web(tmp_path, server, index=index(server, DIP, AYUN), pointer="/archivos")
    puller = Puller(settings, settings.sources[0])
    told: list[Progress] = []
    got = await puller.pull({}, told.append)
    assert bytes_of(got.paths) == dict(sorted(sent.items()))
    assert (got.state, got.stamp) == ("new", "20240602_2005")
    assert told
    for path in got.paths:
        path.unlink()
    assert (await puller.pull({}, told.append)).state == "nothing"
    marks = {"DIP_LOC": "20240602_2005", "AYUN": "20240602_2005"}
    assert (await puller.pull(marks, told.append)).state == "nothing"
    assert len((await puller.pull(marks, told.append, again=True)).paths) == 2
    marks = {"DIP_LOC": "20240602_2010", "AYUN": "20240602_2010"}
    assert (await puller.pull(marks, told.append)).state == "older"
    await puller.close()


async def test_a_fixed_address_is_fetched_when_it_changes(server: Web, tmp_path: Path) -> None:
    first = archive(server.root, "corte.zip", 9000)
    settings = of_web(tmp_path, server, url=f"{server.url}/corte.zip")
    assert bytes_of((await pulled(settings)).paths) == {"corte.zip": first}
    assert (await pulled(settings)).state == "nothing"
    second = archive(server.root, "corte.zip", 9000, 7)
    os.utime(server.root / "corte.zip", (5, 5))
    assert bytes_of((await pulled(settings)).paths) == {"corte.zip": second}


async def test_a_pattern_finds_the_newest_minute_of_each_election(
    server: Web, tmp_path: Path
) -> None:

    now = datetime.now(ZoneInfo("America/Mexico_City"))
    newest = (now - timedelta(minutes=7)).strftime("%Y%m%d_%H%M")
    for minutes, election in ((7, "DIP_LOC"), (13, "DIP_LOC"), (8, "AYUN")):
        stamp = (now - timedelta(minutes=minutes)).strftime("%Y%m%d_%H%M")
        archive(server.root, f"{stamp}_PREP_{election}_QRO.zip", 500, minutes)
    url = f"{server.url}/%Y%m%d_%H%M_PREP_{{election}}_QRO.zip"
    got = await pulled(of_web(tmp_path, server, url=url))
    assert got.stamp == newest
    assert len(got.paths) == 2
    assert (await pulled(of_web(tmp_path, server, url=url))).state == "nothing"


@pytest.mark.slow
async def test_killed_at_any_point_it_is_resumed_and_never_wrong(
    server: Web, tmp_path: Path
) -> None:
    content, chance = archive(server.root, DIP, 96 << 20), random.Random(3)
    settings = of_web(tmp_path, server, index=index(server, DIP), pointer="/archivos/0")
    into = tmp_path / "root" / "fetched" / "https"
    resumed = 0
    for _ in range(ROUNDS):
        shutil.rmtree(into, ignore_errors=True)
        point = chance.randrange(len(content))
        puller = Puller(settings, settings.sources[0])
        pulling = asyncio.create_task(puller.pull({}, lambda _: None))
        while not pulling.done() and here(into) < point:
            await asyncio.sleep(0.001)
        server.kill()
        (ended,) = await asyncio.gather(pulling, return_exceptions=True)
        assert not isinstance(ended, PullFailed) or ended.kind == "unreachable"
        left = here(into)
        resumed += 0 < left < len(content)
        server.start()
        told: list[Progress] = []
        await puller.pull({}, told.append)
        await puller.close()
        assert (into / DIP).read_bytes() == content
        assert not list(into.glob(".2*"))
    assert resumed >= ROUNDS / 5
    table.record("kill in the transfer: pull over HTTPS", tried=ROUNDS, fired=resumed)


async def test_a_file_that_changed_meanwhile_is_begun_again(server: Web, tmp_path: Path) -> None:
    archive(server.root, DIP, 48 << 20)
    settings = of_web(tmp_path, server, index=index(server, DIP), pointer="/archivos")
    into = tmp_path / "root" / "fetched" / "https"
    puller = Puller(settings, settings.sources[0])
    pulling = asyncio.create_task(puller.pull({}, lambda _: None))
    await until(lambda: here(into) > 1 << 20)
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    (server.root / DIP).unlink()
    other = archive(server.root, DIP, 48 << 20, 9)
    os.utime(server.root / DIP, (5, 5))
    assert bytes_of((await pulled(settings)).paths) == {DIP: other}


async def test_a_frozen_server_is_given_up(server: Web, tmp_path: Path) -> None:
    archive(server.root, DIP, 100)
    where = index(server, DIP)
    settings = of_web(tmp_path, server, index=where, pointer="/archivos", stall_seconds=3)
    puller = Puller(settings, settings.sources[0])
    await puller.pull({}, lambda _: None)
    server.freeze()
    with pytest.raises(PullFailed) as failed:
        async with asyncio.timeout(20):
            await puller.pull({}, lambda _: None)
    assert failed.value.kind == "stalled"
    server.thaw()
    assert (await puller.pull({}, lambda _: None)).state == "nothing"
    await puller.close()


async def test_another_authority_and_another_certificate_are_refused(
    server: Web, tmp_path: Path
) -> None:
    archive(server.root, "corte.zip", 100)
    url = f"{server.url}/corte.zip"
    with pytest.raises(PullFailed) as failed:
        await pulled(settings_of(tmp_path, {"kind": "https", "url": url}))
    assert failed.value.kind == "refused"
    with pytest.raises(PullFailed) as failed:
        await pulled(of_web(tmp_path, server, url=url, pin_sha256="ab" * 32))
    assert failed.value.kind == "refused"
    assert not list((tmp_path / "root").rglob("*.zip"))
    pin = hashlib.sha256(server.certificate).hexdigest()
    assert (await pulled(of_web(tmp_path, server, url=url, pin_sha256=pin))).paths


async def test_what_is_not_there_and_who_is_not_there(server: Web, tmp_path: Path) -> None:
    with pytest.raises(PullFailed) as failed:
        await pulled(of_web(tmp_path, server, url=f"{server.url}/corte.zip"))
    assert (failed.value.kind, "404" in str(failed.value)) == ("refused", True)
    server.kill()
    with pytest.raises(PullFailed) as failed:
        await pulled(of_web(tmp_path, server, url=f"{server.url}/corte.zip"))
    assert failed.value.kind == "unreachable"


async def test_more_than_max_bytes_is_refused_before_it_comes(server: Web, tmp_path: Path) -> None:
    archive(server.root, "corte.zip", 100_000)
    settings = of_web(tmp_path, server, url=f"{server.url}/corte.zip", max_bytes=50_000)
    with pytest.raises(PullFailed) as failed:
        await pulled(settings)
    assert failed.value.kind == "damaged"


def here(folder: Path) -> int:
    total = 0
    for path in [*folder.glob("2*.zip"), *folder.glob(".2*.part")]:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


async def test_a_pattern_finds_a_cut_that_is_hours_old(server: Web, tmp_path: Path) -> None:
    """Of the night before: asked on the day after, or after a long silence."""
    now = datetime.now(ZoneInfo("America/Mexico_City"))
    old = now - timedelta(hours=14)
    stamp = (old - timedelta(minutes=(old.hour * 60 + old.minute) % 5)).strftime("%Y%m%d_%H%M")
    archive(server.root, f"{stamp}_PREP_DIP_LOC_QRO.zip", 500)
    url = f"{server.url}/%Y%m%d_%H%M_PREP_{{election}}_QRO.zip"
    settings = of_web(tmp_path, server, url=url)
    puller = Puller(settings, settings.sources[0])
    first = await puller.pull({}, lambda _: None)
    assert (len(first.paths), first.stamp) == (1, stamp)
    # known is that it is there: not asked for again at each look
    assert (await puller.pull({"DIP_LOC": stamp}, lambda _: None)).state == "nothing"
    assert len((await puller.pull({}, lambda _: None, again=True)).paths) == 1
    await puller.close()
