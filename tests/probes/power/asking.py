"""Both clients of upsd by name, and asking them until something is so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Literal

from prep_console.config import Power
from prep_console.probes.power import nut, nut_client

Library = Literal["aionut", "pynut3"]
LIBRARIES: tuple[Library, ...] = ("aionut", "pynut3")


def client(library: Library, setting: str) -> nut.NutClient:
    """The client that the settings choose for ``UPS@HOST:PORT``."""
    return nut_client.client(Power(client=library), nut.address(setting))


async def answer(there: nut.NutClient, ups: str = "servidor") -> Mapping[str, str] | nut.NutError:
    """The variables, or why there are none."""
    try:
        return await there.variables(ups)
    except nut.NutError as exc:
        return exc


async def eventually(
    there: nut.NutClient,
    so: Callable[[Mapping[str, str] | nut.NutError], object],
    ups: str = "servidor",
    within_s: float = 12.0,
) -> Mapping[str, str] | nut.NutError:
    """The first answer that is ``so``."""
    end_s = time.monotonic() + within_s
    while not so(said := await answer(there, ups)):
        assert time.monotonic() < end_s, f"still {said!r}"
        await asyncio.sleep(0.05)
    return said


def status(said: Mapping[str, str] | nut.NutError) -> str:
    """``ups.status``; '' when there is none."""
    return "" if isinstance(said, nut.NutError) else said.get("ups.status", "")


def reason(said: Mapping[str, str] | nut.NutError) -> str:
    """Why there was no answer; '' when there was one."""
    return str(said) if isinstance(said, nut.NutError) else ""
