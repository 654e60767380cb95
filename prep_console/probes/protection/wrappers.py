"""TCP wrappers: whether /etc/hosts.allow and /etc/hosts.deny keep strangers from sshd.

hosts_access(5): a line of hosts.allow that fits lets in; else one of hosts.deny that fits keeps
out; else everybody is let in. Lines that are not understood are taken to let in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prep_console.probes.protection.networks import Allowed

_EVERY = "ALL"
_DAEMONS = {"sshd", _EVERY}


def closed_by_wrappers(allow: str, deny: str, allowed: Allowed) -> bool:
    """Whether everybody outside ``allowed`` is kept out."""
    kept_out = any(clients == [_EVERY] and not options for clients, options in _of_sshd(deny))
    return kept_out and all(
        not options and all(allowed.holds_pattern(client) for client in clients)
        for clients, options in _of_sshd(allow)
    )


def _of_sshd(text: str) -> Iterator[tuple[list[str], str]]:
    """Clients and options of each line that is about sshd."""
    for line in text.replace("\\\n", " ").splitlines():
        # IPv6 addresses stand in brackets, so that their colons part nothing
        fields = re.split(r":(?![^\[]*\])", line, maxsplit=2)
        if line.lstrip().startswith("#") or len(fields) < 2:
            continue
        daemons = set(re.split(r"[\s,]+", fields[0].strip()))
        if "EXCEPT" in daemons:  # not worked out: shuts nobody out, and may let in
            yield ["EXCEPT"], ""
        elif _DAEMONS & daemons:
            options = fields[2].strip() if len(fields) > 2 else ""
            yield re.split(r"[\s,]+", fields[1].strip()), options
