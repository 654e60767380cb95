"""SFTP servers that list without end, in names that cannot be, and read less than they promise."""

from __future__ import annotations

import asyncio
import itertools
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
from msgspec.structs import replace

from prep_console.intake.pull.job import Progress, PullFailed
from prep_console.intake.pull.puller import Puller
from tests.intake.pull.pulling import archive, bytes_of, of_sshd, pulled, slow_line
from tests.intake.pull.sham_sftp import FOLDER, PLAIN, Entry, sham
from tests.sshd import sshd

pytestmark = pytest.mark.server

DIP = "20240602_2005_PREP_DIP_LOC_QRO.zip"
LINK = stat.S_IFLNK | 0o777

ENDLESS = {
    "files": (b"%d.zip", PLAIN),
    "links": (b"%d.zip", LINK),
    "one name": (b"a.zip", PLAIN),
    "hidden": (b".%d", PLAIN),
    "folders": (b"d%d", FOLDER),
    "one folder": (b"d", FOLDER),
}


LISTINGS = [*((kind, "archives") for kind in ENDLESS), ("hidden", "tree"), ("one folder", "tree")]
"""Of a tree ten times as many names are listened to, which takes half a minute here."""


@pytest.mark.parametrize(("kind", "layout"), LISTINGS)
async def test_a_listing_without_end_is_given_up(kind: str, layout: str, tmp_path: Path) -> None:
    form, mode = ENDLESS[kind]

    async def listed(_: bytes) -> AsyncIterator[Entry]:
        for number in itertools.count():
            yield (form % number if b"%" in form else form), mode, 1

    async with sham(tmp_path, listed, layout=layout, stall_seconds=5) as settings:
        with pytest.raises(PullFailed) as failed:
            async with asyncio.timeout(120):
                await pulled(settings)
    assert failed.value.kind == "damaged"


async def test_folders_in_folders_without_end_are_given_up(tmp_path: Path) -> None:
    async def listed(_: bytes) -> AsyncIterator[Entry]:
        for number in range(50):
            yield b"d%d" % number, FOLDER, 0

    async with sham(tmp_path, listed, layout="tree", stall_seconds=5) as settings:
        with pytest.raises(PullFailed) as failed:
            async with asyncio.timeout(120):
                await pulled(settings)
    assert failed.value.kind == "damaged"


async def test_a_name_that_is_no_utf8_hides_no_other_file(tmp_path: Path) -> None:
    there = tmp_path / "cortes"
    content = archive(there, DIP, 5000)
    (there / os.fsdecode(b"20240602_2010_PREP_DIP_LOC_Quer\xe9taro.zip")).write_bytes(content)
    with sshd(tmp_path / "sshd") as server:
        got = await pulled(of_sshd(tmp_path, server, there))
    assert bytes_of(got.paths) == {DIP: content}


async def test_a_tree_with_a_name_that_is_no_utf8_says_which(tmp_path: Path) -> None:
    there = tmp_path / "sitio"
    there.mkdir()
    (there / os.fsdecode(b"Quer\xe9taro.html")).write_bytes(b"x")
    with (
        sshd(tmp_path / "sshd") as server,
        pytest.raises(PullFailed, match=r"Quer\\\\?xe9taro") as failed,
    ):
        await pulled(of_sshd(tmp_path, server, there, layout="tree"))
    assert failed.value.kind == "damaged"


@pytest.mark.parametrize(
    "name", [b"../../x.zip", b"..", b"/etc/x.zip", b"a\nb.zip", b"a\x1b[1m.zip", b""]
)
@pytest.mark.parametrize("layout", ["archives", "tree"])
async def test_a_name_that_leads_out_leads_nowhere(
    name: bytes, layout: str, tmp_path: Path
) -> None:
    async def listed(_: bytes) -> AsyncIterator[Entry]:
        yield name, PLAIN, 5

    async with sham(tmp_path, listed, lambda *_: b"PK\5\6x", layout=layout) as settings:
        (ended,) = await asyncio.gather(pulled(settings), return_exceptions=True)
    if isinstance(ended, BaseException):
        assert isinstance(ended, PullFailed)
        assert not {"\x1b", "\n"} & set(str(ended))
    else:
        assert not [path for path in ended.paths if layout == "archives"]
    outside = [path for path in tmp_path.rglob("*") if path.name in {"x.zip", "b.zip"}]
    assert not outside


async def test_a_file_of_a_tree_that_comes_short_is_never_handed_over(tmp_path: Path) -> None:
    """It lists five bytes before and after, and gives three."""

    async def listed(_: bytes) -> AsyncIterator[Entry]:
        yield b"index.html", PLAIN, 5

    def read(_: bytes, at: int, size: int) -> bytes:
        return b"abc"[at : at + size]

    async with sham(tmp_path, listed, read, layout="tree") as settings:
        with pytest.raises(PullFailed) as failed:
            await pulled(settings)
    assert failed.value.kind == "damaged"


async def test_a_tree_rewritten_in_place_within_a_second_is_never_mixed(tmp_path: Path) -> None:
    """SFTP tells dates by the second and a writer that keeps the size shows nowhere else."""
    there = tmp_path / "sitio"
    there.mkdir()
    names = [f"{number:02}.html" for number in range(40)]
    cut, stop = 0, False

    def write() -> None:
        nonlocal cut
        cut += 1
        for name in names:
            (there / name).write_text(f"{cut:09}" * 100)

    async def writing() -> None:
        while not stop:
            await asyncio.to_thread(write)
            await asyncio.sleep(0.001)

    write()
    with sshd(tmp_path / "sshd") as server:
        settings = of_sshd(tmp_path, server, there, layout="tree")
        settings = replace(settings, intake=replace(settings.intake, settle_seconds=1.0))
        handed = refused = 0
        puller = Puller(settings, settings.sources[0], rest_s=1.2)  # only its first pull is slow
        while handed < 3 or not refused:
            stop = False
            writer = asyncio.create_task(writing())
            pulling = asyncio.create_task(puller.pull({}, lambda _: None, again=True))
            await asyncio.sleep(0.5 + (handed + refused) % 7 / 10)
            stop = True
            await writer
            (ended,) = await asyncio.gather(pulling, return_exceptions=True)
            if isinstance(ended, BaseException):
                assert isinstance(ended, PullFailed)
                refused += 1
                continue
            (tree,) = ended.paths
            assert {(tree / name).read_text() for name in names} == {f"{cut:09}" * 100}
            handed += 1
        await puller.close()


async def test_a_tree_is_handed_over_when_it_has_stood_still(tmp_path: Path) -> None:
    """A writer that rests between two files leaves the same picture as one that is done."""
    there = tmp_path / "sitio"
    there.mkdir()
    (there / "index.html").write_text("1")
    with sshd(tmp_path / "sshd") as server:
        settings = of_sshd(tmp_path, server, there, layout="tree")
        assert (await pulled(settings, rest_s=4.0)).state == "resting"
        (there / "corte.json").write_text("2")
        assert (await pulled(settings, rest_s=4.0)).state == "resting"
        began = time.monotonic()
        while (got := await pulled(settings, rest_s=4.0)).state == "resting":
            assert time.monotonic() - began < 30
        assert got.state == "new"
        assert sorted(path.name for path in got.paths[0].iterdir()) == ["corte.json", "index.html"]
        assert (await pulled(settings, rest_s=4.0)).state == "nothing"
        (there / "corte.json").write_text("33")
        told: list[Progress] = []
        assert (await pulled(settings, rest_s=4.0, again=True, told=told)).state == "new"
        assert len(told) >= 3  # it waits, and is not judged hung


async def test_a_tree_that_may_not_be_taken_is_not_fetched(tmp_path: Path) -> None:
    """Each file is small enough, all of them are not: a disk was full of them before."""
    read: list[bytes] = []

    async def listed(_: bytes) -> AsyncIterator[Entry]:
        for number in range(3):
            yield b"%d.html" % number, PLAIN, 4_000

    def reading(path: bytes, at: int, size: int) -> bytes:
        read.append(path)
        return b"x" * size

    async with sham(tmp_path, listed, reading, layout="tree") as settings:
        settings = replace(settings, intake=replace(settings.intake, max_total_bytes=10_000))
        with pytest.raises(PullFailed, match="12000 bytes: more than max_total_bytes") as failed:
            await pulled(settings)
    assert failed.value.kind == "damaged"
    assert not read


async def test_a_slow_line_is_no_stall(tmp_path: Path) -> None:
    """Some 300 KB/s: what is asked for at once takes longer than may pass without a byte."""
    there = tmp_path / "cortes"
    content = archive(there, DIP, 3 << 20)
    line = slow_line(tmp_path, 4096)
    for layout in ("archives", "tree"):
        with sshd(tmp_path / layout, line) as slow:
            settings = of_sshd(tmp_path, slow, there, layout=layout, stall_seconds=5)
            got = await pulled(settings)
        found = [p / DIP if layout == "tree" else p for p in got.paths]
        assert [path.read_bytes() for path in found] == [content]


async def test_a_file_that_is_not_given_to_us_keeps_no_other_away(tmp_path: Path) -> None:
    """Its permissions are wrong there, or it has more bytes than we take."""
    ours = b"20240602_2005_PREP_AYUN_QRO.zip", b"20240602_2005_PREP_PRES_QRO.zip"
    sizes = {ours[0]: 5, ours[1]: 2_000_000_000, DIP.encode(): 5}

    async def listed(_: bytes) -> AsyncIterator[Entry]:
        for name, size in sizes.items():
            yield name, PLAIN, size

    def read(path: bytes, at: int, size: int) -> bytes:
        if path.endswith(ours[0]):
            raise asyncssh.SFTPPermissionDenied("Permission denied")
        return b"bytes"[at : at + size]

    async with sham(tmp_path, listed, read, max_bytes=1_000_000_000) as settings:
        got = await pulled(settings)
        assert [path.name for path in got.paths] == [DIP]
        assert got.trouble == (
            "refused",
            f"{ours[0].decode()} is not given to us: Permission denied",
        )
        with pytest.raises(PullFailed, match="is not given to us"):
            await pulled(settings)
