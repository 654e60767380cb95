"""``python -m tests.fuzz [--seconds N] [--keep] [TARGET ...]``: fuzz the readers, two at a time.

Each target starts from the kept seeds and the tests' own deliveries. An input that breaks one is
written to ``tests/fuzz/found/`` and the exit code is 1. ``--keep`` reduces what was reached to the
smallest set of inputs that reaches as much, and makes it the kept seeds.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS

FOUND = Path(__file__).parent / "found"
WORDS = Path(__file__).parent / "words.dict"
SECONDS = 150
"""For each target: eight of them, two at a time, take ten minutes."""
_MOST_BYTES = 64 << 10
_SLOWEST_S = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one target's run came to."""

    target: str
    clean: bool
    runs: int
    covered: int
    """Edges of the readers' code that some input reached."""
    seeds: int
    told: str
    """The end of what the fuzzer said."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each target")
    parser.add_argument("--keep", action="store_true", help="keep what was found worth keeping")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    targets = chosen.targets or list(TARGETS)
    print(f"{'target':<12}{'inputs tried':>14}{'edges':>8}{'seeds':>8}  bad", flush=True)
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        outcomes = []
        for done in pool.map(partial(_fuzz, seconds=chosen.seconds, keep=chosen.keep), targets):
            print(
                f"{done.target:<12}{done.runs:>14,}{done.covered:>8,}{done.seeds:>8,}"
                f"  {0 if done.clean else 1}",
                flush=True,
            )
            outcomes.append(done)
    for broken in (done for done in outcomes if not done.clean):
        print(f"\n-- {broken.target}\n{broken.told}")
    return 0 if all(done.clean for done in outcomes) else 1


def _fuzz(target: str, *, seconds: int, keep: bool) -> Outcome:
    FOUND.mkdir(exist_ok=True)
    with TemporaryDirectory() as name:
        corpus = Path(name, "corpus")
        corpus.mkdir()
        for number, seed in enumerate((*seeds.kept(target), *seeds.first(target))):
            (corpus / str(number)).write_bytes(seed)
        ran = _child(
            target,
            f"-max_total_time={seconds}",
            f"-max_len={_MOST_BYTES}",
            f"-timeout={_SLOWEST_S}",
            "-rss_limit_mb=1024",
            f"-dict={WORDS}",
            f"-artifact_prefix={FOUND}/{target}-",
            "-print_final_stats=1",
            str(corpus),
        )
        clean = ran.returncode == 0
        if keep and clean:
            seeds.keep(target, _fewest(target, corpus, Path(name, "fewest")))
    said = ran.stdout
    covered = [int(n) for n in re.findall(r"cov: (\d+)", said)]
    runs = re.search(r"stat::number_of_executed_units:\s+(\d+)", said)
    return Outcome(
        target,
        clean,
        int(runs[1]) if runs else 0,
        max(covered, default=0),
        len(seeds.kept(target)),
        "\n".join(said.splitlines()[-40:]),
    )


def _fewest(target: str, corpus: Path, into: Path) -> list[bytes]:
    """The smallest set of inputs that reaches what the whole corpus reaches."""
    into.mkdir()
    _child(target, "-merge=1", f"-max_len={seeds.LARGEST}", str(into), str(corpus))
    return [path.read_bytes() for path in into.iterdir()]


def _child(target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz.child", target, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
