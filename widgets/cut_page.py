"""One row of the table in full: a cut's clocks, elections and warnings, or a refusal's reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prep_console.snapshot import CutView, RefusedView, Snapshot
from prep_console.widgets.cuts_table import Explain, state_of
from prep_console.widgets.figures import cut_hour, local, second, size
from prep_console.widgets.lines import Line, Span, Tone, line, rule, wrap
from prep_console.wording import N_, say, visible

_LABEL = 16


@dataclass(frozen=True, slots=True)
class CutFacts:
    """What a cut's manifest says, in words."""

    figures: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Per election its header figures: (label, value)."""
    warnings: tuple[str, ...] = ()
    files: tuple[tuple[str, int, str], ...] = ()
    """(path, bytes, SHA-256)."""


def cut_page(snapshot: Snapshot, cut: CutView, width: int, facts: CutFacts | None) -> list[Line]:
    """Everything known of one cut; ``facts`` come from its manifest, None while they are read."""
    sign, state, tone = state_of(snapshot, cut)
    lines = [
        _fact(say(N_("cut")), cut.id, "strong"),
        _fact(say(N_("state")), f"{sign} {state}".strip(), tone),
        _fact(say(N_("hour of the cut")), local(snapshot, cut.stamp).strftime("%d/%m/%Y %H:%M")),
        _fact(say(N_("arrived")), second(snapshot, cut.received_at)),
        _fact(say(N_("verified")), second(snapshot, cut.verified_at)),
        _fact(say(N_("on disk")), second(snapshot, cut.sealed_at)),
        _fact(say(N_("put live")), _moment(snapshot, cut.published_at, say(N_("never")))),
        _fact(say(N_("served")), _moment(snapshot, cut.served_at, say(N_("not seen")))),
        _fact(say(N_("size")), size(cut.bytes)),
        _fact(say(N_("counted actas")), _counted(cut)),
        _fact(say(N_("warnings")), str(cut.warnings), "warning" if cut.warnings else ""),
    ]
    if cut.revision_of == "completed":
        lines.append(_fact(say(N_("revision")), say(N_("completed by a part that came late"))))
    elif cut.revision_of == "again":
        again = say(N_("delivered once more, after older cuts were let in again"))
        lines.append(_fact(say(N_("revision")), again))
    elif cut.revision_of == "corrected":
        lines.append(
            _fact(say(N_("revision")), say(N_("corrected: other content, same hour")), "warning")
        )
    lines += [(), rule(say(N_("ELECTIONS")), width)]
    for part in cut.parts:
        carried = "  ▲ " + say(N_("carried over from the cut before")) if part.carried else ""
        lines.append(
            line(
                f" {visible(part.election):<{_LABEL}}{cut_hour(snapshot, part.stamp)}",
                Span(carried, "warning"),
            )
        )
    if facts is not None:
        lines += _sealed(facts, width)
    return lines


def refusal_page(snapshot: Snapshot, row: RefusedView, width: int, explain: Explain) -> list[Line]:
    """Why a delivery was refused, whole."""
    lines = [
        _fact(say(N_("delivery")), visible(row.name), "strong"),
        _fact(say(N_("arrived")), second(snapshot, row.at)),
        _fact(say(N_("state")), "✖ " + say(N_("refused")), "warning"),
        _fact(say(N_("kept in")), f"quarantine/{visible(row.id)}"),
        _fact(say(N_("checks")), visible(" ".join(row.checks))),
        (),
    ]
    lines += [line(" ", Span(part, "strong")) for part in wrap(visible(explain(row)), width - 2)]
    stays = say(N_("What the public sees did not change."))
    return [*lines, (), line(Span(" " + stays, "dim"))]


def _fact(label: str, value: str, tone: Tone = "") -> Line:
    return line(Span(f" {label:<{_LABEL}}", "dim"), Span(value, tone))


def _moment(snapshot: Snapshot, moment: datetime | None, otherwise: str) -> str:
    return second(snapshot, moment) if moment is not None else otherwise


def _counted(cut: CutView) -> str:
    if cut.counted is None:
        return say(N_("no file says"))
    delta = f"  {cut.counted_delta:+,}" if cut.counted_delta is not None else ""
    return f"{cut.counted:,}{delta}"


def _sealed(facts: CutFacts, width: int) -> list[Line]:
    lines: list[Line] = []
    for election, figures in facts.figures:
        lines += [(), rule(visible(election), width)]
        lines += [line(Span(f" {label:<28}", "dim"), f"{value:>16}") for label, value in figures]
    if facts.warnings:
        lines += [(), rule(say(N_("WARNINGS")), width)]
        for warning in facts.warnings:
            lines += [
                line(" ", Span(part, "warning"))
                for part in wrap("▲ " + visible(warning), width - 2, "  ")
            ]
    if facts.files:
        lines += [(), rule(say(N_("FILES")), width)]
        for path, count, sha256 in facts.files:
            lines.append(line(f" {visible(path)}", Span(f"  {size(count)}", "dim")))
            lines.append(line(Span(f"   sha256 {sha256}", "dim")))
    return lines
