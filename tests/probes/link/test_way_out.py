"""Interface, default route and DNS, in network namespaces of their own and with a dead resolver."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from prep_console import config
from prep_console.probes import resolver
from prep_console.probes.link import probes
from prep_console.probes.link.dns import DNS, DnsProbe
from prep_console.probes.link.route import INTERFACE, ROUTE, InterfaceProbe, default_route
from prep_console.probes.probe import Misconfigured
from prep_console.probes.resolver import NO_ANSWER, NO_SUCH_NAME, Resolver
from tests import hostile

PROGRAM = """
import asyncio, json
from pathlib import Path
from prep_console.probes.link.route import InterfaceProbe, RouteProbe
async def look(interface):
    taken = {**await InterfaceProbe(interface).read(), **await RouteProbe().read()}
    print(json.dumps({n: [r.state, r.value, r.error, dict(r.detail)] for n, r in taken.items()}))
asyncio.run(look(INTERFACE))
"""


def inside(commands: str, interface: str = "") -> dict[str, list[Any]]:
    """What the probes read in a fresh network namespace after these commands."""
    program = PROGRAM.replace("INTERFACE)", f"{interface!r})")
    script = f"mount -t sysfs sysfs /sys\n{commands}\nexec {sys.executable} -c '{program}'"
    script = script.replace(f"'{program}'", '"$PROGRAM"')
    done = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-ec", script],
        env={**os.environ, "PROGRAM": program},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, list[Any]] = json.loads(done.stdout)
    return said


PAIR = "ip link add out0 type veth peer name far0\nip addr add 192.0.2.2/24 dev out0\n"


def test_up_with_a_default_route() -> None:
    said = inside(
        PAIR + "ip link set far0 up\nip link set out0 up\nip route add default via 192.0.2.1"
    )
    assert said[ROUTE][:2] == ["ok", "192.0.2.1"]
    assert said[INTERFACE][:2] == ["ok", "up"]
    assert said[INTERFACE][3]["name"] == "out0"


def test_an_interface_whose_other_end_is_down() -> None:
    said = inside(PAIR + "ip link set out0 up\nip route add default via 192.0.2.1 onlink dev out0")
    assert said[INTERFACE][:2] == ["critical", "down"]


def test_an_interface_that_is_gone_or_set_down() -> None:
    assert inside(PAIR, "out0")[INTERFACE][:2] == ["critical", "down"]
    assert inside("", "out0")[INTERFACE][:2] == ["critical", "down"]


def test_no_default_route() -> None:
    said = inside(PAIR + "ip link set far0 up\nip link set out0 up")
    assert said[ROUTE][:2] == ["critical", "none"]
    assert said[INTERFACE][0] == "unknown"


def test_a_default_route_of_ipv6_alone_and_one_that_rejects() -> None:
    up = PAIR + "ip link set far0 up\nip link set out0 up\n"
    out = up + "ip -6 addr add 2001:db8::2/64 dev out0 nodad\n"
    said = inside(out + "ip -6 route add default via 2001:db8::1 dev out0")
    assert said[ROUTE][:2] == ["ok", "2001:db8::1"]
    said = inside(up + "ip route add unreachable default")
    assert said[ROUTE][:2] == ["critical", "none"]


async def test_the_name_of_an_interface_that_took_its_route_along_is_remembered(
    tmp_path: Path,
) -> None:
    head = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    table = tmp_path / "net" / "route"
    table.parent.mkdir()
    table.write_text(head + "out0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n")
    route = default_route(tmp_path)
    assert route is not None
    assert (route.interface, route.gateway) == ("out0", "192.0.2.1")
    folder = tmp_path / "class" / "net" / "out0"
    folder.mkdir(parents=True)
    (folder / "operstate").write_text("up\n")
    (folder / "speed").write_text("1000\n")
    probe = InterfaceProbe("", proc=tmp_path, sysfs=tmp_path)
    got = (await probe.read())[INTERFACE]
    assert (got.value, got.detail["speed_mbit"]) == ("up", 1000)
    table.write_text(head)
    (folder / "operstate").write_text("down\n")
    assert (await probe.read())[INTERFACE].value == "down"


async def test_a_name_is_found_and_the_time_told() -> None:
    got = (await DnsProbe("localhost").read())[DNS]
    assert got.state == "ok"
    assert "127.0.0.1" in str(got.detail["addresses"])


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nowhere.invalid", None), ("a" * 64 + ".mx", NO_SUCH_NAME), ("ñ" * 80, NO_SUCH_NAME)],
)
async def test_a_name_without_an_address_is_unknown(name: str, reason: str | None) -> None:
    got = (await DnsProbe(name).read())[DNS]
    assert got.state == "unknown"
    assert got.error in ({reason} if reason else {NO_SUCH_NAME, NO_ANSWER})


async def test_a_dead_resolver_costs_one_thread_and_no_look_more_than_its_patience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alive, asked = threading.Event(), []

    def dead(*_: object, **__: object) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        asked.append(1)
        alive.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", dead)
    names = Resolver("prep.example.mx", patience_s=0.05)
    began = hostile.threads()
    for _ in range(10):
        with pytest.raises(resolver.NoAddress, match="DNS does not answer"):
            await names.addresses()
    assert len(asked) == 1
    assert hostile.threads() <= began + 1
    alive.set()
    async with asyncio.timeout(5):
        while True:  # it recovers by itself
            try:
                assert await names.addresses() == ("192.0.2.7",)
                break
            except resolver.NoAddress:
                continue
    del names  # its thread ends with it
    async with asyncio.timeout(10):
        while hostile.threads() > began:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("url", "link", "names"),
    [
        ("", config.Link(), []),
        ("https://127.0.0.1:8443/", config.Link(), []),
        ("https://localhost/", config.Link(), []),
        ("https://prep.example.mx/", config.Link(), [INTERFACE, DNS, ROUTE]),
        ("https://192.0.2.1/", config.Link(), [INTERFACE, ROUTE]),
        ("https://192.0.2.1/", config.Link(resolve="cronos.cenam.mx"), [INTERFACE, DNS, ROUTE]),
        ("", config.Link(interface="eth0"), [INTERFACE, ROUTE]),
    ],
)
def test_only_what_the_settings_give_reason_for(
    url: str, link: config.Link, names: list[str]
) -> None:
    settings = config.Settings(
        station=config.Station(root="/nowhere"), site=config.Site(url=url), link=link
    )
    assert [probe.names[0] for probe in probes(settings)] == names


def test_an_interface_that_cannot_be_is_a_wrong_setting() -> None:
    settings = config.Settings(
        station=config.Station(root="/nowhere"), link=config.Link(interface="../eth0")
    )
    made = probes(settings)[0]
    assert isinstance(made, Misconfigured)
    assert "link.interface" in made.reason
