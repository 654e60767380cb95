"""Who may own what is sealed, and that nobody may write to it."""

from __future__ import annotations

import os
import stat

_READABLE = 0o444
_WRITABLE = 0o222


def file_is_sealed(status: os.stat_result) -> bool:
    """A plain file that everybody reads, nobody writes, and we or root own."""
    return stat.S_ISREG(status.st_mode) and _closed(status, _READABLE)


def folder_is_sealed(status: os.stat_result) -> bool:
    """The same of a folder: everybody enters it, nobody adds to it."""
    return stat.S_ISDIR(status.st_mode) and _closed(status, 0o555)


def owned_by_us(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.geteuid()}


def _closed(status: os.stat_result, needed: int) -> bool:
    mode = stat.S_IMODE(status.st_mode)
    return not mode & _WRITABLE and mode & needed == needed and owned_by_us(status)
