"""Lists of hashes that an institute delivers: ``X.zip.sha256``, ``SHA256SUMS``, ``MD5SUMS``, ...

Read by content, as coreutils writes and reads them: ``HASH  name``, ``HASH *name``, a leading
backslash where a name is escaped, BSD's ``SHA256 (name) = HASH``, or a lone hash in a file that
is named after what it belongs to. The algorithm is told by the hash's length.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from prep_console.cuts.checks import finding
from prep_console.cuts.model import Finding
from prep_console.wording import visible

ALGORITHMS: Final[Mapping[int, str]] = {
    32: "md5",
    40: "sha1",
    56: "sha224",
    64: "sha256",
    96: "sha384",
    128: "sha512",
}
"""Hexadecimal digits of a hash, and what made it."""

LARGEST: Final = 8 * 1024 * 1024
"""Bytes of one list: some 80,000 files. A longer one is not believed, and said so."""

_SIDECAR: Final = re.compile(r"\.(md5|sha1|sha224|sha256|sha384|sha512)(sums?)?$", re.IGNORECASE)
_SUMS: Final = re.compile(
    r"(md5|sha1|sha224|sha256|sha384|sha512|check)-?sums?(\.(txt|asc))?", re.IGNORECASE
)
_GNU: Final = re.compile(r"(\\?)([0-9a-fA-F]{32,128})(?: [ *]|\t)(.+)")
_BSD: Final = re.compile(r"(\\?)(?:MD5|SHA[0-9-]+) ?\((.+)\) ?= ?([0-9a-fA-F]{32,128})")
_LONE: Final = re.compile(r"[0-9a-fA-F]{32,128}")
_ESCAPED: Final = re.compile(r"\\(.)")
_ESCAPES: Final = {"n": "\n", "r": "\r", "\\": "\\"}


class Listed(msgspec.Struct, frozen=True):
    """One file as a list of hashes has it."""

    path: str
    """Relative to the list's own folder, plain."""
    algorithm: str
    digest: str
    """Lower case."""


class HashList(msgspec.Struct, frozen=True):
    """A delivered list of hashes."""

    where: str
    """Its own path, nested archives joined with ``!/``."""
    folder: str
    """Of its path inside its tree or archive; '' at the top."""
    listed: tuple[Listed, ...]
    malformed: int
    """Lines that say nothing; -1 when it is too long to be read."""
    line: int
    """The first of them."""


def is_hash_list(path: str) -> bool:
    """Whether a file of this name lists hashes."""
    name = path.rpartition("/")[2]
    lower = name.lower()
    if "md5" not in lower and "sha" not in lower and "sum" not in lower:
        return False  # nearly all of a tree's files, at the least cost
    return _SIDECAR.search(name) is not None or _SUMS.fullmatch(name) is not None


def listed_by(path: str) -> str:
    """The file that a sidecar is named after, ``X.zip`` of ``X.zip.sha256``; '' for other lists."""
    if _SUMS.fullmatch(path.rpartition("/")[2]):
        return ""
    stem, n = _SIDECAR.subn("", path)
    return stem if n and not stem.endswith("/") else ""


def is_list_of(name: str, archive: str) -> bool:
    """Whether the file ``name`` beside ``archive`` lists its hash: its own, or the folder's."""
    return listed_by(name) == archive or _SUMS.fullmatch(name) is not None


def read_hash_list(stream: BinaryIO, path: str, where: str) -> HashList:
    """Read a list of hashes that lies at ``path`` in its tree or archive."""
    folder = path.rpartition("/")[0]
    raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        return HashList(where, folder, (), -1, 0)
    listed: list[Listed] = []
    malformed = first = 0
    own = listed_by(path).rpartition("/")[2]
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "backslashreplace")
    for number, line in enumerate(re.split(r"\r?\n", text), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _entry(line, own)
        if entry is None:
            malformed += 1
            first = first or number
        else:
            listed.append(entry)
    return HashList(where, folder, tuple(dict.fromkeys(listed)), malformed, first)


def _entry(line: str, own: str) -> Listed | None:
    if match := _BSD.fullmatch(line.rstrip()):
        escaped, name, digest = match.groups()
    elif match := _GNU.fullmatch(line):
        escaped, digest, name = match.groups()
    elif own and _LONE.fullmatch(line.strip()):
        escaped, digest, name = "", line.strip(), own
    else:
        return None
    if escaped:
        name = _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[0]), name)
    name = name.removeprefix("./")
    algorithm = ALGORITHMS.get(len(digest))
    if algorithm is None or name.startswith("/") or ".." in name.split("/") or not name:
        return None
    return Listed(name, algorithm, digest.lower())


Digest = Callable[[str, str], str | None]
"""Path and algorithm to the hexadecimal hash of the delivered bytes; None when it did not come."""


def compare(hashes: HashList, digest: Digest, within: str = "") -> Iterator[Finding]:
    """Hold every listed file against the delivered bytes.

    ``within`` is the archive that the list lies in, ``a.zip!/``; '' for loose files. A name is
    looked for beside the list, then from the top.
    """
    if hashes.malformed < 0:
        yield finding("manifest.too_long", hashes.where)
    elif hashes.malformed or not hashes.listed:
        yield finding("manifest.malformed", hashes.where, n=hashes.malformed, line=hashes.line)
    for entry in hashes.listed:
        paths = candidates(hashes, entry)
        if f"{within}{paths[0]}" == hashes.where:
            continue  # no list can hold its own hash
        found = next(((p, d) for p in paths if (d := digest(p, entry.algorithm))), None)
        if found is None:
            yield finding("manifest.missing", within + paths[0], manifest=hashes.where)
        elif found[1] != entry.digest:
            yield finding(
                "manifest.mismatch",
                within + found[0],
                algorithm=entry.algorithm.upper(),
                manifest=hashes.where,
            )


def candidates(hashes: HashList, entry: Listed) -> tuple[str, ...]:
    """Where a listed file may lie: beside the list, or from the top of the tree or archive."""
    if not hashes.folder:
        return (entry.path,)
    return f"{hashes.folder}/{entry.path}", entry.path


def digest_of(chunks: Iterable[bytes], algorithms: Iterable[str]) -> dict[str, str]:
    """The hashes of one file, each algorithm's over a single reading."""
    made = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    for chunk in chunks:
        for digest in made.values():
            digest.update(chunk)
    return {name: digest.hexdigest() for name, digest in made.items()}


def sidecars(archive: Path) -> list[Path]:
    """Plain files beside ``archive`` that list its hash, by name: its own, or the folder's list."""
    found = []
    with suppress(OSError), os.scandir(archive.parent) as entries:
        for entry in entries:
            if is_list_of(entry.name, archive.name) and entry.is_file(follow_symlinks=False):
                found.append(Path(entry.path))
    return sorted(found)


def beside(archive: Path, digest: Callable[[str], str]) -> list[Finding]:
    """What the lists beside a delivered archive say of it; ``digest`` hashes its bytes.

    Of a folder's list only this archive's own line counts, or that it is too long. A list that
    cannot be read is passed over: it may have been taken away a moment ago.
    """
    found: list[Finding] = []
    for path in sidecars(archive):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as stream:
                hashes = read_hash_list(stream, path.name, visible(path.name))
            if hashes.malformed < 0 or (hashes.malformed and listed_by(path.name)):
                found += [f for f in compare(hashes, lambda _p, a: digest(a)) if _is_form(f)]
            found += [
                finding(
                    "manifest.mismatch",
                    archive.name,
                    algorithm=entry.algorithm.upper(),
                    manifest=visible(path.name),
                )
                for entry in hashes.listed
                if entry.path == archive.name and digest(entry.algorithm) != entry.digest
            ]
    return found


def _is_form(found: Finding) -> bool:
    return found.check in {"manifest.malformed", "manifest.too_long"}
