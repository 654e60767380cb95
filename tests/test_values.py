"""Both kinds of frozen value, through the one way of changing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from prep_console.values import field_names, fields_of, replace


@dataclass(frozen=True, slots=True)
class Ours:
    value: int
    changes: str = ""


class Stored(msgspec.Struct, frozen=True):
    value: int
    changes: str = ""


@pytest.mark.parametrize("kind", [Ours, Stored])
def test_a_value_of_either_kind_is_changed_in_a_copy(kind: type[Any]) -> None:
    before = kind(1, "x")
    after = replace(before, value=2)  # also a field that is called as replace calls its own
    assert (before, after) == (kind(1, "x"), kind(2, "x"))
    assert field_names(kind) == ("value", "changes")
    assert fields_of(after) == {"value": 2, "changes": "x"}


@pytest.mark.parametrize("kind", [Ours, Stored])
def test_a_field_that_it_has_not_is_an_error(kind: type[Any]) -> None:
    with pytest.raises(TypeError):
        replace(kind(1), other=2)


def test_what_is_no_value_is_an_error() -> None:
    whatever: Any = 3
    with pytest.raises(TypeError):
        replace(whatever, value=2)
    with pytest.raises(TypeError):
        fields_of(whatever)
