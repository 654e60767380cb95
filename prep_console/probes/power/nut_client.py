"""Which library asks upsd: the settings choose, and only that one is imported."""

from __future__ import annotations

import importlib.util

from prep_console.config.instruments import Power
from prep_console.probes.power import nut
from prep_console.wording import N_


def client(power: Power, where: nut.NutAddress) -> nut.NutClient:
    """The client that the settings choose; ValueError when it cannot be had here."""
    if power.client == "pynut3":
        if importlib.util.find_spec("pynut3") is None:
            raise ValueError(N_("pynut3 is not installed: it comes with prep-console[pynut3]"))
        from prep_console.probes.power.pynut3_client import Pynut3Client

        return Pynut3Client(where.host, where.port)
    from prep_console.probes.power.aionut_client import AionutClient

    return AionutClient(where.host, where.port)
