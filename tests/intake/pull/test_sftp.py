"""Pulled from a real sshd, which is killed, frozen, and lies."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prep_console.intake.pull.job import Progress, PullFailed
from prep_console.intake.pull.puller import Puller
from tests.intake.pull.pulling import (
    archive,
    bytes_of,
    of_sshd,
    pulled,
    pulling_children,
    slow_line,
    until,
)
from tests.proof import table
from tests.sshd import Sshd, make_key, sshd

pytestmark = pytest.mark.server

DIP, AYUN = "20240602_2005_PREP_DIP_LOC_QRO.zip", "20240602_2005_PREP_AYUN_QRO.zip"
ROUNDS = int(os.environ.get("PREP_PROOF_ROUNDS", "10"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with sshd(tmp_path / "sshd") as running:
        yield running


async def test_the_newest_cut_comes_whole_and_only_once(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    sent = {DIP: archive(there, DIP, 9 << 20), AYUN: archive(there, AYUN, 5000, 2)}
    archive(there, "20240602_2000_PREP_AYUN_QRO.zip", 100)
    (there / "leeme.exe").write_bytes(b"x")
    (there / "20240602_2010_PREP_AYUN_QRO.zip").symlink_to("/etc/passwd")
    settings = of_sshd(tmp_path, server, there)
    told: list[Progress] = []
    first = await pulled(settings, told=told)
    assert bytes_of(first.paths) == sent
    assert (first.state, first.stamp) == ("new", "20240602_2005")
    assert told
    assert {progress.total_bytes for progress in told} <= {None, sum(map(len, sent.values()))}
    assert {p.parent for p in first.paths} == {tmp_path / "root" / "fetched" / "sftp"}
    for path in first.paths:
        path.unlink()
    archive(there, "20240602_2000_PREP_AYUN_QRO.zip", 200)
    marks = {"DIP_LOC": "20240602_2000", "AYUN": "20240602_2000"}  # it was refused, say
    assert (await pulled(settings, marks)).state == "nothing"  # it was fetched as it is there
    assert bytes_of((await pulled(settings, again=True)).paths) == sent


async def test_one_child_and_one_connection_serve_many_looks(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    archive(there, DIP, 100)
    settings = of_sshd(tmp_path, server, there)
    puller = Puller(settings, settings.sources[0])
    for _ in range(3):
        await puller.pull({}, lambda _: None)
    (child,) = pulling_children()
    assert len(child.net_connections("tcp")) == 1
    await puller.close()
    assert not pulling_children()


@pytest.mark.slow
async def test_killed_at_any_point_it_is_resumed_and_never_wrong(
    server: Sshd, tmp_path: Path
) -> None:
    there, chance = tmp_path / "cortes", random.Random(5)
    sent = {DIP: archive(there, DIP, 96 << 20), AYUN: archive(there, AYUN, 3 << 20, 2)}
    settings = of_sshd(tmp_path, server, there, stall_seconds=5)
    into = tmp_path / "root" / "fetched" / "sftp"
    killed, resumed = 0, 0
    for _ in range(ROUNDS):
        point = chance.randrange(sum(map(len, sent.values())))
        for old in list(into.glob("*")):
            old.unlink()
        puller = Puller(settings, settings.sources[0])
        pulling = asyncio.create_task(puller.pull({}, lambda _: None))
        while not pulling.done() and _bytes_in(into) < point:
            await asyncio.sleep(0.001)
        server.kill()
        killed += 1
        left = _bytes_in(into)
        (ended,) = await asyncio.gather(pulling, return_exceptions=True)
        assert not isinstance(ended, PullFailed) or ended.kind == "unreachable"
        server.start()
        resumed += 0 < left < sum(map(len, sent.values()))
        await puller.pull({}, lambda _: None)
        await puller.close()
        assert bytes_of(sorted(into.glob("2*.zip"))) == dict(sorted(sent.items()))
        assert not list(into.glob(".2*"))
    assert killed == ROUNDS
    assert resumed >= ROUNDS / 5
    table.record("kill in the transfer: pull over SFTP", tried=ROUNDS, fired=resumed)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Sshd]:
    """Some 6 MB/s: whoever looks at what has come finds it half there, on any machine."""
    with sshd(tmp_path / "slow", slow_line(tmp_path, 1 << 16)) as running:
        yield running


async def test_a_resume_takes_up_the_bytes_that_are_here(slow: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    content = archive(there, DIP, 20 << 20)
    settings = of_sshd(tmp_path, slow, there)
    puller = Puller(settings, settings.sources[0])
    into = tmp_path / "root" / "fetched" / "sftp"
    pulling = asyncio.create_task(puller.pull({}, lambda _: None))
    await until(lambda: _bytes_in(into) > 4 << 20)
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    assert not pulling_children()
    left = _bytes_in(into)
    told: list[Progress] = []
    done = await pulled(settings, told=told)
    assert bytes_of(done.paths) == {DIP: content}
    first = next(progress for progress in told if progress.total_bytes is not None)
    assert first.bytes > left


async def test_a_file_that_changed_meanwhile_is_begun_again(slow: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    archive(there, DIP, 20 << 20)
    settings = of_sshd(tmp_path, slow, there)
    puller = Puller(settings, settings.sources[0])
    into = tmp_path / "root" / "fetched" / "sftp"
    pulling = asyncio.create_task(puller.pull({}, lambda _: None))
    await until(lambda: _bytes_in(into) > 4 << 20)
    pulling.cancel()
    await asyncio.gather(pulling, return_exceptions=True)
    other = archive(there, DIP, 20 << 20, 9)
    os.utime(there / DIP, (1, 1))
    assert bytes_of((await pulled(settings)).paths) == {DIP: other}


async def test_an_upload_that_is_not_done_there_is_not_taken(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    there.mkdir()
    (there / DIP).write_bytes(b"PK\x03\x04" + bytes(5000))
    settings = of_sshd(tmp_path, server, there)
    assert (await pulled(settings)).state == "nothing"
    content = archive(there, DIP, 9000)
    assert bytes_of((await pulled(settings)).paths) == {DIP: content}


async def test_a_frozen_peer_is_told_and_its_child_works_on(slow: Sshd, tmp_path: Path) -> None:
    server, there = slow, tmp_path / "cortes"
    archive(there, DIP, 200 << 20)
    settings = of_sshd(tmp_path, server, there, stall_seconds=3)
    puller = Puller(settings, settings.sources[0])
    into = tmp_path / "root" / "fetched" / "sftp"
    pulling = asyncio.create_task(puller.pull({}, lambda _: None))
    await until(lambda: _bytes_in(into) > 4 << 20)
    server.freeze()
    with pytest.raises(PullFailed) as failed:
        async with asyncio.timeout(20):
            await pulling
    assert failed.value.kind in ("stalled", "unreachable")
    with pytest.raises(PullFailed):
        async with asyncio.timeout(20):
            await puller.pull({}, lambda _: None)
    server.thaw()
    (there / DIP).unlink()
    assert (await puller.pull({}, lambda _: None)).state == "nothing"
    await puller.close()


async def test_a_full_disk_of_ours_is_not_told_as_the_sources_fault(
    server: Sshd, tmp_path: Path
) -> None:
    there, into = tmp_path / "cortes", tmp_path / "root" / "fetched" / "sftp"
    content = archive(there, DIP, 100)
    into.mkdir(parents=True)
    full = into / f".{DIP}.part.json.new"
    full.symlink_to("/dev/full")
    with pytest.raises(PullFailed, match="No space left on device") as failed:
        await pulled(of_sshd(tmp_path, server, there))
    assert failed.value.kind == "our disk"
    full.unlink()
    assert bytes_of((await pulled(of_sshd(tmp_path, server, there))).paths) == {DIP: content}


async def test_a_child_that_hangs_itself_is_ended(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    archive(there, DIP, 100)
    settings = of_sshd(tmp_path, server, there)
    puller = Puller(settings, settings.sources[0])
    await puller.pull({}, lambda _: None)
    puller._hung_s = 5.0  # its start may take longer
    (child,) = pulling_children()
    child.suspend()
    with pytest.raises(PullFailed) as failed:
        await puller.pull({}, lambda _: None)
    assert failed.value.kind == "stalled"
    assert not child.is_running()


async def test_another_host_key_is_refused(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    archive(there, DIP, 100)
    settings = of_sshd(tmp_path, server, there)
    make_key(tmp_path / "other")
    public = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {public}\n")
    with pytest.raises(PullFailed) as failed:
        await pulled(settings)
    assert failed.value.kind == "refused"
    server.known_hosts.write_text("")
    with pytest.raises(PullFailed) as failed:
        await pulled(settings)
    assert failed.value.kind == "refused"


async def test_another_key_of_ours_is_refused_and_so_is_one_that_others_read(
    server: Sshd, tmp_path: Path
) -> None:
    there = tmp_path / "cortes"
    there.mkdir()
    make_key(tmp_path / "other")
    with pytest.raises(PullFailed) as failed:
        await pulled(of_sshd(tmp_path, server, there, key_file=str(tmp_path / "other")))
    assert failed.value.kind == "refused"
    server.key.chmod(0o644)
    with pytest.raises(PullFailed) as failed:
        await pulled(of_sshd(tmp_path, server, there))
    assert "chmod 600" in str(failed.value)


async def test_a_folder_that_is_not_there_and_a_server_that_is_not(
    server: Sshd, tmp_path: Path
) -> None:
    with pytest.raises(PullFailed) as failed:
        await pulled(of_sshd(tmp_path, server, tmp_path / "nowhere"))
    assert failed.value.kind == "refused"
    server.kill()
    with pytest.raises(PullFailed) as failed:
        await pulled(of_sshd(tmp_path, server, tmp_path))
    assert failed.value.kind == "unreachable"


async def test_a_tree_is_mirrored_and_follows(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "sitio"
    for number in range(300):
        path = there / f"img/{number % 7}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random.Random(number).randbytes(2000))
    (there / "index.html").write_bytes(b"<html>")
    (there / "link").symlink_to("/etc")
    settings = of_sshd(tmp_path, server, there, layout="tree")
    (tree,) = (await pulled(settings)).paths
    assert _tree(tree) == _tree(there)
    assert (await pulled(settings)).state == "nothing"
    (there / "img/3/3.png").unlink()
    (there / "index.html").unlink()
    (there / "index.html").mkdir()
    (there / "index.html/a").write_bytes(b"new")
    assert (await pulled(settings)).paths == (tree,)
    assert _tree(tree) == _tree(there)


async def test_a_long_listing_that_goes_on_is_not_judged_hung(tmp_path: Path) -> None:
    """Over a line of 0.4 MB/s it takes half as long again as the child may be silent."""
    there, here = tmp_path / "sitio", tmp_path / "root/fetched/sftp/tree"
    for number in range(14_000):
        for path in (there / str(number % 9) / str(number), here / str(number % 9) / str(number)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (1e9, 1e9))
    with sshd(tmp_path / "sshd", slow_line(tmp_path, 4096)) as slow:
        settings = of_sshd(tmp_path, slow, there, layout="tree", stall_seconds=4)
        puller = Puller(settings, settings.sources[0], grace_s=8.0)
        told: list[Progress] = []
        began = time.monotonic()
        done = await puller.pull({}, told.append)
        took = time.monotonic() - began
        await puller.close()
    assert done.state == "resting"
    assert took > 1.5 * 4
    assert max(progress.files for progress in told) > 1000
    assert {progress.total_bytes for progress in told} == {None}


async def test_a_tree_with_the_longest_names_is_mirrored(server: Sshd, tmp_path: Path) -> None:
    """Names that differ only at their end, fetched at once; and one as long as a name may be."""
    there = tmp_path / "sitio"
    there.mkdir()
    names = [*(f"{'a' * 240}{n}.csv" for n in range(8)), "ñ" * 125 + ".json"]
    for n, name in enumerate(names):
        (there / name).write_bytes(random.Random(n).randbytes(1 << 20))
    settings = of_sshd(tmp_path, server, there, layout="tree")
    (mirrored,) = (await pulled(settings)).paths
    assert _tree(mirrored) == _tree(there)


async def test_a_tree_with_a_name_that_steers_is_refused(server: Sshd, tmp_path: Path) -> None:
    there = tmp_path / "sitio"
    there.mkdir()
    (there / "a\x1b]52;c;x\x07").write_bytes(b"x")
    with pytest.raises(PullFailed) as failed:
        await pulled(of_sshd(tmp_path, server, there, layout="tree"))
    assert "\x1b" not in str(failed.value)
    assert failed.value.kind == "damaged"


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in [*folder.glob("2*.zip"), *folder.glob(".2*.part")]:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total


def test_a_child_whose_parent_was_killed_at_once_does_nothing() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "prep_console.intake.pull.child", "1"],
        stdin=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert child.returncode == 1
