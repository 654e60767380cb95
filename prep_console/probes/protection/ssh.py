"""``protection.ssh``: whether SSH is configured to be reached from the institute only.

Three places can shut the others out: the SSH server's own settings, the packet filter, and TCP
wrappers. One that does is enough, for each family of addresses that this machine has. Private
addresses count as inside. Seen from here it is *configured*, never more.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from prep_console import reasons
from prep_console.config import Settings
from prep_console.probes import command
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now
from prep_console.probes.protection.finding import Finding, ProtectionProbe, Unknown
from prep_console.probes.protection.networks import FAMILIES, Allowed, Family
from prep_console.probes.protection.nftables import Stranger, fate, rules_of
from prep_console.probes.protection.wrappers import closed_by_wrappers
from prep_console.snapshot import Detail
from prep_console.wording import N_

NAME = "protection.ssh"
HOW = "sshd -T, nft, hosts.deny"

NEEDS_ROOT = N_("the packet filter can only be read by root")
LEGACY = N_("rules of the older iptables are in force and cannot be read")

_PERIOD_S = 300.0
_COMMAND_S = 3.0
_RULES_BYTES = 4 * 1024**2
_ETC = Path("/etc")
_PROC = Path("/proc")


def probes(
    settings: Settings, *, now: Clock = utc_now, etc: Path = _ETC, proc: Path = _PROC
) -> list[Probe]:
    """Only where the institute's addresses are known."""
    if not settings.institute.addresses:
        return []
    try:
        allowed = Allowed.of(settings.institute.addresses)
        for family in FAMILIES:
            allowed.outsider(family)
    except ValueError as wrong:
        return [Misconfigured((NAME,), f"institute.addresses: {wrong}", now=now)]
    look = _Look(settings, allowed, etc, proc)
    return [ProtectionProbe(NAME, look, period_s=_PERIOD_S, now=now)]


class _Look:
    def __init__(self, settings: Settings, allowed: Allowed, etc: Path, proc: Path) -> None:
        self._institute = settings.institute
        self._config = settings.protection.sshd_config
        self._allowed = allowed
        self._etc = etc
        self._proc = proc

    async def __call__(self) -> Finding:
        families = _families(self._proc)
        open_: dict[str, set[Family]] = {}
        reasons: list[str] = []
        detail: dict[str, Detail] = {}
        for name, looked in (
            ("sshd", self._by_sshd),
            ("nftables", self._by_nftables),
            ("hosts.deny", self._by_wrappers),
        ):
            try:
                open_[name] = await looked(families, detail)
            except (Unknown, command.CommandError, OSError, ValueError) as problem:
                reasons.append(f"{name}: {problem}")
        left = set(families).intersection(*open_.values()) if open_ else set(families)
        if not left:
            shut = [name for name, still in open_.items() if len(still) < len(families)]
            return Finding("configured", HOW, ", ".join(shut), detail)
        if reasons:
            raise Unknown("; ".join(reasons))
        evidence = f"{', '.join(open_)} let others in over {' and '.join(sorted(left))}"
        return Finding("missing", HOW, evidence, detail)

    async def _by_sshd(self, families: Sequence[Family], detail: dict[str, Detail]) -> set[Family]:
        still: set[Family] = set()
        for family in families:
            for user in dict.fromkeys((self._institute.account or "root", "root")):
                said = await self._effective(user, self._allowed.outsider(family))
                if not closed_by_sshd(said, self._allowed):
                    still.add(family)
                if user == "root":
                    for key in ("permitrootlogin", "passwordauthentication"):
                        detail[key] = " ".join(said.get(key, ()))[:40]
        return still

    async def _effective(self, user: str, address: str) -> Mapping[str, Sequence[str]]:
        """The server's settings for such a login, in lower case, as ``sshd -T`` gives them."""
        chosen = ["-f", self._config] if self._config else []
        asked = f"user={user},host={address},addr={address},lport={self._institute.ssh_port}"
        text = await command.output(["sshd", "-T", *chosen, "-C", asked], deadline_s=_COMMAND_S)
        found: dict[str, list[str]] = {}
        for line in text.splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key.lower(), []).append(value.strip())
        return found

    async def _by_nftables(self, families: Sequence[Family], _: dict[str, Detail]) -> set[Family]:
        try:
            text = await command.output(
                ["nft", "-j", "list", "ruleset"], deadline_s=_COMMAND_S, limit_bytes=_RULES_BYTES
            )
        except command.NotInstalled:
            text = '{"nftables": []}'
        except command.EndedBadly as ended:
            if "not permitted" in ended.said:
                raise Unknown(NEEDS_ROOT) from ended
            raise
        rules = rules_of(text)
        port = self._institute.ssh_port
        fates = {f: fate(rules, Stranger(f, port, self._allowed)) for f in families}
        if "closed" not in fates.values():
            self._older_iptables()
        if unsure := [family for family, said in fates.items() if said == "unsure"]:
            raise Unknown(reasons.RULES_NOT_UNDERSTOOD.format(families=" and ".join(unsure)))
        return {family for family, said in fates.items() if said == "open"}

    def _older_iptables(self) -> None:
        """Its tables are the kernel's own matter, which nft does not show."""
        for name in ("ip_tables_names", "ip6_tables_names"):
            try:
                tables = (self._proc / "net" / name).read_text("ascii")
            except FileNotFoundError:
                continue
            except PermissionError as error:
                raise Unknown(NEEDS_ROOT) from error
            if "filter" in tables.split():
                raise Unknown(LEGACY)

    async def _by_wrappers(self, families: Sequence[Family], _: dict[str, Detail]) -> set[Family]:
        server = shutil.which("sshd", path=command.ENVIRONMENT["PATH"])
        # since OpenSSH 9.8 the one that serves a session is a program of its own
        own = Path("/usr/lib/openssh/sshd-session")
        program = own if own.exists() else Path(server) if server else None
        if program is None or b"libwrap.so" not in program.read_bytes():
            return set(families)
        allow, deny = (_text(self._etc / name) for name in ("hosts.allow", "hosts.deny"))
        return set() if closed_by_wrappers(allow, deny, self._allowed) else set(families)


def closed_by_sshd(said: Mapping[str, Sequence[str]], allowed: Allowed) -> bool:
    """Whether these settings of a login from outside let nobody in."""
    if "yes" in said.get("refuseconnection", ()):
        return True
    if any(pattern in {"*", "*@*"} for pattern in said.get("denyusers", ())):
        return True
    ways = (
        "pubkeyauthentication",
        "passwordauthentication",
        "kbdinteractiveauthentication",
        "hostbasedauthentication",
        "gssapiauthentication",
    )
    if "pubkeyauthentication" in said and all("yes" not in said.get(way, ()) for way in ways):
        return True
    users = [user for line in said.get("allowusers", ()) for user in line.split()]
    return bool(users) and all(_from_inside(user, allowed) for user in users)


def _from_inside(user: str, allowed: Allowed) -> bool:
    """Whether ``USER@HOST`` of AllowUsers can only come from the institute's addresses."""
    if user.startswith("!"):
        return True  # takes away only
    _, at, host = user.rpartition("@")
    return bool(at) and allowed.holds_pattern(host)


def _families(proc: Path) -> list[Family]:
    """IPv6 counts only where this machine has an address that the world can reach."""
    try:
        table = (proc / "net/if_inet6").read_text("ascii")
    except OSError:
        return ["IPv4"]
    scopes = [fields[3] for line in table.splitlines() if len(fields := line.split()) > 4]
    return ["IPv4", "IPv6"] if "00" in scopes else ["IPv4"]


def _text(path: Path) -> str:
    """'' where the file is not there."""
    try:
        with path.open(errors="replace") as opened:
            return opened.read(1024**2)
    except FileNotFoundError:
        return ""
