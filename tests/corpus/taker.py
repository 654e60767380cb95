"""A child process that takes deliveries as the engine's worker does, and measures what it costs.

One line of JSON in (settings file, path), one out. The high-water mark of its memory is reset
before each delivery, so that one case is not charged to the next.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one delivery."""

    result: str
    published: str | None
    quarantined: str | None
    stops: frozenset[str]
    warnings: frozenset[str]
    grown: int
    """Bytes by which the process grew at most."""


@dataclass(frozen=True, slots=True)
class Taker:
    """The parent's end."""

    to: IO[str]
    told: IO[str]

    def take(self, settings: Path, delivery: Path) -> Taken:
        """AssertionError when the child died of it."""
        self.to.write(json.dumps([str(settings), str(delivery)]) + "\n")
        self.to.flush()
        line = self.told.readline()
        assert line, "the process that takes deliveries died"
        said = json.loads(line)
        assert "error" not in said, said["error"]
        said["stops"], said["warnings"] = frozenset(said["stops"]), frozenset(said["warnings"])
        return Taken(**said)


@contextmanager
def taker() -> Iterator[Taker]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.corpus.taker"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="ascii",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Taker(process.stdin, process.stdout)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def _memory(field: str) -> int:
    """Bytes that this process has (VmRSS) or had at most (VmHWM)."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found
    return int(found[1]) * 1024


def _taken(settings: Path, delivery: Path) -> dict[str, object]:
    from prep_console import config
    from prep_console.intake.receive import receive
    from prep_console.journal.actor import Actor
    from prep_console.publication.station import Station

    station = Station(config.load(settings))
    Path("/proc/self/clear_refs").write_text("5")
    held = _memory("VmRSS")
    receipt = receive(station, delivery, actor=Actor(1000, "engine"), clock_known=True)
    grown = _memory("VmHWM") - held
    found = receipt.examination.findings
    return {
        "result": receipt.result,
        "published": receipt.published.to_cut if receipt.published else None,
        "quarantined": receipt.quarantined,
        "stops": sorted({f.check for f in found if f.severity == "stop"}),
        "warnings": sorted({f.check for f in found if f.severity == "warning"}),
        "grown": grown,
    }


def main() -> None:
    for line in sys.stdin:
        settings, delivery = json.loads(line)
        try:
            said = _taken(Path(settings), Path(delivery))
        except Exception as error:  # told to the parent, whose test fails of it
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
