"""Reading a zip without trusting it: its table, then each member's bytes, nothing on disk.

The table (central directory) is parsed here and not by :mod:`zipfile`, for three reasons: a
table of 200,000 entries is bytes in the file instead of as many objects; every claim that
the table and the headers in front of the bytes make twice is compared; and members are
verified on two threads with ISA-L. The format is PKWARE's APPNOTE 6.3, sections 4.3 to 4.5.
"""

from __future__ import annotations

import os
import stat
import struct
from array import array
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from operator import le
from typing import Final, NamedTuple

from prep_console.cuts.entry_names import NameGuard
from prep_console.cuts.inflate import crc32, inflate
from prep_console.cuts.members import CHUNK, Budget, Member, Unsafe, Visit, Wanted

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64: Final = struct.Struct("<4sLQL")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_LOCAL: Final = struct.Struct("<4s5H3L2H")

_ENCRYPTED: Final = 0x0001 | 0x0040 | 0x2000
_DESCRIPTOR: Final = 0x0008
_UTF8: Final = 0x0800
_MAX16: Final = 0xFFFF
_MAX32: Final = 0xFFFFFFFF
_STORED: Final = 0
_DEFLATED: Final = 8
_UNIX: Final = (3, 19)
"""Makers (Unix, macOS) whose external attributes hold a file mode in the upper 16 bits."""
_DESCRIPTOR_BYTES: Final = 24
_TABLE_BYTES_PER_ENTRY: Final = 512
"""More than any real entry takes in the table; bounds what is read of it."""
_HEAD: Final = 1 << 16
_TABLE_HELD: Final = 4 << 20
"""Bytes of the table that are held at once: all of one that is usual, a part of a longer one."""
_ROW: Final = 1 << 10
"""Bytes read where rows are asked for in another order than they stand in."""
_PARALLEL: Final = 4 << 20
"""Bytes to verify from which a second thread pays."""
_BATCH: Final = 1024
"""Members in one batch, however small they are."""


class _Entry(NamedTuple):
    """One row of the table; a tuple, as there are hundreds of thousands of them."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    """Unix file mode, or 0 when the maker stated none."""

    @property
    def name(self) -> str:
        """As written; bytes that claim to be UTF-8 and are not become lone surrogates."""
        if self.flags & _UTF8:
            return self.raw_name.decode("utf-8", "surrogateescape")
        try:
            return self.raw_name.decode("utf-8")
        except UnicodeDecodeError:
            return self.raw_name.decode("cp437")  # what the format says it is


def read_zip(fd: int, where: str, budget: Budget, wanted: Wanted, visit: Visit) -> None:
    """Verify every byte of the zip open as ``fd``; visit the members that are wanted.

    Raises :class:`Unsafe` at the first stop. All that the table says is checked before the
    first byte is unpacked; the members come in the order of their place in the file.
    """
    archive = _Zip(fd, where)
    order = archive.check_table(budget)
    told, plain = array("Q"), _Batches()
    for position in order:
        entry = archive.entry(position)
        if wanted(entry.name) and not entry.raw_name.endswith(b"/"):
            told.append(position)
        else:
            plain.add(position, entry.packed)
    workers = min(2, 1 + plain.bytes // _PARALLEL)
    with ThreadPoolExecutor(2, "verify-zip") as pool:
        verified: list[Future[None]] = []
        try:
            if workers > 1:
                verified = [pool.submit(archive.verify, batch) for batch in plain.batches]
            for position in told:
                _visit_one(archive, position, visit)
            if workers == 1:
                for batch in plain.batches:
                    archive.verify(batch)
            for outcome in verified:
                outcome.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _visit_one(archive: _Zip, position: int, visit: Visit) -> None:
    entry = archive.entry(position)
    chunks = archive.chunks(entry)
    visit(Member(entry.name, archive.at(entry.name), lambda: chunks))
    for _ in chunks:  # what the visitor left unread is verified all the same
        pass


def _by_offset(positions: array[int], offsets: array[int]) -> array[int]:
    """Positions in the table by their place in the file: nearly always as they stand."""
    if all(map(le, offsets, islice(offsets, 1, None))):
        return positions
    in_order = sorted(range(len(positions)), key=offsets.__getitem__)
    return array("Q", map(positions.__getitem__, in_order))


class _Batches:
    """Members to verify, in batches that keep two threads busy until the end."""

    def __init__(self) -> None:
        self.bytes = 0
        """Packed, of all of them."""
        self.batches: list[array[int]] = []
        self._room = 0

    def add(self, position: int, packed: int) -> None:
        if self._room <= 0 or len(self.batches[-1]) >= _BATCH:
            self.batches.append(array("Q"))
            self._room = _PARALLEL
        self.batches[-1].append(position)
        self._room -= packed
        self.bytes += packed


class _Zip:
    """One zip file open for reading at any place, by several threads at once."""

    def __init__(self, fd: int, where: str) -> None:
        self._fd = fd
        self._where = where
        self._size = os.fstat(fd).st_size
        self._table_at = self._table_size = 0
        self._held = 0, -1, b""
        """Where in the table a part of it begins, up to where a row may begin in it, and that
        part. Replaced as one value: several threads read rows at once."""
        self._shift = 0
        """Bytes in front of the archive; every offset in it counts from after them."""

    def at(self, name: str) -> str:
        return f"{self._where}!/{name}"

    def _read(self, n: int, offset: int) -> bytes:
        data = os.pread(self._fd, n, offset)
        if len(data) != n:
            raise Unsafe("archive.truncated", self._where)
        return data

    # -- the table -----------------------------------------------------------------------

    def check_table(self, budget: Budget) -> array[int]:
        """Read the table and check all it claims; the entries' positions, by file offset."""
        count, table_size, table_at, trailing = self._find_table(budget)
        self._table_at, self._table_size = table_at, table_size
        budget.spend_entries(count, self._where)
        positions, offsets = array("Q"), array("Q")
        guard = NameGuard(self._where, lambda: (self.entry(at).name for at in positions))
        unpacked = 0
        position = 0
        for _ in range(count):
            entry, length = self._parse(position)
            self._check_entry(entry, guard)
            positions.append(position)
            offsets.append(entry.offset)
            unpacked += entry.size
            position += length
        if position != table_size:
            raise Unsafe("archive.damaged", self._where, reason="its table does not add up")
        budget.spend_bytes(unpacked, self._where)
        budget.check_ratio(unpacked, self._size, self._where)
        order = _by_offset(positions, offsets)
        budget.warn_trailing(trailing + self._check_layout(order, table_at), self._where)
        return order

    def _find_table(self, budget: Budget) -> tuple[int, int, int, int]:
        """Entries, size and place of the table, and how many bytes follow the archive.

        Only the last end record counts, as for every other reader: one that looks past a record
        that does not fit shows people another archive than their programs will.
        """
        tail_at = max(0, self._size - _END.size - _MAX16 - _HEAD)
        tail = self._read(self._size - tail_at, tail_at)
        found = tail.rfind(b"PK\5\6")
        if found < 0 or len(tail) - found < _END.size:
            raise Unsafe("archive.truncated", self._where)
        fields = _END.unpack_from(tail, found)
        _, disk, table_disk, here, count, table_size, offset, comment = fields
        end = found + _END.size + comment
        if end > len(tail):
            raise Unsafe("archive.truncated", self._where)
        end_at = tail_at + found
        said_at = None
        big = self._find_table64(end_at)
        if big is not None:
            if any(
                said not in (wide, most)
                for said, wide, most in (
                    (here, big[2], _MAX16),
                    (count, big[3], _MAX16),
                    (table_size, big[4], _MAX32),
                    (offset, big[5], _MAX32),
                )
            ):
                raise self._broken_table()  # two end records, and readers differ in which they heed
            disk, table_disk, here, count, table_size, offset, end_at, said_at = big
        if disk or table_disk or here != count:
            raise self._broken_table()
        if table_size > (budget.limits.max_entries + 1) * _TABLE_BYTES_PER_ENTRY:
            raise Unsafe("archive.entries", self._where, limit=budget.limits.max_entries)
        table_at = end_at - table_size
        self._shift = table_at - offset
        if table_at < 0 or self._shift < 0:
            raise self._broken_table()
        if count and self._read(4, table_at) != b"PK\1\2":
            raise self._broken_table()
        if said_at is not None and said_at + self._shift != end_at:
            raise self._broken_table()  # who follows it there reads another table
        if self._shift and self._read(4, 0) == b"PK\3\4":
            # it begins as one archive and ends as another: cut off behind one inside it
            raise Unsafe("archive.truncated", self._where)
        return count, table_size, table_at, len(tail) - end

    def _find_table64(self, end_at: int) -> tuple[int, int, int, int, int, int, int, int] | None:
        """The wide end record's fields, where it begins, and where the locator says so."""
        at = end_at - _LOCATOR64.size
        if at < _END64.size:
            return None
        signature, table_disk, said_at, disks = _LOCATOR64.unpack(self._read(_LOCATOR64.size, at))
        end64_at = at - _END64.size
        block = self._read(_END64.size, end64_at)
        if signature != b"PK\6\7":
            return None
        if table_disk or disks > 1:
            raise self._broken_table()
        if block[:4] != b"PK\6\6":
            return None
        _, _, _, _, disk, table_disk, here, count, size, offset = _END64.unpack(block)
        return disk, table_disk, here, count, size, offset, end64_at, said_at

    def entry(self, position: int) -> _Entry:
        """The table's row at a position that :meth:`check_table` found good."""
        return self._parse(position)[0]

    def _part(self, position: int, most: int) -> tuple[int, int, bytes]:
        size = min(most, self._table_size - position)
        if size < _CENTRAL.size:
            raise self._broken_table()
        part = self._read(size, self._table_at + position)
        return position, position + size - _CENTRAL.size, part

    def _parse(self, position: int) -> tuple[_Entry, int]:
        begins, last, table = self._held
        if not begins <= position <= last:
            follows = last < position <= last + _ROW
            begins, last, table = self._part(position, _TABLE_HELD if follows else _ROW)
            self._held = begins, last, table
        here = position - begins
        fields = _CENTRAL.unpack_from(table, here)
        signature, made_by, _, flags, method, _, _, crc, packed, size = fields[:10]
        name_length, extra_length, comment_length, disk, _, attributes, offset = fields[10:]
        length = _CENTRAL.size + name_length + extra_length + comment_length
        if signature != b"PK\1\2" or disk not in (0, _MAX16):
            raise self._broken_table()
        if here + length > len(table):
            if position + length > self._table_size:
                raise self._broken_table()
            self._held = self._part(position, max(length, _TABLE_HELD if here else _ROW))
            table, here = self._held[2], 0
        name_at = here + _CENTRAL.size
        extra_at = name_at + name_length
        if _MAX32 in (packed, size, offset):
            extra = table[extra_at : extra_at + extra_length]
            size, packed, offset = self._wide(extra, size, packed, offset)
        if offset + self._shift >= self._size:
            raise Unsafe("archive.truncated", self._where)
        mode = attributes >> 16 if made_by >> 8 in _UNIX else 0
        name = table[name_at:extra_at]
        return _Entry(name, flags, method, crc, packed, size, offset + self._shift, mode), length

    def _broken_table(self) -> Unsafe:
        return Unsafe("archive.damaged", self._where, reason="its table does not add up")

    def _wide(self, extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
        """The values that did not fit into 32 bits, from the zip64 extra field."""
        at = 0
        while at + 4 <= len(extra):
            kind, length = struct.unpack_from("<2H", extra, at)
            if at + 4 + length > len(extra):
                raise self._broken_table()
            if kind == 1:
                wide = iter(
                    struct.unpack_from(f"<{length // 8}Q", extra[: at + 4 + length], at + 4)
                )
                values = [next(wide, v) if v == _MAX32 else v for v in (size, packed, offset)]
                return values[0], values[1], values[2]
            at += 4 + length
        return size, packed, offset

    def _check_entry(self, entry: _Entry, guard: NameGuard) -> None:
        name = entry.name
        if entry.flags & _ENCRYPTED:
            raise Unsafe("archive.encrypted", self.at(name))
        kind = stat.S_IFMT(entry.mode)
        if kind == stat.S_IFLNK:
            raise Unsafe("archive.link", self.at(name))
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise Unsafe("archive.device", self.at(name))
        if entry.method not in (_STORED, _DEFLATED):
            raise Unsafe("archive.method", self.at(name), method=entry.method)
        if name.endswith("/"):
            guard.folder(name[:-1])
        else:
            guard.file(name)

    def _check_layout(self, order: array[int], table_at: int) -> int:
        """Each entry's bytes are its own; how many bytes between them belong to nobody."""
        stray = 0
        end = 0
        previous: _Entry | None = None
        for position in order:
            entry = self.entry(position)
            gap = entry.offset - end
            if gap < 0:
                raise Unsafe("archive.overlap", self.at(entry.name))
            header = _LOCAL.unpack(self._read(_LOCAL.size, entry.offset))
            stray += self._stray(previous, gap)
            end = entry.offset + _LOCAL.size + header[-2] + header[-1] + entry.packed
            previous = entry
        if end > table_at:
            raise Unsafe("archive.overlap", self._where)
        return stray + self._stray(previous, table_at - end)

    @staticmethod
    def _stray(before: _Entry | None, gap: int) -> int:
        described = before is not None and before.flags & _DESCRIPTOR
        return 0 if described and gap <= _DESCRIPTOR_BYTES else gap

    # -- the members -----------------------------------------------------------------------

    def verify(self, positions: array[int]) -> None:
        """Unpack members to nowhere, and so check their headers, sizes and checksums."""
        for position in positions:
            for _ in self.chunks(self.entry(position)):
                pass

    def chunks(self, entry: _Entry) -> Iterator[bytes]:
        """A member's content; :class:`Unsafe` if it is not what the table says."""
        where = self.at(entry.name)
        start = self._check_local(entry, where)
        packed = self._packed(start, entry.packed)
        crc = size = 0
        for chunk in packed if entry.method == _STORED else inflate(packed, where):
            size += len(chunk)
            if size > entry.size:
                raise Unsafe("archive.damaged", where, reason="a file is longer than it says")
            crc = crc32(chunk, crc)
            yield chunk
        if size != entry.size:
            raise Unsafe("archive.damaged", where, reason="a file is shorter than it says")
        if crc != entry.crc:
            raise Unsafe("archive.checksum", where)

    def _packed(self, start: int, length: int) -> Iterator[bytes]:
        for at in range(start, start + length, CHUNK):
            yield self._read(min(CHUNK, start + length - at), at)

    def _check_local(self, entry: _Entry, where: str) -> int:
        """Where the bytes begin; :class:`Unsafe` if the header before them says otherwise."""
        head = os.pread(self._fd, _LOCAL.size + len(entry.raw_name), entry.offset)
        if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
            raise Unsafe("archive.damaged", where, reason="a file is not where the table says")
        fields = _LOCAL.unpack_from(head)
        flags, method, crc, packed, size = fields[2], fields[3], *fields[6:9]
        name_length, extra_length = fields[9:]
        if name_length != len(entry.raw_name) or head[_LOCAL.size :] != entry.raw_name:
            raise Unsafe("archive.header", where)
        differ = flags ^ entry.flags
        if method != entry.method or differ & 1:
            raise Unsafe("archive.header", where)
        if differ & _UTF8 and not entry.raw_name.isascii():  # two readers, two names
            raise Unsafe("archive.header", where)
        stated = ((crc, entry.crc), (packed, entry.packed), (size, entry.size))
        if not flags & _DESCRIPTOR and any(a != b and a != _MAX32 for a, b in stated):
            raise Unsafe("archive.header", where)
        return entry.offset + _LOCAL.size + int(name_length + extra_length)
