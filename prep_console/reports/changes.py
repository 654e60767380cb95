"""What changed from one cut to another, in sentences: for ``diff`` and for the console."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from prep_console.record import figure_name
from prep_console.wording import N_, say, say_n, visible

if TYPE_CHECKING:
    from prep_console.cuts.differences import ChangedActa, ChangedFigure
    from prep_console.publication.changes import Changes, ElectionChanges

_SHOWN = 10
"""Of a long list this many are named; ``diff --json`` names all."""


def told(changes: Changes) -> Iterator[str]:
    """Line by line; what was rewritten, fell or went begins with a sign."""
    yield say(N_("from {before} to {after}"), before=changes.before, after=changes.after)
    for election in changes.elections:
        yield from _election_lines(election)
    archived = changes.archived_images
    images, others = _apart(changes.files_added)
    yield from _named(say(N_("images added")), [*images, *archived.added], "")
    yield from _named(say(N_("files added")), others, "")
    images, others = _apart(changes.files_changed)
    yield from _named(say(N_("images changed")), [*images, *archived.changed], "▲ ")
    yield from _named(say(N_("files changed")), others, "")
    images, others = _apart(changes.files_gone)
    yield from _named(say(N_("images gone")), [*images, *archived.gone], "▲ ")
    yield from _named(say(N_("files gone")), others, "")
    if archived.unread:
        yield "▲ " + say(
            N_("the images in the archives were not compared: {error}"), error=archived.unread
        )


def _apart(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """The images among files of these names, and the others."""
    from prep_console.cuts.images import is_image  # only where two cuts are compared

    return [p for p in paths if is_image(p)], [p for p in paths if not is_image(p)]


def _election_lines(election: ElectionChanges) -> Iterator[str]:
    if election.before is None or election.after is None:
        word = say(N_("only in the newer cut")) if election.after else say(N_("gone"))
        yield f"{election.election}: {word}"
        return
    if election.same:
        same = say(N_("the same bytes"))
        yield f"{election.election}: {same} ({election.after})"
        return
    if election.before == election.after:
        told = say(N_("corrected: other content, same hour"))
        yield f"▲ {election.election}: {told} ({election.after})"
    else:
        yield f"{election.election}: {election.before} → {election.after}"
    for figure in election.figures:
        yield _figure_line(figure)
    rows = election.rows
    if rows is None and not election.unread:
        yield "  " + say(N_("only totals came: there are no actas to compare"))
        return
    if rows is None:
        yield "  ▲ " + say(N_("its actas were not compared: {error}"), error=election.unread)
        return
    yield "  " + say_n("{n} acta added", "{n} actas added", len(rows.added))
    changed = [_changed(acta) for acta in rows.changed]
    yield from _named(say(N_("actas with other figures")), changed, "  ▲ ")
    yield from _named(say(N_("actas gone")), rows.gone, "  ▲ ")
    yield from _named(say(N_("columns added")), rows.columns_added, "  ▲ ")
    yield from _named(say(N_("columns gone")), rows.columns_gone, "  ▲ ")


def _figure_line(figure: ChangedFigure) -> str:
    sign = "▲" if figure.fell else " "
    name = figure_name(figure.name)
    return f"  {sign} {name}: {_number(figure.before)} → {_number(figure.after)}"


def _changed(acta: ChangedActa) -> str:
    return f"{acta.key} ({_number(acta.before)} → {_number(acta.after)})"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _named(title: str, names: Sequence[str], prefix: str) -> Iterable[str]:
    if not names:
        return
    shown = ", ".join(visible(name) for name in names[:_SHOWN])
    more = len(names) - _SHOWN
    rest = say_n(" and {n} more", " and {n} more", more) if more > 0 else ""
    yield f"{prefix}{title} ({len(names):,}): {shown}{rest}"
