"""What a delivery was seen to hold, before anything is concluded from it."""

from __future__ import annotations

import msgspec

from prep_console.cuts.archived_images import ArchivedImages
from prep_console.cuts.manifests import HashList
from prep_console.cuts.model import DeliveredFile, Finding, Results
from prep_console.cuts.names import FileName
from prep_console.cuts.site_json import SiteCut


class Place(msgspec.Struct, frozen=True):
    """Where something lies: an archive, perhaps in others, or the loose files of a tree."""

    where: str
    """Path of the archive with ``!/`` between nested ones, or of the loose file's folder."""
    name: FileName
    """What that archive's or folder's own name says."""
    is_archive: bool
    outer: tuple[tuple[str, FileName], ...]
    """The names around it, innermost first: archives, folders, the delivery itself."""
    file: str
    """The delivered file that it lies in; '' for loose files."""


class FoundResults(msgspec.Struct, frozen=True):
    """One results CSV."""

    results: Results
    name: FileName
    """What the CSV's own name says."""
    place: Place


class FoundJson(msgspec.Struct, frozen=True):
    """One site JSON that tells the time of a cut."""

    where: str
    cut: SiteCut
    name: FileName
    place: Place


class Alien(msgspec.Struct, frozen=True):
    """A file that is named as results or as a site's JSON, and holds none."""

    where: str
    name: FileName
    check: str
    """What it is instead: the check that stops the delivery if no other file has these results."""


class Evidence(msgspec.Struct):
    """Gathered while the delivery is read."""

    archived_images: ArchivedImages
    files: list[DeliveredFile] = msgspec.field(default_factory=list)
    archives: dict[str, str] = msgspec.field(default_factory=dict)
    """``where`` of every archive seen, nested ones too, and its SHA-256."""
    places: list[Place] = msgspec.field(default_factory=list)
    """Every archive, in the order in which they were read."""
    results: list[FoundResults] = msgspec.field(default_factory=list)
    candidates: list[str] = msgspec.field(default_factory=list)
    """Paths of loose candidates' files."""
    site: list[FoundJson] = msgspec.field(default_factory=list)
    aliens: list[Alien] = msgspec.field(default_factory=list)
    acta_hashes: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    """By the path of the results: acta's key to what it says is its image's hash."""
    hash_lists: dict[str, list[HashList]] = msgspec.field(default_factory=dict)
    """By the archive that they lie in (its ``where``); '' for loose ones."""
    findings: list[Finding] = msgspec.field(default_factory=list)
