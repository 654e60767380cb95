"""upsd through pynut3, in a process of its own (:mod:`prep_console.probes.power.pynut3_child`).

The library is never imported here. Its process is started at the first look, killed when it does
not answer in time, and started again at the next look; it dies with this one.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prep_console.probes.power import nut
from prep_console.wording import N_

_CHILD = Path(__file__).with_name("pynut3_child.py")
_SOONER = 0.85
"""Share of the time of a look that the process has: it shall say itself that upsd is silent, and
not be killed for it."""
_LINE = 8 * nut.ANSWER_BYTES
"""JSON writes a control character of upsd's answer with six."""


class Pynut3Client:
    """One upsd."""

    def __init__(self, host: str, port: int = nut.PORT) -> None:
        self._host = host
        self._port = port
        self._child: Process | None = None

    async def variables(self, ups: str) -> Mapping[str, str]:
        """See :class:`~prep_console.probes.power.nut.NutClient`."""
        question = {
            "host": self._host,
            "port": self._port,
            "ups": ups,
            "look_s": nut.LOOK_S * _SOONER,
            "answer_bytes": nut.ANSWER_BYTES,
        }
        answer = b""
        try:
            async with asyncio.timeout(nut.LOOK_S):
                answer = await self._answer(json.dumps(question).encode() + b"\n")
        except TimeoutError:
            raise nut.NoAnswer from None
        except (BrokenPipeError, ConnectionResetError):
            answer = b""  # it has ended, as an empty answer says too
        except OSError as exc:
            raise nut.NutError(
                f"the process of pynut3 cannot be started: {exc.strerror or exc}"[:200]
            ) from exc
        finally:
            if not answer.endswith(b"\n"):  # it hangs, has died, or the look was cancelled
                await self.close()
        if not answer:
            raise nut.NutError(N_("the process of pynut3 ended without an answer"))
        return _variables(json.loads(answer))

    async def close(self) -> None:
        """Kill the process, if there is one, and wait for its end."""
        child, self._child = self._child, None
        if child is not None:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def _answer(self, question: bytes) -> bytes:
        child = self._child
        if child is None or child.returncode is not None:
            child = self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                str(_CHILD),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=_LINE,
                start_new_session=True,  # a Ctrl-C at the engine's terminal is not for it
            )
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(question)
        await child.stdin.drain()
        return await child.stdout.readline()


def _variables(answer: Mapping[str, Any]) -> Mapping[str, str]:
    if "refused" in answer:
        raise nut.UpsdRefused(answer["refused"])
    match answer.get("failed"):
        case None:
            said: Mapping[str, str] = answer["variables"]
            return {name: value[: nut.VALUE_CHARACTERS] for name, value in said.items()}
        case "reach":
            number = int(answer["errno"])
            raise nut.network(OSError(number, os.strerror(number)))
        case "name":
            raise nut.unknown_name()
        case "silent":
            raise nut.NoAnswer
        case "cut off":
            raise nut.cut_off()
        case "too long":
            raise nut.too_long()
    raise nut.not_upsd()
