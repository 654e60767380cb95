"""Each action as a person decides it: from → to, what follows, the reasons, why it is off now.

This says what the mode table will do so that the dialog can show it; the rules themselves are
checked again, under the lock, by the action.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prep_console.console.orders import Action
from prep_console.snapshot import CutView, Snapshot
from prep_console.widgets.cuts_table import Row, newer_than_live
from prep_console.widgets.decision_page import Decision, hour_of
from prep_console.widgets.figures import hour, local
from prep_console.widgets.instruments.sources import RESYNC
from prep_console.widgets.key_names import name
from prep_console.wording import N_, say, say_n

_HOLDS = N_("Publishing goes ON HOLD: nothing new goes live until released with {key}.")
_ASKED = N_("the institute asks for it")


def _holds() -> str:
    return say(_HOLDS, key=name("hold", "h"))


def decide(action: Action, snapshot: Snapshot, chosen: Row | None) -> Decision:
    """The decision as it stands in this snapshot; ``chosen`` is the row under the cursor."""
    return _DECISIONS[action](snapshot, chosen if isinstance(chosen, CutView) else None)


def _live(snapshot: Snapshot) -> CutView | None:
    return snapshot.live.cut if snapshot.live is not None else None


def newest(snapshot: Snapshot) -> CutView | None:
    """What a release would let out: the newest cut not withdrawn nor waiting for a person."""
    return next(
        (c for c in snapshot.cuts if c.state != "withdrawn" and not c.waits_for_person), None
    )


def _frozen(snapshot: Snapshot) -> str | None:
    if snapshot.mode != "frozen":
        return None
    return say(N_("the final cut is frozen; thaw it first (command palette)"))


def _rollback(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    live, target = _live(snapshot), snapshot.previous
    off = _frozen(snapshot)
    if off is None and target is None:
        off = say(N_("there is no earlier cut to go back to"))
    there, here = hour_of(snapshot, target), hour_of(snapshot, live)
    return Decision(
        "rollback",
        say(N_("ROLL BACK TO THE PREVIOUS CUT")),
        say(N_("roll back to {time}"), time=there),
        (
            say(
                N_("Visitors get the cut of {there} again; the one of {here} is withdrawn."),
                there=there,
                here=here,
            ),
            _holds(),
            say(N_("The public reads the reason on the page of the cut's hour.")),
        ),
        live,
        target,
        reasons=(
            say(N_("it holds test data")),
            say(N_("its figures fell or do not add up")),
            say(N_("it is damaged or not complete")),
            say(_ASKED),
        ),
        off=off,
    )


def _publish(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    live = _live(snapshot)
    off = _frozen(snapshot)
    if off is None and chosen is None:
        off = say(N_("choose a cut in the table first"))
    if off is None and chosen is not None and live is not None and chosen.id == live.id:
        off = say(N_("this cut is public already"))
    there = hour_of(snapshot, chosen)
    effects = [say(N_("Visitors get the cut of {there}."), there=there)]
    if chosen is not None and (not snapshot.cuts or chosen.id != snapshot.cuts[0].id):
        effects.append(_holds())
    return Decision(
        "publish",
        say(N_("PUBLISH THE CHOSEN CUT")),
        say(N_("publish {time}"), time=there),
        tuple(effects),
        live,
        chosen,
        reasons=(say(N_("reviewed: it is the right one")), say(_ASKED)),
        off=off,
    )


def _hold(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    off = _frozen(snapshot)
    if off is None and snapshot.mode == "hold":
        off = say(N_("publishing is on hold already"))
    return Decision(
        "hold",
        say(N_("HOLD PUBLISHING")),
        say(N_("hold")),
        (
            say(
                N_("What is public stays: the cut of {time}."),
                time=hour_of(snapshot, _live(snapshot)),
            ),
            say(N_("New cuts are received and checked, and wait until somebody releases them.")),
        ),
        _live(snapshot),
        _live(snapshot),
        reasons=(say(N_("a cut is being reviewed")), say(_ASKED), say(N_("work on the server"))),
        off=off,
    )


def _release(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    live, target = _live(snapshot), newest(snapshot)
    off = _frozen(snapshot)
    if off is None and snapshot.mode == "auto":
        off = say(N_("publishing is automatic already"))
    embargo = snapshot.embargo_until
    if embargo is not None or (target is not None and not newer_than_live(snapshot, target)):
        target = live
    if embargo is not None:
        first = say(
            N_("Before the opening ({time}) nothing goes live by itself: what is public stays."),
            time=hour(snapshot, embargo),
        )
    elif target is not None and (live is None or target.id != live.id):
        first = say(N_("Visitors get the newest cut, of {time}."), time=hour_of(snapshot, target))
    else:
        first = say(N_("No cut waits: what is public stays."))
    return Decision(
        "release",
        say(N_("RELEASE: AUTOMATIC AGAIN")),
        say(N_("release")),
        (first, say(N_("From then on each good cut goes live by itself."))),
        live,
        target or live,
        reasons=(say(N_("reviewed: all is well")), say(_ASKED)),
        off=off,
    )


def _newer(snapshot: Snapshot, cut: CutView | None) -> list[CutView]:
    ids = [one.id for one in snapshot.cuts]
    return list(snapshot.cuts[: ids.index(cut.id)]) if cut is not None and cut.id in ids else []


def _freeze(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    live = _live(snapshot)
    target = chosen if snapshot.mode == "frozen" and chosen is not None else live
    off = None
    if target is None:
        off = say(N_("nothing is public that could be frozen"))
    elif snapshot.mode == "frozen" and live is not None and target.id == live.id:
        off = say(N_("this cut is frozen already; choose another one to replace it"))
    elif target.state == "withdrawn":
        off = say(N_("this cut was withdrawn; only publishing it brings it back"))
    typed = local(snapshot, target.stamp).strftime("%H:%M") if target is not None else None
    there, here = hour_of(snapshot, target), hour_of(snapshot, live)
    title = say(N_("FREEZE THE FINAL CUT"))
    effects = []
    if snapshot.mode == "frozen" and target is not None and live is not None:
        title = say(N_("REPLACE THE FROZEN CUT"))
        effects.append(
            say(
                N_("The cut of {here} is public and frozen; that of {there} takes its place."),
                here=here,
                there=there,
            )
        )
    effects.append(say(N_("The cut of {time} stays public, whatever arrives."), time=there))
    waits = sum(1 for c in _newer(snapshot, target) if c.state != "withdrawn")
    if waits:
        effects.append(
            say_n(
                "{n} newer cut waits and does not go live.",
                "{n} newer cuts wait and do not go live.",
                waits,
            )
        )
    effects.append(say(N_("This is the end of the night: nothing else goes live.")))
    return Decision(
        "freeze",
        title,
        say(N_("freeze {time}"), time=there),
        tuple(effects),
        live,
        target,
        reasons=(say(N_("last cut, confirmed by the institute")), say(N_("all actas are in"))),
        typed_hour=typed,
        off=off,
    )


def _thaw(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    return Decision(
        "thaw",
        say(N_("THAW THE FINAL CUT")),
        say(N_("thaw")),
        (
            say(N_("What is public stays. Publishing goes from frozen to ON HOLD.")),
            say(
                N_("Nothing goes live by itself until somebody releases it with {key}."),
                key=name("hold", "h"),
            ),
        ),
        _live(snapshot),
        _live(snapshot),
        reasons=(say(N_("it was frozen by mistake")), say(N_("a corrected final cut will come"))),
        off=None if snapshot.mode == "frozen" else say(N_("nothing is frozen")),
    )


def _suspend(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    off = _frozen(snapshot)
    if off is None and snapshot.live is None:
        off = say(N_("nothing is public"))
    return Decision(
        "suspend",
        say(N_("SUSPEND: NOTHING PUBLIC")),
        say(N_("take everything down")),
        (say(N_("Visitors get a plain notice (503) in the place of results.")), _holds()),
        _live(snapshot),
        None,
        reasons=(say(N_("data that must not be public")), say(_ASKED)),
        off=off,
    )


def _resync(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    return Decision(
        "resync",
        say(N_("RESYNCHRONISE")),
        say(N_("resynchronise")),
        (
            say(N_("The newest cut of the institute is taken as if it had just arrived.")),
            say(N_("If it is the live one, every byte of it is compared and repaired.")),
        ),
        shows_cuts=False,
        goes_on=say(N_("It goes on when this is closed; x on the main screen cancels it.")),
    )


def resync_runs(snapshot: Snapshot) -> bool:
    """Whether one runs just now, whoever began it."""
    return RESYNC in snapshot.readings


def _cancel_resync(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    return Decision(
        "cancel_resync",
        say(N_("CANCEL THE RESYNC")),
        say(N_("cancel the resync")),
        (
            say(N_("What is public stays; what was fetched is kept for the next resync.")),
            say(N_("A cut that is being sealed is sealed first.")),
        ),
        shows_cuts=False,
        off=None if resync_runs(snapshot) else say(N_("no resync is running")),
    )


def _start_engine(snapshot: Snapshot, chosen: CutView | None) -> Decision:
    return Decision(
        "start_engine",
        say(N_("START THE ENGINE")),
        say(N_("start")),
        (
            say(N_("The engine receives, checks and publishes cuts in the mode shown above.")),
            say(N_("It goes on when this screen is closed.")),
        ),
        shows_cuts=False,
        off=say(N_("the engine is running")) if snapshot.engine.alive else None,
    )


_DECISIONS: Mapping[Action, Callable[[Snapshot, CutView | None], Decision]] = {
    "rollback": _rollback,
    "publish": _publish,
    "hold": _hold,
    "release": _release,
    "freeze": _freeze,
    "thaw": _thaw,
    "suspend": _suspend,
    "resync": _resync,
    "cancel_resync": _cancel_resync,
    "start_engine": _start_engine,
}
