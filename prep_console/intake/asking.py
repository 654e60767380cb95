"""Asking the sources one after another for their newest cut, until one of them has it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prep_console.config import Settings
from prep_console.config.model import Source
from prep_console.intake.pull.job import Pulled, PullFailed
from prep_console.intake.pull.puller import Puller
from prep_console.intake.resync_progress import Teller

_LISTEN_S = 0.2
"""Between two looks whether somebody wishes to stop."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source said."""

    source: str
    said: str
    """cut, nothing, older; or why it gave nothing (English)."""
    answered: bool
    stamp: str = ""
    """Its newest cut as its names say."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the first source with a cut gave."""

    source: Source | None
    paths: tuple[Path, ...]
    answers: tuple[Answer, ...]


NOTHING = Found(None, (), ())


def ask(
    settings: Settings, sources: Sequence[Source], marks: Mapping[str, str], told: Teller
) -> Found:
    """The newest cut of the first of ``sources`` that has one; it lies in a folder of ours.

    Refused when somebody wished to stop. An older cut is noted and not taken.
    """
    return asyncio.run(_ask(settings, sources, marks, told))


def folder_of(settings: Settings, source: Source) -> Path:
    """Where a resync's downloads lie: the engine may be fetching from the same source."""
    return settings.root / "fetched" / f"{source.label}.resync"


async def _ask(
    settings: Settings, sources: Sequence[Source], marks: Mapping[str, str], told: Teller
) -> Found:
    answers: list[Answer] = []
    for source in sources:
        told.now("asking", source.label)
        try:
            pulled = await _pulled(settings, source, marks, told)
        except PullFailed as failed:
            answers.append(Answer(source.label, f"{failed.kind}: {failed}", answered=False))
            continue
        said = "cut" if pulled.paths else pulled.state
        answers.append(Answer(source.label, said, answered=True, stamp=pulled.stamp))
        if pulled.paths:
            return Found(source, pulled.paths, tuple(answers))
    return Found(None, (), tuple(answers))


async def _pulled(
    settings: Settings, source: Source, marks: Mapping[str, str], told: Teller
) -> Pulled:
    puller = Puller(settings, source, into=folder_of(settings, source))
    pulling = asyncio.ensure_future(puller.pull(marks, told.fetching, again=True))
    try:
        while not pulling.done():
            await asyncio.wait({pulling}, timeout=_LISTEN_S)
            told.heed()
        return await pulling
    finally:
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        await puller.close()
