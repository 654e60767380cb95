"""JSON into the types of this program, from any thread.

msgspec looks a type over when it is first asked for it, and keeps what it has found so far where
another thread takes it for the whole: two first looks at once end the process (SIGSEGV, msgspec
0.22). An engine on a busy machine died of it in the seconds after its start. Here one thread looks,
and the others wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
Hook = Callable[[type, Any], Any]

_looking = threading.Lock()
_decoders: dict[tuple[object, Hook | None], msgspec.json.Decoder[Any]] = {}


def decode(raw: bytes | msgspec.Raw, of: type[T], hook: Hook | None = None) -> T:
    """One value; ``hook`` as msgspec's ``dec_hook``. msgspec.ValidationError, a ValueError, when
    these bytes are none."""
    decoder = _decoders.get((of, hook))
    if decoder is None:
        with _looking:
            decoder = _decoders[of, hook] = msgspec.json.Decoder(of, dec_hook=hook)
    value: T = decoder.decode(raw)
    return value
