"""One line of the journal: canonical JSON, each bound to the line before it by its hash.

``hash`` is the SHA-256 of the line's canonical JSON without ``hash`` itself; ``prev`` is the
hash of the line before. Canonical: keys sorted, no spaces, ASCII only (so a hostile file name
in ``data`` cannot steer the terminal of somebody who reads the file with ``cat``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from prep_console.journal.actor import Actor
from prep_console.journal.lost import may_have_stopped
from prep_console.wording import N_

GENESIS = "0" * 64
"""``prev`` of the first line."""


class BrokenLine(ValueError):
    """These bytes are no line of a journal; the message says what is wrong with them."""


class Line(msgspec.Struct, frozen=True):
    seq: int
    time: datetime
    """Aware UTC."""
    actor: Actor
    kind: str
    data: Mapping[str, object]
    prev: str
    hash: str


class Break(msgspec.Struct, frozen=True):
    """A place where the chain does not hold."""

    line: int
    """Counted from 1 in the file."""
    seq: int | None
    """What the line calls itself, when it can be read."""
    reason: str
    """One of our sentences, in English."""
    after: int = 0
    """How many lines that hold stand before it in what was read with it."""
    stops: bool = False
    """A person's word to publish nothing may be lost in it."""


def canonical(value: object) -> bytes:
    """The one way to write ``value`` as JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def compose(
    seq: int, time: datetime, actor: Actor, kind: str, data: Mapping[str, object], prev: str
) -> tuple[Line, bytes]:
    """A new line and its bytes (newline included), bound to ``prev``."""
    record: dict[str, object] = {
        "seq": seq,
        "time": time.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "actor": actor.as_json(),
        "kind": kind,
        "data": data,
        "prev": prev,
    }
    digest = hashlib.sha256(canonical(record)).hexdigest()
    line = Line(seq, time, actor, kind, data, prev, digest)
    return line, canonical({**record, "hash": digest}) + b"\n"


def parse(raw: bytes) -> Line:
    """Read one line (without its newline) and check its own hash; BrokenLine when it is not so."""
    record = _record(raw)
    digest = record.pop("hash", None)
    body = canonical(record)
    if hashlib.sha256(body).hexdigest() != digest:
        raise BrokenLine(N_("its content does not match its own hash"))
    if canonical({**record, "hash": digest}) != raw:
        raise BrokenLine(N_("it is not written canonically"))
    return _line(record, digest)


def _record(raw: bytes) -> dict[str, object]:
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BrokenLine(N_("it cannot be read as JSON")) from error
    if not isinstance(record, dict):
        raise BrokenLine(N_("it is no JSON object"))
    return record


def _line(record: dict[str, object], digest: str) -> Line:
    try:
        seq, kind, data, prev = record["seq"], record["kind"], record["data"], record["prev"]
        time = datetime.fromisoformat(str(record["time"]))
        actor = Actor.from_json(record["actor"])
    except (KeyError, ValueError, TypeError) as error:
        raise BrokenLine(N_("a field is missing or wrong")) from error
    if not (
        isinstance(seq, int)
        and isinstance(kind, str)
        and isinstance(data, dict)
        and isinstance(prev, str)
        and time.tzinfo is not None
    ):
        raise BrokenLine(N_("a field has the wrong type"))
    return Line(seq, time, actor, kind, data, prev, digest)


class Followed(msgspec.Struct, frozen=True):
    """A stretch of the chain, read to its end."""

    lines: tuple[Line, ...]
    breaks: tuple[Break, ...]
    seq: int
    hash: str
    """Of the last line, or what a broken last line claims to have."""


def follow(
    raws: Iterable[bytes], *, seq: int = 0, head: str = GENESIS, first_line: int = 1
) -> Followed:
    """Read lines in order and name every place where the chain does not hold.

    ``seq`` and ``head`` belong to the line before the first of ``raws``. After a break it goes on
    from the line as it stands, so that one flipped bit is one break and not thousands.
    """
    lines: list[Line] = []
    breaks: list[Break] = []
    expected = seq
    for number, raw in enumerate(raws, first_line):
        expected += 1
        try:
            line = parse(raw)
        except BrokenLine as error:
            claimed_seq, claimed_hash = _claimed(raw)
            stops = may_have_stopped(raw)
            breaks.append(Break(number, claimed_seq, str(error), len(lines), stops))
            seq, head = claimed_seq or seq + 1, claimed_hash or head
            continue
        if line.prev != head:
            why = N_("it does not follow from the line before it")
            gone = line.seq > expected
            breaks.append(Break(number, line.seq, why, len(lines), stops=gone))
        elif line.seq != seq + 1:
            why = N_("its number does not follow the one before it")
            breaks.append(Break(number, line.seq, why, len(lines)))
        lines.append(line)
        seq, head = line.seq, line.hash
        expected = seq
    return Followed(tuple(lines), tuple(breaks), seq, head)


def _claimed(raw: bytes) -> tuple[int | None, str | None]:
    """Number and hash that a broken line gives itself: the next line was bound to them."""
    try:
        record = _record(raw)
    except BrokenLine:
        return None, None
    seq, digest = record.get("seq"), record.get("hash")
    return (
        seq if isinstance(seq, int) else None,
        digest if isinstance(digest, str) else None,
    )
