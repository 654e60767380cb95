"""The institute's account here: what ``ssh-config`` prints.

It may write into one folder and do nothing else: no shell, no forwarding, no reading back, and only
from its own addresses. sshd(8) on ``restrict`` and ``from=``, sftp-server(8) on ``-P``, rrsync(1)
on ``-wo``.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path

from prep_console.config import Settings
from prep_console.intake.push.sessions import marks_folder
from prep_console.wording import N_, say

_READING = "read,opendir,readdir,readlink,symlink,hardlink,lsetstat"
"""Requests of an SFTP client that upload nothing. ``stat`` stays: clients ask it to resume; and
``posix-rename``, without which no file can take the place of an older one in one step."""
_UMASK = "0007"
"""We read what comes and delete what was taken, through the folder's group."""
OURS = "prep"
"""Group of the user that the station belongs to."""
ACCOUNT = "entrega"
"""The account's name where the settings give none."""


def account_lines(settings: Settings) -> str:
    """Both ways to let the institute in, to choose one: rsync (with marks), or SFTP alone."""
    account = settings.institute.account or ACCOUNT
    folder, marks = settings.drop_folder, marks_folder(settings.root)
    addresses = [*settings.institute.addresses]
    by_rsync = say(N_("1. rsync: a line for the authorized_keys of {account}"), account=account)
    why = say(N_("its sessions leave marks, so that a broken upload is never taken"))
    as_root = say(N_("the folders, as root"))
    by_sftp = say(N_("2. SFTP alone: for sshd_config, in the place of the line above"))
    owned = say(N_("{chroot} and all above it belong to root"), chroot=str(folder.parent))
    inside = say(
        N_("it lies in the station's own folder, which does not: give the source another path")
    )
    dead = say(N_("for sshd_config: a session whose line is dead ends within a minute"))
    nobody = say(N_("name the institute's addresses in [institute] addresses"))
    lines = [
        f"# {by_rsync}",
        f"#    {why}",
        *([] if addresses else [f"#    {nobody}"]),
        f"{key_options(settings)} ssh-ed25519 AAAA... instituto",
        "",
        f"# {dead}",
        f"Match User {account}",
        *_ALIVE,
        "Match all",
        "",
        f"# {as_root}",
        f"#    install -d -o {account} -g {OURS} -m 2770 {folder}",
        f"#    install -d -o {account} -g {OURS} -m 2750 {marks}",
        "",
        f"# {by_sftp}",
        f"#    {owned}",
        *([f"#    {inside}"] if folder.is_relative_to(settings.root) else []),
        f"Match User {account}" + (f" Address {','.join(addresses)}" if addresses else ""),
        f"    ChrootDirectory {folder.parent}",
        f"    ForceCommand internal-sftp -d /{folder.name} -u {_UMASK} -P {_READING}",
        *_RESTRICTED,
    ]
    if addresses:
        others = ",".join(["*", *(f"!{address}" for address in addresses)])
        lines += [f"Match User {account} Address {others}", *_NOBODY]
    return "\n".join([*lines, "Match all", ""])


def key_options(settings: Settings) -> str:
    """What stands before the institute's key in authorized_keys."""
    program = Path(sysconfig.get_path("scripts")) / "prep-console-session"
    command = f"{program} {settings.drop_folder} {marks_folder(settings.root)}"
    origin = ",".join(settings.institute.addresses)
    return (f'from="{origin}",' if origin else "") + f'restrict,command="{command}"'


_NOBODY = (
    "    PubkeyAuthentication no",
    "    PasswordAuthentication no",
    "    KbdInteractiveAuthentication no",
)
_ALIVE = (
    "    ClientAliveInterval 15",
    "    ClientAliveCountMax 3",
)
_RESTRICTED = (
    *_ALIVE,
    "    DisableForwarding yes",
    "    PermitTTY no",
    "    PermitTunnel no",
    "    PasswordAuthentication no",
)
