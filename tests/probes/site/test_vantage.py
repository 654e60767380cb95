"""Other addresses of the site, compared with the first: real Apaches and hostile peers."""

from __future__ import annotations

import asyncio

import pytest

from prep_console import config
from prep_console.probes.probe import Misconfigured
from prep_console.probes.site import probes
from prep_console.probes.site.vantage import OTHER_PAGE, OTHER_STATUS, VantageProbe
from prep_console.probes.site.visitor import ANSWERS_ERROR, OTHER_CUT
from prep_console.publication.station import Station
from prep_console.snapshot import Reading
from tests import hostile
from tests.sites import Answer, always, answer, running

CUT, BEFORE = "20240602_2005", "20240602_2000"
NAME = "site.vantage.cdn"


def page(cut: str | None = CUT, body: bytes = b"<h1>PREP</h1>", status: str = "200 OK") -> Answer:
    return always(answer(status, *([f"X-Prep-Cut: {cut}"] if cut else []), body=body))


async def look(here: int, there: int, live: str | None = CUT) -> Reading:
    vantage = config.Vantage(name="cdn", connect=f"127.0.0.1:{there}")
    settings = config.Settings(
        station=config.Station(root="/nowhere"),
        site=config.Site(url="http://prep.example.mx/", connect=f"127.0.0.1:{here}"),
    )
    probe = VantageProbe(settings, vantage, lambda: live)
    async with asyncio.timeout(probe.deadline_s):
        return (await probe.read())[NAME]


@pytest.mark.parametrize(
    ("there", "state", "same", "fault"),
    [
        (page(), "ok", True, None),
        (page(body=b"<h1>0wned</h1>"), "critical", False, OTHER_PAGE),
        (page(BEFORE), "critical", False, OTHER_CUT),
        (page(None), "critical", False, OTHER_CUT),
        (page(CUT, status="301 Moved"), "critical", False, OTHER_STATUS),
        (page(CUT, status="502 Bad Gateway"), "critical", False, ANSWERS_ERROR),
    ],
)
async def test_the_other_address_is_compared(
    there: Answer, state: str, same: bool, fault: str | None
) -> None:
    with running(page()) as first, running(there) as second:
        got = await look(first.port, second.port)
        assert b"Host: prep.example.mx\r\n" in second.requests[0]
    assert (got.state, got.detail["same"], got.detail["fault"]) == (state, same, fault)


async def test_the_first_address_gone_leaves_the_other_judged_by_itself(free_port: int) -> None:
    with running(page()) as second:
        got = await look(free_port, second.port)
    assert (got.state, got.detail["same"]) == ("ok", None)


async def test_nothing_live_at_both_is_no_fault() -> None:
    nothing = page(None, status="503 Service Unavailable")
    with running(nothing) as first, running(nothing) as second:
        assert (await look(first.port, second.port, None)).state == "ok"


@pytest.mark.parametrize("fault", ["refuse", "close", "reset", "garbage", "hang"])
async def test_a_hostile_address_is_unknown(fault: hostile.Behaviour) -> None:
    with running(page()) as first, hostile.tcp(fault) as second:
        got = await look(first.port, second.port)
    assert got.state == "unknown"
    assert got.error


def test_a_name_twice_or_no_address_is_a_wrong_setting() -> None:
    settings = config.Settings(
        station=config.Station(root="/nowhere"),
        site=config.Site(
            url="http://prep.example.mx/",
            vantage=[
                config.Vantage(name="a", connect="192.0.2.1:80"),
                config.Vantage(name="a", connect="192.0.2.2:80"),
                config.Vantage(name="b", connect="192.0.2.1:port"),
                config.Vantage(name="c", connect="192.0.2.3"),
            ],
        ),
    )
    made = {probe.names[0]: probe for probe in probes(settings, Station(settings))}
    wrong = {name: p.reason for name, p in made.items() if isinstance(p, Misconfigured)}
    assert set(wrong) == {"site.vantage.a", "site.vantage.b"}
    assert isinstance(made["site.vantage.c"], VantageProbe)
