"""Traffic of the network cards, against what the call expects a broadcaster to send."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import psutil

from prep_console.probes.host.consumption import Consumption
from prep_console.probes.probe import reading
from prep_console.snapshot import Reading

HOURLY_BYTES = 3 * 1000**3
"""What the institute's call expects a broadcaster to send in an hour."""

_WINDOW_S = 900.0
_SETTLED_S = 60.0


def network_bytes(folder: Path = Path("/sys/class/net")) -> tuple[int, int]:
    """Bytes (sent, received) since boot over the real network cards.

    Bridges, VLANs and containers pass the same bytes on, so only interfaces with a device
    behind them count; where there are none (inside a container), all but loopback.
    """
    counters = psutil.net_io_counters(pernic=True)
    outside = {name for name in counters if name != "lo"}
    cards = {name for name in outside if (folder / name / "device").exists()} or outside
    return sum(counters[n].bytes_sent for n in cards), sum(counters[n].bytes_recv for n in cards)


class Traffic:
    """``host.network``: bytes sent per second since the look before, and what an hour of it is."""

    def __init__(self, at_s: float) -> None:
        """``at_s``: monotonic seconds now."""
        self._sent = Consumption(settled_s=_SETTLED_S, window_s=_WINDOW_S)
        self._last = (at_s, *network_bytes())

    def look(self, at_s: float, at: datetime) -> Reading:
        before_s, sent_before, received_before = self._last
        sent, received = network_bytes()
        self._last = (at_s, sent, received)
        passed = max(at_s - before_s, 0.001)
        if sent < sent_before:  # counters begin again when an interface is made anew
            self._sent = Consumption(settled_s=_SETTLED_S, window_s=_WINDOW_S)
        self._sent.note(at_s, -float(sent))
        sustained = self._sent.per_s()
        hourly = None if sustained is None else round(sustained * 3600)
        return reading(
            round(max(0, sent - sent_before) / passed, 1),
            "bytes/s",
            at,
            warning=hourly is not None and hourly > HOURLY_BYTES,
            received_bytes_per_s=round(max(0, received - received_before) / passed, 1),
            hourly_bytes=hourly,
            hourly_budget_bytes=HOURLY_BYTES,
        )
