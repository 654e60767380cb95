"""``prove``: an evidence bundle about one sealed cut; ``minutes``: the night as a document."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from prep_console.commands.context import Context, cut_id, json_option, print_json, print_lines
from prep_console.problems import Failed, Refused, WrongUsage
from prep_console.wording import N_, say, sentence

if TYPE_CHECKING:
    from prep_console.publication.bundle import Bundle


@click.command()
@click.argument("cut", metavar="[ID]", required=False)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The new folder to write."
)
@click.option("--files", "copy", is_flag=True, help="Put the cut's files in too.")
@json_option
@click.pass_obj
def prove(context: Context, cut: str | None, out: Path, copy: bool, as_json: bool) -> int:
    """Evidence about a sealed cut (default: the live one), to be checked without this program."""
    from prep_console.publication import bundle
    from prep_console.publication.evidence_text import found_texts

    chosen = cut_id(cut) if cut is not None else None
    made = bundle.prove(context.station, chosen, out, copy=copy, now=datetime.now(UTC))
    if as_json:
        print_json(_document(made))
        return 0 if made.ok else 1
    told = say(N_("evidence about cut {cut}: {folder}"), cut=_cut(made), folder=str(made.folder))
    print_lines([told, *found_texts(made.evidence, made.files)])
    click.echo(say(N_("write this number down: sha256 of SHA256SUMS {sha256}"), sha256=made.sha256))
    if not made.ok:
        raise Refused(
            sentence(N_("the evidence is written, and not everything in it holds")),
            sentence(N_("keep the station as it is and read LEEME.txt; resync looks for copies")),
        )
    return 0


def _cut(made: Bundle) -> str:
    return made.evidence.record.id


def _document(made: Bundle) -> dict[str, Any]:
    found = made.evidence
    return {
        "schema": 1,
        "ok": made.ok,
        "cut": _cut(made),
        "out": str(made.folder),
        "made_at": made.made_at.isoformat(),
        "sha256": made.sha256,
        "files": len(found.sealed.files),
        "bytes": found.sealed.bytes,
        "changed": list(made.files.changed),
        "strange": list(made.files.strange),
        "lines": len(found.lines),
        "journal": {
            "lines": found.position.lines,
            "seq": found.position.seq,
            "hash": found.position.hash,
            "breaks": [{"line": b.line, "reason": b.reason} for b in found.breaks],
            "cut_off": None
            if found.cut_off is None
            else {"seq": found.cut_off[0], "hash": found.cut_off[1]},
        },
        "estado": sorted(found.pages),
    }


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New HTML file.")
@click.option(
    "--from", "begins", metavar="TIME", help="Where it begins: 18:00, 2024-06-02T18:00, a cut's id."
)
@click.option("--to", "ends", metavar="TIME", help="Where it ends; now when left out.")
@click.pass_obj
def minutes(context: Context, out: Path, begins: str | None, ends: str | None) -> None:
    """The night as a document for the institute and an auditor."""
    from prep_console import durable
    from prep_console.engine.past_times import moment_named
    from prep_console.engine.view import read_snapshot
    from prep_console.journal import reading
    from prep_console.reports import minutes as night

    settings, station = context.settings, context.station
    lines = reading.read(station.journal).lines
    now = datetime.now(UTC)
    span = (settings.zone, lines[0].time if lines else now, now)
    # an hour without a date is the last one: the end is settled first, the beginning before it
    end = moment_named(ends, *span, anywhere=True) if ends is not None else None
    start = None
    if begins is not None:
        start = moment_named(begins, *span, until=end, anywhere=True)
    if start and end and end <= start:
        raise WrongUsage(
            sentence(N_("--to does not lie after --from")),
            sentence(N_("give both in the station's time")),
        )
    verdict = reading.verify(station.journal, public=station.own_head())
    made = night.minutes(read_snapshot(settings), lines, verdict, start, end)
    try:
        durable.write_file(out, night.minutes_html(made).encode())
        durable.sync_folder(out.absolute().parent)
    except FileExistsError as error:
        raise Refused(
            sentence(N_("{path} is there already"), path=str(out)),
            sentence(N_("name a new file: minutes are never written over")),
        ) from error
    except OSError as error:
        raise Failed(
            sentence(
                N_("{path} cannot be written: {error}"), path=str(out), error=error.strerror or ""
            ),
            sentence(N_("name a file in a folder that you may write to")),
        ) from error
    click.echo(say(N_("the minutes: {path}"), path=str(out)))
    if not verdict.ok:
        raise Refused(
            verdict.told, sentence(N_("the minutes say so; keep the journal as it is and ask why"))
        )
