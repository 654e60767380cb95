"""Files on their way: ``.NAME.part`` with its validator beside it, and what was fetched before."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from prep_console.decoding import decode

Validator = str
"""What tells two states of a remote file apart: size and mtime, or an ETag."""

_RECORD = ".fetched.json"
_REMEMBERED = 2000


class PartFile:
    """One file that is being fetched, in order from its front; kept when the fetching breaks."""

    def __init__(self, into: Path, name: str, validator: Validator) -> None:
        """Go on with what an earlier try left, unless the file there is another one by now."""
        self.into = into
        self._target = into / name
        self._validator = validator
        self._path = _part(into, name)
        self._beside = _validator(into, name)
        if not validator or self._known() != validator:
            self.discard()
            durable_text(self._beside, validator)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self._path, flags, 0o600)
        self.size = os.fstat(self._descriptor).st_size
        """Bytes that are here, all from the front."""

    def append(self, data: bytes | memoryview) -> None:
        """OSError when the disk is full; what was written before stays."""
        rest = memoryview(data)
        while rest:
            count = os.pwrite(self._descriptor, rest, self.size)
            self.size += count
            rest = rest[count:]

    def extend(self, pieces: Iterable[bytes]) -> None:
        """One after the other, as ``append``."""
        for data in pieces:
            self.append(data)

    def begin_again(self) -> None:
        """The peer does not go on where we are: from the front."""
        os.ftruncate(self._descriptor, 0)
        self.size = 0

    @property
    def path(self) -> Path:
        return self._path

    def finish(self, validator: Validator = "") -> Path:
        """It is whole: under its own name from now on, remembered by its validator."""
        os.fsync(self._descriptor)
        self._path.rename(self._target)
        self._beside.unlink(missing_ok=True)
        remember(self._target.parent, self._target.name, validator or self._validator)
        return self._target

    def discard(self) -> None:
        """What was fetched is of no use."""
        forget(self.into, self._target.name)

    def close(self) -> None:
        os.close(self._descriptor)

    def _known(self) -> str | None:
        try:
            return self._beside.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None


def left(into: Path, name: str) -> tuple[int, Validator]:
    """Size and validator of what an earlier try left; (0, '') of nothing."""
    try:
        validator = _validator(into, name).read_text(encoding="utf-8")
        return _part(into, name).stat().st_size, validator
    except (OSError, ValueError):
        return 0, ""


def forget(into: Path, name: str) -> None:
    """Begin from the front at the next try."""
    _part(into, name).unlink(missing_ok=True)
    _validator(into, name).unlink(missing_ok=True)


def _part(into: Path, name: str) -> Path:
    return into / f".{name}.part"


def _validator(into: Path, name: str) -> Path:
    return into / f".{name}.part.json"


def durable_text(path: Path, text: str) -> None:
    """Replace a small file of ours by rename."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.rename(path)


def fetched_before(into: Path) -> dict[str, Validator]:
    """Name to validator of what this source gave us already."""
    try:
        return decode((into / _RECORD).read_bytes(), dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeError):
        return {}


def remember(into: Path, name: str, validator: Validator) -> None:
    """Note that this state of the file was fetched; the oldest notes go."""
    known = fetched_before(into)
    known.pop(name, None)
    known[name] = validator
    kept = dict(list(known.items())[-_REMEMBERED:])
    with suppress(OSError):  # it is only fetched once more
        durable_text(into / _RECORD, msgspec.json.encode(kept).decode())
