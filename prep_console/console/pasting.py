"""What is pasted is text, never keys.

A terminal that knows bracketed paste puts a paste between two marks. Textual looks for its end by
reading escape sequences, and gives one that it does not know on as single keys, also inside a
paste: 40 copied characters behind an ESC rolled a cut back. So inside the marks no ESC is left.
"""

from __future__ import annotations

BEGINS, ENDS = "\x1b[200~", "\x1b[201~"


class Pasting:
    """Cleans what a terminal sends, as it comes: a mark may be cut in two by a read."""

    def __init__(self) -> None:
        self._inside = False
        self._last = ""
        """Outside a paste: what was sent last, sent on already. Inside: held back, maybe a mark."""

    def cleaned(self, text: str) -> str:
        """What to read as keys and pastes."""
        parts: list[str] = []
        while text:
            part, text = self._pasted(text) if self._inside else self._typed(text)
            parts.append(part)
        return "".join(parts)

    def _typed(self, text: str) -> tuple[str, str]:
        known = self._last + text
        _, mark, after = known.partition(BEGINS)
        if not mark:
            self._last = known[-(len(BEGINS) - 1) :]
            return text, ""
        self._inside, self._last = True, ""
        return text[: len(text) - len(after)], after

    def _pasted(self, text: str) -> tuple[str, str]:
        pasted, mark, after = (self._last + text).partition(ENDS)
        self._inside, self._last = not mark, ""
        if not mark:
            held = max((n for n in range(len(ENDS)) if pasted.endswith(ENDS[:n])), default=0)
            pasted, self._last = pasted[: len(pasted) - held], pasted[len(pasted) - held :]
        return pasted.replace("\x1b", "") + mark, after
