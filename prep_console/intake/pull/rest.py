"""How long a remote tree has stood still, remembered from one look to the next.

A remote tree has no sessions that we see and no end: a writer that rests between two files leaves
the same picture as one that is done. So it is handed over only when it was listed the same over
some time, whoever listed it: the engine's child, or that of a resync.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import msgspec

from prep_console.decoding import decode
from prep_console.intake.pull.parts import durable_text

_RECORD = ".rest.json"
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Rest(msgspec.Struct):
    """What is known of the listing that was seen last."""

    shape: str
    boot: str
    since_s: float
    """When it was first seen, in seconds since the boot: no clock that is put right matters."""
    handed: bool = False
    """It was handed over."""

    def left_s(self, rest_s: float) -> float:
        """How much longer it must stand still; 0 when it has long enough."""
        return max(0.0, self.since_s + rest_s - _now_s())


def seen(into: Path, shape: str) -> Rest:
    """Note that the tree of the folder ``into`` is listed as ``shape`` now."""
    boot = _BOOT.read_text(encoding="ascii").strip()
    with suppress(OSError, ValueError):
        known = decode((into / _RECORD).read_bytes(), Rest)
        if (known.shape, known.boot) == (shape, boot):
            return known
    fresh = Rest(shape, boot, _now_s())
    keep(into, fresh)
    return fresh


def keep(into: Path, rest: Rest) -> None:
    """Write it down, if the disk lets us; else the tree only rests once more."""
    with suppress(OSError):
        durable_text(into / _RECORD, msgspec.json.encode(rest).decode())


def _now_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
