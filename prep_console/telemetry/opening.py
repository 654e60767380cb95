"""Opening the samples only to read them: whoever owns them, and without leaving anything behind."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

_PATIENCE_S = 0.3


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, read only; OSError and sqlite3.Error as they are.

    After a clean end there is no log, and SQLite would make one to read: a uid that may not
    promises that nobody writes, and one that may leaves nothing behind. A log without its index
    is a copy that somebody took while the engine ran: SQLite would write into it, so it is read
    from a copy of our own.
    """
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    if not log.exists():
        with closing(_connected(path, "&immutable=1")) as database:
            yield database
    elif index.exists():
        with closing(_connected(path, "")) as database:
            yield database
    else:
        with tempfile.TemporaryDirectory(prefix="prep-telemetry-") as folder:
            own = Path(folder) / path.name
            shutil.copyfile(path, own)
            shutil.copyfile(log, own.with_name(log.name))
            with closing(_connected(own, "")) as database:
                yield database


def _connected(path: Path, more: str) -> sqlite3.Connection:
    name = f"file:{quote(str(path.absolute()))}?mode=ro{more}"
    return sqlite3.connect(name, uri=True, timeout=_PATIENCE_S, isolation_level=None)
