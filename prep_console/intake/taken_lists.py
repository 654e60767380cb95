"""When a folder's list of hashes (``SHA256SUMS``) has done its work in the drop folder.

It lists several files that come one by one: it stays until each of them was taken, or the ones
still to come would go unchecked; then it goes, or it would be held against the next of that name.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from prep_console.cuts.manifests import is_hash_list, listed_by, read_hash_list
from prep_console.cuts.names import read_name

_MOST = 4000
"""Names remembered of what was taken: more than a night has."""

Shape = tuple[int, int, int, int]


class TakenLists:
    """Remembers what was taken out of one folder, and what the lists there say."""

    def __init__(self) -> None:
        self._taken: dict[Path, None] = {}
        self._listed: dict[Path, tuple[Shape, frozenset[Path]]] = {}

    def note(self, path: Path) -> None:
        """A delivery was taken and is gone."""
        self._taken.pop(path, None)
        self._taken[path] = None
        for oldest in list(self._taken)[:-_MOST]:
            del self._taken[oldest]

    def done(self, listing: Path, shape: Shape) -> bool:
        """Whether every file that the list names was taken; it must be one that names several."""
        if not is_hash_list(listing.name) or listed_by(listing.name):
            return False
        known = self._listed.get(listing)
        if known is None or known[0] != shape:
            self._listed[listing] = known = (shape, _named_in(listing))
        files = known[1]
        return bool(files) and all(f in self._taken and not os.path.lexists(f) for f in files)

    def forget(self, listing: Path) -> None:
        """The list is gone. Names without an hour come again, with other bytes and a new list."""
        _, files = self._listed.pop(listing, (None, frozenset[Path]()))
        for file in files:
            if read_name(file.name).stamp is None:
                self._taken.pop(file, None)


def _named_in(listing: Path) -> frozenset[Path]:
    """The files that a list names; none when it cannot be read, or says what cannot be."""
    with suppress(OSError):
        descriptor = os.open(listing, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            hashes = read_hash_list(stream, listing.name, "")
        if not hashes.malformed and not any("\0" in entry.path for entry in hashes.listed):
            return frozenset(listing.parent / entry.path for entry in hashes.listed)
    return frozenset()
