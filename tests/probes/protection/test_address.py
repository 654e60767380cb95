"""The site's name against its public address, over a real resolver and a DNS server of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prep_console import config
from prep_console.probes.probe import Misconfigured
from prep_console.probes.protection import address

_CHILD = """
import asyncio, ipaddress, json, socket, struct, subprocess, sys, threading
from prep_console import config
from prep_console.probes.protection import address
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
behaviour, known = sys.argv[3], sys.argv[4].split()
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
def serve():
    while True:
        asked, who = server.recvfrom(512)
        end = asked.index(b"\\0", 12) + 1
        kind = struct.unpack("!H", asked[end:end + 2])[0]
        if behaviour == "hang":
            continue
        if behaviour == "garbage":
            server.sendto(b"\\xff" * 40, who)
            continue
        if behaviour in {"nxdomain", "servfail"}:
            flags = b"\\x81\\x83" if behaviour == "nxdomain" else b"\\x81\\x82"
            server.sendto(asked[:2] + flags + b"\\0\\1" + b"\\0" * 6 + asked[12:end + 4], who)
            continue
        fit = [a for a in map(ipaddress.ip_address, known) if (a.version == 4) == (kind == 1)]
        head = asked[:2] + b"\\x81\\x80\\0\\1" + struct.pack("!H", len(fit)) + b"\\0\\0\\0\\0"
        rows = b"".join(
            b"\\xc0\\x0c" + struct.pack("!HHIH", kind, 1, 5, len(a.packed)) + a.packed for a in fit
        )
        server.sendto(head + asked[12:end + 4] + rows, who)
threading.Thread(target=serve, daemon=True).start()
s = config.Settings(
    station=config.Station(root="/nowhere"),
    site=config.Site(url="https://prep.example.mx/"),
    protection=config.Protection(public_address=sys.argv[2]),
)
(probe,) = address.probes(s)
async def look():
    from prep_console.probes.probe import run_probe
    told = asyncio.Queue()
    loop = asyncio.create_task(run_probe(probe, told.put_nowait))
    first = (await told.get())["protection.address"]
    loop.cancel()
    return first
told = asyncio.run(look())
print(json.dumps([told.value, told.error, dict(told.detail)]))
"""


_APART = ["unshare", "-n", "-m", sys.executable, "-c"]


def asked(folder: Path, wanted: str, *known: str, behaviour: str = "answers") -> tuple[Any, ...]:
    resolv = folder / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    done = subprocess.run(
        [*_APART, _CHILD, str(resolv), wanted, behaviour, " ".join(known)],
        capture_output=True,
        text=True,
        timeout=40,
        cwd=Path(address.__file__).parents[3],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("wanted", "known", "label", "evidence"),
    [
        ("189.1.1.1", ["189.1.1.1"], "seen", "189.1.1.1"),
        ("189.1.1.1, 2806::9", ["2806::9", "189.1.1.1"], "seen", "189.1.1.1 2806::9"),
        ("189.1.1.1", ["189.1.1.2"], "missing", "leads elsewhere: 189.1.1.2; does not lead"),
        ("189.1.1.1", ["189.1.1.1", "189.1.1.2"], "missing", "leads elsewhere: 189.1.1.2"),
        ("189.1.1.1", ["189.1.1.1", "2806::9"], "missing", "leads elsewhere: 2806::9"),
        ("189.1.1.1 2806::9", ["189.1.1.1"], "missing", "does not lead to 2806::9"),
    ],
)
def test_dns_against_the_settings(
    tmp_path: Path, wanted: str, known: list[str], label: str, evidence: str
) -> None:
    value, error, detail = asked(tmp_path, wanted, *known)
    assert (value, error) == (label, None)
    assert evidence in detail["evidence"]
    assert detail["found"].split() == sorted(known, key=lambda a: ":" in a)


def test_a_name_that_is_not_there_is_missing(tmp_path: Path) -> None:
    value, _, detail = asked(tmp_path, "189.1.1.1", behaviour="nxdomain")
    assert (value, detail["found"]) == ("missing", "")


@pytest.mark.parametrize("behaviour", ["hang", "garbage", "servfail"])
def test_dns_that_does_not_answer_is_unknown(tmp_path: Path, behaviour: str) -> None:
    value, error, _ = asked(tmp_path, "189.1.1.1", behaviour=behaviour)
    assert value is None
    assert error.startswith("DNS does not answer")


def settings(public_address: str, url: str = "https://prep.example.mx/") -> config.Settings:
    return config.Settings(
        station=config.Station(root="/nowhere"),
        site=config.Site(url=url),
        protection=config.Protection(public_address=public_address),
    )


async def test_a_name_in_the_hosts_file_is_not_dns(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost # prep.example.mx\n")
    (probe,) = address.probes(settings("189.1.1.1"), hosts=hosts, resolve=lambda _: set())
    assert (await probe.read())[address.NAME].value == "missing"
    hosts.write_text("10.0.0.5\tserver PREP.example.mx\n")
    told = (await probe.read())[address.NAME]
    assert (told.state, told.error) == ("unknown", address.IN_HOSTS)


def test_only_where_it_is_set() -> None:
    assert address.probes(settings("")) == []
    assert address.probes(settings("189.1.1.1", "")) == []
    (wrong,) = address.probes(settings("189.1.1"))
    assert isinstance(wrong, Misconfigured)
    assert "protection.public_address" in wrong.reason
