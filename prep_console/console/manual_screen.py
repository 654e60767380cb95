"""The manual on the console: what each key does, and a page for each situation, one key away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from prep_console.console import keys
from prep_console.console.page_screen import PageScreen
from prep_console.manual import layout
from prep_console.manual.shelf import PAGES, Page
from prep_console.snapshot import Snapshot
from prep_console.widgets.cuts_table import Row
from prep_console.widgets.key_bar import Hint
from prep_console.widgets.lines import Line, Span, Tone, flow, line, wrap
from prep_console.wording import N_, language, say

_TONES: Mapping[layout.Kind, Tone] = {"": "", "section": "title", "code": "key"}
_OPENS: list[BindingType] = [
    Binding(page.key, f"open({page.key!r})", id=f"manual.{page.names['en']}") for page in PAGES
]


class HelpScreen(PageScreen):
    """The keys, each with why it is off just now; above them the pages of the manual."""

    BINDINGS: ClassVar[list[BindingType]] = _OPENS

    def __init__(
        self,
        snapshot: Snapshot,
        chosen: Row | None,
        *,
        read_only: bool,
        more: Sequence[tuple[str, str]] = (),
    ) -> None:
        """``more``: keys that this console has beside the usual ones, and what they do."""
        super().__init__(say(N_("HELP")), self._lines, snapshot)
        self._chosen = chosen
        self._more = more
        self._read_only = read_only

    def _lines(self, snapshot: Snapshot, width: int) -> list[Line]:
        pages = [line(Span(page.key, "key"), f" {_title(page)}") for page in PAGES]
        return [
            line(" ", Span(say(N_("What to do when… (press the number)")), "title")),
            *[line(" ", *row) for row in flow(pages, width - 2)],
            (),
            *_whom_to_call(snapshot, width),
            *[one for key, told in self._more for one in _of_key(key, told, width)],
            *_of_keys(snapshot, self._chosen, width, self._read_only),
        ]

    def hints(self) -> list[Hint]:
        return [Hint("1…0", say(N_("manual"))), *super().hints()]

    def action_open(self, key: str) -> None:
        """A page of the manual; Esc comes back here."""
        page = next(page for page in PAGES if page.key == key)
        self.app.push_screen(ManualScreen(page, self._snapshot))


class ManualScreen(PageScreen):
    """One page; the other pages' numbers turn to them."""

    BINDINGS: ClassVar[list[BindingType]] = _OPENS

    def __init__(self, page: Page, snapshot: Snapshot) -> None:
        super().__init__("", self._lines, snapshot)
        self._turn(page)

    def _turn(self, page: Page) -> None:
        self._text = page.text(language())
        self._title = say(
            N_("MANUAL {number} · {title}"), number=page.key, title=layout.title(self._text)
        )
        self._first = 0

    def _lines(self, snapshot: Snapshot, width: int) -> list[Line]:
        laid = layout.laid_out(self._text, width) + layout.contacts(snapshot.contacts, width)
        return [_shown(one) for one in laid]

    def hints(self) -> list[Hint]:
        return [Hint("1…0", say(N_("other pages"))), *super().hints()]

    def action_open(self, key: str) -> None:
        """Turn to another page."""
        self._turn(next(page for page in PAGES if page.key == key))
        self._draw()


def _shown(laid: layout.Laid) -> Line:
    return line(*[Span(piece.text, _TONES[piece.kind]) for piece in laid])


def _whom_to_call(snapshot: Snapshot, width: int) -> list[Line]:
    """The settings' contacts, above the keys: who asks for help may mean a person."""
    if not snapshot.contacts:
        return []
    known = layout.contacts(snapshot.contacts, width)
    return [line(" ", Span(say(N_("Whom to call")), "title")), *map(_shown, known), ()]


def _title(page: Page) -> str:
    return layout.title(page.text(language()))


def _of_keys(snapshot: Snapshot, chosen: Row | None, width: int, read_only: bool) -> list[Line]:
    """In a replay the keys that decide are there too, with the reason why they do nothing."""
    lines: list[Line] = []
    for key in keys.KEYS:
        if snapshot.past is None and not keys.usable(key, read_only=read_only):
            continue
        lines += _of_key(keys.named(key), say(key.help), width)
        off = keys.why_off(key, snapshot, chosen)
        if off is not None:
            told = say(N_("off just now: {why}"), why=off)
            lines += [line(" " * 9, Span(part, "dim")) for part in wrap(told, width - 10)]
    return lines


def _of_key(shown: str, told: str, width: int) -> list[Line]:
    parts = wrap(told, width - 10)
    first = line(" ", Span(f"{shown:<6}", "key"), "  ", parts[0])
    return [first, *(line(" " * 9, part) for part in parts[1:])]
