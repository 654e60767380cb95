"""The past on the screens of the present: the same app over a replay, with keys that move it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import BindingType

from prep_console.config import Settings
from prep_console.console import exports, histories, replay_keys, wording_of
from prep_console.console.app import ConsoleApp, run_app
from prep_console.console.main_screen import MainScreen
from prep_console.console.orders import AlarmOrder, Order
from prep_console.console.palette_screen import Command
from prep_console.console.player import Player
from prep_console.console.preferences import preferences
from prep_console.console.reader import PERIOD_S
from prep_console.console.terminal import look_for
from prep_console.console.time_screen import TimeScreen
from prep_console.engine.past import EventKind, Past
from prep_console.journal import reading
from prep_console.problems import Refused, WrongUsage
from prep_console.publication import store
from prep_console.publication.actions import Outcome
from prep_console.reports import changes as change_report
from prep_console.snapshot import AlarmView, Snapshot
from prep_console.widgets.cut_page import CutFacts
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.history_graph import Bounds, Sample
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import holds
from prep_console.widgets.look import Look
from prep_console.widgets.palette_page import Entry
from prep_console.wording import N_, Language, say, sentence, use


class PastActions:
    """What may be looked at in the past; nothing can be done there."""

    def __init__(self, settings: Settings, past: Past, player: Player) -> None:
        self._settings = settings
        self._past = past
        self._player = player

    def do(self, order: Order) -> Outcome:
        """Refused, always."""
        raise _over()

    def look_ahead(self, cut: str) -> None:
        """Nothing goes live in the past."""

    def mind(self, order: AlarmOrder) -> None:
        """Refused, always."""
        raise _over()

    def history(self, name: str, since: datetime, until: datetime, points: int) -> Sequence[Sample]:
        """From the telemetry; the window ends with the replayed moment."""
        return histories.of_station(self._settings.root, name, since, until, points)

    def bounds(self, name: str, snapshot: Snapshot) -> Bounds:
        """As the settings of today say."""
        return histories.bounds(self._settings, name, snapshot)

    def facts(self, cut: str) -> CutFacts:
        """What the cut's manifest says, while that is still there; Failed."""
        return wording_of.facts(*store.manifest_of(self._past.station_at(self._player.moment), cut))

    def changes(self, before: str, after: str) -> Sequence[str]:
        """As ``diff`` tells it, of two cuts that are still there."""
        from prep_console.publication.changes import between  # csv, zipfile: not for the start

        station = self._past.station_at(self._player.moment)
        return tuple(change_report.told(between(station, before, after)))

    def export(self, wanted: str) -> Path:
        """The record as it was at the replayed moment."""
        zone, at = self._settings.zone, self._player.moment
        lines = (reading.line_text(line, zone) for line in self._past.lines_until(at))
        kept = (text for text in lines if holds(text, wanted))
        return exports.write(kept, "journal", at.astimezone(zone), Path.cwd())


def _over() -> Refused:
    return Refused(
        sentence(N_("this is a replay: nothing in it can be decided any more")),
        sentence(N_("open the console for what is now: prep-console")),
    )


class ReplayApp(ConsoleApp):
    """The console over a :class:`Player`; its keys work on every screen, on the wall too."""

    BINDINGS: ClassVar[list[BindingType]] = replay_keys.bindings()
    replays = True

    def __init__(
        self,
        player: Player,
        station: PastActions,
        settings: Settings,
        *,
        wall: bool = False,
        look: Look | None = None,
        quiet: bool = False,
        period_s: float = PERIOD_S,
    ) -> None:
        super().__init__(
            player.read,
            station,
            wall=wall,
            read_only=True,
            look=look,
            quiet=quiet,
            period_s=period_s,
        )
        self._player = player
        self._zone = settings.zone

    def _rings(self, alarms: Iterable[AlarmView]) -> bool:
        """The past is silent: a bell is for what is so now."""
        return False

    def hints(self, snapshot: Snapshot, chosen: Row | None) -> list[Hint]:
        """The footer of the main screen."""
        return replay_keys.hints(snapshot)

    def more_help(self) -> list[tuple[str, str]]:
        """The keys that a replay has beside the usual ones."""
        return [(key.shown, say(key.help)) for key in replay_keys.KEYS]

    def _commands(self, screen: MainScreen, snapshot: Snapshot) -> list[Command]:
        """By name too: what moves the replay, before what looks at something."""
        moving: list[Command] = [
            (
                Entry(say(key.label).capitalize(), say(key.help), key.shown),
                partial(self.run_action, key.action),
            )
            for key in replay_keys.KEYS
        ]
        return [*moving, *super()._commands(screen, snapshot)]

    def _moved(self) -> None:
        """Show it at once, not with the next second."""
        self._reader.soon()

    def action_play(self) -> None:
        self._player.toggle()
        self._moved()

    def action_faster(self, steps: int) -> None:
        self._player.faster(steps)
        self._moved()

    def action_step(self, seconds: int) -> None:
        self._player.step(seconds)
        self._moved()

    def action_jump(self, kind: EventKind, direction: int) -> None:
        self._player.jump(kind, direction)
        self._moved()

    def action_end(self, direction: int) -> None:
        self._player.end(direction)
        self._moved()

    def action_time(self) -> None:
        """Ask for a time, once."""
        if self.snapshot is None or isinstance(self.screen, TimeScreen):
            return

        def typed(text: str) -> None:
            self._player.go(text, self._zone)
            self._moved()

        self.push_screen(TimeScreen(self.snapshot, typed))


def run(
    settings: Settings,
    past: Past,
    begins: datetime,
    ends: datetime,
    *,
    at: datetime | None,
    speed: float,
    playing: bool,
    wall: bool,
    language: Language,
) -> int:
    """Show the replay until it is left; the exit code."""
    use(language)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsage(
            sentence(N_("the replay needs a terminal")),
            sentence(N_("in a script add --at TIME --json")),
        )
    chosen = preferences(settings)
    player = Player(past, begins, ends, at=at, speed=speed, playing=playing)
    app = ReplayApp(
        player,
        PastActions(settings, past, player),
        settings,
        wall=wall,
        look=look_for(os.environ, chosen.theme),
        quiet=True,
    )
    return run_app(app)
