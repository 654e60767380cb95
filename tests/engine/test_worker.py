"""The process that reads deliveries: what goes wrong in it arrives as a problem that is told."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from prep_console.engine.worker import Job, Worker, _begin, _receive
from prep_console.problems import Failed, Problem, Refused, WrongUsage
from prep_console.publication import lock
from prep_console.wording import sentence
from tests.stations import sandbox


@pytest.mark.parametrize("kind", [Problem, Refused, WrongUsage, Failed])
def test_a_problem_survives_the_way_between_processes(kind: type[Problem]) -> None:
    before = kind(sentence("no {n}", n="Querétaro"), sentence("do it"))
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is kind
    assert (after.what, after.todo, str(after)) == (before.what, before.todo, str(before))


def test_what_receive_raises_arrives_as_itself(tmp_path: Path) -> None:
    worker = Worker(sandbox(tmp_path).settings)
    try:
        with pytest.raises(Failed) as caught:
            asyncio.run(worker.receive(tmp_path / "nothing.zip", source="x"))
    finally:
        worker.close()
    assert "nothing.zip" in caught.value.what.in_("en")
    assert caught.value.todo.msgid.startswith("it was left where it is")


def test_a_delivery_is_read_under_a_lock_that_tells_when_that_never_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    station = sandbox(tmp_path).station
    job = Job(station.settings, tmp_path / "some.zip", datetime.now(UTC), True, "x", "")
    seen = []

    def receive(*_: object, **__: object) -> None:
        holder = lock.holder_of(station.worker_lock)
        assert holder is not None
        seen.append((lock.is_held(station.worker_lock), holder.pid, holder.purpose))

    monkeypatch.setattr("prep_console.intake.receive.receive", receive)
    _receive(job)
    assert seen == [(True, os.getpid(), "receive some.zip")]
    assert not lock.is_held(station.worker_lock)


def test_an_unforeseen_error_is_told_and_the_process_lives_on(tmp_path: Path) -> None:
    worker = Worker(sandbox(tmp_path).settings)

    async def twice() -> str:
        with pytest.raises(Failed) as caught:
            await worker._run(partial(int, "no number"))
        assert await worker._run(partial(int, "7")) == 7
        return caught.value.what.in_("en")

    try:
        assert "ValueError" in asyncio.run(twice())
    finally:
        worker.close()


def test_only_deliveries_wear_a_process_out_and_another_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the drop folder, a source and the clock wanted it at one time: after that the
    standard library's pool may count a process that is gone as idle (CPython gh-115634)."""
    monkeypatch.setattr("prep_console.engine.worker._DELIVERIES_PER_PROCESS", 5)
    worker = Worker(sandbox(tmp_path).settings)

    async def pid() -> int:
        return await worker._run(os.getpid)

    async def night() -> tuple[int, int, int]:
        first = await pid()
        await asyncio.gather(*(worker.assemble_due() for _ in range(3)))
        for _ in range(4):
            assert (await worker.receive(tmp_path / "nothing.zip")).still_coming
        worn = await pid()
        await worker.receive(tmp_path / "nothing.zip")
        return first, worn, await pid()

    async def bounded() -> tuple[int, int, int]:
        async with asyncio.timeout(60):
            return await night()

    try:
        first, worn, fresh = asyncio.run(bounded())
    finally:
        worker.close()
    assert first == worn != fresh


@pytest.mark.parametrize("engine_is_gone", [True, False])
def test_a_process_whose_engine_died_while_it_started_ends(
    engine_is_gone: bool, tmp_path: Path
) -> None:
    """The kernel tells nobody of a death that came before it was asked to."""
    done = tmp_path / "done"
    process = multiprocessing.get_context("spawn").Process(
        target=_begun, args=(1 if engine_is_gone else os.getpid(), done)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert done.exists() != engine_is_gone


def _begun(engine: int, done: Path) -> None:
    _begin(engine)
    done.touch()
