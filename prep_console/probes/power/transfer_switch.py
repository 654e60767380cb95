"""Automatic transfer switches, read through NUT: which of their two inputs feeds the load.

NUT's names for them (``device.type: ats``): ``input.source`` is the number of the input in use,
``input.source.preferred`` the one it goes back to, ``input.N.voltage`` and ``input.N.frequency``
what lies on each. Input 1 is wired to the mains and 2 to the generator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from prep_console.config import PowerDevice
from prep_console.probes.power.generator import LIVE_V, reason
from prep_console.probes.power.nut import NutAddress, NutClient, NutError
from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.snapshot import Reading
from prep_console.wording import N_

Source = Literal["mains", "generator", "none"]
_INPUTS: Mapping[str, Source] = {"1": "mains", "2": "generator"}


def judged(variables: Mapping[str, str], now: Clock = utc_now) -> Reading:
    """The reading out of NUT's variables; NutError when they do not say which input feeds.

    A switch that stands on an input without voltage feeds nothing, whatever it is called.
    """
    kind = variables.get("device.type", "ats").strip().casefold()
    if kind != "ats":
        raise NutError(N_("this is no transfer switch: its device.type is not ats"))
    chosen = variables.get("input.source", "").strip()
    off = "OFF" in variables.get("ups.status", "").split()
    if chosen not in {"0", "1", "2"} and not off:
        raise NutError(N_("the switch does not say which input feeds"))
    volts = {number: _number(variables.get(f"input.{number}.voltage")) for number in "12"}
    dead = (level := volts.get(chosen)) is not None and level < LIVE_V
    value: Source = "none" if off or dead else _INPUTS.get(chosen, "none")
    preferred = variables.get("input.source.preferred", "").strip()
    return reading(
        value,
        "",
        now(),
        warning=value == "generator",
        critical=value == "none",
        role="transfer-switch",
        position=_INPUTS.get(chosen, "none"),
        preferred=_INPUTS.get(preferred),
        input_1_voltage_v=volts["1"],
        input_2_voltage_v=volts["2"],
        input_1_frequency_hz=_number(variables.get("input.1.frequency")),
        input_2_frequency_hz=_number(variables.get("input.2.frequency")),
    )


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


class TransferSwitchProbe:
    """``power.<device>`` of one switch."""

    period_s = 5.0
    deadline_s = 8.0

    def __init__(
        self, device: PowerDevice, client: NutClient, at: NutAddress, *, now: Clock = utc_now
    ) -> None:
        self.names = (f"power.{device.name}",)
        self._client = client
        self._ups = at.ups
        self._now = now

    async def read(self) -> Mapping[str, Reading]:
        """One look; unknown with the reason when nothing is learned."""
        try:
            return {self.names[0]: judged(await self._client.variables(self._ups), self._now)}
        except (OSError, NutError) as exc:
            return unknown(self.names, reason(exc), self._now())

    async def close(self) -> None:
        await self._client.close()
