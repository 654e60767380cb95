"""The power of a rehearsal: two UPSes, a transfer switch and a generator, and the mains to lose.

``echo off > FOLDER/mains`` in another terminal loses the mains, ``on`` brings them back, and
``off, generator fails`` is the bad night. The times are those of a small plant, shortened.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from prep_console.drill.peers.generator import GeneratorPeer, generator_server
from prep_console.drill.peers.nut import UpsServer, ups_server
from prep_console.wording import Sentence

Order = Literal["on", "off", "off, generator fails"]

CRANKS_AFTER_S = 6.0
RUNS_AFTER_S = 14.0
TRANSFERS_AFTER_S = 18.0
"""The switch waits until the generator runs steadily."""
COOLS_FOR_S = 20.0
DRAINS_PERCENT_PER_S = 0.5
CHARGES_PERCENT_PER_S = 1.0
LOW_PERCENT = 20.0

_UPSES: Mapping[str, int] = {"servidor": 42 * 60, "comunicaciones": 75 * 60}
"""Name to seconds that a full one lasts."""
_SWITCH = "transferencia"
_STEP_S = 1.0
_VOLTS = 127.0


@dataclass(slots=True)
class Chain:
    """What lies between the mains and the server, as it stands after the last step."""

    charge_percent: float = 100.0
    lost_for_s: float = 0.0
    """Since the mains went; 0 while they are there."""

    def step(self, order: Order, passed_s: float) -> None:
        """``passed_s`` later, under ``order``."""
        self.lost_for_s = 0.0 if order == "on" else self.lost_for_s + passed_s
        rate = CHARGES_PERCENT_PER_S if self.source(order) else -DRAINS_PERCENT_PER_S
        self.charge_percent = min(100.0, max(0.0, self.charge_percent + rate * passed_s))

    def source(self, order: Order) -> Literal[0, 1, 2]:
        """What feeds the UPSes: 1 the mains, 2 the generator, 0 nothing."""
        if order == "on":
            return 1
        return 2 if order == "off" and self.lost_for_s >= TRANSFERS_AFTER_S else 0

    def ups(self, order: Order, full_runtime_s: int) -> dict[str, object]:
        """A UPS's variables, by NUT's names."""
        fed = self.source(order) != 0
        charge = round(self.charge_percent)
        if fed:
            status = "OL" if charge == 100 else "OL CHRG"
        else:
            status = "OB DISCHRG" if charge > LOW_PERCENT else "OB DISCHRG LB"
        return {
            "device.type": "ups",
            "ups.model": "SIMULACRO",
            "ups.status": status,
            "ups.load": 31,
            "battery.charge": charge,
            "battery.runtime": round(full_runtime_s * self.charge_percent / 100),
            "battery.voltage": round(22 + 5.2 * self.charge_percent / 100, 1),
            "input.voltage": _VOLTS if fed else 0,
        }

    def switch(self, order: Order) -> dict[str, object]:
        """The transfer switch's variables; it stays on the mains until the generator runs."""
        generator = order == "off" and self.lost_for_s >= RUNS_AFTER_S
        return {
            "device.type": "ats",
            "ups.status": "OL",
            "input.source": 2 if self.source(order) == 2 else 1,
            "input.source.preferred": 1,
            "input.1.voltage": _VOLTS if order == "on" else 0,
            "input.2.voltage": _VOLTS if generator else 0,
            "input.1.frequency": 60 if order == "on" else 0,
            "input.2.frequency": 60 if generator else 0,
        }


class Mains:
    """The peers, and the thread that obeys the file ``mains`` in the demo's folder."""

    def __init__(self, file: Path, upses: UpsServer, generator: GeneratorPeer) -> None:
        self.file = file
        self._upses = upses
        self._generator = generator
        self._chain = Chain()
        self._shown: dict[str, Mapping[str, object]] = {}
        self._order: Order = "on"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mains", daemon=True)
        self.order("on")
        self._thread.start()

    @property
    def devices(self) -> list[dict[str, object]]:
        """As ``[[power.device]]`` settings."""
        feeds = {"servidor": "server", "comunicaciones": "communications"}
        found: list[dict[str, object]] = [
            {"name": name, "nut": self._upses.address(name), "feeds": feeds[name]}
            for name in _UPSES
        ]
        found.append(
            {
                "name": _SWITCH,
                "role": "transfer-switch",
                "nut": self._upses.address(_SWITCH),
            }
        )
        found.append({"name": "planta", "role": "generator", "modbus": self._generator.address})
        return found

    @property
    def told(self) -> list[Sentence]:
        """Which peers are real."""
        return [self._upses.told, self._generator.told]

    def order(self, order: Order) -> None:
        """Lose the mains, or bring them back."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{order}\n", "utf-8")
        new.replace(self.file)

    def close(self) -> None:
        """Stop obeying."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        before = time.monotonic()
        while not self._ended.wait(_STEP_S):
            now = time.monotonic()
            self._obey(_read(self.file, self._order))
            self._chain.step(self._order, now - before)
            before = now
            for name, runtime_s in _UPSES.items():
                self._show(name, self._chain.ups(self._order, runtime_s))
            self._show(_SWITCH, self._chain.switch(self._order))

    def _obey(self, order: Order) -> None:
        if order == self._order:
            return
        self._order = order
        if order == "on":
            self._generator.restore_mains()
        elif order == "off":
            self._generator.lose_mains()
        else:
            self._generator.lose_mains(start_fails=True)

    def _show(self, name: str, variables: Mapping[str, object]) -> None:
        if self._shown.get(name) != variables:
            self._shown[name] = variables
            self._upses.set(name, **variables)


@contextmanager
def mains(folder: Path) -> Iterator[Mains]:
    """The power's peers in ``folder``, until the block ends."""
    start = Chain()
    there = {name: start.ups("on", runtime_s) for name, runtime_s in _UPSES.items()}
    there[_SWITCH] = start.switch("on")
    with (
        ups_server(folder / "nut", there) as upses,
        generator_server(
            crank_s=CRANKS_AFTER_S, start_s=RUNS_AFTER_S, cool_s=COOLS_FOR_S
        ) as engine,
    ):
        made = Mains(folder / "mains", upses, engine)
        try:
            yield made
        finally:
            made.close()


def _read(file: Path, before: Order) -> Order:
    """What the file says; a word that is none of the three changes nothing."""
    try:
        said = file.read_text("utf-8", "replace")[:100].strip().casefold()
    except OSError:
        return before
    if said == "on":
        return "on"
    if said == "off":
        return "off"
    return "off, generator fails" if said.startswith("off") and "fail" in said else before
