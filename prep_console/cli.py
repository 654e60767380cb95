"""The command line: the contract that scripts and tests stand on.

Every command loads what it needs and nothing else: at 03:00 ``rollback`` must not wait for a
screen library. Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 failed.
"""

from __future__ import annotations

import os
import sys
import syslog
import traceback
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import click

from prep_console import __version__, wording
from prep_console.commands.alarms import acknowledge, alarms, shelve, unshelve
from prep_console.commands.context import Context, print_for_reading
from prep_console.commands.decisions import (
    accept_from,
    freeze,
    hold,
    prune,
    publish,
    release,
    rollback,
    station,
    suspend,
    thaw,
)
from prep_console.commands.deliveries import receive, resync
from prep_console.commands.differences import diff
from prep_console.commands.drilling import drill
from prep_console.commands.evidence import minutes, prove
from prep_console.commands.helping import in_the_readers_language
from prep_console.commands.information import info
from prep_console.commands.looking import check, cuts, handover, journal, status, verify
from prep_console.commands.neighbours import (
    apache_config,
    config_command,
    ssh_config,
    systemd_unit,
    tmux_config,
)
from prep_console.commands.reading import manual
from prep_console.commands.replaying import replay
from prep_console.commands.running import console, demo, engine
from prep_console.commands.usage import wrong_usage
from prep_console.problems import Failed, Problem, WrongUsage
from prep_console.twins import write_twins
from prep_console.wording import N_, Language, sentence


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", "path", type=click.Path(path_type=Path), help="Settings file (TOML).")
@click.option("--lang", type=click.Choice(["es", "en"]), help="Language of texts.")
@click.version_option(__version__, prog_name="prep-console")
@click.pass_context
def cli(context: click.Context, path: Path | None, lang: str | None) -> int:
    """Operations console of an official PREP broadcaster."""
    if lang is not None:
        wording.use("en" if lang == "en" else "es")
    context.obj.path, context.obj.lang = path, lang
    if context.invoked_subcommand is None:
        code: int = context.invoke(console, wall=False, read_only=False)
        return code
    return 0


def main() -> NoReturn:
    """Entry point: problems become a message of three parts and an exit code."""
    context = Context()
    for stream in (sys.stdout, sys.stderr):
        write_twins(stream)
    try:
        with cli.make_context("prep-console", sys.argv[1:], obj=context) as made:
            result = cli.invoke(made)
            code = result if isinstance(result, int) else 0
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.Abort:
        code = 1
    except click.ClickException as error:
        _as_typed(context)
        problem = _wrong_usage(error)
        _tell(problem, context)
        code = problem.exit_code
    except Problem as problem:
        _tell(problem, context)
        code = problem.exit_code
    except BrokenPipeError:
        _let_go_of_stdout()
        code = 0
    except KeyboardInterrupt:
        code = 130
    except OSError as error:  # the machine said no where no command expects it
        _tell(_fault(error, _machine_said_no(error)), context)
        code = Failed.exit_code
    except Exception as error:  # a fault of ours: told in words, the traceback to the log
        _tell(_fault(error, _unexpected(error)), context)
        code = Failed.exit_code
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    raise SystemExit(code)


def _wrong_usage(error: click.ClickException) -> WrongUsage:
    context = error.ctx if isinstance(error, click.UsageError) else None
    todo = sentence(
        N_("see {command} --help"), command=context.command_path if context else "prep-console"
    )
    return WrongUsage(wrong_usage(error), todo)


def _as_typed(context: Context) -> None:
    """--config and --lang, which a wrong command or option beside them kept click from taking."""
    if context.path is None and (path := _said("--config")):
        context.path = Path(path)
    if context.lang is None and (chosen := _language()):
        wording.use(chosen)
        context.lang = chosen


def _language() -> Language | None:
    """What --lang says, wherever it stands."""
    said = _said("--lang")
    return "en" if said == "en" else "es" if said == "es" else None


def _said(option: str) -> str | None:
    """The value that was typed for ``option``; None when it was not."""
    words = sys.argv[1:]
    said = [word.removeprefix(f"{option}=") for word in words if word.startswith(f"{option}=")]
    said += [after for word, after in pairwise(words) if word == option]
    return said[-1] if said else None


def _fault(error: Exception, told: Failed) -> Failed:
    """``told``, with all that is known of the error in the system's log."""
    syslog.openlog("prep-console")
    for line in traceback.format_exception(error):
        syslog.syslog(syslog.LOG_ERR, line.rstrip())
    return told


def _unexpected(error: Exception) -> Failed:
    return Failed(
        sentence(N_("an unexpected fault: {error}"), error=f"{type(error).__name__}: {error}"),
        sentence(N_("look at prep-console status; the details are in the system's log")),
    )


def _machine_said_no(error: OSError) -> Failed:
    place = f": {os.fsdecode(error.filename)}" if isinstance(error.filename, str | bytes) else ""
    return Failed(
        sentence(
            N_("the machine did not let it be done: {error}"),
            error=f"{error.strerror or error}{place}",
        ),
        sentence(N_("check the disk and who owns that file; the details are in the system's log")),
    )


def _let_go_of_stdout() -> None:
    """Whoever read our output has gone: nothing is left to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(problem: Problem, context: Context) -> None:
    """What happened - what the public sees now - what to do."""
    public = _public_now(context)  # first: the settings choose the language of all three
    parts = [str(problem.what), *([] if public is None else [public]), str(problem.todo)]
    print_for_reading(["prep-console: " + " — ".join(parts)], err=True)


def _public_now(context: Context) -> str | None:
    from prep_console.reports.status import public_now

    try:
        return public_now(context.station.live().cut)
    except (Problem, OSError):
        return None


for _command in (
    status,
    info,
    manual,
    check,
    cuts,
    diff,
    verify,
    journal,
    handover,
    prove,
    minutes,
    replay,
    receive,
    resync,
    publish,
    rollback,
    hold,
    release,
    freeze,
    thaw,
    suspend,
    accept_from,
    alarms,
    acknowledge,
    shelve,
    unshelve,
    prune,
    station,
    console,
    engine,
    demo,
    drill,
    config_command,
    apache_config,
    systemd_unit,
    ssh_config,
    tmux_config,
):
    cli.add_command(_command)
in_the_readers_language(cli, _language)
