"""Every theme, size class and language, over a made-up station: pictures to be looked at.

They stand beside those of the real night and are PNG only: nothing links them but the reader's
curiosity, and each is small.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prep_console.wording import Language
from tests.console.terminals import Tmux
from tests.waiting import wait_until

Size = tuple[int, int]
Take = Callable[[str, Size, str, float], None]
"""What draws a picture: its name, the terminal's size, what it shows, and the zoom."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture, taken in both languages."""

    name: str
    state: str
    size: Size
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    see: str = ""
    """A text of both languages that stands there when it may be taken."""


_TERMINALS: Mapping[str, Mapping[str, str]] = {
    "contrast": {"PREP_CONSOLE_THEME": "contrast"},
    "colour-blind": {"PREP_CONSOLE_THEME": "colour-blind"},
    "mono": {"NO_COLOR": "1"},
    "16": {"TERM": "screen"},
    "16-colour-blind": {"TERM": "screen", "PREP_CONSOLE_THEME": "colour-blind"},
    "linux": {"TERM": "linux"},
    "ascii": {"TERM": "vt100", "LC_ALL": "C"},
}
_WALLS: tuple[Size, ...] = ((80, 24), (240, 67), (480, 135), (640, 180))
_SIZES: tuple[Size, ...] = ((20, 5), (40, 12), (60, 50), (240, 70))


def shots() -> Iterator[Shot]:
    """All of them."""
    for size in _SIZES:
        yield Shot(f"size-{size[0]}x{size[1]}", "bad_night", size)
    for size in _WALLS:
        yield Shot(f"wall-{size[0]}x{size[1]}", "bad_night", size, ("--wall",))
    for place, page in ((2, "cuts"), (3, "instruments"), (4, "record")):
        turning = ("--wall", "--pages=3")
        yield Shot(f"wall-page-{page}", "equipped", (160, 45), turning, see=f"{place}/4")
    yield Shot("wall-old", "no_engine", (160, 45), ("--wall",))
    for name, environment in _TERMINALS.items():
        yield Shot(f"theme-{name}", "bad_night", (80, 24), (), environment)
    for name in ("contrast", "colour-blind", "mono", "ascii"):
        more = _TERMINALS[name]
        yield Shot(f"theme-{name}-wall", "bad_night", (120, 36), ("--wall",), more)
    yield Shot("palette", "bad_night", (80, 24), keys=(":",), see="▸")
    yield Shot("cut", "equipped", (80, 40), keys=("Enter",), see="cut.json")


def take(
    folder: Path,
    wanted: Sequence[str],
    languages: Sequence[Language],
    command_at: Callable[..., list[str]],
    draw: Take,
) -> None:
    """Those whose names hold one of ``wanted``; all when nothing is."""
    for shot in shots():
        for language in languages:
            full = f"{shot.name}-{language}"
            if wanted and not any(one in full for one in wanted):
                continue
            with _open(folder / f"{full}.tmux", shot, language, command_at) as screen:
                captured = screen.tmux("capture-pane", "-e", "-N", "-p")
            draw(full, shot.size, captured, min(1.0, 120 / shot.size[0]))


@contextlib.contextmanager
def _open(
    socket: Path, shot: Shot, language: Language, command_at: Callable[..., list[str]]
) -> Iterator[Tmux]:
    settings = [f"{name}={value}" for name, value in shot.environment.items()]
    terminal = [] if "TERM" in shot.environment else ["TERM=tmux-256color"]
    program = [sys.executable, "-m", "tests.console.sham", shot.state, *shot.arguments]
    program += ["--en"] if language == "en" else []
    command = command_at("env", *terminal, *settings, *program)
    with Tmux(socket, command, shot.size, {"TERM": "tmux-256color"}) as screen:
        wait_until(lambda: screen.text().count(":") > 1 or "█" in screen.text(), 60, "a screen")
        if shot.keys:
            screen.keys(*shot.keys)
        if shot.see:
            screen.see(shot.see, 60)
        last = ""

        def settled() -> bool:
            nonlocal last
            before, last = last, _without_time(screen.text())
            return before == last

        wait_until(settled, 60, "a screen that stands")
        yield screen


def _without_time(text: str) -> str:
    """What moves each second does not count."""
    return "".join(sign for sign in text if not sign.isdigit() and sign not in "█·▀▄#")
