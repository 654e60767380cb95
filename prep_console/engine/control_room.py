"""The control room's tmux session: what ``tmux-config`` prints.

Readers are other uids that tmux itself keeps from acting (``server-access -r``, tmux 3.3): the same
uid is not held back by anything. Windows start again by themselves when their program ends.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from prep_console.engine.unit import program
from prep_console.problems import WrongUsage
from prep_console.wording import N_, say, sentence, visible

SESSION = "prep"
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}", re.ASCII)
_AGAIN = 'while :; do "$@"; sleep 5; done'
"""A program that ended starts again; one that cannot start does not spin."""
_WINDOWS = (
    (N_("wall"), ("console", "--wall")),
    (N_("record"), ("journal", "--follow")),
    (N_("console"), ("console", "--read-only")),
)

_SERVER = """\
set -s escape-time 10
set -s focus-events off
set -g default-terminal "tmux-256color"
set -g mouse off
set -g status-interval 15
set -g history-limit 2000
"""


def tmux_config(config: Path, *, language: str | None, viewers: Sequence[str]) -> str:
    """The configuration for this station and this installation. WrongUsage for no user's name."""
    for viewer in viewers:
        if not _USER.fullmatch(viewer):
            raise WrongUsage(
                sentence(N_("{name} is no user's name"), name=viewer),
                sentence(N_("name a user of this machine: --viewer muro")),
            )
    before = [str(program()), "--config", str(config.absolute())]
    if language is not None:
        before += ["--lang", language]
    if any(visible(part) != part for part in before):
        raise WrongUsage(
            sentence(N_("{path} has control characters in it"), path=" ".join(before)),
            sentence(N_("move the settings file or the program to a plain path")),
        )
    lines = [f"# {line}" for line in _how_to()]
    lines += ["", *_SERVER.splitlines(), ""]
    for number, (name, command) in enumerate(_WINDOWS):
        begin = f"new-session -d -s {SESSION}" if number == 0 else f"new-window -d -t {SESSION}"
        words = shlex.join(["sh", "-c", _AGAIN, "sh", *before, *command])
        lines.append(f"{begin} -n {shlex.quote(say(name))} {words}")
    if viewers:
        lines += ["", "run-shell 'chmod 660 #{q:socket_path}'"]
        lines += [f"server-access -a -r {viewer}" for viewer in viewers]
    return "\n".join([*lines, ""])


def _how_to() -> tuple[str, ...]:
    folder = "/run/prep-muro"
    return (
        say(N_("The control room's session. Written to muro.conf, as the user who runs it:")),
        f"    install -d -m 2750 {folder}",
        f"    tmux -S {folder}/tmux -f muro.conf attach",
        say(
            N_(
                "Whoever only looks on (--viewer NAME) is another user, in the group of that "
                "folder; tmux refuses them every key:"
            )
        ),
        f"    tmux -S {folder}/tmux attach -r",
    )
