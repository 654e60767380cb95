"""The main screen: the public band, the cuts, the instruments, the alarms, the record, the keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from prep_console.console import keys, wording_of
from prep_console.console.desk import Desk, desk_of
from prep_console.console.filtering import FilterScreen
from prep_console.console.live_screen import stirred
from prep_console.console.orders import Action
from prep_console.snapshot import CutView, Snapshot
from prep_console.widgets import cut_page, cuts_table, main_page
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.instruments import details
from prep_console.widgets.lines import Span, line
from prep_console.widgets.look import Look
from prep_console.widgets.panel import Panel, look_of
from prep_console.wording import N_, say


class MainScreen(FilterScreen):
    """One panel, drawn from the snapshot, the terminal's size and the cursor."""

    BINDINGS = keys.bindings()

    DEFAULT_CSS = """
    MainScreen Horizontal { height: auto; }
    MainScreen #rest { height: 1fr; }
    """

    def __init__(self, snapshot: Snapshot, *, read_only: bool) -> None:
        super().__init__()
        self._snapshot = snapshot
        self._calm = snapshot
        self._stale_s: float | None = None
        self._read_only = read_only
        self._cursor: str | None = None
        self._kept = main_page.Kept()
        self._order: cuts_table.Order = "newest"

    @property
    def desk(self) -> Desk:
        return desk_of(self)

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor, or None while none was chosen."""
        rows = self._rows()
        if not rows:
            return None
        return rows[cuts_table.place(rows, self._cursor)]

    @property
    def _choice(self) -> cuts_table.Choice:
        return cuts_table.Choice(self.wanted, self._order)

    def _rows(self) -> tuple[Row, ...]:
        return cuts_table.chosen_rows(self._snapshot, self._choice, wording_of.refusal)

    @property
    def snapshot(self) -> Snapshot:
        """What is shown."""
        return self._snapshot

    def compose(self) -> ComposeResult:
        yield Panel(id="drill")
        with Horizontal():
            yield Panel(id="header")
            yield Panel(id="clock")
        with Horizontal():
            yield Panel(id="figures")
            yield Panel(id="facts")
        yield Panel(id="rest")
        yield from self.filter_line()

    def on_resize(self) -> None:
        self.draw()

    def on_screen_resume(self) -> None:
        latest = self.desk.snapshot
        if latest is not None:
            self.show(latest)

    def show(self, snapshot: Snapshot, stale_s: float | None = None) -> None:
        """Draw a newer snapshot."""
        self._snapshot, self._stale_s = snapshot, stale_s
        if stirred(self._calm, snapshot):
            self._calm = snapshot
        self.draw()

    def draw(self) -> None:
        """Draw what is known now."""
        if not self.drawable:
            return
        look: Look = look_of(self.app)
        width, height = self.canvas
        frame = main_page.Frame(
            width,
            height,
            self._cursor,
            tuple(self.desk.hints(self._snapshot, self.chosen)),
            wording_of.refusal,
            wording_of.alarm,
            self._choice,
            stale_s=self._stale_s,
            settings_error=self.desk.settings_error,
            settings_outdated=self.desk.settings_outdated,
            keys=not self._read_only,
            halves=look.signs,
        )
        page = main_page.page(self._snapshot, self._calm, frame, self._kept)
        self.query_one("#figures").styles.width = main_page.figures_width(frame)
        self.query_one("#clock").styles.width = main_page.clock_width(frame)
        for name in ("drill", "header", "clock", "figures", "facts", "rest"):
            self.query_one(f"#{name}", Panel).show(getattr(page, name))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A read-only console has no keys that decide."""
        return not (self._read_only and action in ("decide", "hold_or_release"))

    def action_decide(self, action: Action) -> None:
        self.desk.decide(action, self.chosen)

    def action_hold_or_release(self) -> None:
        self.action_decide("release" if self._snapshot.mode == "hold" else "hold")

    def action_move(self, by: int) -> None:
        rows = self._rows()
        if rows:
            at = cuts_table.place(rows, self._cursor)
            at = 0 if self._cursor is None else max(0, min(len(rows) - 1, at + by))
            self._cursor = cuts_table.key_of(rows[at])
            self.draw()

    def action_newest(self) -> None:
        """The whole table again in its own order, and its newest row."""
        self._order = "newest"
        self._cursor = None
        if not self.end_filter():
            self.draw()

    def action_order(self) -> None:
        """The next of the orders."""
        orders = list(cuts_table.ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self.filtered()

    def filtered(self) -> None:
        """The first row is marked: what a key acts on must be seen where it is not the newest."""
        rows = self._rows()
        usual = self._choice == cuts_table.EVERYTHING
        self._cursor = None if usual or not rows else cuts_table.key_of(rows[0])
        self.draw()

    def action_detail(self) -> None:
        row = self.chosen
        if row is None:
            return
        self._cursor = cuts_table.key_of(row)
        if isinstance(row, CutView):
            self.desk.show_cut(row.id)
        else:
            self.desk.page(
                say(N_("A REFUSED DELIVERY")),
                lambda snapshot, width: cut_page.refusal_page(
                    snapshot, row, width, wording_of.refusal
                ),
            )

    def action_differences(self) -> None:
        """Of the cut under the cursor, or the newest one, against the one before it."""
        row, cuts = self.chosen, self._snapshot.cuts
        after = row.id if isinstance(row, CutView) else next((cut.id for cut in cuts), "")
        ids = [cut.id for cut in cuts]
        older = ids[ids.index(after) + 1 :] if after in ids else []
        if older:
            self.desk.show_changes(older[0], after)
        else:
            nothing = say(N_("There is no cut before this one."))
            self.desk.page(say(N_("DIFFERENCES")), lambda _, width: [line(" ", Span(nothing))])

    def action_alarms(self) -> None:
        self.desk.show_alarms()

    def action_instruments(self) -> None:
        self.desk.page(say(N_("INSTRUMENTS")), details.page)

    def action_graph(self) -> None:
        self.desk.show_graph()

    def action_journal(self) -> None:
        self.desk.show_journal()

    def action_help(self) -> None:
        self.desk.show_help(self.chosen)

    def action_palette(self) -> None:
        self.desk.palette()
