"""Pressure stall information: the share of time that work stood still for want of something.

The kernel's own figures, /proc/pressure (Documentation/accounting/psi.rst): *some* task waited,
*full*: all of them did. Averages over a minute, so that one sealed cut is no alarm.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prep_console.probes.probe import reading
from prep_console.snapshot import Reading
from prep_console.values import replace
from prep_console.wording import N_

FOLDER = Path("/proc/pressure")
RESOURCES = ("cpu", "io", "memory")
NONE_KEPT = N_("this kernel keeps no pressure figures (/proc/pressure)")

_STALLED_PERCENT = 50.0
_THRASHING_PERCENT = 10.0
"""Of memory: what waits for memory that long is close to being killed for it."""


def pressure(at: datetime, folder: Path = FOLDER) -> Reading:
    """``host.pressure``: the worst of the three, in percent of the last minute.

    OSError where the kernel keeps none, ValueError for a file that says something else.
    """
    try:
        said = {name: _averages((folder / name).read_text("ascii")) for name in RESOURCES}
    except OSError as missing:
        raise OSError(NONE_KEPT) from missing
    some = {name: lines["some"] for name, lines in said.items()}
    full = {f"full_{name}": lines.get("full") for name, lines in said.items()}
    worst = max(some, key=lambda name: some[name])
    stalled = some[worst] >= _STALLED_PERCENT or some["memory"] >= _THRASHING_PERCENT
    return replace(
        reading(some[worst], "%", at, warning=stalled), detail={"worst": worst, **some, **full}
    )


def _averages(text: str) -> dict[str, float]:
    """``avg60`` of each line: ``some avg10=0.00 avg60=0.16 avg300=0.20 total=2353``."""
    found = {}
    for line in text.splitlines():
        kind, *pairs = line.split()
        found[kind] = float(dict(pair.split("=", 1) for pair in pairs)["avg60"])
    if "some" not in found:
        raise ValueError(f"no 'some' line in {text[:80]!r}")
    return found
