"""The pointer: ``public/live.map``, the one thing that Apache reads to know what is live.

A text map of three lines, the same fact in the forms that its readers need::

    cut 20240602_2005
    estado 42
    pair 42/20240602_2005

``-`` stands for no cut. Apache looks up ``pair`` only, once per request: two look-ups in one
request can straddle a switch (27 of 50,850 answers did). The switch overwrites a ready spare and
exchanges the two names, which takes no new block and so works on a full disk. Every map gets a
strictly later modification time, because mod_rewrite caches what it read by that.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import msgspec

from prep_console import durable

_SPARES = 4
"""A map that was live a moment ago may still be open in Apache: it rests three switches."""
_STEP_NS = 1_000_000


class Live(msgspec.Struct, frozen=True):
    cut: str | None
    """None: nothing is live."""
    estado: int
    """Number of the estado files that belong to it; 0 before the first."""
    known: bool = True
    """False: the map is missing, torn or contradictory. Then ``cut`` says nothing."""


def read(public: Path) -> Live:
    """What the public gets now. A missing, torn or contradictory map names nothing.

    OSError when it may not be read.
    """
    try:
        text = (public / "live.map").read_text(encoding="ascii")
        entries = dict(line.split(maxsplit=1) for line in text.splitlines() if line.strip())
        cut, estado = entries["cut"].strip(), int(entries["estado"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return Live(None, 0, known=False)
    if entries.get("pair", "").strip() != f"{estado}/{cut}":
        return Live(None, estado, known=False)  # Apache reads the pair alone
    return Live(None if cut == "-" else cut, estado)


def write(public: Path, live: Live) -> None:
    """Switch. Durable on return; the public may see it a moment before. OSError on failure."""
    target = public / "live.map"
    spare = public / f".live.map.{live.estado % _SPARES}"
    cut = live.cut or "-"
    content = f"cut {cut}\nestado {live.estado}\npair {live.estado}/{cut}\n".encode("ascii")
    _overwrite(spare, content)
    try:
        before = target.stat().st_mtime_ns
    except FileNotFoundError:
        before = 0
    moment = max(time.time_ns(), before + _STEP_NS)
    os.utime(spare, ns=(moment, moment))
    if before:
        _exchange(spare, target)
    else:
        spare.rename(target)
    durable.sync_folder(public)


def make_ready(public: Path) -> None:
    """See that every spare is there with its block taken, for the day when the disk is full."""
    for number in range(_SPARES):
        spare = public / f".live.map.{number}"
        if not spare.exists():
            _overwrite(spare, b"# ready\n")


def _overwrite(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        os.fchmod(descriptor, 0o644)
        durable.write_all(descriptor, content)  # its one block is there already: none is taken
        os.ftruncate(descriptor, len(content))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(spare: Path, target: Path) -> None:
    try:
        durable.exchange(spare, target)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOSYS}:
            raise
        spare.rename(target)  # a file system without exchange: the spare is made anew next time
