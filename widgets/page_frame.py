"""What every page but the main screen has around its text: title, mode, time, and keys."""

from __future__ import annotations

from collections.abc import Sequence

from prep_console.snapshot import Snapshot
from prep_console.widgets.figures import second
from prep_console.widgets.key_bar import Hint, bar
from prep_console.widgets.lines import Line, Span, cells, ends, fit, line, rule, wrap
from prep_console.widgets.public_band import drill_band, mode_span, unreadable_band
from prep_console.wording import say_n


def head(snapshot: Snapshot, title: str, width: int, stale_s: float | None = None) -> list[Line]:
    """The drill's band while it is one, that nothing can be read, the title, and a rule.

    ``stale_s`` is how long nothing could be read, when that is long.
    """
    right = line(mode_span(snapshot), "   ", second(snapshot, snapshot.observed_at), " ")
    return [
        *drill_band(snapshot, width),
        *unreadable_band(snapshot, stale_s, width),
        ends(line(" ", Span(title, "strong")), right, width),
        rule("", width),
    ]


def room(snapshot: Snapshot, height: int, stale_s: float | None = None) -> int:
    """Lines for the text between head and foot."""
    return max(1, height - len(head(snapshot, "", 80, stale_s)) - 1)


def remark(text: str, width: int) -> list[Line]:
    """What the last key met, above the foot; nothing where there is nothing to say."""
    return [line(" ", Span(part, "note")) for part in wrap(text, width - 2)] if text else []


def foot(hints: Sequence[Hint], below: int, width: int) -> Line:
    """The keys, and how much is below the last line."""
    where = say_n("{n} more line", "{n} more lines", below) if below > 0 else ""
    right = line(Span(where + " ", "dim")) if where else ()
    return ends(bar(hints, width - cells(right)), right, width)


def page(
    snapshot: Snapshot,
    title: str,
    text: Sequence[Line],
    keys: Line,
    width: int,
    height: int,
    stale_s: float | None = None,
) -> list[Line]:
    """All of it, exactly ``height`` lines."""
    above = head(snapshot, title, width, stale_s)
    free = max(0, height - len(above) - 1)
    shown = [*text[:free], *[()] * (free - len(text))]
    return [fit(one, width) for one in [*above, *shown, keys][:height]]
