"""The main page drawn as text, without a terminal."""

from __future__ import annotations

from typing import Any

from prep_console.console import keys, wording_of
from prep_console.snapshot import Snapshot
from prep_console.values import replace
from prep_console.widgets import (
    main_page,
)
from prep_console.widgets.lines import plain

HOSTILE = "\x1b[31m\x1b]0;x\x07\u202e[red]x[/red]{0}\n\t"
SIZES = (
    *((80, 24), (120, 40), (160, 45), (200, 60), (240, 70), (60, 20), (40, 12), (60, 50)),
    *((80, 60), (20, 5), (80, 12), (132, 9)),
)


def frame(snapshot: Snapshot, width: int = 80, height: int = 24, **more: Any) -> main_page.Frame:
    return replace(
        main_page.Frame(
            width,
            height,
            None,
            tuple(keys.hints(snapshot, None, read_only=False)),
            wording_of.refusal,
            wording_of.alarm,
        ),
        **more,
    )


def screen(snapshot: Snapshot, width: int = 80, height: int = 24, **more: Any) -> str:
    there = frame(snapshot, width, height, **more)
    return plain(main_page.page(snapshot, snapshot, there).lines(there))
