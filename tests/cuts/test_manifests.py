"""Lists of hashes that come with a delivery are held against its bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from prep_console.cuts.manifests import Listed, is_hash_list, listed_by, read_hash_list
from prep_console.cuts.model import Verdict
from prep_console.intake.verify import verify
from tests.cuts import deliveries as d
from tests.cuts.test_delivery import NAME, checks, file, look


def listing(files: dict[str, bytes], algorithm: str = "sha256", mark: str = " ") -> bytes:
    """What ``sha256sum`` prints."""
    lines = [
        f"{hashlib.new(algorithm, data).hexdigest()} {mark}{name}\n" for name, data in files.items()
    ]
    return "".join(lines).encode()


def tree(folder: Path, files: dict[str, bytes]) -> Path:
    root = folder / "20240602_2005_PREP"
    d.put(root, files)
    return root


# -- what a line says --------------------------------------------------------------------------

SHA = "0a" * 32


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{SHA}  a.csv", Listed("a.csv", "sha256", SHA)),
        (f"{SHA.upper()} *./a b.csv", Listed("a b.csv", "sha256", SHA)),
        (f"\\{SHA}  a\\\\b\\nc", Listed("a\\b\nc", "sha256", SHA)),
        (f"SHA256 (x/a.csv) = {SHA}", Listed("x/a.csv", "sha256", SHA)),
        (f"MD5 (a (1).csv) = {SHA[:32]}", Listed("a (1).csv", "md5", SHA[:32])),
        (f"{SHA[:40]}  a.csv", Listed("a.csv", "sha1", SHA[:40])),
        (f"{SHA * 2}  a.csv", Listed("a.csv", "sha512", SHA * 2)),
        (f"{SHA}", Listed("X.zip", "sha256", SHA)),
        (f"{SHA}  ../a.csv", None),
        (f"{SHA}  /etc/passwd", None),
        (f"{SHA[:33]}  a.csv", None),
        ("not a hash  a.csv", None),
    ],
)
def test_a_line(line: str, expected: Listed | None) -> None:
    read = read_hash_list(io.BytesIO(f"{line}\r\n\n# end\n".encode()), "X.zip.sha256", "w")
    assert read.listed == (() if expected is None else (expected,))
    assert (read.malformed, read.line) == ((1, 1) if expected is None else (0, 0))


def test_which_names_are_lists() -> None:
    lists = ["X.zip.sha256", "a/SHA256SUMS", "MD5SUMS", "md5sum.txt", "x.csv.SHA1", "x.sha256sum"]
    assert all(map(is_hash_list, lists))
    assert not any(map(is_hash_list, ["X.zip", "sha256.csv", "SHA256SUMS.zip", "LEEME.txt"]))
    assert (listed_by("X.zip.sha256"), listed_by("MD5SUMS")) == ("X.zip", "")


# -- trees -------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("mark", [" ", "*"])
def test_a_tree_as_listed_is_good(tmp_path: Path, algorithm: str, mark: str) -> None:
    files = d.cut_files()
    sums = {f"{algorithm.upper()}SUMS": listing(files, algorithm, mark)}
    assert look(tree(tmp_path, {**files, **sums})).verdict is Verdict.GOOD


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_one_byte_that_differs_stops(tmp_path: Path, algorithm: str) -> None:
    files = d.cut_files()
    sums = listing(files, algorithm)
    files["LEEME.txt"] = files["LEEME.txt"].swapcase()
    found = look(tree(tmp_path, {**files, "sub.txt": b"", f"x.{algorithm}": sums}))
    (stop,) = found.findings
    assert (stop.check, stop.where) == ("manifest.mismatch", "LEEME.txt")
    assert stop.values["algorithm"] == algorithm.upper()
    assert found.verdict is Verdict.STOPPED


def test_a_listed_file_that_did_not_come_stops(tmp_path: Path) -> None:
    files = d.cut_files()
    sums = listing({**files, "acta.jpg": b"x"})
    found = look(tree(tmp_path, {**files, "SHA256SUMS": sums}))
    assert [(f.check, f.where) for f in found.findings] == [("manifest.missing", "acta.jpg")]


def test_names_are_beside_their_list_or_from_the_top(tmp_path: Path) -> None:
    files = {f"datos/{name}": data for name, data in d.cut_files().items()}
    near = listing(d.cut_files())
    assert look(tree(tmp_path / "a", {**files, "datos/SHA256SUMS": near})).findings == ()
    top = {**files, "hashes/SHA256SUMS": listing(files)}
    assert look(tree(tmp_path / "b", top)).findings == ()


def test_lines_that_say_nothing_only_warn(tmp_path: Path) -> None:
    files = d.cut_files()
    sums = b"Lista de archivos\n" + listing(files) + b"fin\n"
    found = look(tree(tmp_path, {**files, "SHA256SUMS": sums}))
    (warning,) = found.findings
    assert (warning.check, warning.values) == ("manifest.malformed", {"n": 2, "line": 1})


def test_a_list_that_never_ends_is_not_read(tmp_path: Path) -> None:
    sums = b"0" * (8 * 1024 * 1024 + 1)
    found = look(tree(tmp_path, {**d.cut_files(), "SHA256SUMS": sums}))
    assert checks(found) == ["manifest.too_long"]


# -- archives ----------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [d.zipped, d.tarred])
@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_list_inside_an_archive(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], algorithm: str
) -> None:
    """Whether it lies before the files that it names or behind them."""
    files = d.cut_files()
    sums = {f"{algorithm.upper()}SUMS": listing(files, algorithm)}
    name = NAME if pack is d.zipped else NAME.replace(".zip", ".tar.gz")
    for number, order in enumerate(({**sums, **files}, {**files, **sums})):
        assert look(file(tmp_path / str(number), name, pack(order))).findings == ()
    bad = {**files, "LEEME.txt": b"otro", **sums}
    (stop,) = look(file(tmp_path / "bad", name, pack(bad))).findings
    assert (stop.check, stop.where) == ("manifest.mismatch", f"{name}!/LEEME.txt")
    del bad["LEEME.txt"]
    (stop,) = look(file(tmp_path / "missing", name, pack(bad))).findings
    assert (stop.check, stop.where) == ("manifest.missing", f"{name}!/LEEME.txt")


def test_an_archive_in_an_archive_beside_its_hash(tmp_path: Path) -> None:
    inner = d.cut_zip()
    outer = {NAME: inner, f"{NAME}.sha256": hashlib.sha256(inner).hexdigest().encode()}
    assert look(file(tmp_path / "good", "20240602_2005_PREP.zip", d.zipped(outer))).findings == ()
    outer[f"{NAME}.sha256"] = b"0" * 64
    found = look(file(tmp_path / "bad", "20240602_2005_PREP.zip", d.zipped(outer)))
    assert checks(found) == ["manifest.mismatch"]


def test_a_list_beside_the_archive(tmp_path: Path) -> None:
    archive = file(tmp_path, NAME, d.cut_zip())
    for listed, expected in (
        (listing({NAME: archive.read_bytes()}, "sha1"), []),
        (listing({NAME: b"other"}, "sha1"), ["manifest.mismatch"]),
        (b"nothing\n", ["manifest.malformed"]),
    ):
        (tmp_path / f"{NAME}.sha1").write_bytes(listed)
        examination, _ = verify(archive, None)
        assert checks(examination) == expected
    (tmp_path / f"{NAME}.sha1").unlink()
    (tmp_path / "SHA256SUMS").write_bytes(listing({NAME: b"other", "not-here.zip": b""}))
    assert checks(verify(archive, None)[0]) == ["manifest.mismatch"]
