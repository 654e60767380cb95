"""The journal for people and auditors: its lines as text, and the proof of its chain."""

from __future__ import annotations

import json
import re
import select
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console import record
from prep_console.journal import journal
from prep_console.journal.chain import Line
from prep_console.problems import Failed, WrongUsage
from prep_console.wording import N_, Sentence, because, by_count, sentence, visible

_FOLLOW_S = 0.5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the chain holds, and where not."""

    ok: bool
    told: Sentence
    lines: int
    seq: int
    hash: str
    first_broken_line: int | None = None
    reason: str | None = None
    torn_bytes: int = 0

    def as_json(self) -> dict[str, object]:
        return {
            "schema": 1,
            "ok": self.ok,
            "lines": self.lines,
            "seq": self.seq,
            "hash": self.hash,
            "first_broken_line": self.first_broken_line,
            "reason": self.reason,
            "torn_bytes": self.torn_bytes,
        }


def verify(
    path: Path, head: str | None = None, *, public: tuple[int, str] | None = None
) -> Verdict:
    """Check every line; with ``head`` (``SEQ:HASH``) also that this line is there.

    A chain alone cannot show that its end was cut off: the head stands in every estado page and
    in syslog for that. ``public`` is the one that the station's own page shows now. WrongUsage
    when ``head`` is not of that form.
    """
    wanted = _head(head) or public
    reading = read(path)
    end = reading.position
    if reading.breaks:
        first = reading.breaks[0]
        return Verdict(
            False,
            because(
                N_("the chain is broken at line {line}: {error}"),
                sentence(first.reason),
                line=first.line,
            ),
            end.lines,
            end.seq,
            end.hash,
            first.line,
            first.reason,
            len(reading.torn),
        )
    if wanted is not None and not any((i.seq, i.hash) == wanted for i in reading.lines):
        return Verdict(
            False,
            sentence(
                N_("the line {seq} with that hash is not here: the end was cut off or rewritten"),
                seq=wanted[0],
            ),
            end.lines,
            end.seq,
            end.hash,
            end.lines + 1,
            "the given head is not in the chain",
            len(reading.torn),
        )
    return Verdict(
        True,
        Sentence(
            by_count(
                end.lines,
                N_("the chain holds: 1 line, head {seq}:{hash}"),
                N_("the chain holds: {lines} lines, head {seq}:{hash}"),
            ),
            {"lines": end.lines, "seq": end.seq, "hash": end.hash},
        ),
        end.lines,
        end.seq,
        end.hash,
        torn_bytes=len(reading.torn),
    )


def read(path: Path, since: journal.Position | None = None) -> journal.Reading:
    """The journal from a position on; Failed when it may not be read."""
    try:
        return journal.read(path, since)
    except OSError as error:
        raise Failed(
            sentence(
                N_("the journal cannot be read: {error}"),
                error=f"{error.strerror}: {error.filename or path}",
            ),
            sentence(N_("check its owner and permissions")),
        ) from error


def _head(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    match = re.fullmatch(r"(\d{1,12}):([0-9a-f]{64})", head, re.ASCII)
    if match is None:
        raise WrongUsage(
            sentence(N_("{head} is no head of a journal"), head=head),
            sentence(N_("it looks like 42:9f86d0…, as in estado.json or syslog")),
        )
    return int(match[1]), match[2]


def documents(path: Path) -> list[dict[str, object]]:
    """Every readable line as it stands in the file."""
    return [_document(line) for line in read(path).lines]


def texts(path: Path, zone: ZoneInfo, *, as_json: bool, follow: bool) -> Iterator[str]:
    """Every line as text (one JSON object a line), oldest first; ``follow``: without end.

    A journal that takes the place of this one (``station new``) is followed from its beginning.
    """
    position: journal.Position | None = None
    file = _file(path)
    while True:
        now = _file(path)
        if now != file and now is not None:
            position, file = None, now
        reading = read(path, position)
        position = reading.position
        for line in reading.lines:
            yield _as_json(line) if as_json else line_text(line, zone)
        if not follow:
            return
        select.select([], [], [], _FOLLOW_S)


def _file(path: Path) -> tuple[int, int] | None:
    """Tells one file from another that has its name; None while there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _as_json(line: Line) -> str:
    return json.dumps({"schema": 1, **_document(line)}, ensure_ascii=True)


def _document(line: Line) -> dict[str, object]:
    return {
        "seq": line.seq,
        "time": line.time.isoformat(),
        "actor": line.actor.as_json(),
        "kind": line.kind,
        "data": line.data,
        "prev": line.prev,
        "hash": line.hash,
    }


def line_text(line: Line, zone: ZoneInfo) -> str:
    """One line as ``journal`` prints it."""
    origin = f"@{line.actor.origin}" if line.actor.origin else ""
    return visible(
        f"{line.seq:>6} {line.time.astimezone(zone):%Y-%m-%d %H:%M:%S} "
        f"{record.author(line.actor.name)}{origin} "
    ) + record.words(line.kind, line.data)
