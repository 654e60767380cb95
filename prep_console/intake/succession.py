"""One election from the cut before to this one: what good cuts never do is said, or asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prep_console.cuts.checks import finding
from prep_console.cuts.model import Figures, Finding
from prep_console.cuts.stamps import Stamp
from prep_console.publication.manifest import SealedPart


def since(before: SealedPart | None, after: SealedPart, opening: datetime | None) -> list[Finding]:
    """What is odd about ``after``; ``opening``: when publication opens, on the station's clock."""
    if after.carried:
        return []
    found = list(_zero(before, after, opening))
    if before is not None:
        found += _fallen(after.election, before.figures, after.figures)
        found += _columns(before, after)
    return found


def _zero(
    before: SealedPart | None, after: SealedPart, opening: datetime | None
) -> Iterator[Finding]:
    """Zero is what a cut holds before the opening, and for a while after it: never again."""
    if not _is_zero(after.figures) or (
        opening is not None and Stamp.of(after.stamp).wall < opening
    ):
        return
    if before is not None and _has_figures(before.figures):
        yield finding("cut.zero", election=after.election)
    elif opening is not None:
        yield finding("cut.still_zero", election=after.election)


def _is_zero(figures: Figures) -> bool:
    """Whether nothing is counted yet, and the file says so."""
    return figures.counted == 0 and not (figures.captured or figures.votes_with_special)


def _has_figures(figures: Figures) -> bool:
    return bool(figures.captured or figures.counted or figures.votes_with_special)


def _fallen(election: str, before: Figures, after: Figures) -> list[Finding]:
    """Captured and counted actas never fell in 98 real successive cuts: say it when they do."""
    pairs = (
        ("captured", before.captured, after.captured),
        ("counted", before.counted, after.counted),
    )
    return [
        finding("figures.fell", election=election, name=name, before=was, after=now)
        for name, was, now in pairs
        if was is not None and now is not None and now < was
    ]


def _columns(before: SealedPart, after: SealedPart) -> Iterator[Finding]:
    """Who reads the file by the place of a column reads something else now."""
    was, now = before.columns, after.columns
    if not was or not now or was == now:
        return
    added = [name for name in now if name not in was]
    gone = [name for name in was if name not in now]
    moved = [new for new, old in zip(now, was, strict=False) if new != old]
    value = next(iter([*added, *gone, *moved, now[-1]]))[:80]
    what = f"+{len(added)} -{len(gone)}"
    yield finding("results.columns_changed", election=after.election, what=what, value=value)
