"""The app: one reader, the screens, and the way an order becomes an action."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import App
from textual.binding import Binding, BindingType

from prep_console.config import Settings
from prep_console.config import chosen as chosen_file
from prep_console.console import keys
from prep_console.console.alarm_screen import AlarmScreen
from prep_console.console.bell import Bell
from prep_console.console.decision_screen import DecisionScreen
from prep_console.console.decisions import decide
from prep_console.console.desk import Desk
from prep_console.console.differences_screen import DifferencesScreen
from prep_console.console.driver import QuietDriver
from prep_console.console.endings import Endings
from prep_console.console.graph_screen import GraphScreen
from prep_console.console.journal_screen import JournalScreen
from prep_console.console.live_screen import LiveScreen
from prep_console.console.main_screen import MainScreen
from prep_console.console.manual_screen import HelpScreen
from prep_console.console.orders import Action, Actions, Order, StationActions
from prep_console.console.page_screen import Content, PageScreen
from prep_console.console.palette_screen import Command, PaletteScreen
from prep_console.console.preferences import Found, Preferences, preferences, watch
from prep_console.console.reader import PERIOD_S, Reader
from prep_console.console.shelve_screen import ShelveScreen
from prep_console.console.telling import sentence_text, told
from prep_console.console.terminal import look_for
from prep_console.console.wall_screen import WallScreen
from prep_console.engine.view import SnapshotReader
from prep_console.problems import WrongUsage
from prep_console.publication.actions import Outcome
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.values import replace
from prep_console.widgets import cut_page, key_names
from prep_console.widgets.cut_page import CutFacts
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Line, Span, line
from prep_console.widgets.look import Look, Theme
from prep_console.widgets.palette_page import Entry
from prep_console.widgets.panel import Panel
from prep_console.wording import N_, Language, say, sentence, use

STALE_AFTER_S = 3.0
"""Three reads missed: what is shown is old, and the screen says so."""

_NEXT: Mapping[Theme, Theme] = {"calm": "contrast", "contrast": "safe", "safe": "calm"}

Source = Callable[[], Snapshot]
Ended = Callable[[Outcome | BaseException], None]
T = TypeVar("T")


class ConsoleApp(App[int], inherit_bindings=False):
    """The console over ``source`` (what to show) and ``station`` (what may be done)."""

    TITLE = "prep-console"
    ENABLE_COMMAND_PALETTE = False
    """We have our own, in the reader's language, and only the main screen opens it."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "interrupt", show=False, id="interrupt")
    ]
    replays: ClassVar[bool] = False
    """True: what is shown is over, and every screen has the frame that says so."""
    CSS = """
    Screen { background: ansi_default; scrollbar-size: 0 0; }
    """

    def __init__(
        self,
        source: Source,
        station: Actions,
        *,
        wall: bool = False,
        pages_s: float = 0.0,
        pages_fixed: bool = False,
        read_only: bool = False,
        look: Look | None = None,
        quiet: bool = False,
        period_s: float = PERIOD_S,
        keymap: Mapping[str, str] | None = None,
        watched: Callable[[], Found | None] = lambda: None,
    ) -> None:
        super().__init__(ansi_color=True, driver_class=QuietDriver if quiet else None)
        self.theme = "ansi-dark"
        self.look = look or Look()
        self.station = station
        self.graphed: tuple[str | None, int] = (None, 0)
        self._bell = Bell()
        self._facts: dict[str, CutFacts] = {}
        self._wall = wall
        self._pages_s, self._pages_fixed = pages_s, pages_fixed
        self._read_only = read_only
        self._keymap_first = keymap or {}
        self.settings_error = ""
        """Why a changed settings file is not in force."""
        self.settings_outdated: tuple[str, ...] = ()
        """Settings that this console was opened with and that have changed since."""
        self._contacts: Mapping[str, str] | None = None
        """Whom to call, from a settings file that was changed since the start."""

        def read() -> Snapshot:
            found = watched()
            if found is not None:
                self.call_later(self._prefer, found)
            return source()

        self._reader = Reader(read, self._delivered, period_s)
        self._read_at = time.monotonic()
        self.snapshot: Snapshot | None = None
        self.failed: BaseException | None = None

    def on_mount(self) -> None:
        self.set_keymap(self._keymap_first)
        self._reader.start()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        self._reader.stop()

    def _delivered(self, found: Snapshot | BaseException) -> None:
        """In the reader's thread."""
        self.call_later(self._take, found)

    def _take(self, found: Snapshot | BaseException) -> None:
        if isinstance(found, Snapshot):
            self._read_at = time.monotonic()
            if self._contacts is not None:
                found = replace(found, contacts=self._contacts)
            if self._rings(found.alarms):
                self.bell()
            first = self.snapshot is None
            self.snapshot = found
            if first:
                self.push_screen(
                    WallScreen(found, pages_s=self._pages_s)
                    if self._wall
                    else MainScreen(found, read_only=self._read_only)
                )
                return
        elif self.snapshot is None:
            self.failed = found
            self.exit(3)
            return
        else:
            self.snapshot = replace(self.snapshot, read_error=f"{type(found).__name__}: {found}")
        self._show()

    def _rings(self, alarms: Iterable[AlarmView]) -> bool:
        return self._bell.rings(alarms)

    def hints(self, snapshot: Snapshot, chosen: Row | None) -> list[Hint]:
        """The footer of the main screen."""
        return keys.hints(snapshot, chosen, read_only=self._read_only)

    def more_help(self) -> list[tuple[str, str]]:
        """Keys beside the usual ones, with what help says of them."""
        return []

    def _prefer(self, found: Found) -> None:
        """The settings file was changed: what is sound is in force, what is wrong is said."""
        if isinstance(found, Preferences):
            self.settings_error = ""
            self._contacts = found.contacts
            self.settings_outdated = found.outdated
            self.set_keymap(found.keymap)
            key_names.use(found.key_names)
            if isinstance(self.screen, WallScreen) and not self._pages_fixed:
                self.screen.pages_s = found.wall_pages_s
            self._wear(look_for(os.environ, found.theme).theme)
        else:
            self.settings_error = f"{sentence_text(str(found.what))}"
            self._show()

    def _tick(self) -> None:
        if time.monotonic() - self._read_at > STALE_AFTER_S:
            self._show()

    def _show(self) -> None:
        screen = self.screen
        if self.snapshot is not None and isinstance(screen, LiveScreen):
            age = time.monotonic() - self._read_at
            screen.show(self.snapshot, age if age > STALE_AFTER_S else None)
            screen.mark()

    def decide(self, action: Action, chosen: Row | None) -> None:
        """Open the guarded dialog, or say why there is nothing to decide."""
        if self.snapshot is None or self._read_only:
            return
        self.push_screen(DecisionScreen(action, chosen, self.snapshot))

    def carry_out(self, order: Order, ended: Ended) -> None:
        """Do it in a thread of its own; ``ended`` is called back in the app's."""
        self.beside(lambda: self.station.do(order), ended)

    def beside(self, work: Callable[[], T], ended: Callable[[T | BaseException], None]) -> None:
        """``work`` in a thread of its own, then a fresh look; its result or error to ``ended``."""

        def run() -> None:
            try:
                result: T | BaseException = work()
            except Exception as error:  # shown on the screen: what happened and what to do
                result = error
            self._reader.soon()
            self.call_later(ended, result)

        threading.Thread(target=run, name="console-order", daemon=True).start()

    def page(self, title: str, content: Content) -> None:
        """Open a page of text."""
        if self.snapshot is not None:
            self.push_screen(PageScreen(title, content, self.snapshot))

    def show_cut(self, cut: str) -> None:
        """Open a cut's page; what its manifest says follows as soon as it is read."""

        def content(snapshot: Snapshot, width: int) -> list[Line]:
            view = next((one for one in snapshot.cuts if one.id == cut), None)
            if view is None:
                return [line(" ", Span(say(N_("This cut is no longer stored."))))]
            return cut_page.cut_page(snapshot, view, width, self._facts.get(cut))

        def learned(found: CutFacts | BaseException) -> None:
            if isinstance(found, BaseException):
                found = CutFacts(unread=told(found))
            self._facts[cut] = found
            self._show()

        self.page(say(N_("A CUT")), content)
        self.beside(lambda: self.station.facts(cut), learned)

    def show_changes(self, before: str, after: str) -> None:
        """Open what changed from one cut to another; it follows as soon as it is compared."""
        if self.snapshot is not None:
            self.push_screen(DifferencesScreen(before, after, self.snapshot))

    def show_journal(self) -> None:
        """Open the record."""
        if self.snapshot is not None:
            self.push_screen(JournalScreen(self.snapshot))

    def show_alarms(self) -> None:
        """Open the alarms with the worst one chosen."""
        if self.snapshot is not None:
            self.push_screen(AlarmScreen(self.snapshot, read_only=self._read_only))

    def show_help(self, chosen: Row | None) -> None:
        """Open the keys and the manual; ``chosen`` is the row that the keys would act on."""
        if self.snapshot is not None:
            self.push_screen(
                HelpScreen(self.snapshot, chosen, read_only=self._read_only, more=self.more_help())
            )

    def show_graph(self) -> None:
        """Open the graph that was last looked at."""
        if self.snapshot is not None:
            self.push_screen(GraphScreen(self.snapshot, *self.graphed))

    def palette(self) -> None:
        """Open the command palette."""
        if isinstance(self.screen, MainScreen) and self.snapshot is not None:
            self.push_screen(PaletteScreen(partial(self._commands, self.screen), self.snapshot))

    def _commands(self, screen: MainScreen, snapshot: Snapshot) -> list[Command]:
        """Everything by name; what decides goes through the same dialogs."""
        commands: list[Command] = []
        by_action = {key.decides: keys.named(key) for key in keys.KEYS if key.decides is not None}
        for action, label in () if self._read_only else keys.COMMANDS.items():
            decision = decide(action, snapshot, screen.chosen)
            entry = Entry(
                say(label),
                " ".join(decision.effects) or decision.title,
                by_action.get(action, ""),
                decision.off or "",
            )
            commands.append((entry, partial(self.decide, action, screen.chosen)))
        for key in keys.KEYS:
            if key.decides is None and key.command is not None:
                run = getattr(screen, f"action_{key.command}")
                commands.append(
                    (Entry(say(key.label).capitalize(), say(key.help), keys.named(key)), run)
                )
        theme = say(N_("The next one: normal, high contrast, or without red and green."))
        return [*commands, (Entry(say(N_("Theme")), theme), self.action_theme)]

    def action_theme(self) -> None:
        """The next theme, until the settings choose another."""
        self._wear(_NEXT.get(self.look.theme, "calm"))

    def _wear(self, theme: Theme) -> None:
        """A terminal without colours stays without."""
        if self.look.theme == "plain":
            self._show()
            return
        self.look = replace(self.look, theme=theme)
        for screen in self.screen_stack:  # each panel keeps what it drew until it is told
            for panel in screen.query(Panel):
                panel.refresh()
        self._show()

    def action_interrupt(self) -> None:
        """Ctrl+C leaves what is open, and from the main screen the console."""
        if isinstance(self.screen, MainScreen | WallScreen):
            self.exit(0)
        elif isinstance(self.screen, DecisionScreen | ShelveScreen):
            self.screen.action_cancel()
        else:
            self.pop_screen()


def _as_desk(app: ConsoleApp) -> Desk:
    """Here for the type checker: it fails when the screens ask what the app does not give."""
    return app


def run(
    settings: Settings,
    *,
    wall: bool = False,
    pages_s: float | None = None,
    read_only: bool = False,
    language: Language = "es",
    config: Path | None = None,
) -> int:
    """Show the console until it is left; the exit code.

    ``config`` is the settings' file, which an engine started from here reads; by default the
    one that the command line reads without ``--config``. ``pages_s``: seconds that each page of
    a wall stays, whatever the settings say.
    """
    use(language)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage(
            sentence(N_("the console needs a terminal")),
            sentence(N_("in a script use prep-console status")),
        )
    file, chosen = chosen_file(config), preferences(settings)
    key_names.use(chosen.key_names)
    app = ConsoleApp(
        SnapshotReader(settings).read,
        StationActions(settings, file),
        wall=wall,
        pages_s=chosen.wall_pages_s if pages_s is None else pages_s,
        pages_fixed=pages_s is not None,
        read_only=read_only or wall,
        look=look_for(os.environ, chosen.theme),
        quiet=True,
        keymap=chosen.keymap,
        watched=watch(file, settings),
    )
    return run_app(app)


def run_app(app: ConsoleApp) -> int:
    """Run on this terminal, ending however the terminal ends."""

    def leave(code: int) -> None:
        app.call_later(app.exit, code)

    Endings(leave).install()
    code = app.run(mouse=False)
    if app.failed is not None:
        sys.stderr.write(
            say(N_("The station cannot be read: {error}"), error=str(app.failed)) + "\n"
        )
    return app.return_code or code or 0
