"""Emergency generators: standby, starting, running or failed, whichever way they are reached."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Literal

from prep_console.config import Power, PowerDevice, RegisterMap
from prep_console.probes.power import gencomm, modbus
from prep_console.probes.power.contacts import Contact
from prep_console.probes.power.gencomm import Controller
from prep_console.probes.power.nut import NutAddress, NutClient, NutError
from prep_console.probes.probe import Clock, OwnThread, reading, unknown, utc_now
from prep_console.snapshot import Detail, Reading
from prep_console.values import replace
from prep_console.wording import N_

State = Literal["standby", "starting", "running", "failed"]

LIVE_V: Final = 60.0
"""Phase to neutral: below this no load runs, whether the country has 127 V or 230 V."""
_TURNING_RPM = 100.0
"""Below the speed of any starter motor: noise of the pick-up."""
_FIRED_RPM = 600.0
"""Above any starter motor (150 to 250), below any idling diesel engine."""
_LIVE_HZ = 10.0
_BATTERY_12_V = 11.8
"""A lead battery at rest below this is nearly empty; twice that where two are in series."""
_TWO_BATTERIES_V = 16.0
_TEXT = 200
_LOOK_S = 7.0


class Undecided(modbus.ModbusError):
    """The controller answered, and nothing in it says whether the engine runs."""


def state(controller: Controller) -> State:
    """What the generator is doing, out of what its controller says and its meters show.

    An alarm that stops the engine (shutdown, electrical trip) means failed also while it still
    turns: it gives no power. Where word and meters disagree, the meters are believed: an engine
    called running that neither turns nor gives voltage is only starting.
    """
    if any(alarm.level != "warning" for alarm in controller.alarms) or controller.number(
        "shutdown"
    ):
        return "failed"
    engine = controller.word("state")
    turning, live = _turning(controller), _live(controller)
    shown = [seen for seen in (turning, live) if seen is not None]
    match engine:
        case "failed" | "starting":
            return engine
        case "running":
            return "running" if any(shown) or not shown else "starting"
        case "stopping":
            return "running" if any(shown) or not shown else "standby"
        case "standby":
            return "running" if turning and live else "standby"
    if not shown:
        raise Undecided(N_("the controller does not say whether the engine runs"))
    if live:
        return "running"
    if turning:
        fired = (controller.number("rpm") or 0.0) > _FIRED_RPM
        return "running" if live is None and fired else "starting"
    return "standby"


def _turning(controller: Controller) -> bool | None:
    rpm = controller.number("rpm")
    return None if rpm is None else rpm > _TURNING_RPM


def _live(controller: Controller) -> bool | None:
    volts = _highest(controller, "voltage")
    if volts is not None:
        return volts >= LIVE_V
    hertz = controller.number("frequency_hz")
    return None if hertz is None else hertz > _LIVE_HZ


def mains_available(controller: Controller) -> bool | None:
    """Whether the controller sees the mains; None when it does not measure them."""
    word = controller.word("mains")
    if word is not None:
        return {"available": True, "absent": False}.get(word)
    volts = _highest(controller, "mains_voltage")
    if volts is not None:
        return volts >= LIVE_V
    hertz = controller.number("mains_frequency_hz")
    return None if hertz is None else hertz > _LIVE_HZ


def automatic(controller: Controller) -> bool | None:
    """Whether it would start by itself; None when the controller does not tell its mode."""
    mode = controller.word("mode")
    return None if mode is None else mode.casefold().startswith("auto")


def _highest(controller: Controller, name: str) -> float | None:
    """Of the three phases: a single-phase set shows 0 on the others."""
    phases = [controller.number(f"{name}{phase}_v") for phase in ("", "_l2", "_l3")]
    return max((volts for volts in phases if volts is not None), default=None)


def judged(controller: Controller, power: Power, now: Clock = utc_now) -> Reading:
    """The reading of one look. Undecided when the controller does not say what the engine does.

    Whether it *should* be running takes more than its own word: see :func:`overdue`.
    """
    value = state(controller)
    fuel = controller.number("fuel_percent")
    volts = _highest(controller, "voltage")
    own_start = automatic(controller)
    low_fuel = fuel is not None and fuel < power.low_fuel_percent
    low_battery = value != "starting" and _low_battery(controller.number("battery_v"))
    no_output = value == "running" and _live(controller) is False
    warned = bool(controller.alarms) or bool(controller.number("warning"))
    run_s = controller.number("run_s")
    return reading(
        value,
        "",
        now(),
        warning=own_start is False or low_fuel or low_battery or no_output or warned,
        critical=value == "failed"
        or (value == "running" and fuel is not None and fuel <= power.low_fuel_percent / 3),
        role="generator",
        automatic=own_start,
        mode=controller.word("mode"),
        engine=controller.word("state"),
        fuel_percent=fuel,
        battery_v=controller.number("battery_v"),
        coolant_c=controller.number("coolant_c"),
        oil_kpa=controller.number("oil_kpa"),
        rpm=controller.number("rpm"),
        frequency_hz=controller.number("frequency_hz"),
        voltage_v=volts,
        run_s=run_s,
        hours=None if run_s is None else round(run_s / 3600, 1),
        starts=controller.number("starts"),
        alarms=alarm_text(controller),
        mains_available=mains_available(controller),
        mains_voltage_v=_highest(controller, "mains_voltage"),
        low_fuel=low_fuel,
        low_battery=low_battery,
        no_output=no_output,
    )


def _low_battery(volts: float | None) -> bool:
    if volts is None:
        return False
    return volts < (_BATTERY_12_V if volts <= _TWO_BATTERIES_V else 2 * _BATTERY_12_V)


def alarm_text(controller: Controller) -> str:
    """The controller's own alarms, what stops the engine first: ``fail to start (shutdown)``."""
    ordered = sorted(controller.alarms, key=lambda alarm: alarm.level == "warning")
    return ", ".join(f"{alarm.name} ({alarm.level})" for alarm in ordered)[:_TEXT]


def overdue(said: Reading, power: Power, mains_lost_s: float | None) -> Reading:
    """The generator's reading, judged again by how long the mains are gone (None: they are not).

    It takes other instruments to know that: the UPSes and the transfer switch. A generator that
    does not run ``start_seconds`` after the mains went has failed to start, unless a person
    took it out of automatic: then it will not start by itself, which is as bad and another task.
    """
    if mains_lost_s is None or said.value not in ("standby", "starting"):
        return said
    if said.detail.get("automatic") is False:
        return replace(said, state="critical")
    if mains_lost_s < power.start_seconds:
        return said
    detail: Mapping[str, Detail] = {**said.detail, "failed_to_start": True}
    return replace(said, value="failed", state="critical", detail=detail)


class GeneratorProbe:
    """``power.<device>`` of one generator. Made by :func:`over_modbus` or :func:`over_contacts`."""

    period_s = 5.0
    deadline_s = 8.0

    def __init__(
        self,
        device: PowerDevice,
        power: Power,
        look: Callable[[], Awaitable[Controller]],
        close: Callable[[], Awaitable[None]],
        *,
        now: Clock = utc_now,
    ) -> None:
        self.names = (f"power.{device.name}",)
        self._power = power
        self._look = look
        self._close = close
        self._now = now

    async def read(self) -> Mapping[str, Reading]:
        """One look; unknown with the reason when nothing is learned."""
        try:
            controller = await self._look()
            return {self.names[0]: judged(controller, self._power, self._now)}
        except (OSError, NutError) as exc:
            return unknown(self.names, reason(exc), self._now())

    async def close(self) -> None:
        await self._close()


def reason(problem: OSError | NutError) -> str:
    """Why nothing was learned, in bounded English."""
    match problem:
        case ConnectionRefusedError():
            return N_("the controller refuses the connection")
        case ConnectionResetError() | BrokenPipeError():
            return N_("the controller broke the connection off")
    text = str(getattr(problem, "strerror", None) or problem)
    return text[:_TEXT] or type(problem).__name__


def over_modbus(
    device: PowerDevice,
    power: Power,
    at: modbus.Address,
    chosen: RegisterMap,
    *,
    now: Clock = utc_now,
) -> GeneratorProbe:
    """A generator whose controller speaks Modbus TCP; it is only ever read."""
    names: OwnThread[str] = OwnThread()

    async def look() -> Controller:
        try:
            async with asyncio.timeout(_LOOK_S):
                host = await modbus.resolved(at.host, names)
                async with modbus.connected(at, host) as connection:
                    return await gencomm.look(connection, chosen)
        except TimeoutError as exc:
            raise TimeoutError(str(exc) or N_("the controller answers too slowly")) from exc

    async def nothing() -> None:
        """No connection outlives a look."""

    return GeneratorProbe(device, power, look, nothing, now=now)


def over_contacts(
    device: PowerDevice,
    power: Power,
    client: NutClient,
    at: NutAddress,
    running: Contact,
    failed: Contact | None,
    *,
    now: Clock = utc_now,
) -> GeneratorProbe:
    """A generator known by the contacts that say that it runs, and that it failed to start."""

    async def look() -> Controller:
        variables = await client.variables(at.ups)
        if failed is not None and failed.made(variables):
            return Controller({"state": "failed"})
        return Controller({"state": "running" if running.made(variables) else "standby"})

    return GeneratorProbe(device, power, look, client.close, now=now)
