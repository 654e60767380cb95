"""One election's results CSV: read once, front to end, from a stream that cannot be rewound."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import BinaryIO, Final

from prep_console.cuts import arithmetic, states
from prep_console.cuts.actas import Layout, Row, Tally, layout_of, tally_rows
from prep_console.cuts.checks import finding
from prep_console.cuts.front import (
    Front,
    delimiter_of,
    fields_of,
    is_columns,
    plain_name,
    read_front,
)
from prep_console.cuts.lines import UTF16_MARKS, Lines, Unreadable
from prep_console.cuts.model import Finding, Results
from prep_console.wording import Value

__all__ = ["Unreadable", "looks_like_results", "read_results", "what_else"]

_FRONT_LINES: Final = 12
"""A readme names the columns too, but far below its first lines."""

Each = Callable[[Layout, Row], None]


def looks_like_results(head: bytes) -> bool:
    """Whether a file that begins with these bytes (a few KiB) is a results CSV.

    A candidates' file, a readme that only names the columns, and other tables are not.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    front = (line for line in text.replace("\r", "\n").split("\n") if line.strip(" \t,;|"))
    for line in islice(front, _FRONT_LINES):
        if line.startswith(("ACTAS_ESPERADAS", '"ACTAS_ESPERADAS')):
            return True
        if is_columns([plain_name(name) for name in fields_of(line, delimiter_of(line))]):
            return True
    return False


def what_else(head: bytes) -> str:
    """The check for a file that is named as results, and whose head shows that it holds none."""
    if head.startswith(UTF16_MARKS):
        return "results.utf16"
    return "results.binary" if b"\0" in head else "results.unrecognised"


def read_results(
    stream: BinaryIO,
    where: str,
    each: Each | None = None,
    hashes: dict[str, str] | None = None,
) -> tuple[Results, tuple[Finding, ...]]:
    """Read a whole results CSV and check it; ``where`` is its path, for the findings.

    ``each`` gets the layout and every whole row, once, in order: the way to the images' hashes
    or to a comparison without reading twice. ``code`` is '': the title says what election it
    is, and elections.py knows how to read titles; ``state`` is what all rows say, if they agree.

    ``hashes`` is filled with what each acta says is its image's hash, by its key.

    Raises Unreadable when this is no results CSV at all, or is damaged beyond reading.
    """
    lines = Lines(stream)
    front = read_front(lines, where)
    layout = layout_of(front.columns)
    tally = tally_rows(lines, front, layout, None if each is None else _with(layout, each), hashes)
    results = Results(
        code="",
        state=states.of_rows(tally.states),
        title=front.title,
        stamp=front.stamp,
        path=where,
        encoding=lines.encoding,
        delimiter=front.delimiter,
        rows=tally.rows,
        figures=front.figures,
        columns=layout.columns,
    )
    return results, (
        *front.findings,
        *_about_rows(front, layout, tally, where),
        *arithmetic.check(front, tally, where),
    )


def _with(layout: Layout, each: Each) -> Callable[[Row], None]:
    return lambda row: each(layout, row)


def _about_rows(front: Front, layout: Layout, tally: Tally, where: str) -> list[Finding]:
    found: list[Finding] = []
    if layout.missing:
        found.append(finding("results.columns", where, value=", ".join(layout.missing)))
    if twice := {name for name in front.columns if name and front.columns.count(name) > 1}:
        found.append(finding("results.column_twice", where, value=", ".join(sorted(twice))[:80]))
    if tally.cut_off:
        found.append(finding("results.cut_off", where, line=tally.odd["results.row"].line))
    for check, odd in sorted(tally.odd.items()):
        values: dict[str, Value] = {"n": odd.n, "line": odd.line}
        if odd.value:
            values["value"] = odd.value
        found.append(finding(check, where, **values))
    return found
