"""A file that somebody takes along: in the folder they stand in, theirs alone, never over another.

The console may run as the station's own user through sudo: a name that exists already, a link
among them, is never opened.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from prep_console.problems import Failed
from prep_console.wording import N_, sentence

_TRIES = 100


def write(lines: Iterable[str], kind: str, now: datetime, folder: Path) -> Path:
    """Write ``lines`` into a new file of ``folder``; its path. Failed when that cannot be."""
    try:
        path, descriptor = _new(folder, f"prep-{kind}-{now:%Y%m%d-%H%M%S}")
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines(f"{text}\n" for text in lines)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise Failed(
            sentence(
                N_("nothing could be written into {folder}: {error}"),
                folder=str(folder),
                error=error.strerror or str(error),
            ),
            sentence(N_("start the console in a folder that you may write to")),
        ) from error
    return path


def _new(folder: Path, name: str) -> tuple[Path, int]:
    for number in range(1, _TRIES + 1):
        path = folder / (f"{name}.txt" if number == 1 else f"{name}-{number}.txt")
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            return path, os.open(path, flags, 0o600)
        except FileExistsError:
            continue
    raise FileExistsError(17, os.strerror(17), str(folder))
