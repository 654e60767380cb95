"""The drop folder: what the institute wrote, taken when it is whole, never before.

Silence is no proof and neither is a closed file: a killed upload is closed too. An archive or a
JSON proves itself by its own end; what began like one and has no end is left alone, however long
it has been there. It is removed only once it is sealed, or refused and kept in quarantine.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from prep_console.cuts.manifests import is_hash_list, listed_by, sidecars
from prep_console.cuts.names import read_name
from prep_console.intake import staging
from prep_console.intake.receipt import Receipt
from prep_console.intake.taken_lists import TakenLists
from prep_console.intake.whole import End, end_of
from prep_console.journal.state import State

log = logging.getLogger(__name__)

_DEEPEST = 16
"""Folders in folders that are looked into: no institute comes near, and each holds a descriptor."""
_AT_A_LOOK = 2000
"""Files whose end is looked for in one look; the others' turn comes with the next ones."""
_UNLISTED = 1000
"""Names remembered of archives that came without a hash: more than a night has."""
_PARKED_S = 30.0
"""What only its own clock or ours can bring nearer is looked at again after this long."""
LINGERS_S = 2.0
"""Who wrote a file under its final name (rsync --inplace, sftp) sets its times and rights after
closing it, and fails when it is gone: what was taken has rested so long before it is removed."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PASSING = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
"""Errors that say nothing about the file; it is looked at again."""
_TEMPORARY = re.compile(
    r"^\.|(\.(part|partial|filepart|tmp|temp|crdownload|swp)|~)$", re.IGNORECASE
)
"""rsync's ``.name.`` and six letters, and what other clients call a file that is still coming."""

Shape = tuple[int, int, int, int]
"""Inode, size, mtime and ctime in nanoseconds: moves whenever somebody writes."""


class Arrival(msgspec.Struct, frozen=True):
    """A file in the drop folder that has not been taken yet."""

    path: Path
    shape: Shape
    rested_s: float
    """Since it last changed."""
    end: End


class DropFolder:
    """Remembers what it has seen of one folder between two looks."""

    def __init__(self, folder: Path, settle_s: float, lingers_s: float = 0.0) -> None:
        self._folder = folder
        self._settle_s = settle_s
        self._lingers_s = lingers_s
        self._seen: dict[Path, tuple[Shape, float]] = {}
        self._taken: dict[Path, Shape] = {}
        self._waiting: dict[Path, tuple[Shape, frozenset[str]]] = {}
        """And the deliveries under staging/ that hold them."""
        self._done: dict[Path, Shape] = {}
        """Sealed, or kept in quarantine: they go as soon as their sender is done with them."""
        self._put_off: dict[Path, float] = {}
        self._ends: dict[Path, tuple[Shape, End]] = {}
        """What its bytes said: a file that nobody touches is looked at once."""
        self._unlisted: dict[Path, None] = {}
        """Archives that were taken and removed before any hash of theirs had come."""
        self._lists = TakenLists()
        self._told: set[Path] = set()
        """Folders that could not be looked into, and were said so."""

    def look(self, now: float | None = None) -> list[Arrival]:
        """Every file that is still to be taken, those of the oldest cut first.

        ``now`` is the monotonic clock. OSError when the folder cannot be read.
        """
        now = time.monotonic() if now is None else now
        found: dict[Path, tuple[Shape, float]] = {}
        untaken: list[tuple[Path, Shape, float]] = []
        for path, shape in self._files():
            if is_hash_list(path.name):  # belongs to what lies beside it
                self._late(path, shape)
                continue
            before = self._seen.get(path)
            since = before[1] if before is not None and before[0] == shape else now
            found[path] = (shape, since)
            if self._taken.get(path) != shape and now >= self._put_off.get(path, 0.0):
                untaken.append((path, shape, now - since))
        self._look_for_ends([(path, shape) for path, shape, _ in untaken])
        arrivals = [
            Arrival(path, shape, rested_s, self._ends[path][1])
            for path, shape, rested_s in untaken
            if self._knows_end(path, shape)
        ]
        self._seen = found
        self._remove_done(now)
        self._taken = {p: s for p, s in self._taken.items() if p in found}
        self._waiting = {p: waits for p, waits in self._waiting.items() if p in found}
        self._put_off = {p: until for p, until in self._put_off.items() if p in found}
        self._ends = {p: said for p, said in self._ends.items() if p in found}
        return sorted(arrivals, key=_order)

    def ready(self, arrival: Arrival) -> bool:
        """Whether it may be taken now: it proves its end, or nobody writes it any more."""
        if arrival.end is End.WHOLE:
            return True
        return arrival.end is End.UNKNOWN and arrival.rested_s >= self._settle_s

    def put_off(self, arrival: Arrival, seconds: float) -> None:
        """It could not be taken now (a full disk, a permission): look at it again later."""
        self._put_off[arrival.path] = time.monotonic() + seconds

    def note(self, arrival: Arrival, receipt: Receipt) -> None:
        """What became of it: sealed and refused ones go, waiting ones stay until they are sealed.

        One that turned out to be still coming, or damaged only because it is, is taken again; one
        whose end is missing is left alone until somebody writes it.
        """
        if receipt.incomplete:
            self._ends[arrival.path] = (arrival.shape, End.MISSING)
        if receipt.result == "parked":
            self.put_off(arrival, _PARKED_S)
        if receipt.still_coming or receipt.result == "parked":
            return
        self._taken[arrival.path] = arrival.shape
        if receipt.waits_as:
            self._waiting[arrival.path] = (arrival.shape, frozenset(receipt.waits_as))
        else:
            self._done[arrival.path] = arrival.shape
            self._remove_done(time.monotonic())

    def settled(self, state: State) -> None:
        """What waited and was sealed, or set aside in quarantine, can go; what was lost while it
        waited is taken anew: there is no other copy."""
        waiting, lost = {entry.delivery for entry in state.waiting}, set(state.lost)
        for path, (shape, deliveries) in list(self._waiting.items()):
            if deliveries & lost:
                del self._waiting[path]
                self._taken.pop(path, None)
            elif not deliveries & waiting:
                del self._waiting[path]
                self._done[path] = shape
        self._remove_done(time.monotonic())

    def _remove_done(self, now: float) -> None:
        for path, shape in list(self._done.items()):
            seen, since = self._seen.get(path, (None, now))
            if seen != shape:  # gone, or written anew: that is another arrival
                del self._done[path]
            elif now - since >= self._lingers_s:
                del self._done[path]
                self._remove(path, shape)

    def _remove(self, path: Path, shape: Shape) -> bool:
        """Delete what was taken, unless something else has come under its name, and its hashes.

        Through its folder's descriptor: a link that takes the folder's place leads nowhere.
        """
        removed = False
        with suppress(OSError):  # not ours to delete: it is remembered and not taken twice
            folder = staging.open_folder(path.parent, self._folder)
            try:
                status = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
                if _shape(status) == shape:
                    os.unlink(path.name, dir_fd=folder)
                    removed = True
                    beside = sidecars(path)
                    listings = [p.name for p in beside if listed_by(p.name)]
                    for listing in listings:
                        os.unlink(listing, dir_fd=folder)
                    self._lists.note(path)
                    for several in beside:
                        if several.name not in listings:
                            self._late(several, _shape(several.lstat()))
                    if not listings and not listed_by(path.name):
                        self._unlisted[path] = None
                        for oldest in list(self._unlisted)[:-_UNLISTED]:
                            del self._unlisted[oldest]
            finally:
                os.close(folder)
        return removed

    def _late(self, path: Path, shape: Shape) -> None:
        """A hash that came after its archive was taken would be held against the next one."""
        if self._lists.done(path, shape):
            if self._remove(path, shape):
                self._lists.forget(path)
            return
        archive = path.with_name(listed_by(path.name) or path.name)
        if archive in self._unlisted:
            del self._unlisted[archive]
            if not os.path.lexists(archive):
                self._remove(path, shape)

    def _knows_end(self, path: Path, shape: Shape) -> bool:
        said = self._ends.get(path)
        return said is not None and said[0] == shape

    def _look_for_ends(self, files: list[tuple[Path, Shape]]) -> None:
        """Read the ends of files that changed: of too many, the newest ones and the oldest."""
        changed = [(path, shape) for path, shape in files if not self._knows_end(path, shape)]
        if len(changed) > _AT_A_LOOK:
            changed.sort(key=lambda file: file[1][3])
            changed = [*changed[: _AT_A_LOOK // 2], *changed[-_AT_A_LOOK // 2 :]]
        for path, shape in changed:
            try:
                self._ends[path] = (shape, end_of(path))
            except OSError as error:
                if error.errno not in _PASSING:
                    self._ends[path] = (shape, End.MISSING)

    def _files(self) -> Iterator[tuple[Path, Shape]]:
        """Every file but those that say they are temporary. OSError when the folder is closed."""
        try:
            descriptor = os.open(self._folder, _FOLDER & ~os.O_NOFOLLOW)
        except FileNotFoundError:
            return
        yield from self._inside(self._folder, descriptor, 0)

    def _inside(self, folder: Path, descriptor: int, depth: int) -> Iterator[tuple[Path, Shape]]:
        """The files beneath an open folder, which is closed afterwards."""
        try:
            with os.scandir(descriptor) as listing:
                entries = list(listing)
            for entry in entries:
                if _TEMPORARY.search(entry.name):
                    continue
                path = folder / entry.name
                try:
                    status = entry.stat(follow_symlinks=False)
                    if not stat.S_ISDIR(status.st_mode):
                        yield path, _shape(status)
                        continue
                    if depth == _DEEPEST:
                        self._leave_out(path, f"more than {_DEEPEST} folders deep")
                        continue
                    inner = os.open(entry.name, _FOLDER, dir_fd=descriptor)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    self._leave_out(path, error.strerror or str(error))
                    continue
                yield from self._inside(path, inner, depth + 1)
        finally:
            os.close(descriptor)

    def _leave_out(self, path: Path, why: str) -> None:
        """Say once that nothing in there is taken; the rest of the folder is."""
        if path not in self._told:
            self._told.add(path)
            log.warning("%a is not looked into: %s", os.fspath(path), why)


def _shape(status: os.stat_result) -> Shape:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _order(arrival: Arrival) -> tuple[str, int]:
    """Backlogs are taken oldest cut first, or their marks would refuse the older ones."""
    stamp = read_name(arrival.path.name).stamp
    return (str(stamp) if stamp else "~", arrival.shape[2])
