"""``diff``: what changed from one sealed cut to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from prep_console.commands.context import Context, cut_id, json_option, print_json, print_lines
from prep_console.problems import Refused
from prep_console.reports.changes import told
from prep_console.values import fields_of
from prep_console.wording import N_, sentence

if TYPE_CHECKING:
    from prep_console.publication.changes import Changes, ElectionChanges
    from prep_console.publication.station import Station


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@json_option
@click.pass_obj
def diff(context: Context, before: str, after: str, as_json: bool) -> None:
    """What changed from cut A to cut B."""
    from prep_console.publication.changes import between

    station = context.station
    changes = between(station, *[_sealed(station, name) for name in (before, after)])
    if as_json:
        print_json(_document(changes))
    else:
        print_lines(told(changes))


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
        "archived_images": {
            "added": list(changes.archived_images.added),
            "changed": list(changes.archived_images.changed),
            "gone": list(changes.archived_images.gone),
            "unread": changes.archived_images.unread or None,
        },
    }


def _election_document(election: ElectionChanges) -> dict[str, Any]:
    rows = election.rows
    return {
        "election": election.election,
        "before": election.before,
        "after": election.after,
        "same": election.same,
        "figures": [{**fields_of(figure), "fell": figure.fell} for figure in election.figures],
        "actas": None
        if rows is None
        else {
            "added": list(rows.added),
            "changed": [fields_of(acta) for acta in rows.changed],
            "gone": list(rows.gone),
        },
        "columns": None
        if rows is None
        else {"added": list(rows.columns_added), "gone": list(rows.columns_gone)},
        "unread": election.unread or None,
    }
