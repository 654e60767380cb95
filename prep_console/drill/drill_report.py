"""A rehearsal as evidence: text, and one HTML file with its timeline as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from prep_console import record
from prep_console.drill.rehearsal import Told
from prep_console.drill.scenario import Scenario
from prep_console.drill.score import Score
from prep_console.journal.chain import Line
from prep_console.reports.handover import words
from prep_console.wording import N_, language, say, visible

_COLOURS = {
    "none": "#bbbbbb",
    "fresh": "#2a7f3f",
    "stale": "#d9a400",
    "wrong": "#b00020",
    "down": "#000000",
}
_STATES = {
    "none": N_("nothing public yet"),
    "fresh": N_("right and new"),
    "stale": N_("right, but old"),
    "wrong": N_("wrong"),
    "down": N_("no answer"),
}
_SIGNS = {"none": "…", "fresh": "✓", "stale": "▲", "wrong": "✖", "down": "?"}
"""Beside each colour, which not everybody tells apart and no black printer prints."""
_INK = {"none": "#111", "stale": "#111"}
"""Of a sign on its colour; white on the others."""
_KINDS = {
    "silence": N_("silence"),
    "late": N_("cuts come late"),
    "half": N_("half a delivery"),
    "wrong-election": N_("another election"),
    "test-data": N_("test data"),
    "totals-fall": N_("totals fall"),
    "figures-stand-still": N_("figures stand still"),
    "corrupt": N_("a damaged file"),
    "corrected": N_("a corrected cut"),
    "one-election-late": N_("one election is late"),
    "mains-lost": N_("the mains are lost"),
    "generator-fails": N_("the generator fails"),
    "clock-drifts": N_("the clock drifts"),
    "disk-fills": N_("the disk fills"),
    "web-server-dies": N_("the web server dies"),
    "defaced": N_("a defaced page"),
    "certificate-expires": N_("the certificate expires"),
}
_WIDTH = 960
_STYLE = """
body{font:15px/1.4 sans-serif;max-width:62em;margin:2em auto;padding:0 1em;color:#111;
background:#fff;overflow-wrap:anywhere}
h1{margin-bottom:.2em}figure{margin:0;overflow-x:auto}
svg{width:100%;min-width:34em;height:auto}
pre{white-space:pre-wrap;font:inherit}.k{white-space:nowrap;margin-right:1em}
.k b{display:inline-block;width:1.4em;text-align:center}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.15em .6em .15em 0;text-align:left;vertical-align:top;overflow-wrap:break-word}
th{border-bottom:1px solid #777}td:not(:last-child){white-space:nowrap}td:last-child{min-width:18em}
thead{display:table-header-group}tr{break-inside:avoid}
@page{size:A4;margin:15mm}
@media print{body{margin:0;padding:0;max-width:none;font-size:10.5px}figure{overflow:visible}
svg{min-width:0}*{print-color-adjust:exact}}
"""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """All that a report tells."""

    scenario: Scenario
    told: Told
    ended: datetime
    lines: Sequence[Line]
    score: Score
    operator: str
    speed: float
    source: str


def text(done: Rehearsed) -> str:
    """For a terminal and for the files of the rehearsal."""
    out = [
        say(N_("SIMULACRO: {title}"), title=visible(str(done.scenario.title))),
        visible(str(done.scenario.story)),
        say(
            N_("operator: {name}; {speed:g} times as quick; began {time} UTC"),
            name=visible(done.operator),
            speed=done.speed,
            time=f"{done.told.began:%Y-%m-%d %H:%M:%S}",
        ),
        say(N_("score: {points} of 100"), points=done.score.points),
    ]
    for number, (began, ended) in sorted(done.told.faults.items()):
        out.append(
            say(
                N_("fault {number}, {kind}: {began} to {ended} UTC"),
                number=number,
                kind=say(_KINDS[done.scenario.fault[number - 1].kind]),
                began=f"{began:%H:%M:%S}",
                ended="…" if ended is None else f"{ended:%H:%M:%S}",
            )
        )
    for one in done.score.reactions:
        kind = done.scenario.fault[one.fault - 1].kind
        out.append(f"  {say(_KINDS[kind])}")
        out += [f"    {_step(s.name, s.seconds)}" for s in one.steps]
    out.append(visible(str(done.scenario.advice)))
    if done.lines:
        head = done.lines[-1]
        out.append(say(N_("journal: line {seq}, hash {hash}"), seq=head.seq, hash=head.hash))
    return "\n".join([*out, ""])


def _step(name: str, seconds: float | None) -> str:
    if seconds is None:
        return say(N_("{what}: never"), what=say(name))
    return say(N_("{what}: after {seconds:.0f} s"), what=say(name), seconds=seconds)


def html(done: Rehearsed) -> str:
    """One file that needs nothing else."""
    title = escape(say(N_("SIMULACRO: {title}"), title=visible(str(done.scenario.title))))
    rows = "".join(
        f"<tr><td>{line.seq}</td><td>{line.time:%H:%M:%S}</td>"
        f"<td>{escape(record.author(line.actor.name))}</td>"
        f"<td>{escape(visible(words(line)))}</td></tr>\n"
        for line in done.lines
    )
    head = "".join(
        f'<th scope="col">{escape(say(name))}</th>'
        for name in (N_("line"), N_("time (UTC)"), N_("who"), N_("what"))
    )
    legend = " ".join(
        f'<span class="k"><b style="background:{_COLOURS[key]};color:{_INK.get(key, "#fff")}">'
        f"{_SIGNS[key]}</b> {escape(say(word))}</span>"
        for key, word in _STATES.items()
    )
    told = escape(text(done).partition("\n")[2])
    return (
        f'<!doctype html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{title}</h1>\n<pre>{told}</pre>\n"
        f"<figure>{picture(done)}</figure>\n<p>{legend}</p>\n"
        f"<figure><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></figure>\n"
        "</body></html>\n"
    )


def picture(done: Rehearsed) -> str:
    """What the public saw, the faults, the cuts and what people did, over time, as SVG."""
    began, whole = done.told.began, max(1.0, (done.ended - done.told.began).total_seconds())

    def x(at: datetime) -> float:
        share = (at - began).total_seconds() / whole
        return round(_WIDTH * min(1.0, max(0.0, share)), 1)

    parts = []
    ends = [at for at, _ in done.told.public[1:]] + [done.ended]
    for (at, state), end in zip(done.told.public, ends, strict=False):
        parts.append(_bar(x(at), x(end), 20, _COLOURS[state]))
        parts.append(f'<text x="{x(at)}" y="17" font-size="12">{_SIGNS[state]}</text>')
    for row, (number, (at, over)) in enumerate(sorted(done.told.faults.items())):
        y = 56 + 30 * row
        parts.append(_bar(x(at), x(over or done.ended), y, "#8a5aa0"))
        kind = done.scenario.fault[number - 1].kind
        late = x(at) > _WIDTH * 0.8
        where = f'x="{x(over or done.ended)}" text-anchor="end"' if late else f'x="{x(at)}"'
        named = escape(say(_KINDS[kind]))
        parts.append(f'<text {where} y="{y - 4}" font-size="13">{named}</text>')
    foot = 66 + 30 * len(done.told.faults)
    for at, _ in done.told.cuts:
        parts.append(f'<circle cx="{x(at)}" cy="{foot}" r="3" fill="#1f4e8c"/>')
    for line in done.lines:
        if not record.is_program(line.actor.name):
            told = escape(visible(record.words(line.kind, line.data)))
            at_x = x(line.time)
            parts.append(
                f'<path d="M{at_x} 10V{foot + 20}" stroke="#b00020"><title>{told}</title></path>'
            )
    for at, anchor in ((began, "start"), (done.ended, "end")):
        parts.append(
            f'<text x="{x(at)}" y="{foot + 22}" font-size="12" text-anchor="{anchor}">'
            f"{at:%H:%M:%S} UTC</text>"
        )
    label = escape(say(N_("what the public saw, the faults, the cuts and what people did")))
    return (
        f'<svg viewBox="-4 4 {_WIDTH + 8} {foot + 24}" role="img" aria-label="{label}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _bar(start: float, end: float, y: int, colour: str) -> str:
    width = f"{max(1.0, end - start):.1f}"
    return f'<rect x="{start}" y="{y}" width="{width}" height="14" fill="{colour}"/>'
