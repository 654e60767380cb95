"""A mapping whose values are read from their JSON when somebody asks for them.

A rollback looks at two or three cuts of a whole night: reading all of them from the kept state
took a third as long as everything else that it does before the public sees the earlier cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, ValuesView
from typing import TypeVar, cast

import msgspec

from prep_console.decoding import decode

T = TypeVar("T")


class Late(MutableMapping[str, T]):
    """Keeps the order in which keys came, as a dict does."""

    __slots__ = ("_all_read", "_entries", "_of")

    def __init__(self, of: type[T], entries: Mapping[str, T | msgspec.Raw]) -> None:
        """``entries`` as JSON must be what :attr:`entries` of another one was written as: a value
        that is no ``of`` raises msgspec.ValidationError where it is asked for."""
        self._of = of
        self._entries = dict(entries)
        self._all_read = False

    @property
    def entries(self) -> Mapping[str, T | msgspec.Raw]:
        """As they are here, to be written: what nobody has read goes back as it came."""
        return self._entries

    def copy(self) -> Late[T]:
        return Late(self._of, self._entries)

    def __getitem__(self, key: str) -> T:
        value = self._entries[key]
        if isinstance(value, msgspec.Raw):
            value = self._entries[key] = decode(value, self._of)
        return value

    def values(self) -> ValuesView[T]:
        """Reads what nobody has read yet; from then on as quick as a dict's own."""
        if not self._all_read:
            for key in self._entries:
                self[key]
            self._all_read = True
        return cast(dict[str, T], self._entries).values()

    def __setitem__(self, key: str, value: T) -> None:
        self._entries[key] = value

    def __delitem__(self, key: str) -> None:
        del self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __repr__(self) -> str:
        return repr(dict(self))
