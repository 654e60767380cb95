"""The record in words: one sentence for each kind of journal line, in the chosen language.

Below the journal and the widgets, because the command and both screens say the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from prep_console.wording import N_, known_text, say, say_n, visible

Data = Mapping[str, object]

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

_PROGRAMS = {
    "engine": N_("the engine"),
    "site": N_("the probe"),
    "prep-console": N_("the program"),
    "journal": N_("the program"),
    "recovery": N_("the recovery"),
    "retention": N_("the clean-up"),
}
"""Names under which the program itself acts."""

_FIGURES = {
    "expected": N_("actas expected"),
    "registered": N_("actas registered"),
    "out_of_catalogue": N_("actas out of catalogue"),
    "captured": N_("actas captured"),
    "counted": N_("actas counted"),
    "not_counted": N_("actas not counted"),
    "nominal_list": N_("nominal list"),
    "votes_with_special": N_("votes with special polling stations"),
    "votes_without_special": N_("votes without special polling stations"),
    "turnout": N_("turnout"),
}


def action_word(action: str) -> str:
    """An action's name in the chosen language; one of a newer version as it is."""
    known = _ACTIONS.get(action)
    return say(known) if known is not None else visible(action)


def is_program(actor: str) -> bool:
    """Whether the program itself acted: only people need naming where room is short."""
    return actor in _PROGRAMS


def author(actor: str) -> str:
    """Who acted: a person by name, a part of the program by what it is."""
    known = _PROGRAMS.get(actor)
    return say(known) if known is not None else visible(actor)


def reason_given(reason: str) -> str:
    """A reason as it was given, or that there is none."""
    return visible(reason) if reason else say(N_("no reason noted"))


def figure_name(name: str) -> str:
    """A header figure's name in the chosen language; ``name`` is the field of ``Figures``."""
    return say(_FIGURES[name])


def words(kind: str, data: Data) -> str:
    """What a line says; a kind, or data, that this version does not know is shown raw."""
    known = _KINDS.get(kind)
    return known(data) if known is not None else raw(kind, data)


def raw(kind: str, data: Data) -> str:
    """A line as it stands in the file."""
    facts = " ".join(f"{key}={value}" for key, value in data.items())
    return visible(f"{kind} {facts}".strip())


def _text(data: Data, key: str) -> str:
    value = data.get(key)
    return "?" if value is None else str(value)


def _reason(data: Data) -> str:
    reason = data.get("reason")
    return f": “{visible(str(reason))}”" if reason else ""


def _list(data: Data, key: str) -> list[object]:
    value = data.get(key)
    return list(value) if isinstance(value, list | tuple) else []


def _elections(data: Data) -> str:
    parts = [
        f"{part.get('election')} {_hour(part.get('stamp'))}"
        for part in _list(data, "parts")
        if isinstance(part, Mapping)
    ]
    return " · ".join(parts) or "?"


def _hour(stamp: object) -> str:
    """``20240603_0235`` as ``02:35``; anything else as it is."""
    text = str(stamp)
    return f"{text[9:11]}:{text[11:13]}" if re.fullmatch(r"\d{8}_\d{4}", text) else text


def _intent(data: Data) -> str:
    target = data.get("to")
    action = action_word(_text(data, "action"))
    if target is None:
        return say(N_("decided: {action}"), action=action) + _reason(data)
    return say(N_("decided: {action} → {cut}"), action=action, cut=str(target)) + _reason(data)


def _switched(data: Data) -> str:
    target = data.get("to")
    if target is None:
        return say(N_("nothing is public any more")) + _reason(data)
    cut = str(target)
    if data.get("action") == "rollback":
        return say(N_("rolled back to {cut}"), cut=cut) + _reason(data)
    if data.get("person") is False:
        return say(N_("published {cut} (automatic)"), cut=cut)
    return say(N_("published {cut}"), cut=cut) + _reason(data)


def _findings(data: Data) -> str:
    checks = [str(f.get("check")) for f in _list(data, "findings") if isinstance(f, Mapping)]
    return ", ".join(dict.fromkeys(checks)) or "?"


def _checks(data: Data) -> str:
    return ", ".join(str(check) for check in _list(data, "checks")) or "?"


def _dropped(data: Data) -> str:
    if data.get("why") == "lost":
        return say(N_("accepted deliveries whose files are gone: set aside"))
    if data.get("quarantine"):
        return say(N_("could not be put together: set aside in the quarantine"))
    return say(N_("set aside, already had"))


def _found(data: Data) -> str:
    live = data.get("live")
    if live is None:
        return say(N_("the pointer was elsewhere: nothing is public, on hold"))
    return say(N_("the pointer was elsewhere: {cut} stays, on hold"), cut=str(live))


def _repaired(data: Data) -> str:
    cut, mended, lost = _text(data, "cut"), len(_list(data, "repaired")), len(_list(data, "lost"))
    if lost:
        return say_n(
            "{cut}: {n} file is damaged and no good copy is here",
            "{cut}: {n} files are damaged and no good copy is here",
            lost,
            cut=cut,
        )
    return say_n("{cut}: {n} file repaired", "{cut}: {n} files repaired", mended, cut=cut)


def _pruned(data: Data) -> str:
    return say_n("{n} old cut removed", "{n} old cuts removed", len(_list(data, "cuts")))


def _alarm(data: Data) -> str:
    """The alarm that a line is about, by its stable name."""
    return _text(data, "key")


def _told(data: Data) -> str:
    """What an alarm said, from its template and values; its name where they do not fit."""
    values = data.get("values")
    if not isinstance(values, Mapping):
        return _alarm(data)
    plain = {
        str(name): known_text(value) if isinstance(value, str) else value
        for name, value in values.items()
        if isinstance(value, str | int | float)
    }
    plain |= {"subject": _text(data, "subject"), "text": _text(data, "text")}
    try:
        return say(_text(data, "says"), **plain)
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        return _alarm(data)


def _cleared(data: Data) -> str:
    under = data.get("under")
    if under:
        return say(N_("alarm {key} now stands under {under}"), key=_alarm(data), under=str(under))
    return say(N_("alarm over: {key}"), key=_alarm(data))


def _shelved(data: Data) -> str:
    return say(N_("shelved {key} until {until}"), key=_alarm(data), until=_utc(data)) + _reason(
        data
    )


def _utc(data: Data) -> str:
    """``2024-06-03T02:35:10+00:00`` as ``02:35 UTC``; anything else as it is."""
    text = _text(data, "until")
    known = re.fullmatch(r"\d{4}-\d\d-\d\dT(\d\d:\d\d)\S*\+00:00", text)
    return f"{known[1]} UTC" if known else text


def _unshelved(data: Data) -> str:
    if data.get("why") == "time":
        return say(N_("back from the shelf: {key}"), key=_alarm(data))
    return say(N_("taken from the shelf: {key}"), key=_alarm(data)) + _reason(data)


_KINDS: Mapping[str, Callable[[Data], str]] = {
    "accepted": lambda d: say(N_("accepted {parts}"), parts=_elections(d)),
    "sealed": lambda d: say(N_("sealed {cut}"), cut=_text(d, "cut")),
    "dropped": _dropped,
    "set-aside": lambda d: say(N_("{cut} was never sealed: set aside"), cut=_text(d, "cut")),
    "refused": lambda d: say(
        N_("refused {name}: {checks}"), name=_text(d, "name"), checks=_findings(d)
    ),
    "overridden": lambda d: (
        say(N_("let through {name}: {checks}"), name=_text(d, "name"), checks=_checks(d))
        + _reason(d)
    ),
    "parked": lambda d: say(N_("not taken yet, ahead of our clock: {name}"), name=_text(d, "name")),
    "intent": _intent,
    "done": lambda d: say(N_("done: decision {seq}"), seq=_text(d, "intent")),
    "switched": _switched,
    "abandoned": lambda d: say(N_("abandoned: the pointer had not moved")),
    "failed": lambda d: (
        say(N_("it failed: {error}"), error=_text(d, "error")) + _reason(d)
        if "error" in d
        else raw("failed", d)
    ),
    "served": lambda d: say(N_("seen by a visitor: {cut}"), cut=_text(d, "cut")),
    "hold": lambda d: say(N_("publishing on hold")) + _reason(d),
    "release": lambda d: say(N_("publishing released")) + _reason(d),
    "freeze": lambda d: say(N_("publishing frozen")) + _reason(d),
    "thaw": lambda d: say(N_("thawed, on hold")) + _reason(d),
    "accept-from": lambda d: (
        say(N_("accepting again from {stamp}"), stamp=_text(d, "stamp")) + _reason(d)
    ),
    "format": lambda d: say(
        N_("the store is of version {version} from here on"), version=_text(d, "version")
    ),
    "found": _found,
    "repaired": _repaired,
    "pruned": _pruned,
    "archived": lambda d: (
        say(N_("the station was put away as {archive}"), archive=_text(d, "archive")) + _reason(d)
    ),
    "station": lambda d: say(
        N_("a new station; the one before is in {archive}"), archive=_text(d, "archive")
    ),
    "raised": lambda d: say(N_("alarm: {text}"), text=_told(d)),
    "escalated": lambda d: say(N_("alarm now critical: {text}"), text=_told(d)),
    "eased": lambda d: say(N_("alarm no longer critical: {text}"), text=_told(d)),
    "cleared": _cleared,
    "acknowledged": lambda d: say(N_("seen: {key}"), key=_alarm(d)) + _reason(d),
    "shelved": _shelved,
    "unshelved": _unshelved,
    "segment": lambda d: say(N_("the chain was broken before this line")),
    "recovered": lambda d: say(N_("a line that a crash cut short was set aside")),
}
