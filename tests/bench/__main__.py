"""``python -m tests.bench [GROUP ...]``: the figures to hold, as ratios measured in one run.

Without groups every one is measured and docs/figures.md written anew. A figure that falls short
is marked; the exit code is 0 all the same, because machines and their noise differ.
"""

from __future__ import annotations

import compileall
import importlib
import math
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figure import NO_BOUND, Figure

ROOT = Path(__file__).parents[2]
FIGURES = ROOT / "docs" / "figures.md"
GROUPS = (
    "rollback",
    "receive",
    "sftp",
    "csv",
    "console",
    "commands",
    "engine",
    "alarms",
    "soak",
    "load",
)
"""Each is ``tests/bench/bench_GROUP.py`` with a ``rows()``."""


def main(chosen: Sequence[str]) -> None:
    """Measure, print as it goes, write the page."""
    unknown = set(chosen) - set(GROUPS)
    if unknown:
        raise SystemExit(f"no such group: {', '.join(sorted(unknown))}; {', '.join(GROUPS)}")
    for folder in ("prep_console", "widgets"):  # as pip leaves it: nothing is compiled twice
        compileall.compile_dir(ROOT / folder, quiet=1)
    figures: list[Figure] = []
    for group in chosen or GROUPS:
        for figure in _measured(group):
            print(_line(figure), flush=True)
            figures.append(figure)
    short = [figure for figure in figures if not figure.held]
    absent = sum(not figure.ran for figure in short)
    print(
        f"\n{len(figures)} figures, {len(short) - absent} fall short, {absent} did not run"
        + ":" * bool(short)
    )
    for figure in short:
        print(_line(figure))
    if not chosen:
        FIGURES.write_text(_page(figures, datetime.now(UTC)), encoding="utf-8")
        print(f"written: {FIGURES.relative_to(ROOT)}")


def _measured(group: str) -> Iterable[Figure]:
    if not (Path(__file__).parent / f"bench_{group}.py").exists():
        print(f"  {group}: not there yet", flush=True)
        return
    print(f"-- {group}", flush=True)
    for row in importlib.import_module(f"tests.bench.bench_{group}").rows():
        yield Figure(*row)


def _verdict(figure: Figure) -> str:
    if figure.bound == NO_BOUND:
        return "     "
    if not figure.ran:
        return "ABSENT"
    return "holds" if figure.held else "SHORT"


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _bound(figure: Figure) -> str:
    return "" if figure.bound == NO_BOUND else f"<= {_number(figure.bound)}"


def _line(figure: Figure) -> str:
    note = f"   [{figure.note}]" if figure.note else ""
    return (
        f"  {_verdict(figure)}  {figure.name:<58} {_number(figure.measured):>8} "
        f"{_bound(figure):<8} {figure.unit}{note}"
    )


def _judged(figure: Figure) -> str:
    if not figure.ran:
        return "**did not run**"
    return _verdict(figure).strip() if figure.held else "**falls short**"


def _page(figures: Sequence[Figure], now: datetime) -> str:
    rows = "\n".join(
        f"| {figure.name} | {_number(figure.measured)} {figure.unit} | {_bound(figure)} | "
        f"{_judged(figure)} | {figure.note} |"
        for figure in figures
    )
    return (
        "# Figures\n\n"
        "Written by `make bench`: each row measured on one machine in one run, most of them as "
        "a ratio to a\nplain tool that did the same work right before.\n\n"
        f"{now:%Y-%m-%d %H:%M} UTC, {_machine()}.\n\n"
        "| what | measured | bound | | how |\n|---|---|---|---|---|\n"
        f"{rows}\n"
    )


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
