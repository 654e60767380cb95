"""The child process that fetches: ``python -m prep_console.intake.pull.child PARENT``.

A pull holds a core and stalls its loop, and a peer may freeze so that not even a cancelled
transfer ends: so it runs here, where its parent can kill it and the part files stay. A job is one
line of JSON on stdin; on stdout come lines of progress and then one with the result. The
connection is kept from one job to the next.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import importlib
import os
import signal
import sys
import time
from typing import Literal

import msgspec

from prep_console.intake.pull.job import (
    Job,
    Progress,
    Pulled,
    PullFailed,
    Trouble,
    decode,
    encode,
)
from prep_console.wording import visible

_PR_SET_PDEATHSIG = 1
_OF_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO, errno.EUCLEAN}
"""What writing meets and a connection never; an error that names a file is our own as well."""
_BETWEEN_S = 0.2
"""Between two lines of progress."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the child."""

    progress: Progress | None = None
    pulled: Pulled | None = None
    failed: Trouble | Literal[""] = ""
    reason: str = ""


def main() -> int:
    """Fetch until stdin ends, or the parent, whose pid is the argument, is gone."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):  # it was killed before it could take us along
        return 1
    for number in (signal.SIGINT, signal.SIGHUP):  # the parent's to answer; it kills us
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(_serve())
    return 0


async def _serve() -> None:
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        _say(await _fetched(decode(line, Job)))


async def _fetched(job: Job) -> Told:
    last_at = 0.0

    def told(progress: Progress) -> None:
        nonlocal last_at
        if time.monotonic() - last_at >= _BETWEEN_S:
            last_at = time.monotonic()
            _say(Told(progress=progress))

    try:
        kind = importlib.import_module(f"prep_console.intake.pull.{job.source.kind}")
        job.into.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Told(pulled=await kind.fetch(job, told))
    except PullFailed as failed:
        return _failed(failed.kind, str(failed))
    except OSError as error:
        ours = error.errno in _OF_DISK or error.filename is not None
        return _failed("our disk" if ours else "unreachable", _said(error))
    except Exception as error:  # whatever a peer makes of us is told, and the next job goes on
        return _failed("unreachable", _said(error))


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _failed(kind: Trouble, reason: str) -> Told:
    return Told(failed=kind, reason=visible(reason)[:300])


def _say(line: Told) -> None:
    sys.stdout.buffer.write(encode(line))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
