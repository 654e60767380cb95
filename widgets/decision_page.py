"""A decision before it is made: from → to, what the public will see, why, and how to confirm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from prep_console.snapshot import CutView, Snapshot
from prep_console.widgets.figures import cut_age, cut_hour, local, milliseconds, second
from prep_console.widgets.lines import (
    Line,
    Span,
    Tone,
    cells,
    column,
    ends,
    fit,
    folded,
    line,
    rule,
    wrap,
)
from prep_console.widgets.public_band import drill_band, mode_span, unreadable_band
from prep_console.wording import N_, say, say_n, visible


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person is about to do, as the snapshot has it at this moment."""

    action: str
    title: str
    question: str
    """On the confirming button: what it does, in two or three words."""
    effects: tuple[str, ...]
    before: CutView | None = None
    after: CutView | None = None
    shows_cuts: bool = True
    """False for a decision that moves no cut (hold, thaw, start the engine)."""
    reasons: tuple[str, ...] = ()
    """To choose from; empty: none is asked for."""
    typed_hour: str | None = None
    """``HH:MM`` that must be typed before the last step."""
    goes_on: str = ""
    """Said while it is done, of what goes on when the dialog is left; empty: it cannot be left."""
    off: str | None = None
    """Why this cannot be done now; None when it can."""


Stage = Literal["hour", "reason", "confirm", "doing", "done", "refused"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the dialog is."""

    stage: Stage
    reason: str = ""
    remark: str = ""
    """What the last key met: a wrong hour, a station that changed meanwhile."""
    told: tuple[str, ...] = field(default=())
    """After the action: what came of it."""
    seen: bool | None = None
    public: str | None = None
    """After the action: the cut that it left public."""
    seq: int = 0
    """The journal's line that tells so: what a later snapshot says counts more."""


def page(
    snapshot: Snapshot,
    decision: Decision,
    progress: Progress,
    width: int,
    stale_s: float | None = None,
) -> list[Line]:
    """The dialog's text; live, so a cut that arrives meanwhile is seen here too."""
    clock = line(mode_span(snapshot), "   ", second(snapshot, snapshot.observed_at), " ")
    lines = [
        *drill_band(snapshot, width),
        *unreadable_band(snapshot, stale_s, width),
        ends(line(" ", Span(decision.title, "strong")), clock, width),
        rule("", width),
    ]
    before, after = decision.before, decision.after
    if progress.stage == "done" and decision.shows_cuts:
        public = _public(snapshot, progress)
        if not _same(before, public):
            lines.append(_cut(snapshot, say(N_("before")), before, width, aged=False))
        lines += [_cut(snapshot, say(N_("public now")), public, width, aged=False), ()]
    elif decision.shows_cuts and _same(before, after):
        lines += [_cut(snapshot, say(N_("stays public")), before, width), ()]
    elif decision.shows_cuts:
        lines += [
            _cut(snapshot, say(N_("public now")), before, width),
            _cut(snapshot, say(N_("would be")), after, width, against=before),
            (),
        ]
    for effect in decision.effects if progress.stage != "done" else ():
        lines += [line(" ", part) for part in wrap(effect, width - 2)]
    lines.append(())
    lines += _steps(decision, progress, width)
    return [fit(spans, width) for spans in lines]


def _public(snapshot: Snapshot, progress: Progress) -> CutView | str | None:
    """What is public after the action; of a cut that no snapshot has told of yet its id alone."""
    if snapshot.read_error is None and snapshot.seq >= progress.seq:
        return snapshot.live.cut if snapshot.live is not None else None
    known = (one for one in snapshot.cuts if one.id == progress.public)
    return next(known, progress.public)


def fitted(
    snapshot: Snapshot,
    decision: Decision,
    progress: Progress,
    width: int,
    height: int,
    first: int = 0,
    stale_s: float | None = None,
) -> tuple[list[Line], int | None]:
    """The dialog in ``height`` lines, and how many are below them; None when it is the whole page.

    Where there is no room for all of it, what it does and from which cut to which stand above the
    rest, which begins with its line ``first``: nobody confirms what is not on the screen.
    """
    whole = page(snapshot, decision, progress, width, stale_s)
    if len(whole) <= height:
        return whole, None
    title = line(" ", Span(decision.title, "strong"))
    route = [_route(snapshot, decision, progress, width)] if decision.shows_cuts else []
    unreadable = unreadable_band(snapshot, stale_s, width)
    head = [*drill_band(snapshot, width), *unreadable, title, *route]
    for spare in (title, *unreadable):
        if route and len(head) >= height:
            head.remove(spare)
    asked = _reasons(decision) if progress.stage == "reason" else _stage(decision, progress, width)
    effects = decision.effects if progress.stage not in ("done", "refused") else ()
    told = [line(" ", part) for effect in effects for part in wrap(effect, width - 2)]
    rest = folded([*_remark(progress, width), *asked, *told], width)
    room = max(1, height - len(head))
    first = max(0, min(first, len(rest) - room))
    below = max(0, len(rest) - first - room)
    lines = [*head[: height - 1], *rest[first : first + room]]
    shown = [fit(one, width) for one in lines]
    if below:
        mark = line(Span(f" ↓{below}", "key"))
        places = (len(lines) - 1, len(head) - 1)  # beside the route where it would cut a line short
        at = next((at for at in places if cells(lines[at]) + cells(mark) <= width), places[0])
        shown[at] = ends(lines[at], mark, width)
    return shown[:height], below


def _route(snapshot: Snapshot, decision: Decision, progress: Progress, width: int) -> Line:
    """``02:35 → 02:30`` in one line, with the actas where they fit."""
    before, after = decision.before, decision.after
    if progress.stage == "done":
        label = say(N_("public now"))
        hours = [hour_or_notice(snapshot, _public(snapshot, progress))]
    elif _same(before, after):
        label, hours = say(N_("stays public")), [hour_or_notice(snapshot, after)]
    else:
        label, hours = "", [hour_or_notice(snapshot, one) for one in (before, after)]
    route = line(" ", *([f"{label} "] if label else []), Span(" → ".join(hours), "strong"))
    counted = [f"{one.counted:,}" for one in (before, after) if one and one.counted is not None]
    more = f"  {' → '.join(counted)} {say_n('acta', 'actas', 2)}"
    if len(hours) != 2 or len(counted) != 2:
        return route
    return line(*route, more) if cells(route) + len(more) <= width else route


def hour_or_notice(snapshot: Snapshot, cut: CutView | str | None) -> str:
    """``02:35``, or the status that visitors get while nothing is public."""
    if isinstance(cut, str):
        return visible(cut)
    return cut_hour(snapshot, cut.stamp) if cut is not None else "503"


def _cut(
    snapshot: Snapshot,
    label: str,
    cut: CutView | str | None,
    width: int,
    against: CutView | None = None,
    *,
    aged: bool = True,
) -> Line:
    head = column(label, 15, "dim")
    if cut is None:
        return line(" ", head, Span(say(N_("nothing: visitors get a notice (503)")), "warning"))
    if isinstance(cut, str):
        return line(" ", head, Span(visible(cut), "strong"))
    spans: list[str | Span] = [
        " ",
        head,
        Span(local(snapshot, cut.stamp).strftime("%H:%M"), "strong"),
        f"  {visible(cut.id)}",
    ]
    if cut.counted is not None:
        spans.append(f"  {cut.counted:,} {say_n('acta', 'actas', cut.counted)}")
        if against is not None and against.counted is not None:
            change = cut.counted - against.counted
            spans.append(Span(f" ({change:+,})", "warning" if change < 0 else ""))
    age = cut_age(snapshot, cut)
    if aged and cells(line(*spans)) + len(age) + 2 <= width:
        spans.append(Span(f"  {age}", "dim"))
    if cut.warnings:
        spans.append(Span(f"  ▲{cut.warnings}", "warning"))
    return line(*spans)


def _steps(decision: Decision, progress: Progress, width: int) -> list[Line]:
    remark = _remark(progress, width)
    return [*remark, *([()] if remark else []), *_stage(decision, progress, width)]


def _remark(progress: Progress, width: int) -> list[Line]:
    if not progress.remark:
        return []
    return [line(" ", Span(part, "warning")) for part in wrap("▲ " + progress.remark, width - 2)]


def _stage(decision: Decision, progress: Progress, width: int) -> list[Line]:
    """What is asked of the person now, or what came of it."""
    lines: list[Line] = []
    if progress.stage in ("done", "refused"):
        lines += _result(progress, width)
    elif progress.stage == "doing":
        lines.append(line(" ", Span(say(N_("Doing it…")), "strong")))
        lines += [line(" ", part) for part in wrap(decision.goes_on, width - 2) if part]
    elif progress.stage == "hour":
        asked = say(N_("Type the hour of this cut, and Enter:"))
        lines.append(line(" ", asked))
    elif progress.stage == "reason":
        lines.append(line(" ", say(N_("Why? Press a number:"))))
        lines += [line("  ", *one) for one in _reasons(decision)]
    elif progress.reason:
        lines.append(line(" ", Span(say(N_("Reason:")) + " ", "dim"), visible(progress.reason)))
    return lines


def _reasons(decision: Decision) -> list[Line]:
    """Each with the number that chooses it; the last one is for a reason of one's own."""
    reasons = [*decision.reasons, say(N_("another reason, typed"))]
    return [
        line(" ", Span(str(y), "key"), f"  {reason}") for y, reason in enumerate(reasons, start=1)
    ]


def _result(progress: Progress, width: int) -> list[Line]:
    tone: Tone = "strong" if progress.stage == "done" else "critical"
    lines: list[Line] = []
    for y, told in enumerate(progress.told):
        lines += [line(" ", Span(part, tone if y == 0 else "")) for part in wrap(told, width - 2)]
    return lines


def seen_text(
    snapshot: Snapshot,
    seen: bool | None,
    after_s: float | None,
    cut: str | None,
    *,
    before: str | None = None,
) -> str:
    """The proof in words: done is only what a visitor was seen to get.

    ``seen`` is None when there was nothing to look for; ``before`` was public until then.
    """
    if seen is None and cut is None and before is None:
        return say(N_("Nothing is public, as before."))
    if seen is None and cut == before:
        return say(N_("The public saw this cut already."))
    if seen is None:
        return say(N_("Not looked at over HTTP: no site is configured."))
    if seen and cut is None:
        return say(
            N_("Seen over HTTP after {ms}: visitors get the notice (503)."),
            ms=milliseconds(after_s or 0.0),
        )
    if seen:
        return say(
            N_("Seen over HTTP after {ms}: visitors get the cut {cut}."),
            ms=milliseconds(after_s or 0.0),
            cut=cut,
        )
    return say(N_("Durable on disk, but not yet seen over HTTP: look at the site."))


def _same(before: CutView | None, after: CutView | str | None) -> bool:
    named = after.id if isinstance(after, CutView) else after
    return named == (before.id if before is not None else None)


def hour_of(snapshot: Snapshot, cut: CutView | None) -> str:
    """``02:35`` of a cut for a sentence; a dash for none."""
    return cut_hour(snapshot, cut.stamp) if cut is not None else "—"
