"""upsd through aionut, the default: asyncio, typed errors, Apache-2.0.

Read in aionut 4.3's source, and why it is used the way it is here:

- kept open, a connection whose look was cancelled, or whose answer was too long or cut off, stays
  in use with the rest of the old answer in it. So each look has a connection of its own; upsd
  takes one in a fraction of a millisecond.
- it tries everything twice, each step with its own timeout, so the whole look is bounded here.
- its buffer is asyncio's: 64 KiB (:data:`~prep_console.probes.power.nut.ANSWER_BYTES`), then an
  error; nothing is gathered beyond.
- it reads ASCII alone; so does NUT, which drops any other character (common/parseconf.c).
- names are looked up in the event loop's few shared threads, where a dead DNS would hold up
  others. Here each upsd has a thread of its own for that.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Mapping

from aionut import (
    AIONUTClient,
    NUTCommandError,
    NUTConnectionClosedError,
    NUTError,
    NUTLoginError,
    NUTOSError,
    NUTTimeoutError,
    NUTValueError,
)

from prep_console.probes.power import nut
from prep_console.probes.probe import OwnThread

_SAID = re.compile(r"ERR\s+(\S.*)$")
_ADDRESSES = 4
"""Of one name, tried in turn: localhost is both ::1 and 127.0.0.1."""


class AionutClient:
    """One upsd."""

    def __init__(self, host: str, port: int = nut.PORT) -> None:
        self._host = host
        self._port = port
        self._names: OwnThread[tuple[str, ...]] = OwnThread()

    async def variables(self, ups: str) -> Mapping[str, str]:
        """See :class:`~prep_console.probes.power.nut.NutClient`."""
        try:
            async with asyncio.timeout(nut.LOOK_S):
                return await self._variables(ups)
        except TimeoutError:
            raise nut.NoAnswer from None

    async def close(self) -> None:
        """Nothing outlives a look."""

    async def _variables(self, ups: str) -> Mapping[str, str]:
        problem: nut.NutError = nut.refused()
        for address in await self._addresses():
            try:
                return await _ask(address, self._port, ups)
            except nut.Unreachable as exc:
                problem = exc
        raise problem

    async def _addresses(self) -> tuple[str, ...]:
        try:
            ipaddress.ip_address(self._host)
        except ValueError:
            try:
                return await self._names.run(lambda: _looked_up(self._host, self._port))
            except (OSError, UnicodeError) as exc:
                raise nut.unknown_name() from exc
        return (self._host,)


def _looked_up(host: str, port: int) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))[:_ADDRESSES]


async def _ask(address: str, port: int, ups: str) -> Mapping[str, str]:
    there = AIONUTClient(address, port, timeout=nut.ANSWER_S, persistent=False)
    try:
        said = await there.list_vars(ups)
    except (NUTCommandError, NUTLoginError) as exc:
        word = _SAID.search(str(exc))
        raise nut.UpsdRefused(word[1] if word else "ERR") from exc
    except NUTConnectionClosedError as exc:
        raise nut.cut_off() from exc
    except NUTTimeoutError as exc:
        raise nut.NoAnswer from exc
    except NUTOSError as exc:
        cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else OSError(str(exc))
        raise nut.network(cause) from exc
    except NUTValueError as exc:
        wrong_text = isinstance(exc.__cause__, UnicodeError)
        raise (nut.not_upsd() if wrong_text else nut.too_long()) from exc
    except asyncio.LimitOverrunError as exc:
        raise nut.too_long() from exc
    except asyncio.IncompleteReadError as exc:
        raise nut.cut_off() from exc
    except (NUTError, IndexError) as exc:
        raise nut.not_upsd() from exc
    finally:
        there.shutdown()
    return {name: value[: nut.VALUE_CHARACTERS] for name, value in said.items()}
