"""What goes wrong, told to a person: what happened, what to do. The edge adds what the public sees.

The exit codes are the command line's contract: 1 refused, 2 wrong usage or settings, 3 failed.
"""

from __future__ import annotations

from typing import ClassVar

from prep_console.wording import Sentence


class Problem(Exception):
    """Something a person must be told. ``what`` happened, and what ``todo`` about it."""

    exit_code: ClassVar[int] = 3

    def __init__(self, what: Sentence, todo: Sentence) -> None:
        super().__init__(what.in_("en"))
        self.what = what
        self.todo = todo

    def __reduce__(self) -> tuple[type[Problem], tuple[Sentence, Sentence]]:
        """So that it crosses from the worker's process as itself."""
        return type(self), (self.what, self.todo)


class Refused(Problem):
    """The rules say no; nothing was changed."""

    exit_code = 1


class WrongUsage(Problem):
    """The command or the settings are wrong; nothing was tried."""

    exit_code = 2


class Failed(Problem):
    """It was tried and did not work: disk, permission, a neighbour that is down."""

    exit_code = 3
