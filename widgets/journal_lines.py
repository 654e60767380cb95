"""The record in words: one sentence for each kind of line, in either language."""

from __future__ import annotations

from prep_console import record
from prep_console.snapshot import JournalView, Snapshot
from prep_console.widgets.cuts_table import Explain
from prep_console.widgets.figures import second
from prep_console.widgets.lines import Line, Span, fit, holds, line, wrap
from prep_console.wording import N_, say


def told(snapshot: Snapshot) -> list[JournalView]:
    """The lines worth reading: an intent and its outcome are one event, told by its outcome."""
    by_seq = {entry.seq: entry for entry in snapshot.journal}
    merged = []
    settled = set()
    for entry in snapshot.journal:
        intent = by_seq.get(_seq(entry.data.get("intent"))) if entry.kind == "done" else None
        if intent is not None:
            settled.add(intent.seq)
            merged.append(JournalView(entry.seq, entry.at, intent.actor, "switched", intent.data))
        elif entry.seq not in settled:
            merged.append(entry)
    return merged


def _seq(value: object) -> int:
    return value if isinstance(value, int) else -1


def panel(snapshot: Snapshot, width: int, height: int, explain: Explain) -> list[Line]:
    """The newest lines, newest first."""
    if not snapshot.journal:
        return [line(Span(" " + say(N_("nothing recorded yet")), "dim"))]
    return [
        fit(_entry(snapshot, entry, explain), width) for entry in told(snapshot)[: max(0, height)]
    ]


def _entry(snapshot: Snapshot, entry: JournalView, explain: Explain) -> Line:
    by = "" if record.is_program(entry.actor) else f"  {record.author(entry.actor)}"
    return line(
        Span(f" {second(snapshot, entry.at)} ", "dim"),
        _words(snapshot, entry, explain),
        Span(by, "dim"),
    )


def _words(snapshot: Snapshot, entry: JournalView, explain: Explain) -> str:
    """The line's sentence, with a refusal's reason in full where the snapshot holds it."""
    if entry.kind == "refused":
        for row in snapshot.refused:
            if row.id == entry.data.get("id"):
                return say(N_("refused {name}: {checks}"), name=row.name, checks=explain(row))
    return record.words(entry.kind, entry.data)


def page(
    snapshot: Snapshot,
    width: int,
    explain: Explain,
    *,
    wanted: str = "",
    oldest_first: bool = False,
) -> list[Line]:
    """The last lines in full, with their numbers and authors; those that hold ``wanted``."""
    lines: list[Line] = []
    for entry in reversed(snapshot.journal) if oldest_first else snapshot.journal:
        head = f"{second(snapshot, entry.at)}  {entry.seq:>5}  {record.author(entry.actor):<15}  "
        words = _words(snapshot, entry, explain)
        if not holds(head + words, wanted):
            continue
        for y, part in enumerate(wrap(words, max(20, width - len(head) - 2))):
            start = head if y == 0 else " " * len(head)
            lines.append(line(Span(f" {start}", "dim"), part))
    nothing = say(N_("nothing recorded yet"))
    if snapshot.journal:
        nothing = say(N_("no line holds that"))
    return lines or [line(Span(" " + nothing, "dim"))]
