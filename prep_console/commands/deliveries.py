"""Commands that take deliveries."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from prep_console.commands.context import (
    Context,
    delivery_argument,
    json_option,
    print_json,
    print_lines,
)
from prep_console.problems import Problem, Refused
from prep_console.wording import N_, say, sentence

if TYPE_CHECKING:
    from prep_console.cuts.model import Finding
    from prep_console.intake.receipt import Receipt
    from prep_console.intake.resync_progress import ResyncProgress
    from prep_console.publication.station import Station


@click.command()
@delivery_argument
@click.option("--now", "at_once", is_flag=True, help="Do not wait for a missing election.")
@json_option
@click.pass_obj
def receive(context: Context, path: Path, at_once: bool, as_json: bool) -> int:
    """Take a delivery: stage, check, put together, seal; live if the mode says so."""
    from prep_console.engine.last_word import readings_now
    from prep_console.engine.own_clock import is_known_right
    from prep_console.intake.examining import called
    from prep_console.intake.receive import receive as take
    from prep_console.intake.verify import existing
    from prep_console.journal.actor import current_actor
    from prep_console.publication.retention import prune_if_needed
    from prep_console.reports.deliveries import receipt_json, receipt_lines

    station = context.station
    zone = context.settings.zone
    receipt = take(
        station,
        existing(path),
        actor=current_actor(),
        at_once=at_once,
        clock_known=is_known_right(readings_now(station)),
    )
    of_cut = _of_cut(station, receipt)
    with suppress(OSError, Problem):  # the receipt counts; it is tried again, by the engine too
        prune_if_needed(station)
    if as_json:
        print_json(receipt_json(receipt, zone, station.live().cut))
    if receipt.result in {"refused", "parked"}:
        raise _not_taken(called(path), receipt)
    if not as_json:
        print_lines(receipt_lines(receipt, zone, of_cut))
    return 0


def _of_cut(station: Station, receipt: Receipt) -> tuple[Finding, ...]:
    """The warnings of the cut that was just sealed; none when its manifest cannot be read now."""
    from prep_console.publication import store

    if receipt.cut is None or receipt.result != "sealed":
        return ()
    try:
        return store.load(station, receipt.cut)[0].findings
    except (OSError, ValueError):  # the delivery was taken all the same
        return ()


def _not_taken(name: str, receipt: Receipt) -> Refused:
    from prep_console.cuts import checks

    reasons = checks.reasons(f for f in receipt.examination.findings if str(f.severity) == "stop")
    if receipt.result == "parked":
        return Refused(
            sentence(
                N_(
                    "the delivery {name} is not taken yet: {reasons} That clock is not known right."
                ),
                name=name,
                reasons=reasons,
            ),
            sentence(
                N_("check the clock (status) and receive it again, or leave it in the drop folder")
            ),
        )
    return Refused(
        sentence(N_("the delivery {name} was refused: {reasons}"), name=name, reasons=reasons),
        sentence(
            N_("it is kept in quarantine/{id}; ask the institute for a good one"),
            id=receipt.quarantined or "-",
        ),
    )


@click.command()
@click.option("--wait", is_flag=True, help="Wait for deliveries that are still arriving.")
@click.option("--cancel", "stop", is_flag=True, help="Stop the resync that runs, whoever began it.")
@json_option
@click.pass_obj
def resync(context: Context, wait: bool, stop: bool, as_json: bool) -> int:
    """Newest cut from the sources; every byte of the live cut compared and repaired."""
    if stop:
        return _cancel(context, as_json)
    from prep_console.intake.resync import resync as run
    from prep_console.journal.actor import current_actor

    with _progress(sys.stderr.isatty()) as shown:
        outcome = run(context.station, actor=current_actor(), wait=wait, shown=shown)
    if as_json:
        print_json(outcome.as_json())
    if not outcome.ok:
        raise Refused(outcome.told, outcome.todo)
    if not as_json:
        click.echo(str(outcome.told))
    return 0


def _cancel(context: Context, as_json: bool) -> int:
    from prep_console.intake.resync_progress import cancel

    if not cancel(context.station):
        raise Refused(
            sentence(N_("no resync runs that you could stop")),
            sentence(N_("status shows one that runs")),
        )
    if as_json:
        print_json({"schema": 1, "asked_to_stop": True})
    else:
        click.echo(say(N_("the resync was asked to stop; what is being sealed is sealed first")))
    return 0


@contextmanager
def _progress(drawn: bool) -> Iterator[Callable[[ResyncProgress], None]]:
    """Draws one line of progress where somebody watches; interrupted, it says what stays."""

    def shown(progress: ResyncProgress) -> None:
        if drawn:
            line = " ".join(filter(None, (progress.source, _doing(progress), progress.file)))
            click.echo(f"\r\x1b[2K{line[:79]}", err=True, nl=False)

    # SIGTERM as SIGINT, which asyncio turns into an orderly cancellation; a shell's background
    # jobs are started with SIGINT ignored
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield shown
    except KeyboardInterrupt as stop:
        raise Refused(
            sentence(N_("the resync was cancelled")),
            sentence(N_("what is public stays; what was fetched is kept for the next one")),
        ) from stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if drawn:
            click.echo("\r\x1b[2K", err=True, nl=False)


def _doing(progress: ResyncProgress) -> str:
    match progress.state:
        case "asking":
            return say(N_("is asked"))
        case "comparing":
            return say(N_("comparing every byte of the live cut"))
        case "taking":
            return say(N_("taking what came"))
    megabytes = progress.bytes / 1e6
    rate = progress.bytes_per_s / 1e6
    if progress.total_bytes is None or progress.eta_s is None:
        return f"{megabytes:.1f} MB · {rate:.1f} MB/s"
    return (
        f"{megabytes:.1f} / {progress.total_bytes / 1e6:.1f} MB · {rate:.1f} MB/s · "
        f"{progress.eta_s:.0f} s"
    )
