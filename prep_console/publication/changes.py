"""What changed from one sealed cut to another: files, and each election's actas and figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from prep_console.cuts import differences, inside
from prep_console.cuts.archives import is_archive_name
from prep_console.cuts.differences import ChangedFigure, Differences
from prep_console.cuts.lines import Unreadable
from prep_console.publication import store
from prep_console.publication.manifest import Manifest, SealedPart
from prep_console.publication.station import Station

_STAMP = re.compile(r"\d{8}_\d{4}")


class ElectionChanges(msgspec.Struct, frozen=True):
    """One election in two cuts."""

    election: str
    before: str | None
    """Its stamp in the older cut; None when that lacks it."""
    after: str | None
    same: bool
    """The very same bytes, as when it was carried over."""
    figures: tuple[ChangedFigure, ...]
    """Of the header, also where the rows could not be compared."""
    rows: Differences | None
    unread: str = ""
    """Why the rows were not compared (English)."""


class ImageChanges(msgspec.Struct, frozen=True):
    """Images that lie in the elections' archives, by where they lie there."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    unread: str = ""
    """Why they were not compared (English)."""


class Changes(msgspec.Struct, frozen=True):
    """From cut ``before`` to cut ``after``."""

    before: str
    after: str
    elections: tuple[ElectionChanges, ...]
    files_added: tuple[str, ...]
    files_changed: tuple[str, ...]
    files_gone: tuple[str, ...]
    archived_images: ImageChanges


def between(station: Station, before: str, after: str) -> Changes:
    """Compare two sealed cuts. Failed when a manifest cannot be read."""
    old, _ = store.manifest_of(station, before)
    new, _ = store.manifest_of(station, after)
    had = {part.election: part for part in old.parts}
    has = {part.election: part for part in new.parts}
    return Changes(
        before,
        after,
        tuple(_election(station, (old, had), (new, has), code) for code in sorted(had | has)),
        tuple(path for path in new.files if path not in old.files),
        tuple(
            path
            for path, file in new.files.items()
            if path in old.files and old.files[path].sha256 != file.sha256
        ),
        tuple(path for path in old.files if path not in new.files),
        _archived_images(station, (old, had), (new, has)),
    )


_Side = tuple[Manifest, Mapping[str, SealedPart]]


def _election(station: Station, old: _Side, new: _Side, code: str) -> ElectionChanges:
    was, now = old[1].get(code), new[1].get(code)
    if was is None or now is None:
        return ElectionChanges(
            code, was.stamp if was else None, now.stamp if now else None, False, (), None
        )
    same = was.sha256 == now.sha256
    figures = differences.compare_figures(was.figures, now.figures)
    rows, unread = None, ""
    if not same and not (_only_totals(was) and _only_totals(now)):
        try:
            rows = differences.compare(
                _side(station, old[0], was),
                _side(station, new[0], now),
            )
        except (OSError, ValueError, KeyError, Unreadable) as error:
            unread = str(error) or type(error).__name__
    return ElectionChanges(code, was.stamp, now.stamp, same, figures, rows, unread)


def _side(station: Station, cut: Manifest, part: SealedPart) -> differences.Side:
    if not part.results:
        raise ValueError("its manifest does not say where the results lie")
    site = station.cuts / cut.id / store.SITE
    with inside.opened(site, part.results) as stream:
        return differences.read_side(stream, part.results)


def _only_totals(part: SealedPart) -> bool:
    """Whether a site's JSON is all that came: it holds no actas."""
    return part.results.lower().endswith(".json")


def _archived_images(station: Station, old: _Side, new: _Side) -> ImageChanges:
    """Of the archives of elections that changed; their names, which hold the hour, do not count."""
    changed = [
        code for code in old[1].keys() & new[1].keys() if old[1][code].sha256 != new[1][code].sha256
    ]
    try:
        had = _images_of(station, old, changed)
        has = _images_of(station, new, changed)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        return ImageChanges((), (), (), str(error) or type(error).__name__)
    return ImageChanges(
        tuple(where for key, (where, _) in has.items() if key not in had),
        tuple(where for key, (where, seen) in has.items() if key in had and had[key][1] != seen),
        tuple(where for key, (where, _) in had.items() if key not in has),
    )


def _images_of(
    station: Station, side: _Side, elections: Iterable[str]
) -> dict[str, tuple[str, inside.Print]]:
    """Where each image lies, and its print, by its place without the stamps of names."""
    manifest, parts = side
    site = station.cuts / manifest.id / store.SITE
    archives = {path for code in elections for path in parts[code].files if is_archive_name(path)}
    return {
        _STAMP.sub("", where): (where, seen)
        for path in sorted(archives)
        for where, seen in inside.images(site, path).items()
    }
