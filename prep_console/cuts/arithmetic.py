"""Whether the header's figures and the rows agree. They warn, and never keep a cut back.

Every rule was seen to hold in seven populated real files, but the last one of
:func:`_among_figures`, which three official final cuts broke by one or two actas. The header's
vote totals are sums of TOTAL_VOTOS_CALCULADO, that is of the row's own votes, over counted
actas (checked in real files of Puebla 2018 and Quintana Roo 2019), not of what the polling
station wrote (TOTAL_VOTOS_ASENTADO).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import ROUND_DOWN, Decimal

from prep_console.cuts.actas import Tally
from prep_console.cuts.checks import finding
from prep_console.cuts.front import PERCENT_NAMES, Front
from prep_console.cuts.model import Figures, Finding
from prep_console.wording import Value

_FOUR_DECIMALS = Decimal("0.0001")


def check(front: Front, tally: Tally, where: str) -> tuple[Finding, ...]:
    """One warning for each rule that does not hold. A figure that is missing breaks no rule."""
    figures = front.figures
    broken = [
        *_among_figures(figures),
        *_with_rows(figures, tally),
        *_about_votes(figures, tally),
        *_about_percents(figures, front.percents),
    ]
    return tuple(finding(rule, where, **values) for rule, values in broken)


def of_figures(figures: Figures, where: str) -> tuple[Finding, ...]:
    """The rules that figures keep among themselves, where no rows come with them."""
    broken = list(_among_figures(figures))
    if figures.turnout is not None and figures.turnout > 100:
        values: dict[str, Value] = {
            "name": PERCENT_NAMES["turnout"],
            "stated": f"{figures.turnout:g}",
        }
        broken.append(("arithmetic.over_100", values))
    return tuple(finding(rule, where, **values) for rule, values in broken)


Broken = tuple[str, dict[str, Value]]


def _among_figures(figures: Figures) -> Iterator[Broken]:
    expected, captured, counted = figures.expected, figures.captured, figures.counted
    out = figures.out_of_catalogue
    if figures.registered is not None and captured is not None and out is not None:
        yield from _unless_equal("arithmetic.registered", figures.registered, captured + out)
    for name, found in (("ACTAS_CAPTURADAS", captured), ("ACTAS_CONTABILIZADAS", counted)):
        if expected is not None and found is not None and found > expected:
            yield (
                "arithmetic.exceeds_expected",
                {"name": name, "stated": expected, "found": found},
            )
    if captured is not None and counted is not None and figures.not_counted is not None:
        yield from _unless_equal("arithmetic.not_counted", captured, counted + figures.not_counted)


def _with_rows(figures: Figures, tally: Tally) -> Iterator[Broken]:
    if figures.expected is not None:
        out = figures.out_of_catalogue
        out_in_rows = tally.out_of_catalogue if out is None else out
        yield from _unless_equal("arithmetic.rows", figures.expected + out_in_rows, tally.rows)
    if figures.counted is not None and tally.counted is not None:
        yield from _unless_equal("arithmetic.counted", figures.counted, tally.counted)


def _about_votes(figures: Figures, tally: Tally) -> Iterator[Broken]:
    for rule, stated, found in (
        ("arithmetic.votes_with_special", figures.votes_with_special, tally.with_special),
        ("arithmetic.votes_without_special", figures.votes_without_special, tally.without_special),
    ):
        if stated is not None and found is not None:
            yield from _unless_equal(rule, stated, found)


def _about_percents(figures: Figures, percents: Mapping[str, Decimal]) -> Iterator[Broken]:
    """Percentages are truncated to four decimals, not rounded.

    Turnout leaves the special polling stations out during the night and takes them in with the
    last cut, so either is right, and none can be called wrong while one is not known.
    """
    possible = {
        "percent_captured": [_percent(figures.captured, figures.expected)],
        "percent_counted": [_percent(figures.counted, figures.expected)],
        "turnout": [
            _percent(figures.votes_without_special, figures.nominal_list),
            _percent(figures.votes_with_special, figures.nominal_list),
        ],
    }
    for key, stated in percents.items():
        right = possible.get(key, [])
        if right and None not in right and stated not in right:
            yield (
                "arithmetic.percentage",
                {"name": PERCENT_NAMES[key], "stated": str(stated), "found": str(right[0])},
            )
        if stated > 100:
            yield "arithmetic.over_100", {"name": PERCENT_NAMES[key], "stated": str(stated)}


def _percent(part: int | None, whole: int | None) -> Decimal | None:
    if part is None or not whole:
        return None
    return (Decimal(part * 100) / whole).quantize(_FOUR_DECIMALS, ROUND_DOWN)


def _unless_equal(rule: str, stated: int, found: int) -> Iterator[Broken]:
    if stated != found:
        yield rule, {"stated": stated, "found": found}
