"""Which page a wall shows: the next one each so many seconds, the first whenever it is needed."""

from __future__ import annotations

from prep_console.snapshot import Snapshot
from prep_console.widgets.alarm_list import is_quiet
from prep_console.widgets.standing import notices, word
from prep_console.widgets.wall import PAGES, Page


class Rotation:
    """Turns the pages by a monotonic clock that its caller reads.

    What is critical about the public cut keeps the first page up; a new alarm, or another word
    for how things stand, brings it back at once, for its whole time.
    """

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._seen: frozenset[str] = frozenset()
        self._word = ""

    def page(self, snapshot: Snapshot, now_s: float, every_s: float) -> Page:
        """The page to show at ``now_s``; always the first where ``every_s`` is 0."""
        pages = list(PAGES)
        found = notices(snapshot, keys=False)
        asking = frozenset(one.key for one in snapshot.alarms if not is_quiet(one))
        said = word(snapshot, found).text
        news = bool(asking - self._seen) or said != self._word
        self._seen, self._word = asking, said
        pinned = any(one.severity == "critical" for one in found)
        if every_s <= 0 or pinned or news or self._since_s is None:
            self._since_s = now_s
        return (
            pages[int((now_s - self._since_s) // every_s) % len(pages)] if every_s > 0 else pages[0]
        )
