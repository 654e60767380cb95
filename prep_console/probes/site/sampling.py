"""Which files of a cut are compared in one look: the important ones often, every one in time.

Pure: no network, no clock. A look takes, within a number of files and a budget of bytes,

1. files that were wrong at the look before, until they are right again;
2. the cut's own front page;
3. pages and data (all that is no image): as many as bring each of them its turn within
   :data:`TURN_LOOKS` looks, those first that waited longest; and
4. images, new ones of this cut first, the others walked in the order of their names; the walk
   goes on where it was when a new cut comes, so that the end of a long list gets its turn.

One of the pages and data and one image have their place before all else but the wrong ones: no
file waits for ever because it is large.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from prep_console.publication.manifest import SealedFile

FRONT = "index.html"
MOST = 40
"""Files of one look, where more are not asked for: visitors come first."""
TURN_LOOKS = 3
"""Each page and data file has its turn within so many looks, while MOST and bytes allow it."""

_IMAGES = (".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".pdf")


@dataclass(frozen=True, slots=True)
class Sample:
    path: str
    file: SealedFile


@dataclass(slots=True)
class _Plan:
    """What one look will take."""

    files: Mapping[str, SealedFile]
    room: int
    """Bytes that are left."""
    taken: dict[str, None] = field(default_factory=dict)
    walked: set[str] = field(default_factory=set)
    """Those of ``taken`` that the walk through the images came to."""

    def take(self, path: str | None, *, times: int = 1) -> bool:
        """Take the file, to be fetched so many ``times``; False when there is no room for it."""
        file = self.files.get(path) if path is not None else None
        if path is None or file is None or (path not in self.taken and file.size > self.room):
            return False
        if path not in self.taken:
            self.taken[path] = None
            self.room -= file.size * times
        return True


class Sampling:
    """The turns of the files of one cut after another."""

    def __init__(self, least: int, budget_bytes: int) -> None:
        """``least`` files a look where the cut and the budget have them."""
        self._most = max(MOST, least)
        self._budget = max(0, budget_bytes)
        self._files: Mapping[str, SealedFile] = {}
        self._data: dict[str, None] = {}
        """Pages and data, the one first that waited longest."""
        self._images: list[str] = []
        self._after = ""
        """The image that the walk came to."""
        self._image_waits = False
        """The next image found no room at the look before."""
        self._fresh: dict[str, None] = {}
        """Files that are new in this cut, and were not looked at yet."""
        self._unseen: set[str] = set()
        """Files that were not looked at in this pass."""
        self.passes = 0
        """Times that all files had been looked at."""

    def go_live(self, files: Mapping[str, SealedFile], newest: Collection[str] = ()) -> None:
        """Another cut is live: ``files`` of its manifest, ``newest`` those of its newest part."""
        before = self._files
        known = {path: file for path, file in files.items() if file.size <= self._budget}
        fresh = [path for path in known if path in newest or before.get(path) != known[path]]
        came = sorted((p for p in known if not _is_image(p) and p not in self._data), key=_depth)
        self._unseen = (self._unseen & known.keys()) | (known.keys() - before.keys())
        self._files = known
        self._data = dict.fromkeys([*came, *(path for path in self._data if path in known)])
        self._images = sorted(path for path in known if _is_image(path))
        self._fresh = dict.fromkeys(
            sorted(fresh, key=lambda path: (path not in newest, _depth(path)))
        )

    def __len__(self) -> int:
        """Files that can be compared at all."""
        return len(self._files)

    def look(self, wrong: Collection[str] = ()) -> Iterator[Sample]:
        """The samples of one look, the most important first.

        Only what was taken from here has had its turn: a look may end before all of it.
        """
        plan = self._plan(wrong)
        for path in sorted(plan.taken, key=lambda path: (path not in wrong, path != FRONT)):
            if path in self._data:
                del self._data[path]
                self._data[path] = None
            if path in plan.walked:
                self._after = path
            self._fresh.pop(path, None)
            self._unseen.discard(path)
            if not self._unseen:
                self.passes += 1
                self._unseen = set(self._files)
            yield Sample(path, self._files[path])

    def _plan(self, wrong: Collection[str]) -> _Plan:
        plan = _Plan(self._files, self._budget)
        for path in islice(wrong, self._most // 2):
            plan.take(path, times=2)  # it is asked for again before it is said
        longest, image = next(iter(self._data), None), next(self._walk(), None)
        if self._image_waits:
            self._take_image(image, plan)
        plan.take(longest)
        self._take_image(image, plan)
        self._image_waits = image is not None and image not in plan.taken
        plan.take(FRONT)
        turns = -(-len(self._data) // TURN_LOOKS)
        for path in self._data:
            if not turns or len(plan.taken) >= self._most:
                break
            turns -= plan.take(path)
        left = self._most - len(plan.taken)
        for path in islice(self._fresh, left * 3 // 4):
            plan.take(path)
        for path in self._walk():
            if len(plan.taken) >= self._most:
                break
            if not self._take_image(path, plan):
                break  # it comes first at the next look
        return plan

    @staticmethod
    def _take_image(path: str | None, plan: _Plan) -> bool:
        """The next one in the walk."""
        if path is not None and path not in plan.taken and plan.take(path):
            plan.walked.add(path)
        return path in plan.taken

    def _walk(self) -> Iterator[str]:
        """Once round the images, from where the walk is."""
        place = bisect_right(self._images, self._after)
        yield from islice(self._images, place, None)
        yield from islice(self._images, place)


def _is_image(path: str) -> bool:
    return path.lower().endswith(_IMAGES)


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path
