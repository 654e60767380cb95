"""The command line: the contract that scripts and tests stand on.

Every command loads what it needs and nothing else: at 03:00 ``rollback`` must not wait for a
screen library. Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 failed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from prep_console import __version__, config, wording
from prep_console.problems import Problem, Refused, WrongUsage
from prep_console.wording import N_, say, sentence

if TYPE_CHECKING:
    from prep_console.config import Settings
    from prep_console.cuts.stamps import CutId
    from prep_console.publication.actions import Outcome
    from prep_console.publication.station import Station


class _Context:
    """What the options before the command chose."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self.lang: str | None = None
        self._settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        if self._settings is None:
            self._settings = config.load(self.path)
            if self.lang is None:
                wording.use(self._settings.station.language)
        return self._settings

    @property
    def station(self) -> Station:
        from prep_console.publication.station import Station

        return Station(self.settings)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "path", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--lang", type=click.Choice(["es", "en"]), help="Language of texts.")
@click.version_option(__version__, prog_name="prep-console")
@click.pass_context
def cli(context: click.Context, path: Path | None, lang: str | None) -> None:
    """Operations console of an official PREP broadcaster."""
    if lang is not None:
        wording.use("en" if lang == "en" else "es")
    context.obj.path, context.obj.lang = path, lang
    if context.invoked_subcommand is None:
        context.invoke(console, wall=False, read_only=False)


def main() -> NoReturn:
    """Entry point: problems become a message of three parts and an exit code."""
    context = _Context()
    try:
        with cli.make_context("prep-console", sys.argv[1:], obj=context) as made:
            result = cli.invoke(made)
            code = result if isinstance(result, int) else 0
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.Abort:
        code = 1
    except click.ClickException as error:
        error.show()
        code = 2
    except Problem as problem:
        _tell(problem, context)
        code = problem.exit_code
    except BrokenPipeError:
        _let_go_of_stdout()
        code = 0
    except KeyboardInterrupt:
        code = 130
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    raise SystemExit(code)


def _let_go_of_stdout() -> None:
    """Whoever read our output has gone: nothing is left to flush at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(problem: Problem, context: _Context) -> None:
    """What happened - what the public sees now - what to do."""
    parts = [str(problem.what)]
    public = _public_now(context)
    if public is not None:
        parts.append(public)
    parts.append(str(problem.todo))
    click.echo("prep-console: " + " — ".join(parts), err=True)


def _public_now(context: _Context) -> str | None:
    from prep_console.report import public_now

    try:
        return public_now(context.station.live().cut)
    except (Problem, OSError):
        return None


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_json(document: dict[str, Any]) -> None:
    from prep_console.report import as_text

    click.echo(as_text(document))


def _cut(text: str) -> CutId:
    from prep_console.cuts.stamps import CutId

    try:
        return CutId.of(text)
    except ValueError as error:
        raise WrongUsage(
            sentence(N_("{text} is no cut id"), text=text),
            sentence(N_("an id looks like 20240602_2005; prep-console cuts lists them")),
        ) from error


json_option = click.option("--json", "as_json", is_flag=True, help="Stable JSON, in English.")

# --- looking --------------------------------------------------------------------------------


@cli.command()
@json_option
@click.pass_obj
def status(context: _Context, as_json: bool) -> None:
    """State of the station now."""
    from prep_console.engine.view import read_snapshot
    from prep_console.report import status_json, status_lines

    snapshot = read_snapshot(context.settings)
    if as_json:
        _print_json(status_json(snapshot))
    else:
        _print(status_lines(snapshot))


@cli.command()
@click.pass_obj
def check(context: _Context) -> int:
    """One line and an exit code in the Nagios plugin convention."""
    from prep_console.engine.check import check as look

    line, code = look(context.settings)
    click.echo(line)
    return code


@cli.command()
@json_option
@click.pass_obj
def cuts(context: _Context, as_json: bool) -> None:
    """The sealed cuts, newest first."""
    from prep_console.engine.view import read_snapshot
    from prep_console.report import cut_lines, cuts_json

    settings = context.settings
    found = read_snapshot(settings).cuts
    if as_json:
        _print_json(cuts_json(found, settings.zone))
    else:
        _print(cut_lines(found, settings.zone))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@json_option
@click.pass_obj
def verify(context: _Context, path: Path, as_json: bool) -> int:
    """Examine a delivery and change nothing."""
    from prep_console.intake.verify import verify as look
    from prep_console.report import examination_json, examination_lines

    settings = _settings_or_none(context)
    examination, zone = look(path, settings)
    if as_json:
        _print_json(examination_json(examination, zone))
    else:
        _print(examination_lines(examination, zone))
    return 1 if str(examination.verdict) == "stopped" else 0


def _settings_or_none(context: _Context) -> Settings | None:
    """``verify`` works on a machine that is no station: without settings it expects nothing."""
    import os

    chosen = context.path or os.environ.get("PREP_CONSOLE_CONFIG")
    return context.settings if chosen or config.DEFAULT_PATH.exists() else None


@cli.command()
@click.option("--follow", is_flag=True, help="Go on printing lines as they come.")
@click.option("--verify", "verifying", is_flag=True, help="Check the chain.")
@click.option("--head", metavar="SEQ:HASH", help="With --verify: this line must be there.")
@json_option
@click.pass_obj
def journal(
    context: _Context, follow: bool, verifying: bool, head: str | None, as_json: bool
) -> int:
    """The record of what happened and who decided it."""
    from prep_console.journal import reading

    if head is not None and not verifying:
        raise WrongUsage(
            sentence(N_("--head goes with --verify")), sentence(N_("add --verify to the command"))
        )
    path = context.station.journal
    if verifying:
        verdict = reading.verify(path, head)
        if as_json:
            _print_json(verdict.as_json())
            return 0 if verdict.ok else 1
        if not verdict.ok:
            raise Refused(verdict.told, sentence(N_("keep the file as it is and ask why")))
        click.echo(str(verdict.told))
        return 0
    for text in reading.texts(path, context.settings.zone, as_json=as_json, follow=follow):
        click.echo(text)
    return 0


# --- deliveries -----------------------------------------------------------------------------


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--now", "at_once", is_flag=True, help="Do not wait for a missing election.")
@json_option
@click.pass_obj
def receive(context: _Context, path: Path, at_once: bool, as_json: bool) -> int:
    """Take a delivery: stage, check, put together, seal; live if the mode says so."""
    from prep_console.cuts.checks import describe
    from prep_console.intake.receive import receive as take
    from prep_console.intake.verify import existing
    from prep_console.journal.actor import current_actor
    from prep_console.publication.retention import prune_if_needed
    from prep_console.report import receipt_json, receipt_lines

    station = context.station
    zone = context.settings.zone
    receipt = take(station, existing(path), actor=current_actor(), at_once=at_once)
    prune_if_needed(station)
    if as_json:
        _print_json(receipt_json(receipt, zone))
    if receipt.result == "refused":
        stops = [f for f in receipt.examination.findings if str(f.severity) == "stop"]
        raise Refused(
            sentence(
                N_("the delivery {name} was refused: {reasons}"),
                name=path.name,
                reasons=" ".join(str(describe(f)) for f in stops),
            ),
            sentence(
                N_("it is kept in quarantine/{id}; ask the institute for a good one"),
                id=receipt.quarantined or "-",
            ),
        )
    if not as_json:
        _print(receipt_lines(receipt, zone))
    return 0


@cli.command()
@click.option("--wait", is_flag=True, help="Wait for deliveries that are still arriving.")
@json_option
@click.pass_obj
def resync(context: _Context, wait: bool, as_json: bool) -> int:
    """Newest cut from the sources; every byte of the live cut compared and repaired."""
    from prep_console.intake.resync import resync as run
    from prep_console.journal.actor import current_actor

    outcome = run(context.station, actor=current_actor(), wait=wait)
    if as_json:
        _print_json(outcome.as_json())
    else:
        click.echo(str(outcome.told))
    return 0 if outcome.ok else 1


# --- decisions ------------------------------------------------------------------------------


def _decision(command: Any) -> Any:
    """The options that every action has."""
    for option in (
        click.option("--reason", default="", help="Why, for the journal."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--take-over", is_flag=True, help="Stop a stuck holder of the lock."),
        json_option,
    ):
        command = option(command)
    return click.pass_obj(command)


def _act(
    context: _Context, name: str, options: dict[str, Any], *arguments: Any, **named: Any
) -> None:
    """Ask where a person sits at a terminal, act, and say what was done."""
    from prep_console.journal.actor import current_actor
    from prep_console.publication import actions
    from prep_console.report import outcome_json, outcome_line

    station = context.station
    if not options["yes"] and sys.stdin.isatty() and sys.stdout.isatty():
        _ask(station, name)
    outcome: Outcome = getattr(actions, name.replace("-", "_"))(
        station,
        *arguments,
        actor=current_actor(),
        reason=options["reason"],
        take_over=options["take_over"],
        **named,
    )
    if options["as_json"]:
        _print_json(outcome_json(outcome))
    else:
        click.echo(outcome_line(outcome))


def _ask(station: Station, name: str) -> None:
    from prep_console.report import public_now

    click.echo(public_now(station.live().cut))
    click.confirm(say(N_("Do it: {action}?"), action=name), abort=True)


@cli.command()
@click.argument("cut")
@_decision
def publish(context: _Context, cut: str, **options: Any) -> None:
    """Make CUT the live one."""
    _act(context, "publish", options, _cut(cut))


@cli.command()
@click.option("--to", metavar="CUT", help="Which earlier cut; default: the previous one.")
@_decision
def rollback(context: _Context, to: str | None, **options: Any) -> None:
    """Bring back an earlier cut and put publishing on hold."""
    _act(context, "rollback", options, to=_cut(to) if to else None)


@cli.command()
@_decision
def hold(context: _Context, **options: Any) -> None:
    """New cuts are stored and wait."""
    _act(context, "hold", options)


@cli.command()
@_decision
def release(context: _Context, **options: Any) -> None:
    """Back to automatic publishing."""
    _act(context, "release", options)


@cli.command()
@click.argument("cut", required=False)
@_decision
def freeze(context: _Context, cut: str | None, **options: Any) -> None:
    """The live cut, or CUT, stays up for good."""
    _act(context, "freeze", options, _cut(cut) if cut else None)


@cli.command()
@_decision
def thaw(context: _Context, **options: Any) -> None:
    """From frozen to hold."""
    _act(context, "thaw", options)


@cli.command()
@_decision
def suspend(context: _Context, **options: Any) -> None:
    """Nothing live: visitors get a plain notice."""
    _act(context, "suspend", options)


@cli.command("accept-from")
@click.argument("stamp")
@_decision
def accept_from(context: _Context, stamp: str, **options: Any) -> None:
    """Accept cuts from STAMP (20240602_2005) on again."""
    _act(context, "accept-from", options, _cut(stamp).stamp)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@click.pass_obj
def prune(context: _Context, dry_run: bool, as_json: bool) -> None:
    """Delete the bytes of old cuts by the retention settings; manifests stay."""
    from prep_console.publication.retention import prune as run

    pruned = run(context.station, dry_run=dry_run)
    if as_json:
        _print_json({"schema": 1, "dry_run": dry_run, "pruned": pruned})
        return
    for cut in pruned:
        click.echo(cut)
    if not pruned:
        click.echo(say(N_("nothing to prune")))


@cli.group()
def station() -> None:
    """The station itself."""


@station.command("new")
@_decision
def station_new(context: _Context, **options: Any) -> None:
    """Archive store and journal and begin afresh (between a rehearsal and the day)."""
    from prep_console.journal.actor import current_actor
    from prep_console.publication.afresh import begin_afresh

    if not options["yes"] and sys.stdin.isatty() and sys.stdout.isatty():
        _ask(context.station, "station new")
    archived = begin_afresh(
        context.station,
        actor=current_actor(),
        reason=options["reason"],
        take_over=options["take_over"],
    )
    if options["as_json"]:
        _print_json({"schema": 1, "archive": str(archived)})
    else:
        click.echo(say(N_("archived in {path}; the station is empty"), path=str(archived)))


# --- running --------------------------------------------------------------------------------


@cli.command()
@click.option("--wall", is_flag=True, help="Display for a control room: no keys.")
@click.option("--read-only", is_flag=True, help="Look, do not act.")
@click.pass_obj
def console(context: _Context, wall: bool, read_only: bool) -> int:
    """The operations console."""
    settings = context.settings
    from prep_console.console.app import run

    return run(
        settings,
        wall=wall,
        read_only=read_only,
        language=wording.language(),
        config=context.path,
    )


@cli.command()
@click.pass_obj
def engine(context: _Context) -> int:
    """The loop that receives, watches and publishes, without a screen."""
    settings = context.settings
    from prep_console.engine.loop import run

    return run(settings)


@cli.command()
@click.option("--speed", type=float, help="Simulated seconds per second.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="A real final cut.")
@click.option("--folder", type=click.Path(path_type=Path), help="Keep the station here.")
@click.option("--port", type=int, help="Port of the web server on loopback.")
@click.option("--cuts", "count", type=int, help="Stop after so many cuts.")
@click.option("--headless", is_flag=True, help="No screen: the guided tour, checked.")
@click.pass_obj
def demo(
    context: _Context,
    speed: float | None,
    source: Path | None,
    folder: Path | None,
    port: int | None,
    count: int | None,
    headless: bool,
) -> int:
    """A whole station in a scratch folder, on loopback, labelled SIMULACRO."""
    from prep_console.drill import demo as night

    return night.run(
        speed=speed,
        source=source,
        folder=folder,
        language=wording.language(),
        screen=not headless,
        cuts=count,
        port=port,
    )


# --- what the neighbours need ---------------------------------------------------------------


@cli.command("config")
@click.option("--example", is_flag=True, help="Print an example with every setting.")
@click.pass_obj
def config_command(context: _Context, example: bool) -> None:
    """The settings in force, or an example."""
    if example:
        click.echo(config.EXAMPLE, nl=False)
        return
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(context.settings), indent=1).decode())


@cli.command("apache-config")
@click.option("--standalone", type=click.Path(path_type=Path), help="A private Apache in DIR.")
@click.option("--listen", default="127.0.0.1:8443", help="ADDRESS:PORT of the private one.")
@click.option("--no-tls", is_flag=True, help="The private one without TLS.")
@click.pass_obj
def apache_config(context: _Context, standalone: Path | None, listen: str, no_tls: bool) -> None:
    """Configuration of Apache for this station."""
    from prep_console.publication import apache

    settings = context.settings
    if standalone is None:
        click.echo(apache.vhost(settings), nl=False)
        return
    context.station.prepare()
    written = apache.standalone(settings, standalone, listen, tls=not no_tls)
    click.echo(str(written))


@cli.command("systemd-unit")
@click.pass_obj
def systemd_unit(context: _Context) -> None:
    """The unit that keeps the engine running."""
    from prep_console.engine.unit import systemd_unit as unit

    click.echo(unit(context.settings, context.path or config.DEFAULT_PATH), nl=False)
