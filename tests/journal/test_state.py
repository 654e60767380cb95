"""What is asked of a state each second is worked out once."""

from __future__ import annotations

import pytest

from prep_console.journal.state import State, of_state
from prep_console.values import replace


def test_an_answer_is_worked_out_once_for_a_state_and_what_else_it_depends_on() -> None:
    worked = list[tuple[str, int]]()

    @of_state
    def answer(state: State, times: int = 1) -> str:
        worked.append((state.mode, times))
        return state.mode * times

    state = State()
    assert [answer(state), answer(state), answer(state)] == ["auto"] * 3
    assert worked == [("auto", 1)]
    assert answer(state, 2) == "autoauto"
    assert answer(replace(state, mode="hold"), 2) == "holdhold"
    assert worked == [("auto", 1), ("auto", 2), ("hold", 2)]


def test_an_equal_state_that_is_another_one_is_asked_anew() -> None:
    """Its cuts are a mapping that a fold fills: only the very same one is known to be the same."""
    asked = list[State]()

    @of_state
    def answer(state: State) -> int:
        asked.append(state)
        return len(asked)

    assert answer(State()) == 1
    assert answer(State()) == 2


def test_an_answer_that_fails_is_asked_again() -> None:
    failures = [ValueError("now"), None]

    @of_state
    def answer(state: State) -> str:
        failure = failures.pop(0)
        if failure is not None:
            raise failure
        return state.mode

    state = State()
    with pytest.raises(ValueError, match="now"):
        answer(state)
    assert answer(state) == "auto"
    assert failures == []
