"""Asking the sources one after another for their newest cut, until one of them has it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec

from prep_console.config.model import Source
from prep_console.intake.pull import job
from prep_console.intake.pull.job import Pulled, PullFailed
from prep_console.intake.pull.puller import Puller, lock_of
from prep_console.intake.resync_progress import Teller
from prep_console.problems import Refused
from prep_console.publication import lock
from prep_console.publication.station import Station

_LISTEN_S = 0.2
"""Between two looks whether somebody wishes to stop."""


class Answer(msgspec.Struct, frozen=True):
    """What one source said."""

    source: str
    said: str
    """cut, nothing, older, arriving (a tree that is being written); or why it gave nothing
    (English)."""
    answered: bool
    stamp: str = ""
    """Its newest cut as its names say."""


class Found(msgspec.Struct, frozen=True):
    """What the first source with a cut gave."""

    source: Source | None
    paths: tuple[Path, ...]
    answers: tuple[Answer, ...]


NOTHING = Found(None, (), ())


def ask(station: Station, sources: Sequence[Source], told: Teller, turns: ExitStack) -> Found:
    """The newest cut of the first of ``sources`` that has one; it lies in a folder of ours.

    Refused when somebody wished to stop. An older cut is noted and not taken. The sources' locks
    are held by ``turns`` afterwards, so that nobody else takes or fetches what came.
    """
    return asyncio.run(_ask(station, sources, told, turns))


async def _ask(
    station: Station, sources: Sequence[Source], told: Teller, turns: ExitStack
) -> Found:
    answers: list[Answer] = []
    for source in sources:
        told.now("asking", source.label)
        try:
            brought = await _turn(station, source, told, turns)
            pulled = await _pulled(station, source, told, again=not brought)
        except PullFailed as failed:
            answers.append(Answer(source.label, job.told(failed.trouble), answered=False))
            continue
        said = "cut" if pulled.paths else pulled.state
        answers.append(Answer(source.label, said, answered=True, stamp=pulled.stamp))
        if pulled.paths:
            return Found(source, pulled.paths, tuple(answers))
    return Found(None, (), tuple(answers))


async def _turn(station: Station, source: Source, told: Teller, turns: ExitStack) -> bool:
    """Wait until the engine has fetched and taken what it is fetching; whether that was new.

    It gives up a source that stalls, so this ends.
    """
    marks = station.state().marks
    while True:
        try:
            turns.enter_context(
                lock.held(lock_of(station.root, source), "resync of a source", patience_s=0)
            )
        except Refused:
            await asyncio.sleep(_LISTEN_S)
            told.heed()
            continue
        return station.state().marks != marks


async def _pulled(station: Station, source: Source, told: Teller, *, again: bool) -> Pulled:
    puller = Puller(station.settings, source)
    marks = station.state().marks
    pulling = asyncio.ensure_future(puller.pull(marks, told.fetching, again=again))
    try:
        while not pulling.done():
            await asyncio.wait({pulling}, timeout=_LISTEN_S)
            told.heed()
        return await pulling
    finally:
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        await puller.close()
