"""What is fuzzed, and what must hold of every reader whatever its bytes.

A target takes any bytes and returns; an exception out of it is a defect. Beyond "no crash", each
holds its reader against a second witness: the same bytes in small pieces, Python's own zipfile
and tarfile, the folder that was written.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prep_console.cuts.archives import Kind, extract, kind_of, read_archive
from prep_console.cuts.candidates import read_candidates
from prep_console.cuts.checks import describe
from prep_console.cuts.delivery import examine
from prep_console.cuts.differences import read_side
from prep_console.cuts.entry_names import name_fault
from prep_console.cuts.lines import Unreadable
from prep_console.cuts.manifests import candidates, read_hash_list
from prep_console.cuts.members import Budget, Member, Unsafe
from prep_console.cuts.model import Expectations, Figures, Finding, Limits, Results
from prep_console.cuts.names import read_name
from prep_console.cuts.results import looks_like_results, read_results
from prep_console.cuts.site_json import looks_like_site_json, read_site_json
from prep_console.cuts.stamps import CutId, Stamp
from prep_console.values import field_names

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LIMITS = Limits(max_total_bytes=1 << 20, max_entries=64, max_nesting=2)
"""Low, so that a bomb costs the fuzzer nothing."""
EXPECTATIONS = Expectations(state="QRO", elections=("DIP_LOC",))
_STEM = "20240602_2005_PREP_DIP_LOC_QRO"


class _Trickle(io.RawIOBase):
    """A few bytes at a time, as a pipe may give them."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        chunk = self._data.read(min(len(view), 13))
        view[: len(chunk)] = chunk
        return len(chunk)


def _described(findings: tuple[Finding, ...]) -> None:
    """Every finding is one that a person can be told."""
    for found in findings:
        assert str(describe(found))


def results(data: bytes) -> None:
    """A results CSV: the same whether it comes at once or in pieces; never a negative count."""
    looks_like_results(data[:4096])
    at_once = _results_of(io.BytesIO(data))
    assert at_once == _results_of(io.BufferedReader(_Trickle(data), 16))
    if at_once is None:
        return
    read, findings = at_once
    _described(findings)
    counts = [getattr(read.figures, name) for name in field_names(Figures)]
    assert all(count is None or count >= 0 for count in counts)
    side = read_side(io.BytesIO(data), "X.csv")
    assert side.results == read
    assert len(side.actas) <= read.rows


def _results_of(
    stream: io.BytesIO | io.BufferedReader,
) -> tuple[Results, tuple[Finding, ...]] | None:
    try:
        return read_results(stream, "X.csv")
    except Unreadable:
        return None


def candidates_file(data: bytes) -> None:
    """A candidates' file: at most one finding."""
    findings = read_candidates(io.BytesIO(data), "X.csv")
    assert len(findings) <= 1
    _described(findings)


def site_json(data: bytes) -> None:
    """A site's JSON: a cut or nothing; what does not look like one is none."""
    cut = read_site_json(data)
    looks_like_site_json(data)
    assert cut is None or cut.stamp is None or Stamp.of(str(cut.stamp)) == cut.stamp


def hash_list(data: bytes) -> None:
    """A list of hashes: no entry reaches out of the delivery."""
    for path in ("SHA256SUMS", "in/cut.zip.sha256"):
        listed = read_hash_list(io.BytesIO(data), path, path)
        for entry in listed.listed:
            for place in candidates(listed, entry):
                assert not place.startswith("/")
                assert ".." not in place.split("/")


def names(data: bytes) -> None:
    """Names: one that the guard lets pass is a plain path beneath its folder."""
    for name in (data.decode("utf-8", "surrogateescape"), data.decode("latin-1")):
        said = read_name(name)
        assert said.stamp is None or Stamp.of(str(said.stamp)) == said.stamp
        with suppress(ValueError):
            assert str(CutId.of(name)) == name
        if name_fault(name) is None:
            parts = name.split("/")
            assert "\0" not in name
            assert not {"", ".", ".."} & set(parts)


def archive_zip(data: bytes) -> None:
    """A zip that passes holds for Python's zipfile what it holds for us."""
    seen = _members(Kind.ZIP, data)
    if seen is None:
        return
    # Refused there is not read wrong: a newer version, deflate's codes that ISA-L puts up with, and
    # whatever stands around an archive of nothing.
    refusals = (RuntimeError, zlib.error, *(() if seen else (zipfile.BadZipFile,)))
    with suppress(*refusals):
        with _file(data) as file, zipfile.ZipFile(file) as other:
            theirs = [other.read(info) for info in other.infolist() if not info.is_dir()]
        assert sorted(seen.values()) == sorted(theirs)


def _file(data: bytes) -> io.BufferedRandom:
    """A real file of these bytes: BytesIO lets a reader seek to before its beginning."""
    file = os.fdopen(os.memfd_create("fuzzed"), "w+b")
    file.write(data)
    file.seek(0)
    return file


def archive_tar(data: bytes) -> None:
    """A tar, packed or not, that passes holds what Python's tarfile finds in it."""
    kind = Kind.GZIP if data.startswith(b"\x1f\x8b") else Kind.TAR
    seen = _members(kind, data)
    if seen is None:
        return
    theirs: list[bytes] = []
    with tarfile.open(fileobj=io.BytesIO(data)) as other:
        for info in other:
            if info.isreg() and (content := other.extractfile(info)) is not None:
                theirs.append(content.read())
    assert sorted(seen.values()) == sorted(theirs)


def _members(kind: Kind, data: bytes) -> dict[str, bytes] | None:
    """What the reader shows of an archive; None when it stops."""
    seen: dict[str, bytes] = {}

    def visit(member: Member) -> None:
        seen[member.path] = b"".join(member.chunks())

    fd = os.memfd_create("fuzzed")
    try:
        os.write(fd, data)
        budget = Budget(LIMITS)
        read_archive(fd, kind, "X", budget, lambda _: True, visit)
        _described(tuple(budget.warnings))
    except Unsafe as stopped:
        _described((stopped.finding,))
        return None
    finally:
        os.close(fd)
    return seen


def delivery(data: bytes) -> None:
    """A whole delivery: the first byte says how the rest is packed. Nothing leaves its folder."""
    if not data:
        return
    form, rest = data[0] % 6, data[1:]
    with tempfile.TemporaryDirectory(dir=_SCRATCH) as name:
        folder = Path(name)
        path = _delivered(folder, form, rest)
        found = examine(path, expectations=EXPECTATIONS, limits=LIMITS, scratch=folder)
        _described(found.findings)
        assert found.findings or found.elections
        if path.is_dir() or kind_of(path.name, rest[:512]) is None:
            return
        into = folder / "into"
        into.mkdir()
        before = set(folder.iterdir())
        with suppress(Unsafe):
            written = extract(path, into, LIMITS)
            there = {p.relative_to(into).as_posix() for p in into.rglob("*") if p.is_file()}
            assert {file.path for file in written} == there
        assert set(folder.iterdir()) == before


_SCRATCH = "/dev/shm" if Path("/dev/shm").is_dir() else None


def _delivered(folder: Path, form: int, data: bytes) -> Path:
    if form == 0:
        path = folder / f"{_STEM}.zip"
        path.write_bytes(data)
    elif form == 1:
        path = folder / f"{_STEM}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for number, piece in enumerate(data.split(b"\0\0")[:8]):
                kind = ("DIP_LOC", "DIP_LOC_CANDIDATURAS", "AYUN")[number % 3]
                packed.writestr(f"QRO_{kind}_2024.csv", piece)
    elif form == 2:
        path = folder / f"{_STEM}.tar.gz"
        path.write_bytes(data)
    elif form == 3:
        path = folder / f"{_STEM}.csv"
        path.write_bytes(data)
    elif form == 4:
        path = folder / f"{_STEM}.json"
        path.write_bytes(data)
    else:
        path = folder / _STEM
        path.mkdir()
        for number, piece in enumerate(data.split(b"\0\0")[:8]):
            ending = ("csv", "json", "zip", "sha256", "jpg")[number % 5]
            (path / f"{number}.{ending}").write_bytes(piece)
    return path


TARGETS: dict[str, Callable[[bytes], None]] = {
    "results": results,
    "candidates": candidates_file,
    "site_json": site_json,
    "hash_list": hash_list,
    "names": names,
    "zip": archive_zip,
    "tar": archive_tar,
    "delivery": delivery,
}
