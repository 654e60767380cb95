"""A file that somebody takes along: in the folder they stand in, readable, never over another.

The console may run as the station's own user through sudo: where that one may not write the file
goes into /tmp, for the operator to copy, and a name that exists already, a link among them, is
never opened.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from prep_console.problems import Failed
from prep_console.wording import N_, sentence

_TRIES = 100
_SHUT = {errno.EACCES, errno.EPERM, errno.EROFS}
_MODE = 0o644
"""Of the journal itself, whatever the umask of this shell."""


def write(lines: Iterable[str], kind: str, now: datetime, folder: Path) -> Path:
    """Write ``lines`` into a new file of ``folder``; its path. Failed when that cannot be."""
    name = f"prep-{kind}-{now:%Y%m%d-%H%M%S}"
    try:
        try:
            path, descriptor = _new(folder, name)
        except OSError as error:
            if error.errno not in _SHUT:
                raise
            path, descriptor = _new(Path(tempfile.gettempdir()), name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            os.fchmod(descriptor, _MODE)
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
            return path, os.open(path, flags, _MODE)
        except FileExistsError:
            continue
    raise FileExistsError(17, os.strerror(17), str(folder))
