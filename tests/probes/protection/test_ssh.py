"""SSH configured for one origin: a real ``sshd -T``, a real nft, files of TCP wrappers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prep_console import config
from prep_console.probes.probe import Misconfigured
from prep_console.probes.protection import ssh
from prep_console.probes.protection.networks import Allowed
from prep_console.probes.protection.wrappers import closed_by_wrappers
from prep_console.snapshot import Reading

INSTITUTE = "200.1.2.0/24"
ALLOWED = Allowed.of([INSTITUTE, "2806:10::/32"])
OPEN = '{"nftables": []}'


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sshd") / "host_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd -T insists on it
    return path


def settings(sshd_config: Path | str, *addresses: str) -> config.Settings:
    return config.Settings(
        station=config.Station(root="/nowhere"),
        institute=config.Institute(addresses=list(addresses or [INSTITUTE])),
        protection=config.Protection(sshd_config=str(sshd_config)),
    )


async def look(wanted: config.Settings, etc: Path, proc: Path = Path("/proc")) -> Reading:
    (probe,) = ssh.probes(wanted, etc=etc, proc=proc)
    return (await probe.read())["protection.ssh"]


def written(folder: Path, key: Path, text: str) -> Path:
    path = folder / "sshd_config"
    path.write_text(f"HostKey {key}\n{text}\n")
    return path


SSHD = [
    ("", "missing"),
    ("AllowUsers prep", "missing"),
    ("AllowUsers prep@200.1.2.3", "configured"),
    ("AllowUsers prep@200.1.2.0/24 turno@10.0.0.0/8 !malo", "configured"),
    ("AllowUsers prep@200.1.2.*", "configured"),
    ("AllowUsers prep@200.1.*", "missing"),
    ("AllowUsers prep@200.1.2.3 turno", "missing"),
    ("AllowUsers prep@189.0.0.1", "missing"),
    ("AllowUsers prep@*.ieeq.mx", "missing"),
    ("DenyUsers malo", "missing"),
    (f"Match Address *,!{INSTITUTE},!10.0.0.0/8\n  DenyUsers *", "configured"),
    (
        f"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication no\n"
        f"Match Address {INSTITUTE}\n  PubkeyAuthentication yes",
        "configured",
    ),
    (
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPubkeyAuthentication no\n"
        "Match User root\n  PubkeyAuthentication yes",
        "missing",
    ),
    ("PasswordAuthentication no", "missing"),
]


@pytest.mark.parametrize(("text", "label"), SSHD)
async def test_the_settings_of_a_real_server(
    tmp_path: Path, key: Path, text: str, label: str
) -> None:
    told = await look(settings(written(tmp_path, key, text)), tmp_path)
    assert told.value == label, told
    assert told.state == ("ok" if label == "configured" else "warning")
    assert told.detail["permitrootlogin"] == "without-password"
    assert "verified" not in str(told.detail)


async def test_a_broken_setting_is_unknown_with_its_words(tmp_path: Path, key: Path) -> None:
    told = await look(settings(written(tmp_path, key, "AllowUsrs prep")), tmp_path)
    assert (told.state, told.value) == ("unknown", None)
    assert told.error is not None
    assert "Bad configuration option: AllowUsrs" in told.error


async def test_tcp_wrappers_shut_the_others_out(tmp_path: Path, key: Path) -> None:
    wanted = settings(written(tmp_path, key, ""))
    (tmp_path / "hosts.deny").write_text("# all\nsshd: ALL\n")
    assert (await look(wanted, tmp_path)).value == "configured"
    (tmp_path / "hosts.allow").write_text("sshd: 200.1.2.7, 10.\n")
    assert (await look(wanted, tmp_path)).value == "configured"
    (tmp_path / "hosts.allow").write_text("sshd: 200.1.2.7\nALL: .mx\n")
    assert (await look(wanted, tmp_path)).value == "missing"


@pytest.mark.parametrize(
    ("allow", "deny", "closed"),
    [
        ("", "", False),
        ("", "ALL: ALL", True),
        ("", "sshd: ALL EXCEPT 189.1.1.1", False),
        ("", "ALL EXCEPT sshd: ALL", False),
        ("", "vsftpd: ALL", False),
        ("", "sshd: ALL: ALLOW", False),
        ("sshd: 200.1.2.0/255.255.255.0", "ALL: ALL", True),
        ("sshd: [2806:10::]/32", "ALL: ALL", True),
        ("sshd: [2806:11::]/32", "ALL: ALL", False),
        ("sshd: ALL", "ALL: ALL", False),
        ("sshd: 200.1.2.3 : spawn /bin/true", "ALL: ALL", False),
        ("vsftpd: ALL", "ALL: ALL", True),
        ("sshd, vsftpd: 200.1.2. \\\n 200.1.2.9", "ALL: ALL", True),
    ],
)
def test_lines_of_tcp_wrappers(allow: str, deny: str, closed: bool) -> None:
    assert closed_by_wrappers(allow, deny, ALLOWED) is closed


_CHILD = """
import asyncio, encodings.ascii, json, os, sys
from pathlib import Path
from prep_console import config
from prep_console.probes.protection import ssh
if sys.argv[2] == "nobody":
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = config.Settings(
    station=config.Station(root="/nowhere"),
    institute=config.Institute(addresses=["200.1.2.0/24"]),
    protection=config.Protection(sshd_config=sys.argv[1]),
)
(probe,) = ssh.probes(s, etc=Path("/nowhere"))
told = asyncio.run(probe.read())["protection.ssh"]
print(json.dumps([told.value, told.error, dict(told.detail)]))
"""


_UNSHARED = ["unshare", "-n", "sh", "-c", 'nft -f - && exec "$@"', "sh"]


def in_a_network_of_its_own(rules: str, sshd_config: Path, user: str) -> tuple[Any, Any, Any]:
    done = subprocess.run(
        [*_UNSHARED, sys.executable, "-c", _CHILD, str(sshd_config), user],
        input=rules,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=Path(ssh.__file__).parents[3],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    value, error, detail = json.loads(done.stdout)
    return value, error, detail


_SHUT = """table inet t {
chain in {
  type filter hook input priority 0; policy drop;
  ip saddr 200.1.2.0/24 tcp dport 22 accept
}
}
"""


def test_a_real_packet_filter_shuts_the_others_out(tmp_path: Path, key: Path) -> None:
    path = written(tmp_path, key, "")
    value, _, detail = in_a_network_of_its_own(_SHUT, path, "root")
    assert (value, detail["evidence"]) == ("configured", "nftables")
    value, _, detail = in_a_network_of_its_own("", path, "root")
    assert value == "missing"
    assert "let others in over IPv4" in detail["evidence"]


def test_who_is_not_root_is_told_what_needs_root(tmp_path: Path, key: Path) -> None:
    value, error, _ = in_a_network_of_its_own(_SHUT, written(tmp_path, key, ""), "nobody")
    assert value is None
    assert ssh.NEEDS_ROOT in error
    assert "sshd: " in error


async def test_only_where_the_institute_has_addresses() -> None:
    nothing = config.Settings(station=config.Station(root="/nowhere"))
    assert ssh.probes(nothing) == []
    (wrong,) = ssh.probes(settings("", "ieeq"))
    assert isinstance(wrong, Misconfigured)
    assert "'ieeq' does not appear to be" in wrong.reason
    (everybody,) = ssh.probes(settings("", "0.0.0.0/0"))
    assert isinstance(everybody, Misconfigured)


async def test_the_older_iptables_is_not_taken_for_none(tmp_path: Path, key: Path) -> None:
    proc = tmp_path / "proc"
    (proc / "net").mkdir(parents=True)
    (proc / "net/ip_tables_names").write_text("filter\n")
    told = await look(settings(written(tmp_path, key, "")), tmp_path, proc)
    assert told.state == "unknown"
    assert ssh.LEGACY in (told.error or "")
    assert os.geteuid() == 0
