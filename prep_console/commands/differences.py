"""``diff``: what changed from one sealed cut to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from prep_console.commands.context import Context, cut_id, json_option, print_json, print_lines
from prep_console.problems import Failed, Refused
from prep_console.record import figure_name
from prep_console.wording import N_, say, say_n, sentence, visible

if TYPE_CHECKING:
    from prep_console.cuts.differences import ChangedActa, ChangedFigure
    from prep_console.publication.changes import Changes, ElectionChanges
    from prep_console.publication.station import Station

_SHOWN = 10
"""Of a long list this many are named; ``--json`` names all."""


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@json_option
@click.pass_obj
def diff(context: Context, before: str, after: str, as_json: bool) -> None:
    """What changed from cut A to cut B."""
    from prep_console.publication.changes import between

    station = context.station
    ids = [_sealed(station, name) for name in (before, after)]
    try:
        changes = between(station, *ids)
    except (OSError, ValueError) as error:
        raise Failed(
            sentence(N_("the cuts cannot be compared: {error}"), error=str(error)),
            sentence(N_("verify the station's disk; journal --verify and resync tell more")),
        ) from error
    if as_json:
        print_json(_document(changes))
    else:
        print_lines(_lines(changes))


def _sealed(station: Station, name: str) -> str:
    cut = str(cut_id(name))
    record = station.state().cuts.get(cut)
    if record is None or record.pruned:
        raise Refused(
            sentence(N_("there is no sealed cut {cut}"), cut=cut),
            sentence(N_("prep-console cuts lists those that are here")),
        )
    return cut


def _document(changes: Changes) -> dict[str, Any]:
    return {
        "schema": 1,
        "before": changes.before,
        "after": changes.after,
        "elections": [_election_document(election) for election in changes.elections],
        "files": {
            "added": list(changes.files_added),
            "changed": list(changes.files_changed),
            "gone": list(changes.files_gone),
        },
    }


def _election_document(election: ElectionChanges) -> dict[str, Any]:
    rows = election.rows
    return {
        "election": election.election,
        "before": election.before,
        "after": election.after,
        "same": election.same,
        "figures": [{**asdict(figure), "fell": figure.fell} for figure in election.figures],
        "actas": None
        if rows is None
        else {
            "added": list(rows.added),
            "changed": [asdict(acta) for acta in rows.changed],
            "gone": list(rows.gone),
        },
        "columns": None
        if rows is None
        else {"added": list(rows.columns_added), "gone": list(rows.columns_gone)},
        "unread": election.unread or None,
    }


def _lines(changes: Changes) -> Iterator[str]:
    yield say(N_("from {before} to {after}"), before=changes.before, after=changes.after)
    for election in changes.elections:
        yield from _election_lines(election)
    yield from _named(say(N_("files added")), changes.files_added, "")
    yield from _named(say(N_("files changed")), changes.files_changed, "")
    yield from _named(say(N_("files gone")), changes.files_gone, "")


def _election_lines(election: ElectionChanges) -> Iterator[str]:
    if election.before is None or election.after is None:
        word = say(N_("only in the newer cut")) if election.after else say(N_("gone"))
        yield f"{election.election}: {word}"
        return
    if election.same:
        same = say(N_("the same bytes"))
        yield f"{election.election}: {same} ({election.after})"
        return
    yield f"{election.election}: {election.before} → {election.after}"
    for figure in election.figures:
        yield _figure_line(figure)
    rows = election.rows
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
