"""Which files of a cut are compared in one look: the important ones often, every one in time.

Pure: no network, no clock. A look takes, within a number of files and a budget of bytes,

1. files that were wrong at the look before, until they are right again;
2. pages: the cut's own front page each time, the other HTML and JSON in turn;
3. what is new in this cut against the one before, and
4. all others, walked in the order of their names; the walk goes on where it was when a new cut
   comes, so that the end of a long list gets its turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from prep_console.publication.manifest import SealedFile

_PAGES = (".html", ".htm", ".json")
FRONT = "index.html"


@dataclass(frozen=True, slots=True)
class Sample:
    path: str
    file: SealedFile


class Sampling:
    """The walk through the files of one cut after another."""

    def __init__(self, count: int, budget_bytes: int) -> None:
        self._count = max(1, count)
        self._budget = max(0, budget_bytes)
        self._files: Mapping[str, SealedFile] = {}
        self._walk: list[str] = []
        self._pages: deque[str] = deque()
        self._fresh: deque[str] = deque()
        self._after = ""
        self.passes = 0
        """Times that the walk came to the end of the list."""

    def go_live(self, files: Mapping[str, SealedFile], newest: Collection[str] = ()) -> None:
        """Another cut is live: ``files`` of its manifest, ``newest`` those of its newest part."""
        before = self._files
        known = {path: file for path, file in files.items() if file.size <= self._budget}
        fresh = [path for path in known if path in newest or before.get(path) != known[path]]
        self._files = known
        self._walk = sorted(known)
        self._pages = deque(sorted((p for p in known if _is_page(p)), key=_depth))
        self._fresh = deque(sorted(fresh, key=lambda path: (path not in newest, _depth(path))))

    def __len__(self) -> int:
        """Files that can be compared at all."""
        return len(self._walk)

    def next(self, wrong: Collection[str] = ()) -> list[Sample]:
        """The samples of one look, the most important first."""
        taken: dict[str, SealedFile] = {}
        room = self._budget
        head = self._next_walked()
        # A file that leaves no room beside it has a look of its own, or would never have one.
        alone = head is not None and self._files[head].size * 4 > self._budget * 3
        if not alone:
            for path in (*(p for p in wrong if p in self._files), FRONT):
                room = self._take(path, taken, room, len(taken) < self._count)
            pages = max(1, self._count // 3)
            for _ in range(min(pages, len(self._pages))):
                self._pages.rotate(-1)
                room = self._take(self._pages[-1], taken, room, len(taken) < self._count - 1)
            while self._fresh and len(taken) < (self._count * 3 + 3) // 4:
                path = self._fresh.popleft()
                room = self._take(path, taken, room, True)
        while (head := self._next_walked()) is not None and len(taken) < self._count:
            if head in taken:
                self._step(head)
                if len(taken) == len(self._walk):
                    break
                continue
            if self._files[head].size > room:
                break  # it comes first at the next look
            room = self._take(head, taken, room, True)
            self._step(head)
        return [Sample(path, file) for path, file in taken.items()]

    def _take(self, path: str, taken: dict[str, SealedFile], room: int, fits: bool) -> int:
        """Take the file if it fits; the bytes of room that are left."""
        file = self._files.get(path)
        if file is None or not fits or path in taken or file.size > room:
            return room
        taken[path] = file
        return room - file.size

    def _next_walked(self) -> str | None:
        if not self._walk:
            return None
        place = bisect_right(self._walk, self._after)
        return self._walk[place if place < len(self._walk) else 0]

    def _step(self, path: str) -> None:
        self._after = path
        if path == self._walk[-1]:
            self._after = ""
            self.passes += 1


def _is_page(path: str) -> bool:
    return path.lower().endswith(_PAGES)


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path
