"""What a screen may ask for, and the one place where it becomes an action of the station."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypedDict

from prep_console.config import Settings
from prep_console.console import wording_of
from prep_console.cuts.stamps import CutId
from prep_console.journal.actor import Actor, current_actor
from prep_console.publication import actions, manifest
from prep_console.publication.actions import Expected, Outcome
from prep_console.publication.station import Station
from prep_console.widgets.cut_page import CutFacts

Action = Literal[
    "publish",
    "rollback",
    "hold",
    "release",
    "freeze",
    "thaw",
    "suspend",
    "resync",
    "start_engine",
]


@dataclass(frozen=True, slots=True)
class Order:
    """One decision, complete: what, which cut, why, and what its author saw."""

    action: Action
    cut: str | None
    """Id of the cut meant; None where the action needs none."""
    reason: str
    expected: Expected


class Actions(Protocol):
    """Carries out orders. Blocks until it is done; raises problems.Problem when it is not."""

    def do(self, order: Order) -> Outcome: ...

    def facts(self, cut: str) -> CutFacts:
        """What a stored cut's manifest says."""
        ...


class _Given(TypedDict):
    """What every action is told."""

    actor: Actor
    reason: str
    expected: Expected


class StationActions:
    """The real one: the same functions that the commands call."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def facts(self, cut: str) -> CutFacts:
        """What ``cuts/<id>/cut.json`` says; OSError or ValueError when it cannot be read."""
        folder = Station(self._settings).cuts / str(CutId.of(cut))
        return wording_of.facts(manifest.decode((folder / "cut.json").read_bytes()))

    def do(self, order: Order) -> Outcome:
        """Carry ``order`` out under the station's rules and lock."""
        station, actor = Station(self._settings), current_actor()
        given = _Given(actor=actor, reason=order.reason, expected=order.expected)
        cut = CutId.of(order.cut) if order.cut is not None else None
        match order.action:
            case "publish":
                assert cut is not None
                return actions.publish(station, cut, **given)
            case "rollback":
                return actions.rollback(station, to=cut, **given)
            case "hold":
                return actions.hold(station, **given)
            case "release":
                return actions.release(station, **given)
            case "freeze":
                return actions.freeze(station, cut, **given)
            case "thaw":
                return actions.thaw(station, **given)
            case "suspend":
                return actions.suspend(station, **given)
            case _:
                raise NotImplementedError(order.action)
