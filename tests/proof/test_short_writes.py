"""A write that takes only half: the rest follows, or that it cannot is told and nothing is torn."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.proof import forked, table, trials, whole
from tests.proof.forked import Ended, Fault, Kind
from tests.proof.scenarios import MAIN, REST, Scenario
from tests.proof.stations import Place, Said
from tests.proof.trials import Clean

_ALL: Mapping[str, Scenario] = {**MAIN, **REST}
_NAMES = list(_ALL) if table.WHOLE else ["receive, completes", "receive, very first", "rollback"]
_AT_MOST = None if table.WHOLE else 5


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="prep-halves-", dir=memory if memory.is_dir() else tmp_path
    ) as folder:
        yield Path(folder)


def _run(at: Place, command: tuple[str, ...], fault: Fault) -> Ended:
    return forked.end(forked.start(lambda: at.call(*command), fault))


def _went_on(at: Place, clean: Clean, said: Said) -> list[str]:
    """Nobody was to notice anything."""
    found = whole.faults(at)
    if said.code != clean.code:
        found.append(f"ended {said.code}: {said.out}{said.err}")
    if not found and whole.facts(at) != clean.after:
        found.append(f"left {whole.facts(at)}, not {clean.after}")
    return found


@pytest.mark.timeout(3600)  # its size is counted, not timed: a busy machine may take long
@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("writes half", _went_on), ("writes half, then no room", trials.judged)],
)
def test_a_write_that_takes_half_tears_nothing(
    kind: Kind, wrong: Callable[[Place, Clean, Said], list[str]], name: str, scratch: Path
) -> None:
    counted = 0

    def counts(at: Place, command: tuple[str, ...]) -> int:
        nonlocal counted
        ended = _run(at, command, Fault(kind))
        assert ended.said is not None
        counted = ended.counted
        return ended.said.code

    clean = trials.cleanly(_ALL[name], scratch, counts)
    points = trials.spread(range(1, counted + 1), _AT_MOST)
    fired = 0
    bad: list[str] = []
    for nth in points:
        at = clean.fresh("at")
        ended = _run(at, clean.command, Fault(kind, nth))
        assert ended.said is not None
        fired += ended.counted >= nth
        bad += [f"write {nth} of {counted}: {what}" for what in wrong(at, clean, ended.said)]
    print(f"{kind}: {name}: {len(points)} points {fired} fired {len(bad)} faults")
    table.record(f"{kind}: {name}", tried=len(points), fired=fired, bad=len(bad))
    assert not bad, "\n".join(bad[:20])
    assert fired == len(points) > 0
