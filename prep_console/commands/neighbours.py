"""Commands that print what the neighbours need."""

from __future__ import annotations

from pathlib import Path

import click

from prep_console import config
from prep_console.commands.context import Context


@click.command("config")
@click.option("--example", is_flag=True, help="Print an example with every setting.")
@click.pass_obj
def config_command(context: Context, example: bool) -> None:
    """The settings in force, or an example."""
    if example:
        click.echo(config.example(), nl=False)
        return
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(context.settings), indent=1).decode())


@click.command("apache-config")
@click.option("--standalone", type=click.Path(path_type=Path), help="A private Apache in DIR.")
@click.option("--listen", default="127.0.0.1:8443", help="ADDRESS:PORT of the private one.")
@click.option("--no-tls", is_flag=True, help="The private one without TLS.")
@click.pass_obj
def apache_config(context: Context, standalone: Path | None, listen: str, no_tls: bool) -> None:
    """Configuration of Apache for this station."""
    from prep_console.publication import apache

    settings = context.settings
    if standalone is None:
        click.echo(apache.vhost(settings), nl=False)
        return
    context.station.prepare()
    written = apache.standalone(settings, standalone, listen, tls=not no_tls)
    click.echo(str(written))


@click.command("systemd-unit")
@click.pass_obj
def systemd_unit(context: Context) -> None:
    """The unit that keeps the engine running."""
    from prep_console.engine.unit import systemd_unit as unit

    click.echo(unit(context.settings, context.path or config.DEFAULT_PATH), nl=False)


@click.command("ssh-config")
@click.pass_obj
def ssh_config(context: Context) -> None:
    """The institute's restricted account: its key's line and sshd's."""
    from prep_console.intake.push.account import account_lines

    click.echo(account_lines(context.settings), nl=False)


@click.command("tmux-config")
@click.option("--viewer", "viewers", metavar="USER", multiple=True, help="Who may only look on.")
@click.pass_obj
def tmux_config(context: Context, viewers: tuple[str, ...]) -> None:
    """A control room's tmux session: wall, record, console."""
    from prep_console.engine.control_room import tmux_config as session

    _ = context.settings  # one that cannot be read would fail on the wall
    config_path = context.path or config.DEFAULT_PATH
    click.echo(session(config_path, language=context.lang, viewers=viewers), nl=False)
