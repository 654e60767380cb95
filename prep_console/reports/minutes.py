"""The night as a document: what came when, what was late, what went wrong, who decided what.

One HTML file that needs nothing else and prints well, for the institute and an auditor. All of it
is read from the station (stored cuts and journal); the head of the journal's chain stands in it,
so that the document and the record can be held against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from itertools import pairwise
from zoneinfo import ZoneInfo

from prep_console import dates, record
from prep_console.journal.chain import Line
from prep_console.journal.decided import is_decision
from prep_console.journal.reading import Verdict
from prep_console.reports.handover import Gap, gaps, words
from prep_console.snapshot import CutView, Snapshot
from prep_console.wording import N_, language, say, say_n, visible

_INCIDENTS = {"raised", "escalated", "eased", "cleared", "acknowledged", "shelved", "unshelved"}
_DAMAGE = {"found", "repaired", "recovered", "segment", "dropped", "set-aside", "failed"}
_OF_CUTS = (
    N_("cut"),
    N_("arrived"),
    N_("verified"),
    N_("on disk"),
    N_("served"),
    N_("bytes"),
    N_("warnings"),
)
_NUMBERS = {"bytes", "warnings", "line"}
_RIGHT = ' class="n"'
_OF_LINES = (N_("line"), N_("when"), N_("who"), N_("what"))
_WIDTH, _HEIGHT, _LEFT, _FOOT = 960, 220, 56, 28
_STYLE = """
body{font:15px/1.4 sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#111;
background:#fff;overflow-wrap:anywhere}
h1{margin-bottom:.1em}h2{margin:1.6em 0 .4em;border-bottom:1px solid #777;break-after:avoid}
figure{margin:0;overflow-x:auto}svg{width:100%;min-width:34em;height:auto;break-inside:avoid}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.15em .6em .15em 0;text-align:left;vertical-align:top;overflow-wrap:break-word}
th{border-bottom:1px solid #777}.n{text-align:right;white-space:nowrap}td.t{white-space:nowrap}
tr.late td{background:#fdecea}td.w{min-width:18em}
thead{display:table-header-group}tr{break-inside:avoid}
@page{size:A4;margin:15mm}
@media print{body{margin:0;padding:0;max-width:none;font-size:10.5px}figure{overflow:visible}
svg{min-width:0}tr.late td{print-color-adjust:exact}}
"""


@dataclass(frozen=True, slots=True)
class Minutes:
    """What the document is made of, from ``begins`` to ``ends`` (aware UTC), oldest first."""

    snapshot: Snapshot
    begins: datetime
    ends: datetime
    cuts: tuple[CutView, ...]
    """Those that are still stored; cuts that were pruned stand in the journal's lines."""
    gaps: tuple[Gap, ...]
    lines: tuple[Line, ...]
    verdict: Verdict
    """On the whole journal, not on these lines alone."""


def minutes(
    snapshot: Snapshot,
    lines: Iterable[Line],
    verdict: Verdict,
    begins: datetime | None,
    ends: datetime | None,
) -> Minutes:
    """The stretch between two moments; without them, everything the journal tells. Pure.

    A cut comes before the line that tells of it: the first one may be older than the journal.
    """
    every = tuple(lines)
    told = (line.time for line in every[:1])
    came = (cut.received_at for cut in snapshot.cuts)
    start = begins or min((*told, *came), default=snapshot.observed_at)
    end = ends or snapshot.observed_at
    cuts = sorted(
        (cut for cut in snapshot.cuts if start <= cut.received_at <= end),
        key=lambda cut: cut.received_at,
    )
    return Minutes(
        snapshot,
        start,
        end,
        tuple(cuts),
        tuple(gaps(cuts, timedelta(seconds=snapshot.cadence_s), start)),
        tuple(line for line in every if start <= line.time <= end),
        verdict,
    )


def minutes_html(night: Minutes) -> str:
    """The document, in the chosen language."""
    snapshot = night.snapshot
    zone = ZoneInfo(snapshot.timezone)
    title = _text(say(N_("MINUTES · {station}"), station=snapshot.station))
    body = "\n".join(
        (
            f"<h1>{title}</h1>",
            f"<p>{_text(_period(night, zone))}</p>",
            f"<p>{_text(_summary(night))}</p>",
            _section(say(N_("The record")), [f"<p>{_text(str(night.verdict.told))}</p>"]),
            _section(say(N_("Cadence and lateness")), _pictures(night, zone)),
            _section(say(N_("Cuts")), _cuts(night, zone)),
            _section(say(N_("Gaps")), _gaps(night, zone)),
            _section(say(N_("Decisions of people")), _lines(night, zone, is_decision)),
            _section(say(N_("Alarms")), _lines(night, zone, lambda line: line.kind in _INCIDENTS)),
            _section(
                say(N_("Stopped deliveries")),
                _lines(night, zone, lambda line: line.kind in {"refused", "parked"}),
            ),
            _section(
                say(N_("Damage found and repaired")),
                _lines(night, zone, lambda line: line.kind in _DAMAGE),
            ),
        )
    )
    return (
        f'<!doctype html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>"
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _period(night: Minutes, zone: ZoneInfo) -> str:
    return say(
        N_("From {begins} to {ends}, times of {zone}. Written {made}."),
        begins=dates.minute(night.begins.astimezone(zone)),
        ends=dates.minute(night.ends.astimezone(zone)),
        zone=str(zone),
        made=dates.second(night.snapshot.observed_at.astimezone(zone)),
    )


def _summary(night: Minutes) -> str:
    decisions = sum(1 for line in night.lines if is_decision(line))
    stopped = sum(1 for line in night.lines if line.kind == "refused")
    return " · ".join(
        (
            say_n("{n} cut", "{n} cuts", len(night.cuts)),
            say_n("{n} gap", "{n} gaps", len(night.gaps)),
            say_n("{n} delivery stopped", "{n} deliveries stopped", stopped),
            say_n("{n} decision of a person", "{n} decisions of people", decisions),
        )
    )


def _section(title: str, inside: Iterable[str]) -> str:
    content = "\n".join(inside) or f"<p>{_text(say(N_('nothing')))}</p>"
    return f"<section><h2>{_text(title)}</h2>\n{content}\n</section>"


def _table(head: Sequence[str], rows: Sequence[str], numbers: Container[str] = ()) -> Iterator[str]:
    """In a frame that scrolls by itself where the paper is narrow; ``numbers`` to the right."""
    if rows:
        titles = "".join(
            f'<th scope="col"{_RIGHT if name in numbers else ""}>{_text(say(name))}</th>'
            for name in head
        )
        yield f"<figure><table><thead><tr>{titles}</tr></thead><tbody>"
        yield from rows
        yield "</tbody></table></figure>"


def _cuts(night: Minutes, zone: ZoneInfo) -> Iterator[str]:
    late = {gap.ends for gap in night.gaps}
    rows = []
    for cut in night.cuts:
        times = (cut.received_at, cut.verified_at, cut.sealed_at, cut.served_at)
        cells = "".join(f'<td class="t">{_hour(at, zone)}</td>' for at in times)
        kind, sign = (' class="late"', " ▲") if cut.received_at in late else ("", "")
        rows.append(
            f'<tr{kind}><td class="t">{_text(cut.id)}{sign}</td>{cells}'
            f'<td class="n">{cut.bytes:,}</td><td class="n">{cut.warnings}</td></tr>'
        )
    return _table(_OF_CUTS, rows, _NUMBERS)


def _hour(at: datetime | None, zone: ZoneInfo) -> str:
    if at is None:
        return "—"
    there = at.astimezone(zone)
    return f"{dates.day(there)} {there:%H:%M:%S}"


def _gaps(night: Minutes, zone: ZoneInfo) -> Iterator[str]:
    for gap in night.gaps:
        told = say(
            N_("{minutes} min without a cut, {begins} to {ends} (after {cut})"),
            minutes=gap.minutes,
            begins=_hour(gap.begins, zone),
            ends=_hour(gap.ends, zone),
            cut=gap.after,
        )
        yield f"<p>{_text(told)}</p>"


def _lines(night: Minutes, zone: ZoneInfo, wanted: Callable[[Line], bool]) -> Iterator[str]:
    rows = [
        f'<tr><td class="n">{line.seq}</td><td class="t">{_hour(line.time, zone)}</td>'
        f"<td>{_text(record.author(line.actor.name))}</td>"
        f'<td class="w">{_text(words(line))}</td></tr>'
        for line in night.lines
        if wanted(line)
    ]
    return _table(_OF_LINES, rows, _NUMBERS)


def _pictures(night: Minutes, zone: ZoneInfo) -> Iterator[str]:
    """Minutes between two cuts, and seconds from a cut's arrival until a visitor saw it."""
    cadence = night.snapshot.cadence_s / 60
    between = [
        (after.received_at, (after.received_at - before.received_at).total_seconds() / 60)
        for before, after in pairwise(night.cuts)
    ]
    served = [
        (cut.received_at, (cut.served_at - cut.received_at).total_seconds())
        for cut in night.cuts
        if cut.served_at is not None and cut.served_at >= cut.received_at
    ]
    if between:
        yield _picture(
            night, zone, between, say(N_("minutes from one cut to the next")), cadence * 1.5
        )
    if served:
        yield _picture(night, zone, served, say(N_("seconds from arrival to the public")), None)


def _picture(
    night: Minutes,
    zone: ZoneInfo,
    points: Sequence[tuple[datetime, float]],
    title: str,
    bound: float | None,
) -> str:
    """Values over time as SVG: a dot each, red above the bound."""
    whole = max(1.0, (night.ends - night.begins).total_seconds())
    top = max([value for _, value in points] + [bound or 0.0, 1.0]) * 1.1
    floor = _HEIGHT - _FOOT

    def place(at: datetime, value: float) -> tuple[float, float]:
        share = (at - night.begins).total_seconds() / whole
        return _LEFT + share * (_WIDTH - _LEFT - 8), floor - value / top * (floor - 24)

    parts = [f'<text x="0" y="14" font-size="13">{_text(title)}</text>']
    for value in (0.0, top / 2.2, top / 1.1):
        _, y = place(night.begins, value)
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH}" stroke="#ddd"/>'
            f'<text x="0" y="{y + 4:.1f}" font-size="12">{value:.1f}</text>'
        )
    if bound is not None:
        _, y = place(night.begins, bound)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH}" stroke="#b00020" stroke-dasharray="6"/>')
    for at, value in points:
        x, y = place(at, value)
        colour = "#b00020" if bound is not None and value > bound else "#1f4e8c"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
    for at, anchor in ((night.begins, "start"), (night.ends, "end")):
        x, _ = place(at, 0.0)
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 8}" font-size="12" text-anchor="{anchor}">'
            f"{at.astimezone(zone):%H:%M}</text>"
        )
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{_text(title)}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg></figure>'
    )
