"""The actas' images, matched with their actas by hash: no column names the image's file.

``SHA`` or ``CODIGO_INTEGRIDAD`` is the hash of the image; its length tells the algorithm. Images
may lag the data (pending); one that belongs to no acta is an orphan; one that is named after an
acta and has another hash than it is a mismatch. A site's logos lie in other folders than actas.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from prep_console.cuts.checks import finding
from prep_console.cuts.model import Finding, Images
from prep_console.cuts.numbers import unquoted

ALGORITHMS: Final[Mapping[int, str]] = {32: "md5", 40: "sha1", 64: "sha256"}
"""By hexadecimal digits; nearly all rows have SHA-256, one real one has 40."""

_TOLD: Final = 20
"""Orphans that are told by name; the others are only counted."""
_IMAGE: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".pdf", ".gif", ".webp", ".bmp")
_HEX: Final = re.compile(r"[0-9a-f]+")
_BETWEEN: Final = re.compile(r"[_.\- ]")
_OF_ACTAS: Final = re.compile(r"acta|im[aá]gen|imagen|digitaliza", re.IGNORECASE)
"""What the folders of the actas' images are called."""


class Image(msgspec.Struct, frozen=True):
    """One delivered file that is an image."""

    where: str
    """Its path, archives joined with ``!/``."""
    digest: Callable[[str], str]
    """Algorithm to hexadecimal hash; of what is linked or staged, SHA-256 costs nothing."""


class _Count(msgspec.Struct):
    matched: int = 0
    pending: int = 0
    mismatched: int = 0
    algorithms: Counter[str] = msgspec.field(default_factory=Counter)


def is_image(path: str) -> bool:
    """Whether a file of this name is an image."""
    return path.lower().endswith(_IMAGE)


def reconcile(
    actas: Mapping[str, Mapping[str, str]], images: Iterable[Image]
) -> tuple[tuple[Images, ...], list[Finding]]:
    """Match images with actas: ``actas`` maps each election to its actas' keys and hashes.

    SHA-256 is asked of every image; another algorithm only while actas that use it are without
    their image, and only of what matched nothing by SHA-256. Where no acta says a hash, nothing is
    said of images either.
    """
    remaining = iter(images)
    first = next(remaining, None)
    counts = {election: _Count() for election in actas}
    wanted: set[str] = set()
    for election, _, said in _said(actas):
        counts[election].algorithms[ALGORITHMS[len(said)]] += 1
        if first is not None:
            wanted.add(said)
    others = sorted({ALGORITHMS[len(said)] for said in wanted} - {"sha256"})
    delivered = (first, *remaining) if first is not None and wanted else ()
    found, unmatched = _matched(delivered, wanted, others)
    named = _by_name(unmatched, actas)
    findings: list[Finding] = []
    orphans = 0
    for image in unmatched:
        acta = named.get(image.where)
        if acta is not None:
            election, said = acta
            counts[election].mismatched += 1
            algorithm = ALGORITHMS[len(said)]
            findings.append(
                finding("images.mismatch", image.where, election=election, algorithm=algorithm)
            )
        elif _OF_ACTAS.search(image.where):
            orphans += 1
            if orphans <= _TOLD:
                findings.append(finding("images.orphan", image.where))
    mismatched = {said for _, said in named.values()}
    for election, _, said in _said(actas):
        if said in found:
            counts[election].matched += 1
        elif said not in mismatched:
            counts[election].pending += 1
    return _told(counts, orphans), findings


def _said(actas: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    """Election, key and hash of every acta that says one; its length tells the algorithm."""
    for election, hashes in actas.items():
        for key, text in hashes.items():
            said = unquoted(text).lower()
            if len(said) in ALGORITHMS and _HEX.fullmatch(said):
                yield election, key, said


def _matched(
    images: Iterable[Image], wanted: set[str], others: Sequence[str]
) -> tuple[set[str], list[Image]]:
    """The hashes whose image came, and the images that none of them is of."""
    found: set[str] = set()
    left: list[Image] = []
    for image in images:
        digest = image.digest("sha256")
        hits = [digest] if digest in wanted else []
        hits = hits or [made for a in others if (made := image.digest(a)) in wanted]
        found.update(hits)
        if not hits:
            left.append(image)
    return found, left


def _by_name(
    images: Iterable[Image], actas: Mapping[str, Mapping[str, str]]
) -> dict[str, tuple[str, str]]:
    """Path of each image that is named after an acta to the acta's election and hash."""
    tokens: dict[str, str] = {}
    for image in images:
        stem = image.where.rpartition("/")[2].rpartition(".")[0].upper()
        tokens |= dict.fromkeys((stem, *_BETWEEN.split(stem)), image.where)
    named: dict[str, tuple[str, str]] = {}
    for election, key, said in _said(actas) if tokens else ():
        where = tokens.get(unquoted(key).upper())
        if where is not None:
            named[where] = election, said
    return named


def _told(counts: Mapping[str, _Count], orphans: int) -> tuple[Images, ...]:
    """One election's orphans are its own; those of several are nobody's."""
    told = [
        Images(
            election,
            count.matched,
            count.pending,
            count.mismatched,
            orphans if len(counts) == 1 else 0,
            ",".join(name for name, _ in count.algorithms.most_common()),
        )
        for election, count in counts.items()
        if count.algorithms
    ]
    if orphans and len(counts) != 1:
        told.append(Images("", 0, 0, 0, orphans, ""))
    return tuple(told)
