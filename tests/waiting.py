"""Waiting for a condition, never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], object],
    timeout_s: float = 10.0,
    what: str | Callable[[], str] = "",
) -> None:
    """Return as soon as ``condition()`` is true; AssertionError after ``timeout_s`` seconds.

    ``what`` says what never came; as a function it is asked only then, for what is there instead.
    """
    pause = threading.Event()
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            told = what() if callable(what) else what or condition
            raise AssertionError(f"not within {timeout_s} s: {told}")
        pause.wait(0.02)
