"""Generators, over a real Modbus server with GenComm's registers and over real contacts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from prep_console.config import (
    Power,
    PowerDevice,
    Register,
    RegisterMap,
    Settings,
    Station,
    parse,
)
from prep_console.drill.peers.generator import GeneratorPeer, generator_server
from prep_console.probes.power import gencomm, generator, probes
from prep_console.probes.power.gencomm import Alarm, Controller
from prep_console.probes.probe import Misconfigured, Probe
from prep_console.snapshot import Reading
from tests import hostile
from tests.waiting import wait_until

POWER = Power()


@pytest.fixture
def peer() -> Iterator[GeneratorPeer]:
    with generator_server(crank_s=0.1, start_s=0.3, cool_s=0.3) as running:
        yield running


def settings(device: PowerDevice, *maps: RegisterMap) -> Settings:
    return Settings(station=Station(root="/nowhere"), power=Power(device=[device], map=list(maps)))


def probe(address: str, *maps: RegisterMap) -> Probe:
    chosen = maps[0].name if maps else "deepsea"
    device = PowerDevice(name="planta", role="generator", modbus=address, map=chosen)
    [made] = probes(settings(device, *maps))
    return made


async def look(made: Probe) -> Reading:
    return (await made.read())["power.planta"]


# What a controller's values mean


def values(**of: float | str) -> Controller:
    return Controller({name: float(v) if isinstance(v, int) else v for name, v in of.items()})


@pytest.mark.parametrize(
    ("controller", "state"),
    [
        (values(state="standby"), "standby"),
        (values(state="starting", rpm=180), "starting"),
        (values(state="running"), "running"),
        (values(state="running", rpm=1800, voltage_v=127), "running"),
        (values(state="stopping", rpm=1800), "running"),
        (values(state="stopping", rpm=0), "standby"),
        (values(state="failed"), "failed"),
        # the word and the meters disagree
        (values(state="running", rpm=0, voltage_v=0), "starting"),
        (values(state="standby", rpm=1800, voltage_v=127), "running"),
        (values(state="standby", rpm=0, voltage_v=127), "standby"),
        # no word: the meters alone
        (values(rpm=0), "standby"),
        (values(rpm=180), "starting"),
        (values(rpm=1800), "running"),
        (values(rpm=1800, voltage_v=0), "starting"),
        (values(rpm=1800, voltage_v=127), "running"),
        (values(frequency_hz=60), "running"),
        (values(voltage_v=0, voltage_l2_v=127), "running"),
        (values(voltage_v=0), "standby"),
        (values(state="9", rpm=1800), "running"),
        # what stops the engine
        (values(state="running", rpm=1800, shutdown=1), "failed"),
        (values(state="standby", shutdown=0), "standby"),
        (Controller({"state": "standby"}, (Alarm("fail to start", "shutdown"),)), "failed"),
        (Controller({"state": "running"}, (Alarm("overload", "electrical trip"),)), "failed"),
        (Controller({"state": "running"}, (Alarm("overload", "warning"),)), "running"),
    ],
)
def test_the_state_follows_from_word_meters_and_alarms(controller: Controller, state: str) -> None:
    assert generator.state(controller) == state


def test_a_controller_that_tells_nothing_of_the_engine_is_no_standby() -> None:
    with pytest.raises(generator.Undecided):
        generator.state(values(fuel_percent=80))


@pytest.mark.parametrize(
    ("controller", "state"),
    [
        (values(state="standby", mode="auto", fuel_percent=30, battery_v=12.6), "ok"),
        (values(state="standby", mode="auto, manual restore"), "ok"),
        (values(state="standby", mode="manual"), "warning"),
        (values(state="standby", mode="stop"), "warning"),
        (values(state="standby", mode="8"), "warning"),
        (values(state="standby", fuel_percent=29), "warning"),
        (values(state="running", fuel_percent=10), "critical"),
        (values(state="standby", battery_v=11.5), "warning"),
        (values(state="standby", battery_v=23.2), "warning"),
        (values(state="standby", battery_v=25.1), "ok"),
        (values(state="starting", battery_v=18.0), "ok"),
        (values(state="running", rpm=1800, voltage_v=2), "warning"),
        (values(state="standby", warning=1), "warning"),
        (values(state="standby", shutdown=1), "critical"),
    ],
)
def test_what_a_person_should_see_to(controller: Controller, state: str) -> None:
    assert generator.judged(controller, POWER).state == state


def test_the_alarms_text_is_bounded_and_begins_with_what_stops_it() -> None:
    many = tuple(Alarm(f"alarm {n}", "warning") for n in range(80))
    text = generator.alarm_text(Controller({}, (*many, Alarm("emergency stop", "shutdown"))))
    assert text.startswith("emergency stop (shutdown), alarm 0 (warning)")
    assert len(text) == 200


@pytest.mark.parametrize(
    ("controller", "there"),
    [
        (values(mains="available", mains_voltage_v=0), True),
        (values(mains="absent"), False),
        (values(mains_voltage_v=0, mains_voltage_l2_v=127), True),
        (values(mains_voltage_v=3), False),
        (values(mains_frequency_hz=60), True),
        (values(state="standby"), None),
    ],
)
def test_the_mains_as_the_controller_sees_them(controller: Controller, there: bool | None) -> None:
    assert generator.mains_available(controller) is there


# GenComm, on the wire


async def test_a_night_without_mains() -> None:
    """Slowly: each of its states has to be met by a look."""
    with generator_server(crank_s=1.0, start_s=3.0, cool_s=1.0) as peer:
        await _lose_and_restore(peer)


async def _lose_and_restore(peer: GeneratorPeer) -> None:
    made = probe(peer.address)
    ready = await look(made)
    assert (ready.value, ready.state) == ("standby", "ok")
    expected = {
        "role": "generator",
        "automatic": True,
        "mode": "auto",
        "fuel_percent": 87.0,
        "battery_v": 26.6,
        "coolant_c": 41.0,
        "run_s": 1_234_567.0,
        "hours": 342.9,
        "starts": 211.0,
        "alarms": "",
        "mains_available": True,
        "mains_voltage_v": 127.0,
    }
    assert {name: ready.detail[name] for name in expected} == expected
    peer.lose_mains()
    states = []
    async with asyncio.timeout(30):
        while "running" not in states:
            said = await look(made)
            states.append(said.value)
            assert said.detail["mains_available"] is False
    assert list(dict.fromkeys(states)) == ["standby", "starting", "running"]
    runs = await look(made)
    assert (runs.detail["rpm"], runs.detail["frequency_hz"], runs.detail["voltage_v"]) == (
        1800.0,
        60.0,
        127.4,
    )
    peer.restore_mains()
    async with asyncio.timeout(30):
        while (said := await look(made)).value != "standby":
            assert said.value == "running"
    assert said.detail["mains_available"] is True


async def test_a_start_that_fails(peer: GeneratorPeer) -> None:
    peer.lose_mains(start_fails=True)
    made = probe(peer.address)
    async with asyncio.timeout(30):
        while (said := await look(made)).value != "failed":
            assert said.value in ("standby", "starting")
    assert said.state == "critical"
    assert said.detail["alarms"] == "fail to start (shutdown)"
    peer.restore_mains()
    async with asyncio.timeout(30):
        while (said := await look(made)).value != "standby":
            assert said.value == "failed"


async def test_one_that_is_not_in_automatic_stays_where_it_is(peer: GeneratorPeer) -> None:
    peer.set(mode="manual")
    peer.lose_mains()
    said = await look(probe(peer.address))
    assert (said.value, said.state) == ("standby", "warning")
    assert (said.detail["automatic"], said.detail["mode"]) == (False, "manual")


async def test_sentinels_are_no_values(peer: GeneratorPeer) -> None:
    peer.raw({1024: 0xFFFC, 1025: 0x7FFF, 1027: 0xFFFF, 1029: 0xFFF8, 1030: 0xFFFB})
    peer.raw({1032: 0xFFFF, 1033: 0xFFFF, 1034: 0xFFFF, 1035: 0xFFF8, 1036: 0xFFFF, 1037: 0xFFFA})
    peer.raw({1060: 0xFFFF, 1061: 0xFFFF, 1062: 0xFFFF, 1063: 0xFFFF, 1064: 0xFFFF, 1065: 0xFFFF})
    peer.raw({1059: 0xFFFF, 1808: 0xFFFF, 1809: 0xFFFF})
    said = await look(probe(peer.address))
    assert said.value == "standby"
    missing = ("oil_kpa", "coolant_c", "fuel_percent", "battery_v", "rpm", "voltage_v", "starts")
    assert {said.detail[name] for name in missing} == {None}
    assert said.detail["mains_available"] is None


async def test_a_cold_night_is_below_zero(peer: GeneratorPeer) -> None:
    peer.set(coolant_c=-7)
    assert (await look(probe(peer.address))).detail["coolant_c"] == -7.0


@pytest.mark.parametrize("sentinel", [15, 0xFFFF])
async def test_without_an_engine_state_the_speed_tells(peer: GeneratorPeer, sentinel: int) -> None:
    peer.start()
    peer.raw({1408: sentinel})
    assert (await look(probe(peer.address))).value == "running"
    peer.stop()
    peer.absent = {1408}
    assert (await look(probe(peer.address))).value == "standby"


async def test_registers_that_a_controller_lacks_cost_only_themselves(peer: GeneratorPeer) -> None:
    peer.absent = {1027, 1798, 1799, 1808, 1809, *range(39424, 39445)}
    said = await look(probe(peer.address))
    assert (said.value, said.detail["battery_v"]) == ("standby", 26.6)
    assert (said.detail["fuel_percent"], said.detail["run_s"]) == (None, None)


async def test_an_older_controller_keeps_its_alarms_on_another_page(peer: GeneratorPeer) -> None:
    with generator_server() as old:
        old.absent = set(range(39424, 39445))
        assert (await look(probe(old.address))).detail["alarms"] == ""
    raised = gencomm.raised([0x1111, 0x1131, 0x2F18], ())
    assert raised == (Alarm("alarm 7", "shutdown"), Alarm("alarm 9", "warning"))


async def test_alarms_beyond_the_first_page_are_seen(peer: GeneratorPeer) -> None:
    peer.alarm(80, 4)
    said = await look(probe(peer.address))
    assert (said.value, said.detail["alarms"]) == ("failed", "alarm 80 (electrical trip)")


async def test_a_controller_without_any_of_it_is_no_controller(peer: GeneratorPeer) -> None:
    peer.absent = set(range(65536))
    said = await look(probe(peer.address))
    assert said.state == "unknown"
    assert said.error == "the controller has none of these registers: wrong unit or map?"


async def test_it_is_only_ever_read(peer: GeneratorPeer) -> None:
    made = probe(peer.address)
    for change in (peer.crank, peer.start, peer.fail_to_start):
        change()
        peer.absent ^= {1408, 1030}
        await look(made)
    assert {function for function, _, _ in peer.asked} == {3}


async def test_a_look_leaves_no_connection_behind(peer: GeneratorPeer) -> None:
    made = probe(peer.address)
    before = hostile.descriptors()
    for _ in range(20):
        await look(made)
    await asyncio.sleep(0)  # where asyncio lets go of the last socket
    wait_until(lambda: peer.connections == 0)
    wait_until(lambda: hostile.descriptors() <= before)
    await made.close()


# Other makers


OTHER = RegisterMap(
    name="taller",
    register={
        "state": Register(address=772, words_of={"0": "standby", "1": "running"}),
        "fuel_percent": Register(address=1029, scale=0.1),
    },
)


async def test_another_maker_s_map_is_a_setting(peer: GeneratorPeer) -> None:
    said = await look(probe(peer.address, OTHER))
    assert (said.value, said.detail["fuel_percent"], said.detail["alarms"]) == (
        "running",
        26.6,
        "",
    )
    assert {first for _, first, _ in peer.asked} == {772, 1029}


def test_a_map_as_it_is_written_in_the_settings() -> None:
    read = parse(
        """
        [station]
        root = "/srv/prep"
        [[power.device]]
        name = "planta"
        role = "generator"
        modbus = "192.0.2.40"
        map = "taller"
        [[power.map]]
        name = "taller"
        [power.map.register]
        state = { address = 10, mask = 0xf0, words_of = { 1 = "standby", 2 = "running" } }
        fuel_percent = { address = 11, scale = 0.1, invalid = [0xffff] }
        """,
        "config.toml",
    )
    [made] = probes(read)
    assert not isinstance(made, Misconfigured)
    assert read.power.map[0].register["state"].mask == 0xF0


@pytest.mark.parametrize(
    ("register", "said"),
    [
        ({}, "it names no register"),
        ({"fuel": Register(address=1)}, "register.fuel: no such value; fuel_percent?"),
        ({"rpm": Register(address=65536)}, "register.rpm.address"),
        ({"rpm": Register(address=65535, words=2)}, "register.rpm.address"),
        ({"rpm": Register(address=-1)}, "register.rpm.address"),
        ({"rpm": Register(address=1, mask=0x10000)}, "register.rpm.mask"),
        ({"rpm": Register(address=1, scale=float("nan"))}, "register.rpm.scale"),
        ({"mode": Register(address=1, words_of={"x": "auto"})}, "register.mode.words_of"),
        ({"state": Register(address=1, words_of={"1": "corriendo"})}, "'corriendo' is none of"),
        ({"state": Register(address=1)}, "register.state.words_of: missing"),
        ({"fuel_percent": Register(address=1)}, "it cannot tell whether it runs"),
    ],
)
async def test_a_map_that_cannot_work_is_named(register: dict[str, Register], said: str) -> None:
    chosen = RegisterMap(name="taller", register=register)
    reading = await look(probe("127.0.0.1:502", chosen))
    assert reading.error is not None
    assert reading.error.startswith("wrong setting power.device.map: taller: ")
    assert said in reading.error


# Peers that misbehave


@pytest.mark.parametrize("fault", hostile.TCP_FAULTS)
async def test_a_peer_that_misbehaves_reads_unknown_with_the_reason_and_recovers(
    fault: hostile.Behaviour,
) -> None:
    with generator_server() as peer, hostile.tcp(fault, b"\0\1\0\0\0\3\1\x83\2") as bad:
        made = probe(f"127.0.0.1:{bad.port}")
        started = time.monotonic()
        said = await look(made)
        assert time.monotonic() - started < made.deadline_s
        assert (said.state, said.value) == ("unknown", None)
        assert said.error
        assert (await look(probe(peer.address))).value == "standby"


async def test_a_controller_that_hangs_vanishes_and_comes_back(peer: GeneratorPeer) -> None:
    made = probe(peer.address)
    assert (await look(made)).value == "standby"
    peer.freeze()
    assert (await look(made)).error == "the controller does not answer"
    peer.thaw()
    assert (await look(made)).value == "standby"
    peer.vanish()
    assert (await look(made)).error == "the controller refuses the connection"
    peer.serve()
    assert (await look(made)).value == "standby"


async def test_one_that_answers_each_question_but_slowly_is_cut_off_in_time() -> None:
    """Each answer comes within its own time, all of them together do not."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(64):
            await asyncio.sleep(2.0)
            count = int.from_bytes(request[10:12], "big")
            body = bytes((request[6], 3, 2 * count)) + bytes(2 * count)
            writer.write(request[:4] + len(body).to_bytes(2, "big") + body)
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    made = probe(f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
    started = time.monotonic()
    said = await look(made)
    assert said.error == "the controller answers too slowly"
    assert time.monotonic() - started < made.deadline_s
    assert made.period_s * 1.1 + made.deadline_s < 15
    server.close()


async def test_a_host_without_an_address_is_told() -> None:
    said = await look(probe("no-such-host.invalid"))
    assert said.state == "unknown"
    assert said.error
