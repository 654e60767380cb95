"""The one widget: it shows lines, and repaints only the cells that changed.

Textual repaints what it is told is dirty and does not compare cells; over a slow link that is
the difference between a calm screen and a flickering one. So a panel compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from textual.app import App
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from prep_console.widgets.lines import Line, cells
from prep_console.widgets.look import Look


class Panel(Widget):
    """A block of lines. Its height follows the number of lines unless a style fixes it."""

    DEFAULT_CSS = """
    Panel { width: 1fr; height: auto; background: ansi_default; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Draw ``lines``, touching nothing that is the same as before."""
        new, old = tuple(lines), self._lines
        if new == old:
            return
        self._lines = new
        if len(new) != len(old) and self.styles.is_auto_height:
            self.refresh(layout=True)
            return
        width = self.size.width
        regions = [
            Region(first, y, last - first, 1)
            for y in range(max(len(new), len(old)))
            for first, last in [_changed(_line(old, y), _line(new, y), width)]
            if first < last
        ]
        if regions:
            self.refresh(*regions)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown now."""
        return self._lines

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        return self.strip(_line(self._lines, y))

    def strip(self, spans: Line) -> Strip:
        """A line as this terminal shows it, over the whole width."""
        look = look_of(self.app)
        strip = _strip(spans, look)
        return strip.adjust_cell_length(self.size.width, look.palette[""])


def look_of(app: App[object]) -> Look:
    """How this app's terminal shows things; the plainest look for an app that says nothing."""
    look = getattr(app, "look", None)
    return look if isinstance(look, Look) else Look()


def _line(lines: tuple[Line, ...], y: int) -> Line:
    return lines[y] if y < len(lines) else ()


@lru_cache(512)
def _strip(line: Line, look: Look) -> Strip:
    palette = look.palette
    return Strip(
        [Segment(look.shown(text), palette[tone] or None) for text, tone in line], cells(line)
    )


def _changed(old: Line, new: Line, width: int) -> tuple[int, int]:
    """First and one-after-last cell that differ; equal when none does."""
    if old == new:
        return 0, 0
    first = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        first += cells((before,))
    last = 0
    if cells(old) == cells(new):
        for before, after in zip(reversed(old), reversed(new), strict=False):
            if before != after:
                break
            last += cells((before,))
        return min(first, width), min(width, cells(new) - last)
    return min(first, width), width
