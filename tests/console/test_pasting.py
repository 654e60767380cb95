"""A paste loses its escapes and nothing else, however the terminal's bytes are cut up."""

from __future__ import annotations

import pytest

from prep_console.console.pasting import BEGINS, ENDS, Pasting

SENT = f"b\x1b[A{BEGINS}uno\x1b[31m dos\x1b\x1b 1s\n{ENDS}\x1b[B{BEGINS}{ENDS}x\x1b"
READ = f"b\x1b[A{BEGINS}uno[31m dos 1s\n{ENDS}\x1b[B{BEGINS}{ENDS}x\x1b"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
def test_only_escapes_inside_a_paste_are_taken_out(size: int) -> None:
    pasting = Pasting()
    pieces = [SENT[n : n + size] for n in range(0, len(SENT), size)]
    assert "".join(map(pasting.cleaned, pieces)) == READ


def test_what_is_typed_is_never_held_back() -> None:
    pasting = Pasting()
    for typed in ("\x1b", "\x1b[", "\x1b[20", "q", BEGINS[:-1]):
        assert pasting.cleaned(typed) == typed
