"""The record in words: one sentence for each kind of line, in either language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from prep_console.snapshot import JournalView, Snapshot
from prep_console.widgets.cuts_table import Explain
from prep_console.widgets.figures import second
from prep_console.widgets.lines import Line, Span, fit, line, wrap
from prep_console.wording import N_, say, visible

_ACTIONS = {
    "publish": N_("publish"),
    "rollback": N_("roll back"),
    "hold": N_("hold"),
    "release": N_("release"),
    "freeze": N_("freeze"),
    "thaw": N_("thaw"),
    "suspend": N_("suspend"),
    "accept-from": N_("accept from"),
    "receive": N_("receive"),
}


def action_word(action: str) -> str:
    """An action's name in the chosen language; one of a newer version as it is."""
    known = _ACTIONS.get(action)
    return say(known) if known is not None else visible(action)


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    return "?" if value is None else str(value)


def _reason(data: Mapping[str, object]) -> str:
    reason = data.get("reason")
    return f": “{visible(str(reason))}”" if reason else ""


def _elections(data: Mapping[str, object]) -> str:
    parts = data.get("parts")
    if not isinstance(parts, list | tuple):
        return "?"
    return " · ".join(
        f"{part.get('election')} {_hour(part.get('stamp'))}"
        for part in parts
        if isinstance(part, Mapping)
    )


def _hour(stamp: object) -> str:
    """``20240603_0235`` as ``02:35``; anything else as it is."""
    text = str(stamp)
    return f"{text[9:11]}:{text[11:13]}" if re.fullmatch(r"\d{8}_\d{4}", text) else text


def _intent(data: Mapping[str, object]) -> str:
    target = data.get("to")
    action = action_word(_text(data, "action"))
    if target is None:
        return say(N_("decided: {action}"), action=action) + _reason(data)
    return say(N_("decided: {action} → {cut}"), action=action, cut=str(target)) + _reason(data)


def _done(data: Mapping[str, object]) -> str:
    return say(N_("done: decision {seq}"), seq=_text(data, "intent"))


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


def _switched(data: Mapping[str, object]) -> str:
    target = data.get("to")
    if target is None:
        return say(N_("nothing is public any more")) + _reason(data)
    cut = str(target)
    if data.get("action") == "rollback":
        return say(N_("rolled back to {cut}"), cut=cut) + _reason(data)
    if data.get("person") is False:
        return say(N_("published {cut} (automatic)"), cut=cut)
    return say(N_("published {cut}"), cut=cut) + _reason(data)


def _findings(data: Mapping[str, object]) -> str:
    findings = data.get("findings")
    if not isinstance(findings, list | tuple):
        return "?"
    checks = [str(one.get("check")) for one in findings if isinstance(one, Mapping)]
    return ", ".join(dict.fromkeys(checks)) or "?"


_KINDS: Mapping[str, Callable[[Mapping[str, object]], str]] = {
    "accepted": lambda d: say(N_("accepted {parts}"), parts=_elections(d)),
    "sealed": lambda d: say(N_("sealed {cut}"), cut=_text(d, "cut")),
    "dropped": lambda d: say(N_("set aside, already had")),
    "refused": lambda d: say(
        N_("refused {name}: {checks}"), name=_text(d, "name"), checks=_findings(d)
    ),
    "intent": _intent,
    "done": _done,
    "switched": _switched,
    "abandoned": lambda d: say(N_("abandoned: the pointer had not moved")),
    "served": lambda d: say(N_("seen by a visitor: {cut}"), cut=_text(d, "cut")),
    "hold": lambda d: say(N_("publishing on hold")) + _reason(d),
    "release": lambda d: say(N_("publishing released")) + _reason(d),
    "freeze": lambda d: say(N_("frozen")) + _reason(d),
    "thaw": lambda d: say(N_("thawed, on hold")) + _reason(d),
    "accept-from": lambda d: (
        say(N_("accepting again from {stamp}"), stamp=_text(d, "stamp")) + _reason(d)
    ),
    "found": lambda d: say(
        N_("the pointer was elsewhere: {cut} stays, on hold"), cut=_text(d, "live")
    ),
    "pruned": lambda d: say(N_("old cuts removed")),
    "segment": lambda d: say(N_("the chain was broken before this line")),
    "recovered": lambda d: say(N_("a line that a crash cut short was set aside")),
}


_PROGRAMS = {"engine", "site", "prep-console", "journal"}
"""Names under which the program itself acts; only people need naming in the small pane."""


def words(entry: JournalView) -> str:
    """What a line says; a kind that this version does not know is shown raw."""
    known = _KINDS.get(entry.kind)
    if known is not None:
        return known(entry.data)
    facts = " ".join(f"{key}={value}" for key, value in entry.data.items())
    return visible(f"{entry.kind} {facts}".strip())


def panel(snapshot: Snapshot, width: int, height: int, explain: Explain) -> list[Line]:
    """The newest lines, newest first."""
    if not snapshot.journal:
        return [line(Span(" " + say(N_("nothing recorded yet")), "dim"))]
    return [
        fit(_entry(snapshot, entry, explain), width) for entry in told(snapshot)[: max(0, height)]
    ]


def _entry(snapshot: Snapshot, entry: JournalView, explain: Explain) -> Line:
    by = "" if entry.actor in _PROGRAMS else f"  {visible(entry.actor)}"
    return line(
        Span(f" {second(snapshot, entry.at)} ", "dim"),
        _words(snapshot, entry, explain),
        Span(by, "dim"),
    )


def _words(snapshot: Snapshot, entry: JournalView, explain: Explain) -> str:
    """Like :func:`words`, with a refusal's reason in full where the snapshot holds it."""
    if entry.kind == "refused":
        for row in snapshot.refused:
            if row.id == entry.data.get("id"):
                return say(N_("refused {name}: {checks}"), name=row.name, checks=explain(row))
    return words(entry)


def page(snapshot: Snapshot, width: int, explain: Explain) -> list[Line]:
    """The last lines in full, with their numbers and authors."""
    lines: list[Line] = []
    for entry in snapshot.journal:
        head = f"{second(snapshot, entry.at)}  {entry.seq:>5}  {visible(entry.actor):<10}  "
        for y, part in enumerate(
            wrap(_words(snapshot, entry, explain), max(20, width - len(head) - 2))
        ):
            start = head if y == 0 else " " * len(head)
            lines.append(line(Span(f" {start}", "dim"), part))
    return lines or [line(Span(" " + say(N_("nothing recorded yet")), "dim"))]
