"""Archives read in bulk: many members, many bytes, random damage; and members written out."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prep_console.cuts import inflate
from prep_console.cuts.archives import Kind, extract, read_archive
from prep_console.cuts.delivery import examine
from prep_console.cuts.members import Budget, Unsafe
from prep_console.cuts.model import Expectations, Limits
from tests.cuts import deliveries as d

NAME = "20240602_2005_PREP_DIP_LOC_QRO.zip"
TAR = "20240602_2005_PREP_DIP_LOC_QRO.tar.gz"


def verify(path: Path, limits: Limits | None = None) -> Budget:
    """Read a zip whole, visiting nothing."""
    budget = Budget(limits or Limits())
    fd = os.open(path, os.O_RDONLY)
    try:
        read_archive(fd, Kind.ZIP, path.name, budget, lambda _: False, lambda _: None)
    finally:
        os.close(fd)
    return budget


def large_zip(path: Path, members: int, size: int, method: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path, "w", method, compresslevel=1) as archive:
        for n in range(members):
            archive.writestr(f"fotos/{n:06}.jpg", os.urandom(size))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize("spoiled", [0, 17, 39])
def test_damage_anywhere_in_a_large_archive_is_found(
    method: int, spoiled: int, tmp_path: Path
) -> None:
    """Large enough that two threads share the work."""
    path = tmp_path / NAME
    large_zip(path, 40, 300_000, method)
    assert verify(path).bytes == 40 * 300_000
    with zipfile.ZipFile(path) as archive:
        at = archive.infolist()[spoiled].header_offset + 200_000
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 0x55]))
    with pytest.raises(Unsafe) as stop:
        verify(path)
    assert stop.value.finding.check in {"archive.checksum", "archive.damaged"}
    assert stop.value.finding.where == f"{NAME}!/fotos/{spoiled:06}.jpg"


_CHILD = """
import resource, sys
from pathlib import Path
from tests.cuts.test_archives import verify
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(verify(Path(sys.argv[1])).entries)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_hundred_thousand_entries_take_little_memory(tmp_path: Path) -> None:
    """In a process of its own, so that its peak is this archive's."""
    path = tmp_path / NAME
    path.write_bytes(d.many_empty_entries(100_000))
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, path], capture_output=True, text=True, check=True, timeout=60
    )
    entries, kibibytes = map(int, child.stdout.split())
    assert entries == 100_000
    assert kibibytes < 64 << 10


def test_a_large_member_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / TAR
    path.write_bytes(d.tarred({**d.cut_files(), "video.mp4": os.urandom(30_000_000)}))
    tracemalloc.start()
    try:
        found = examine(path, expectations=Expectations(), limits=Limits())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.findings == ()
    assert peak < 16 << 20


def test_zlib_does_where_isa_l_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "new_inflater", inflate.zlib_inflater)
    for name, data in ((NAME, d.cut_zip()), (TAR, d.tarred(d.cut_files()))):
        path = tmp_path / name
        path.write_bytes(data)
        found = examine(path, expectations=Expectations(), limits=Limits())
        assert found.findings == ()
        path.write_bytes(data[:-40])
        found = examine(path, expectations=Expectations(), limits=Limits())
        assert [f.check for f in found.findings] == ["archive.truncated"]


def test_a_zip64_with_wide_sizes_is_read(tmp_path: Path) -> None:
    path = tmp_path / NAME
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in d.cut_files().items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    found = examine(path, expectations=Expectations(), limits=Limits())
    assert found.findings == ()


def test_a_zip_written_to_a_pipe_is_read(tmp_path: Path) -> None:
    """Sizes then stand after the bytes (data descriptors) and not in front of them."""
    path = tmp_path / NAME
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as out, zipfile.ZipFile(out, "w", 8) as archive:
        for name, data in d.cut_files().items():
            archive.writestr(name, data)
    with os.fdopen(reading, "rb") as written:
        path.write_bytes(written.read())
    found = examine(path, expectations=Expectations(), limits=Limits())
    assert found.findings == ()


GOOD: dict[str, bytes] = {
    NAME: d.cut_zip(),
    TAR: d.tarred(d.cut_files()),
    "20240602_2005_PREP.tar": d.tarred({NAME: d.cut_zip()}, packed=False),
    "20240602_2005_PREP.zip": d.zipped({NAME: d.cut_zip()}, method=zipfile.ZIP_STORED),
    "QRO_DIP_LOC_2024.csv": d.results_csv(),
    "20240602_2005_PREP.json": d.site_json(),
}


@st.composite
def _damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(GOOD)))
    data = bytearray(GOOD[name])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        what = draw(st.sampled_from(["flip", "number", "cut", "insert", "repeat"]))
        if what == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif what == "number":
            data[at : at + 4] = draw(st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x80\0\0\0"]))
        elif what == "cut":
            del data[at : at + draw(st.integers(1, 400))]
        elif what == "insert":
            data[at:at] = draw(st.binary(max_size=40))
        else:
            data[at:at] = data[at : at + draw(st.integers(1, 200))]
    return name, bytes(data)


@settings(max_examples=600)
@given(_damaged())
def test_no_damage_makes_the_examination_fail(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[str, bytes]
) -> None:
    name, data = case
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(data)
    limits = Limits(max_total_bytes=10_000_000, max_entries=100)
    found = examine(path, expectations=Expectations(), limits=limits)
    assert found.parts or found.findings
    assert [f.size for f in found.files] in ([], [len(data)])


# -- writing members out -----------------------------------------------------------------------


@pytest.mark.parametrize("pack", [d.zipped, d.tarred], ids=["zip", "tar.gz"])
def test_members_are_written_as_they_are(pack: Callable[..., bytes], tmp_path: Path) -> None:
    files = {"index.html": b"<html>", "js/a/b.js": b"1", "js/c.js": b"", "ñ/é.txt": b"\xff" * 99}
    path = tmp_path / ("s.zip" if pack is d.zipped else "s.tar.gz")
    path.write_bytes(pack(files))
    into = tmp_path / "site"
    into.mkdir()
    written = extract(path, into, Limits())
    on_disk = {str(p.relative_to(into)): p.read_bytes() for p in into.rglob("*") if p.is_file()}
    assert on_disk == files
    assert {f.path: (f.size, f.sha256) for f in written} == {
        name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()
    }


def test_nothing_is_written_through_a_link_or_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    path.write_bytes(d.zipped({"js/a.js": b"1"}))
    outside = tmp_path / "outside"
    outside.mkdir()
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "js").symlink_to(outside, target_is_directory=True)
    with pytest.raises(OSError, match=r"Not a directory|symbolic"):
        extract(path, linked, Limits())
    taken = d.put(tmp_path / "taken", {"js/a.js": b"old"})
    with pytest.raises(FileExistsError):
        extract(path, taken, Limits())
    assert list(outside.iterdir()) == []
    assert (taken / "js" / "a.js").read_bytes() == b"old"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "..\\x"])
def test_a_member_that_leads_out_is_not_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / "s.zip"
    path.write_bytes(d.zipped({"a": b"1", name: b"2"}))
    into = tmp_path / "deep" / "site"
    into.mkdir(parents=True)
    with pytest.raises(Unsafe) as stop:
        extract(path, into, Limits())
    assert stop.value.finding.check == "archive.path"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "s.zip", "site"]


def test_what_is_no_archive_cannot_be_written_out(tmp_path: Path) -> None:
    path = tmp_path / "s.html"
    path.write_bytes(b"<html>")
    with pytest.raises(Unsafe):
        extract(path, tmp_path, Limits())
