"""Memory and swap, against the call's minimum."""

from __future__ import annotations

from datetime import datetime

import psutil

from prep_console.probes.probe import reading
from prep_console.snapshot import Reading

_SCARCE = 0.10
"""Share of memory still available below which the kernel soon has to choose a victim."""
_INSTALLED = 0.9
"""A machine sold with 16 GiB shows less: the kernel and the firmware keep some."""
_SWAPPED_PERCENT = 80.0


def memory(min_bytes: int, at: datetime) -> Reading:
    """``host.memory``: what is not available any more, in percent."""
    now = psutil.virtual_memory()
    left = now.available / now.total
    return reading(
        round(now.percent, 1),
        "%",
        at,
        warning=left < _SCARCE or now.total < _INSTALLED * min_bytes,
        critical=left < _SCARCE / 4,
        total_bytes=now.total,
        available_bytes=now.available,
        min_total_bytes=min_bytes,
    )


def swap(at: datetime) -> Reading:
    """``host.swap``: used share in percent; 0 where there is none (``total_bytes`` says so)."""
    now = psutil.swap_memory()
    return reading(
        round(now.percent, 1),
        "%",
        at,
        warning=now.percent >= _SWAPPED_PERCENT,
        total_bytes=now.total,
        used_bytes=now.used,
    )
