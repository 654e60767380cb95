"""The journal file: append, read on from where one was, recover a torn last line.

Appending happens under the station's action lock, which the caller holds; reading needs none.
Space is taken ahead (``fallocate``) so that decisions can still be recorded on a full disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from prep_console import durable
from prep_console.journal import chain
from prep_console.journal.actor import Actor
from prep_console.journal.chain import GENESIS, Break, Line

_AHEAD_BYTES = 1024 * 1024
"""Some 2,500 lines: ten nights of decisions on a full disk."""
_LOW_BYTES = _AHEAD_BYTES // 2
_LONG_LINE = 2048
"""Bytes; longer than nearly every line."""


class Position(msgspec.Struct, frozen=True):
    """Where a reader stands: just after a whole line."""

    offset: int = 0
    """Bytes."""
    lines: int = 0
    seq: int = 0
    hash: str = GENESIS


class Reading(msgspec.Struct, frozen=True):
    """What :func:`read` found from a position on."""

    lines: tuple[Line, ...]
    breaks: tuple[Break, ...]
    position: Position
    torn: bytes
    """What follows the last newline: an append that a crash cut short."""


def read(path: Path, since: Position | None = None) -> Reading:
    """Every whole line after ``since``. A missing file reads as an empty one."""
    since = since or Position()
    try:
        with path.open("rb") as file:
            file.seek(since.offset)
            data = file.read()
    except FileNotFoundError:
        data = b""
    end = data.rfind(b"\n") + 1
    raws = data[:end].split(b"\n")[:-1]
    found = chain.follow(raws, seq=since.seq, head=since.hash, first_line=since.lines + 1)
    position = Position(since.offset + end, since.lines + len(raws), found.seq, found.hash)
    return Reading(found.lines, found.breaks, position, data[end:])


def tail(path: Path, count: int) -> tuple[Line, ...]:
    """The last ``count`` readable lines, newest first, without reading the rest of the file."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            start = max(0, end - count * _LONG_LINE)
            file.seek(start)
            raws = file.read().split(b"\n")
    except FileNotFoundError:
        return ()
    lines: list[Line] = []
    for raw in reversed(raws[1 if start else 0 : -1]):
        if len(lines) == count:
            break
        with suppress(chain.BrokenLine):
            lines.append(chain.parse(raw))
    return tuple(lines)


def append(
    path: Path,
    position: Position,
    entries: Iterable[tuple[str, Mapping[str, object]]],
    actor: Actor,
    now: datetime | None = None,
) -> tuple[tuple[Line, ...], Position]:
    """Add lines after ``position`` (which must be the end of what is whole), durably.

    A torn tail is cut off first and said so in a ``recovered`` line. All entries become durable
    together, with one fsync. OSError leaves the file as it was.
    """
    now = now or datetime.now(UTC)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        status = os.fstat(descriptor)
        if status.st_size == 0:
            os.fchmod(descriptor, 0o644)  # walls read it, whatever the umask of this shell
        _reserve(descriptor, status)
        pending = list(entries)
        if status.st_size > position.offset:
            torn = os.pread(descriptor, status.st_size - position.offset, position.offset)
            pending.insert(0, ("recovered", _torn(torn)))
        lines: list[Line] = []
        blob = b""
        seq, head = position.seq, position.hash
        for kind, data in pending:
            line, raw = chain.compose(seq + 1, now, actor, kind, data, head)
            lines.append(line)
            blob += raw
            seq, head = line.seq, line.hash
        try:
            # Over the torn bytes, not after cutting them off: a truncation would give back the
            # blocks taken ahead, which a full disk does not return.
            os.lseek(descriptor, position.offset, os.SEEK_SET)
            durable.write_all(descriptor, blob)
            if status.st_size > position.offset + len(blob):
                os.ftruncate(descriptor, position.offset + len(blob))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, position.offset)
            raise
    finally:
        os.close(descriptor)
    if position.offset == 0:
        durable.sync_folder(path.parent)
    end = Position(position.offset + len(blob), position.lines + len(pending), seq, head)
    return tuple(lines), end


def _torn(torn: bytes) -> dict[str, object]:
    return {
        "torn_bytes": len(torn),
        "torn_sha256": hashlib.sha256(torn).hexdigest(),
    }


def _reserve(descriptor: int, status: os.stat_result) -> None:
    """Keep blocks ahead of the end; a full disk is no reason to stop, they may be there already."""
    if status.st_blocks * 512 - status.st_size < _LOW_BYTES:
        durable.reserve(descriptor, status.st_size, _AHEAD_BYTES)
