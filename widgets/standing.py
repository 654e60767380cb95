"""Where things stand: the one word for the top of the screen, and whose side it is on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from prep_console.record import author, reason_given
from prep_console.snapshot import CutView, Snapshot
from prep_console.widgets.figures import age_s, cut_hour, hour, milliseconds, span
from prep_console.widgets.instruments import site
from prep_console.widgets.instruments.judged import is_new
from prep_console.widgets.key_names import name
from prep_console.widgets.lines import Span, Tone
from prep_console.widgets.sides import SITE_STALE_S, site_tells, whose_side
from prep_console.wording import N_, known_text, say, say_n, visible

Severity = Literal["note", "warning", "critical"]
SIGNS: dict[Severity, str] = {"note": "■", "warning": "▲", "critical": "✖"}
_RANK: dict[Severity, int] = {"critical": 0, "warning": 1, "note": 2}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not the calm normal: a word, a sentence, and how bad it is."""

    severity: Severity
    word: str
    text: str

    @property
    def sign(self) -> str:
        return SIGNS[self.severity]


def notices(snapshot: Snapshot, *, stale_s: float | None = None, keys: bool = True) -> list[Notice]:
    """Everything that must not be missed, worst first; empty when all is as it should be.

    ``stale_s`` is how long nothing could be read any more; ``keys`` False leaves out advice to
    press a key (walls and read-only consoles have none).
    """
    found = [
        notice
        for notice in (
            _unreadable(snapshot, stale_s),
            _engine(snapshot, keys),
            _nothing_public(snapshot),
            _not_served(snapshot),
            _altered(snapshot),
            _mode(snapshot, keys),
            _late(snapshot),
            _waits_for_person(snapshot, keys),
        )
        if notice is not None
    ]
    return sorted(found, key=lambda notice: _RANK[notice.severity])


_KEYS = 3
"""Settings that are named; the others are counted."""


def settings_notice(
    snapshot: Snapshot, error: str = "", outdated: Sequence[str] = ()
) -> Notice | None:
    """That the settings file is wrong or not in force: no state of what is public, so not one of
    :func:`notices`, whose worst is the state word.

    ``error`` and ``outdated`` are this console's own: why a changed file is wrong, and which of the
    settings that it was opened with have changed since.
    """
    text = ""
    engine = snapshot.readings.get("engine.settings") if snapshot.past is None else None
    if error:
        text = say(N_("{error} The settings from before stay in force."), error=visible(error))
    elif engine is not None and engine.value == "wrong":
        text = say(
            N_("the file is wrong and the engine would not start with it: see prep-console info.")
        )
    elif engine is not None and engine.value == "changed":
        keys = str(engine.detail.get("changed", "?")).split(", ")
        text = say(
            N_(
                "changed in the file, not in force: {keys}. When no cut is due: "
                "systemctl restart prep-console, and open the consoles anew."
            ),
            keys=_listed(keys),
        )
    elif outdated:
        text = say(
            N_("this console was opened before {keys} changed: open it anew."),
            keys=_listed(outdated),
        )
    return Notice("warning", say(N_("SETTINGS")), text) if text else None


def _listed(keys: Sequence[str]) -> str:
    more = f" +{len(keys) - _KEYS}" if len(keys) > _KEYS else ""
    return visible(", ".join(keys[:_KEYS])) + more


def word(snapshot: Snapshot, found: list[Notice]) -> Span:
    """The state word with its sign: the worst notice, or that all is well."""
    if found:
        worst = found[0]
        tone: Tone = worst.severity
        return Span(f"{worst.sign} {worst.word}", tone)
    return Span("✓ " + say(N_("UP TO DATE")), "strong")


def public_cut(snapshot: Snapshot) -> CutView | None:
    """The cut that the pointer names."""
    return snapshot.live.cut if snapshot.live is not None else None


def misserved(snapshot: Snapshot) -> str | None:
    """Id of another cut than the live one that visitors were seen to get, or None."""
    served, live = snapshot.served, snapshot.live
    if served is None or live is None or not site_tells(snapshot):
        return None
    return served.id if served.id is not None and served.id != live.cut.id else None


def _unreadable(snapshot: Snapshot, stale_s: float | None) -> Notice | None:
    title = say(N_("STATION UNREADABLE"))
    if stale_s is not None:
        return Notice(
            "critical",
            title,
            say(
                N_("nothing could be read for {age}: what is shown is old. On our side."),
                age=span(stale_s),
            ),
        )
    if snapshot.read_error is None:
        return None
    return Notice(
        "critical",
        title,
        say(
            N_("{error}. What is shown may be old. On our side."),
            error=known_text(snapshot.read_error),
        ),
    )


def _engine(snapshot: Snapshot, keys: bool) -> Notice | None:
    past, alive = snapshot.past, snapshot.engine.alive
    if alive is None or (alive and past is not None and not past.sampled):
        text = say(N_("of this moment only the journal tells; instruments and site are not known."))
        if past is not None and not past.settings_known:
            text += " " + say(N_("Phase and cadence are today's."))
        return Notice("note", say(N_("NOT RECORDED")), text)
    if alive:
        return None
    parts = [
        say(N_("nobody receives cuts, and nobody looks at what the public gets. On our side."))
    ]
    if not snapshot.engine.ever:
        parts.insert(0, say(N_("no engine has ever run here;")))
    if keys:
        parts.append(say(N_("Start it with {key}."), key=name("start", "m")))
    return Notice("critical", say(N_("ENGINE STOPPED")), " ".join(parts))


def _nothing_public(snapshot: Snapshot) -> Notice | None:
    if snapshot.live is not None:
        return None
    title = say(N_("NOTHING PUBLISHED"))
    decision = snapshot.decision
    if decision is not None and decision.action == "suspend":
        return Notice(
            "critical",
            title,
            say(
                N_("suspended at {time} by {by}: “{reason}”. Visitors get a notice (503)."),
                time=hour(snapshot, decision.at),
                by=author(decision.by),
                reason=reason_given(decision.reason),
            ),
        )
    text = say(N_("no cut has gone live yet; visitors get a notice (503)."))
    if snapshot.waiting_for:
        elections = " ".join(snapshot.waiting_for)
        text += " " + say(N_("Missing from the institute: {elections}."), elections=elections)
    return Notice("warning", title, text)


def _not_served(snapshot: Snapshot) -> Notice | None:
    served, live = snapshot.served, snapshot.live
    if served is None or live is None or served.ok or not site_tells(snapshot):
        return None
    if (other := misserved(snapshot)) is not None:
        text = say(
            N_("visitors get the cut {other}, not the live {live}."), other=other, live=live.cut.id
        )
    elif served.status is not None and served.status >= 400:
        text = say(N_("visitors get an error ({status})."), status=served.status)
    elif served.status is not None:
        text = say(
            N_("the site does not answer well ({error})."), error=known_text(served.error or "?")
        )
    else:
        text = say(N_("visitors get no answer ({error})."), error=known_text(served.error or "?"))
    return Notice(
        "critical",
        say(N_("NOT SERVED")),
        text + " " + say(N_("On our side: Apache, certificate or network.")),
    )


def _altered(snapshot: Snapshot) -> Notice | None:
    """The right cut in name, but not in its bytes or in the time that its page shows."""
    for instrument in site.wrong_content(snapshot):
        text = say(
            N_("visitors get something else than was delivered. {what}: {value}."),
            what=instrument.label,
            value=" · ".join(filter(None, (instrument.value, instrument.note))),
        )
        text += " " + say(N_("On our side: Apache, a cache before it, or the disk."))
        return Notice("critical", say(N_("ALTERED")), text)
    return None


def _mode(snapshot: Snapshot, keys: bool) -> Notice | None:
    if snapshot.mode == "auto":
        return None
    decision = snapshot.decision
    if decision is None:
        since = ""
    elif decision.reason:
        since = say(
            N_("since {time} by {by}: “{reason}”."),
            time=hour(snapshot, decision.at),
            by=author(decision.by),
            reason=decision.reason,
        )
    else:
        since = say(
            N_("since {time} by {by}; no reason noted."),
            time=hour(snapshot, decision.at),
            by=author(decision.by),
        )
    if snapshot.mode == "frozen":
        stays = say(N_("This cut stays, whatever arrives."))
        if snapshot.waiting_cuts:
            stays += " " + _waiting(snapshot)
        return Notice("note", say(N_("FROZEN")), f"{since} {stays}".strip())
    parts = [since, _waiting(snapshot)]
    if keys:
        parts.append(say(N_("Release with {key}."), key=name("hold", "h")))
    return Notice("warning", say(N_("ON HOLD")), " ".join(part for part in parts if part))


def _waiting(snapshot: Snapshot) -> str:
    if not snapshot.waiting_cuts:
        return say(N_("No new cut waits."))
    return say_n("{n} new cut waits.", "{n} new cuts wait.", snapshot.waiting_cuts)


def _late(snapshot: Snapshot) -> Notice | None:
    """Late at 1.5, critical at 2 cadences after the last cut (the contract's bounds)."""
    late_s, cadence_s = snapshot.late_s, snapshot.cadence_s
    if late_s is None or late_s < cadence_s * 0.5 or snapshot.mode == "frozen":
        return None
    newest = max((cut.stamp for cut in snapshot.cuts), default=None)
    if newest is None:
        text = say(N_("{age} without a first cut."), age=span(late_s))
    else:
        text = say(
            N_("{age}: no cut since {time}."), age=span(late_s), time=cut_hour(snapshot, newest)
        )
    severity: Severity = "critical" if late_s >= cadence_s else "warning"
    return Notice(severity, say(N_("LATE")), f"{text} {whose_side(snapshot)}")


def _waits_for_person(snapshot: Snapshot, keys: bool) -> Notice | None:
    waiting = [c for c in snapshot.cuts if c.waits_for_person and c.state != "withdrawn"]
    if not waiting or snapshot.mode == "frozen":
        return None
    if waiting[0].questioned:
        zeros = N_(
            "the figures of {id} fell to zero; only a person publishes it. Ask the institute first."
        )
        return Notice("warning", say(N_("CUT WITH ZEROS WAITS")), say(zeros, id=waiting[0].id))
    if waiting[0].revision_of == "corrected":
        title = N_("CORRECTED CUT WAITS")
        text = N_(
            "the institute delivered {id} again with other content; only a person publishes it."
        )
    else:
        title = N_("WITHDRAWN CUT AGAIN")
        text = N_("{id} is a withdrawn cut with other files; only a person publishes it.")
    told = say(text, id=waiting[0].id)
    if keys:
        told += " " + say(N_("Choose it and press {key}."), key=name("publish", "p"))
    return Notice("warning", say(title), told)


def served_span(snapshot: Snapshot) -> Span:
    """The fourth clock's proof: seen as a visitor, with the milliseconds, or why not."""
    served = snapshot.served
    if served is None and snapshot.engine.alive is None:
        return Span("? " + say(N_("not known")), "dim")
    if served is None and not snapshot.engine.alive:
        return Span("? " + say(N_("not known: nobody looks")), "warning")
    if served is None and snapshot.readings and "site.visitor" not in snapshot.readings:
        if is_new(snapshot):
            return Span("? " + say(N_("no reading yet")), "dim")
        return Span("? " + say(N_("nobody looks: no site configured")), "dim")
    if served is None:
        return Span("? " + say(N_("not yet seen")), "dim")
    age = age_s(snapshot, served.checked_at)
    if age > SITE_STALE_S:
        return Span("? " + say(N_("last looked {age} ago"), age=span(age)), "warning")
    live = snapshot.live
    if live is not None and served.checked_at < live.since:
        if live.cut.served_at is not None and live.cut.served_at >= live.since:
            return Span("✓")  # the action saw it; the probe has not looked again yet
        return Span("? " + say(N_("not yet seen")), "dim")
    if not served.ok:
        return Span("✖ " + say(N_("not seen")), "critical")
    return Span(f"✓ {milliseconds(served.latency_s or 0.0)}")
