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
_WIDTH = 960


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
    for one in done.score.reactions:
        kind = done.scenario.fault[one.fault - 1].kind
        out.append(f"  {kind}")
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
        f"<tr><td>{line.time:%H:%M:%S}</td><td>{escape(record.author(line.actor.name))}</td>"
        f"<td>{escape(visible(record.words(line.kind, line.data)))}</td></tr>\n"
        for line in done.lines
    )
    legend = " ".join(
        f'<span style="border-left:1em solid {_COLOURS[key]};padding-left:.3em">'
        f"{escape(say(word))}</span>"
        for key, word in _STATES.items()
    )
    return (
        f'<!doctype html>\n<html lang="{language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title>'
        "<style>body{font:16px sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
        "td{padding:.1em .6em;vertical-align:top}svg{width:100%}</style></head>\n"
        f"<body><h1>{title}</h1>\n{picture(done)}\n<p>{legend}</p>\n"
        f"<pre style='white-space:pre-wrap'>{escape(text(done))}</pre>\n"
        f"<table>{rows}</table></body></html>\n"
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
    for row, (number, (at, over)) in enumerate(sorted(done.told.faults.items())):
        y = 50 + 24 * row
        parts.append(_bar(x(at), x(over or done.ended), y, "#8a5aa0"))
        kind = done.scenario.fault[number - 1].kind
        parts.append(f'<text x="{x(at)}" y="{y - 3}" font-size="11">{escape(kind)}</text>')
    foot = 60 + 24 * len(done.told.faults)
    for at, _ in done.told.cuts:
        parts.append(f'<circle cx="{x(at)}" cy="{foot}" r="3" fill="#1f4e8c"/>')
    for line in done.lines:
        if not record.is_program(line.actor.name):
            told = escape(visible(record.words(line.kind, line.data)))
            at_x = x(line.time)
            parts.append(
                f'<path d="M{at_x} 10V{foot + 20}" stroke="#b00020"><title>{told}</title></path>'
            )
    label = escape(say(N_("what the public saw, the faults, the cuts and what people did")))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {foot + 24}" role="img" aria-label="{label}" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def _bar(start: float, end: float, y: int, colour: str) -> str:
    width = f"{max(1.0, end - start):.1f}"
    return f'<rect x="{start}" y="{y}" width="{width}" height="14" fill="{colour}"/>'
