"""What can be done with a frozen value of either kind that this program is made of.

Values that go to disk, or that every command needs, are msgspec structs: making such a class takes
0.02 ms where a frozen dataclass takes 0.7 ms (Python 3.11), and a command pays that at each start.
All others are dataclasses, and so are a stamp and a cut's id: a stamp rounds what it is made of.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

T = TypeVar("T")

if TYPE_CHECKING:  # the checker knows this one's names and types, of a struct's fields too
    from dataclasses import replace as replace
else:

    def replace(value: T, /, **changes: Any) -> T:
        """``value`` with other fields; TypeError where it has no such field, or is no value."""
        if isinstance(value, msgspec.Struct):
            return msgspec.structs.replace(value, **changes)
        return dataclasses.replace(value, **changes)


def field_names(kind: type[Any]) -> tuple[str, ...]:
    """Names of the fields of such values, in order; TypeError where it is no class of values."""
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(kind))


def fields_of(value: object) -> dict[str, Any]:
    """What such a value is made of, by name, as it is: what lies inside stays a value."""
    return {name: getattr(value, name) for name in field_names(type(value))}
