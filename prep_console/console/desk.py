"""What a screen may ask of the app that shows it: the way to the station and to other screens.

The app knows every screen; the screens know only this, so each can be read and tested alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from prep_console.console.live_screen import LiveScreen
from prep_console.console.orders import Action, Actions, Order
from prep_console.console.page_screen import Content
from prep_console.publication.actions import Outcome
from prep_console.snapshot import Snapshot
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.key_bar import Hint

T = TypeVar("T")


class Desk(Protocol):
    """The app, as its screens see it."""

    graphed: tuple[str | None, int]
    """The graph that was last looked at: reading, and which of the spans of time."""

    @property
    def station(self) -> Actions:
        """What may be done, and asked, of the station."""
        ...

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest one."""
        ...

    @property
    def settings_error(self) -> str:
        """Why a changed settings file is not in force."""
        ...

    @property
    def settings_outdated(self) -> tuple[str, ...]:
        """Settings that this console was opened with and that have changed since."""
        ...

    def beside(self, work: Callable[[], T], ended: Callable[[T | BaseException], None]) -> None:
        """``work`` in a thread of its own, then a fresh look; its result or error to ``ended``."""
        ...

    def carry_out(self, order: Order, ended: Callable[[Outcome | BaseException], None]) -> None:
        """Do it beside; ``ended`` is called back in the app's thread."""
        ...

    def decide(self, action: Action, chosen: Row | None) -> None:
        """Open the guarded dialog, or say why there is nothing to decide."""
        ...

    def page(self, title: str, content: Content) -> None:
        """Open a page of text."""
        ...

    def show_cut(self, cut: str) -> None:
        """Open a cut's page."""
        ...

    def show_changes(self, before: str, after: str) -> None:
        """Open what changed from one cut to another."""
        ...

    def show_journal(self) -> None:
        """Open the record."""
        ...

    def show_alarms(self) -> None:
        """Open the alarms with the worst one chosen."""
        ...

    def show_graph(self) -> None:
        """Open the graph that was last looked at."""
        ...

    def hints(self, snapshot: Snapshot, chosen: Row | None) -> list[Hint]:
        """The keys at the foot of the main screen."""
        ...

    def show_help(self, chosen: Row | None) -> None:
        """Open the keys and the manual; ``chosen`` is the row that the keys would act on."""
        ...

    def palette(self) -> None:
        """Open the command palette."""
        ...


def desk_of(screen: LiveScreen) -> Desk:
    """The app of one of our screens."""
    return cast("Desk", screen.app)
