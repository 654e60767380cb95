"""A mains failure as its instruments show it: UPSes drain, the generator starts, the load moves.

Pure: one :class:`Chain` is stepped through time and says what each neighbour shows. The times are
those of a small broadcaster's plant, shortened for a rehearsal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

STARTS_AFTER_S = 8.0
"""The generator's controller waits before it cranks: most failures are over by then."""
RUNS_AFTER_S = 16.0
TRANSFERS_AFTER_S = 20.0
COOLS_FOR_S = 20.0
"""After the mains came back it runs on without load."""
DRAINS_PERCENT_PER_S = 0.5
CHARGES_PERCENT_PER_S = 1.0
FULL_RUNTIME_S = 42 * 60
LOW_PERCENT = 20.0

Engine = Literal["standby", "starting", "running", "failed"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the neighbours show at one moment."""

    ups_status: str
    """NUT's flags."""
    charge_percent: int
    runtime_s: int
    input_voltage_v: float
    transfer_source: Literal[1, 2]
    """Input of the transfer switch in use: 1 mains, 2 generator."""
    mains_v: float
    engine: Engine
    generator_v: float


@dataclass(slots=True)
class Chain:
    """Mains, generator, transfer switch and UPS, as they stand after the last step."""

    generator_starts: bool = True
    charge_percent: float = 100.0
    lost_for_s: float = 0.0
    """Since the mains went; 0 while they are there."""
    back_for_s: float = COOLS_FOR_S
    """Since they came back."""
    ran: bool = False
    """Whether the generator ran for the last failure."""

    def step(self, mains: bool, passed_s: float) -> Shown:
        """``passed_s`` later, with the mains there or not."""
        if mains:
            self.ran = self.ran or self.engine == "running"
            self.lost_for_s, self.back_for_s = 0.0, self.back_for_s + passed_s
        else:
            if self.lost_for_s == 0.0:
                self.ran = False
            self.lost_for_s, self.back_for_s = self.lost_for_s + passed_s, 0.0
        fed = mains or self.on_generator
        rate = CHARGES_PERCENT_PER_S if fed else -DRAINS_PERCENT_PER_S
        self.charge_percent = min(100.0, max(0.0, self.charge_percent + rate * passed_s))
        return self.shown(mains)

    @property
    def engine(self) -> Engine:
        """What the generator's controller shows."""
        if self.lost_for_s == 0.0:
            return "running" if self.ran and self.back_for_s < COOLS_FOR_S else "standby"
        if self.lost_for_s < STARTS_AFTER_S:
            return "standby"
        if self.lost_for_s < RUNS_AFTER_S:
            return "starting"
        return "running" if self.generator_starts else "failed"

    @property
    def on_generator(self) -> bool:
        """Whether the transfer switch has moved the load over."""
        return self.generator_starts and self.lost_for_s >= TRANSFERS_AFTER_S

    def shown(self, mains: bool) -> Shown:
        """What the neighbours show now."""
        fed = mains or self.on_generator
        charge = round(self.charge_percent)
        if fed:
            status = "OL" if charge == 100 else "OL CHRG"
        else:
            status = "OB DISCHRG" if charge > LOW_PERCENT else "OB DISCHRG LB"
        return Shown(
            ups_status=status,
            charge_percent=charge,
            runtime_s=round(FULL_RUNTIME_S * self.charge_percent / 100),
            input_voltage_v=127.0 if fed else 0.0,
            transfer_source=2 if self.on_generator else 1,
            mains_v=127.0 if mains else 0.0,
            engine=self.engine,
            generator_v=127.0 if self.engine == "running" else 0.0,
        )
