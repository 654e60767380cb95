"""Who did it: the person behind the process, as far as the system can tell."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import msgspec

_NO_LOGIN = 2**32 - 1
"""What the kernel says in /proc/self/loginuid for processes that no login started."""


class Actor(msgspec.Struct, frozen=True):
    uid: int
    """Of the login, which sudo does not change; of the process when there was no login."""
    name: str
    origin: str = ""
    """Address that the SSH session came from, or ''."""

    def as_json(self) -> dict[str, object]:
        return {"uid": self.uid, "name": self.name, "origin": self.origin}

    @classmethod
    def from_json(cls, value: object) -> Actor:
        """The inverse of :meth:`as_json`; ValueError when it is none."""
        if not isinstance(value, dict):
            raise ValueError("no actor")
        return cls(int(value["uid"]), str(value["name"]), str(value.get("origin", "")))


def current_actor() -> Actor:
    """The person behind this process: loginuid, else sudo's caller, else the process's own uid."""
    uid = _login_uid()
    origin = (os.environ.get("SSH_CONNECTION") or "").split(" ")[0]
    return Actor(uid, _name_of(uid), origin)


def program(name: str) -> Actor:
    """The program itself acting by its rules, e.g. ``program("engine")``."""
    return Actor(os.getuid(), name)


def _login_uid() -> int:
    try:
        uid = int(Path("/proc/self/loginuid").read_text())
    except (OSError, ValueError):
        uid = _NO_LOGIN
    if uid != _NO_LOGIN:
        return uid
    sudo = os.environ.get("SUDO_UID", "")
    return int(sudo) if sudo.isdecimal() else os.getuid()


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
