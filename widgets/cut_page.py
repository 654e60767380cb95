"""One row of the table in full: a cut's clocks, elections and warnings, or a refusal's reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from prep_console import dates
from prep_console.snapshot import CutView, RefusedView, Snapshot
from prep_console.widgets.cuts_table import Explain, state_of
from prep_console.widgets.figures import cut_hour, local, size
from prep_console.widgets.lines import Line, Span, Tone, cells, clip, flow, line, rule, wrap
from prep_console.wording import N_, say, say_n, visible

_LABEL = 16


@dataclass(frozen=True, slots=True)
class ImagesTold:
    """How the delivered images and an election's actas agree, as the manifest has it."""

    election: str
    """'' for images that no election's actas name."""
    matched: int
    pending: int
    """Not a fault: images may lag the data."""
    mismatched: int
    orphan: int
    algorithm: str = ""


@dataclass(frozen=True, slots=True)
class CutFacts:
    """What a cut's manifest says, in words."""

    figures: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    """Per election its header figures: (label, value)."""
    warnings: tuple[str, ...] = ()
    files: tuple[tuple[str, int, str], ...] = ()
    """(path, bytes, SHA-256)."""
    images: tuple[ImagesTold, ...] = ()
    deliveries: tuple[tuple[str, str, str], ...] = ()
    """Where its parts came from: (election, name of the delivery, SHA-256 of the part)."""
    sha256: str = ""
    """Of the manifest itself: what the record and the evidence name."""
    new_bytes: int | None = None
    """Bytes that no earlier cut shared; None where the manifest does not say."""
    unread: str = ""
    """Why the manifest could not be read, and what to do; nothing of it is known then."""


def cut_page(snapshot: Snapshot, cut: CutView, width: int, facts: CutFacts | None) -> list[Line]:
    """Everything known of one cut; ``facts`` come from its manifest, None while they are read."""
    sign, state, tone = state_of(snapshot, cut)
    lines = [
        _fact(say(N_("cut")), cut.id, "strong"),
        _fact(say(N_("state")), f"{sign} {state}".strip(), tone),
        _fact(say(N_("hour of the cut")), dates.minute(local(snapshot, cut.stamp))),
        _fact(say(N_("arrived")), _dated(snapshot, cut.received_at)),
        _fact(say(N_("verified")), _dated(snapshot, cut.verified_at)),
        _fact(say(N_("on disk")), _dated(snapshot, cut.sealed_at)),
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
        _fact(say(N_("arrived")), _dated(snapshot, row.at)),
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


def _dated(snapshot: Snapshot, moment: datetime) -> str:
    """With its date: the final cut stays for months."""
    return dates.second(local(snapshot, moment))


def _moment(snapshot: Snapshot, moment: datetime | None, otherwise: str) -> str:
    return _dated(snapshot, moment) if moment is not None else otherwise


def _counted(cut: CutView) -> str:
    if cut.counted is None:
        return say(N_("no file says"))
    delta = f"  {cut.counted_delta:+,}" if cut.counted_delta is not None else ""
    return f"{cut.counted:,}{delta}"


def _sealed(facts: CutFacts, width: int) -> list[Line]:
    if facts.unread:
        told = wrap("▲ " + visible(facts.unread), width - 2, "  ")
        return [(), *(line(" ", Span(part, "warning")) for part in told)]
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
    elif facts.figures:
        lines += [(), rule(say(N_("WARNINGS")), width)]
        lines.append(line(" ", Span("✓ " + say(N_("none: every check passed")), "dim")))
    lines += [(), rule(say(N_("IMAGES")), width), *_images(facts, width)]
    lines += [(), rule(say(N_("SOURCE AND HASHES")), width), *_source(facts, width)]
    if facts.files:
        lines += [(), rule(say(N_("FILES")), width)]
        for path, count, sha256 in facts.files:
            texts = wrap(visible(path), width - 2)
            lines += [line(f" {part}") for part in texts[:-1]]
            lines.append(line(f" {texts[-1]}", Span(f"  {size(count)}", "dim")))
            lines += _hash(sha256, width)
    return lines


def _images(facts: CutFacts, width: int) -> list[Line]:
    if not facts.images:
        return [line(Span(" " + say(N_("no acta names an image")), "dim"))]
    lines: list[Line] = []
    for one in facts.images:
        matched, pending = f"{one.matched:,}", f"{one.pending:,}"
        wrong, orphan = f"{one.mismatched:,}", f"{one.orphan:,}"
        counts = [
            line(say_n("{count} matched", "{count} matched", one.matched, count=matched)),
            line(
                Span(say_n("{count} pending", "{count} pending", one.pending, count=pending), "dim")
            ),
            _wrong(
                say_n("{count} mismatched", "{count} mismatched", one.mismatched, count=wrong),
                one.mismatched,
            ),
            _wrong(
                say_n("{count} orphan", "{count} orphans", one.orphan, count=orphan), one.orphan
            ),
            line(Span(visible(one.algorithm), "dim")),
        ]
        name = clip(visible(one.election) or "-", _LABEL - 1)
        head = line(Span(f" {name:<{_LABEL}}", "dim"))
        for y, row in enumerate(flow([c for c in counts if c], width - cells(head), gap=" · ")):
            lines.append((*(head if y == 0 else line(" " * cells(head))), *row))
    return lines


def _wrong(text: str, count: int) -> Line:
    return line(Span(f"▲ {text}" if count else text, "warning" if count else "dim"))


def _source(facts: CutFacts, width: int) -> list[Line]:
    lines: list[Line] = []
    for election, delivery, sha256 in facts.deliveries:
        texts = wrap(visible(delivery), width - _LABEL - 2)
        lines.append(
            line(Span(f" {clip(visible(election), _LABEL - 1):<{_LABEL}}", "dim"), texts[0])
        )
        lines += [line(" " * (_LABEL + 1), part) for part in texts[1:]]
        lines += _hash(sha256, width)
    if facts.new_bytes is not None:
        lines.append(_fact(say(N_("new bytes")), size(facts.new_bytes)))
    if facts.sha256:
        lines.append(line(Span(" " + say(N_("manifest (cut.json)")), "dim")))
        lines += _hash(facts.sha256, width)
    return lines


def _hash(sha256: str, width: int) -> list[Line]:
    """Whole on every screen: half a hash proves nothing."""
    room = max(16, width - 10)
    halves = [sha256] if len(sha256) <= room else [sha256[:32], sha256[32:]]
    return [
        line(Span(f"   {'sha256' if y == 0 else '':<6} {part}", "dim"))
        for y, part in enumerate(halves)
    ]
