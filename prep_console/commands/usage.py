"""The command-line library's complaints, in our words: it has them in English only."""

from __future__ import annotations

from typing import Any

import click
from click import exceptions

from prep_console.wording import N_, Sentence, because, sentence


def wrong_usage(error: click.ClickException) -> Sentence:
    """What is wrong with the command that was given."""
    if isinstance(error, exceptions.NoArgsIsHelpError):  # its message is the whole help
        return sentence(N_("wrong usage: a command is missing"))
    return because(N_("wrong usage: {error}"), _told(error))


def _told(error: click.ClickException) -> Sentence:
    match error:
        case exceptions.MissingParameter():
            return sentence(N_("{name} is missing"), name=_name(error))
        case exceptions.BadParameter(param=click.Parameter(type=kind)):
            return _value(_name(error), kind) or _as_it_is(error)
        case exceptions.NoSuchOption():
            return _unknown(
                sentence(N_("there is no option {name}"), name=error.option_name), error
            )
        case exceptions.NoSuchCommand():
            return _unknown(
                sentence(N_("there is no command {name}"), name=error.command_name), error
            )
        case exceptions.BadOptionUsage() if "does not take" in error.message:
            return sentence(N_("{name} takes no value"), name=error.option_name)
        case exceptions.BadOptionUsage():
            return sentence(N_("{name} needs a value"), name=error.option_name)
    found = error.message.partition("unexpected extra argument")[2].partition("(")[2]
    if found:
        return sentence(N_("more words than it takes: {words}"), words=found.removesuffix(")"))
    return _as_it_is(error)


def _unknown(told: Sentence, error: click.NoSuchOption | exceptions.NoSuchCommand) -> Sentence:
    near = error.possibilities
    return because(N_("{error}; perhaps {names}"), told, names=", ".join(near)) if near else told


def _value(name: str, kind: click.ParamType[Any]) -> Sentence | None:
    """What the value should be; None for kinds whose own message is needed (files)."""
    match kind:
        case click.Choice(choices=choices):
            known = ", ".join(map(str, choices))
            return sentence(N_("{name} is one of: {choices}"), name=name, choices=known)
        case click.IntRange(min=low, max=high) | click.FloatRange(min=low, max=high):
            return sentence(
                N_("{name} takes a number from {low} to {high}"), name=name, low=low, high=high
            )
    if kind in (click.INT, click.FLOAT):
        return sentence(N_("{name} takes a number"), name=name)
    return None


def _name(error: click.BadParameter) -> str:
    """``--out`` or ``CUT``, as it is typed."""
    if error.param is None:
        return "?"
    return error.param.opts[-1] if error.param.opts[0].startswith("-") else _place(error.param)


def _place(parameter: click.Parameter) -> str:
    return (parameter.metavar or parameter.name or "?").upper()


def _as_it_is(error: click.ClickException) -> Sentence:
    return Sentence("{error}", {"error": error.format_message()})
