"""NTP packets as servers, good and bad ones, would send them."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from typing import Any

PACKET = struct.Struct("!B B b b I I 4s Q 8s Q Q")
SINCE_1900_S = 2_208_988_800


def stamp(unix_s: float) -> int:
    """A time in 32.32 bits since 1900, in whatever era."""
    return int((unix_s + SINCE_1900_S) * 2**32) & (2**64 - 1)


def answer(
    request: bytes,
    *,
    mode: int = 4,
    leap: int = 0,
    stratum: int = 2,
    root_delay_s: float = 0.001,
    root_dispersion_s: float = 0.001,
    ref_id: bytes = b"GPS\0",
    originate: bytes | None = None,
    offset_s: float = 0.0,
    received: int | None = None,
    transmitted: int | None = None,
) -> bytes:
    """A good answer to ``request`` with anything in it changed."""
    at = stamp(time.time() + offset_s)
    return PACKET.pack(
        leap << 6 | 4 << 3 | mode,
        stratum,
        6,
        -20,
        int(root_delay_s * 2**16),
        int(root_dispersion_s * 2**16),
        ref_id,
        at,
        request[40:48] if originate is None else originate,
        at if received is None else received,
        at if transmitted is None else transmitted,
    )


def answering(**changes: Any) -> Callable[[bytes], bytes]:
    """For :func:`tests.hostile.udp`: each answer with these changes."""
    return lambda request: answer(request, **changes)
