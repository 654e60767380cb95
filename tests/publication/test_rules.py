"""The order of cuts, which is found without looking at all of them."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from prep_console.journal.late import Late
from prep_console.journal.records import CutRecord
from prep_console.journal.state import State
from prep_console.publication import rules

_AT = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)


def record(cut: str, epoch: int = 0, *, withdrawn: bool = False, pruned: bool = False) -> CutRecord:
    return CutRecord(
        cut, "", (), (), "", 1, 0, None, 1, _AT, _AT, _AT, epoch=epoch,
        withdrawn=withdrawn, pruned=pruned,
    )  # fmt: skip


@st.composite
def states(draw: st.DrawFn) -> State:
    """Cuts sealed in any order of stamps, with revisions and marks that were set back."""
    ids = draw(
        st.lists(
            st.builds(
                lambda minute, revision: (
                    f"20240602_20{minute:02}" + (f".{revision}" if revision > 1 else "")
                ),
                st.integers(0, 20),
                st.integers(1, 3),
            ),
            unique=True,
            min_size=1,
            max_size=20,
        )
    )
    epochs = sorted(draw(st.lists(st.integers(0, 2), min_size=len(ids), max_size=len(ids))))
    cuts = {
        cut: record(cut, epoch, withdrawn=draw(st.booleans()), pruned=draw(st.booleans()))
        for cut, epoch in zip(ids, epochs, strict=True)
    }
    return State(cuts=cuts, live=draw(st.sampled_from(ids)))


@given(states())
def test_the_newest_comes_first_and_none_is_left_out(state: State) -> None:
    wanted = sorted(state.cuts.values(), key=rules.rank, reverse=True)
    assert list(rules.newest_first(state)) == wanted


@given(states())
def test_targets_are_those_of_a_look_at_every_cut(state: State) -> None:
    every = sorted(state.cuts.values(), key=rules.rank)
    before = rules.rank(state.cuts[state.live or ""])
    earlier = [c for c in every if rules.rank(c) < before and not c.withdrawn and not c.pruned]
    target = rules.rollback_target(state)
    assert target == (earlier[-1] if earlier else None)
    if target is not None:
        between = [c for c in every if rules.rank(target) < rules.rank(c) <= before]
        assert rules.left_behind(state, target) == [c for c in between if not c.pruned]
    kept = [c for c in every if not c.pruned]
    assert rules.newest(state) == (kept[-1] if kept else None)
    may = [c for c in kept if not c.withdrawn]
    assert rules.newest_eligible(state) == (may[-1] if may else None)


def test_of_a_whole_night_only_what_a_rollback_needs_is_read() -> None:
    ids = [f"20240602_{20 + n // 60}{n % 60:02}" for n in range(200)]
    kept = {cut: msgspec.Raw(msgspec.json.encode(record(cut))) for cut in ids}
    cuts = Late(CutRecord, kept)
    target = rules.rollback_target(State(cuts=cuts, live=ids[-1]))
    assert target == record(ids[-2])
    read = [cut for cut, value in cuts.entries.items() if isinstance(value, CutRecord)]
    assert read == ids[-2:]
    for _ in range(2):  # the second time nothing is left to read
        assert list(cuts.values()) == [record(cut) for cut in ids]
    assert cuts == {cut: record(cut) for cut in ids}
