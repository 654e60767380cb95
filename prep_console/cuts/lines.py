"""Bytes of a delivered text file to lines: any line end, any of the encodings seen, one pass.

Bounded in memory whatever comes: the stream is read in blocks, and a line that does not end is
refused. Nothing is decoded by guess of a whole file: what is UTF-8 is read as UTF-8, and the
bytes that cannot be are read as cp1252, because real files mix both.
"""

from __future__ import annotations

import codecs
from collections import deque
from typing import BinaryIO, Final

BLOCK_BYTES: Final = 256 * 1024
MAX_LINE_BYTES: Final = 1024 * 1024
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DOS_END: Final = b"\x1a"
"""Old programs close a text file with it; alone behind the last line end it is no line."""
_FALLBACK: Final = "prep-cp1252"


class Unreadable(Exception):
    """The file is not what it should be, and nothing of it can be used.

    ``check`` is the id in checks.py whose sentence tells a person why; ``reason`` says the
    same in English for the log.
    """

    def __init__(self, reason: str, check: str = "results.unreadable") -> None:
        super().__init__(reason)
        self.reason = reason
        self.check = check


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_FALLBACK, _as_cp1252)


class Lines:
    """Iterates over the lines of a binary stream, without their ends.

    ``encoding`` is ascii, utf-8, utf-8-sig or cp1252, judged by what was read so far;
    ``number`` is that of the line handed out last, from 1; ``ended`` says, after the last
    line, whether that one had a line end. Raises Unreadable for what is no text.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.encoding = "ascii"
        self.number = 0
        self.ended = True
        self._stream = stream
        self._rest = b""
        self._started = False
        self._finished = False
        self._ready: deque[str] = deque()

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        while not self._ready:
            if self._finished:
                raise StopIteration
            self._fill()
        self.number += 1
        return self._ready.popleft()

    def give_back(self, lines: list[str]) -> None:
        """Hand out these lines again: the ones read last, in their order."""
        self._ready.extendleft(reversed(lines))
        self.number -= len(lines)

    def _fill(self) -> None:
        block = self._stream.read(BLOCK_BYTES)
        if not self._started and block:
            block = self._begin(block)
        if not block:
            self._finished = True
            if self._rest.strip(_DOS_END):
                self.ended = self._rest.endswith(b"\r")
                self._ready.append(self._decoded(self._rest.removesuffix(b"\r")))
            self._rest = b""
            return
        if b"\0" in block:
            raise Unreadable("it holds NUL bytes, as damaged files do", "results.binary")
        data = self._rest + block
        # A CR in the last place may be half of a CRLF: it waits for the next block.
        end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1
        self._rest = data[end:]
        if len(self._rest) > MAX_LINE_BYTES:
            raise Unreadable("a line is longer than 1 MiB", "results.long_line")
        if end:
            whole = self._decoded(data[:end]).replace("\r\n", "\n").replace("\r", "\n")
            lines = whole.split("\n")
            lines.pop()
            self._ready.extend(lines)

    def _begin(self, block: bytes) -> bytes:
        self._started = True
        while len(block) < 3 and (more := self._stream.read(BLOCK_BYTES)):
            block += more
        if block.startswith(UTF16_MARKS):
            raise Unreadable("it is written in UTF-16", "results.utf16")
        if block.startswith(codecs.BOM_UTF8):
            self.encoding = "utf-8-sig"
            return block[3:] or self._stream.read(BLOCK_BYTES)
        return block

    def _decoded(self, data: bytes) -> str:
        if data.isascii():
            return data.decode("ascii")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            self.encoding = "cp1252"
            return data.decode("utf-8", _FALLBACK)
        if self.encoding == "ascii":
            self.encoding = "utf-8"
        return text
