"""Where a replay stands: it plays, pauses, and jumps within its stretch of a station's past."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from prep_console.engine.past import EventKind, Past
from prep_console.engine.past_times import moment_named
from prep_console.snapshot import Snapshot
from prep_console.values import replace
from prep_console.wording import N_, say

SPEEDS = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
SLOWEST, FASTEST = SPEEDS[0], SPEEDS[-1]

_NONE = {
    "alarm": (N_("no alarm before this"), N_("no further alarm")),
    "decision": (
        N_("no decision before this"),
        N_("no further decision"),
    ),
    "cut": (N_("no cut before this"), N_("no further cut")),
}


class Player:
    """Read from the reader's thread, moved from the app's."""

    def __init__(
        self,
        past: Past,
        begins: datetime,
        ends: datetime,
        *,
        at: datetime | None = None,
        speed: float = 1.0,
        playing: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``at`` is where it starts, the beginning when left out; times are aware UTC."""
        self.begins, self.ends = begins, ends
        self.speed = speed
        self._past = past
        self._clock = clock
        self._lock = threading.Lock()
        self._from = max(begins, min(ends, at or begins))
        self._since = clock()
        self._playing = playing
        self._remark = ""

    @property
    def moment(self) -> datetime:
        """What is shown now."""
        with self._lock:
            return self._moment()

    @property
    def playing(self) -> bool:
        """False while paused, and from the end of the stretch on."""
        with self._lock:
            return self._playing and self._moment() < self.ends

    def read(self) -> Snapshot:
        """The snapshot of the moment, marked as what it is."""
        with self._lock:
            at = self._moment()
            if self._playing and at >= self.ends:
                self._stand(at)
                self._remark = say(N_("the end of the replay"))
            playing, speed, remark = self._playing, self.speed, self._remark
        found = self._past.at(at)
        assert found.past is not None
        past = replace(
            found.past,
            begins=self.begins,
            ends=self.ends,
            playing=playing,
            speed=speed,
            remark=remark,
        )
        return replace(found, past=past)

    def toggle(self) -> None:
        """Play or pause; at the end it plays from the beginning again."""
        with self._lock:
            at = self._moment()
            if self._playing:
                self._stand(at)
                return
            self._stand(self.begins if at >= self.ends else at)
            self._playing = True

    def faster(self, steps: int) -> None:
        """To the next faster of the speeds, or the next slower one."""
        with self._lock:
            at, playing = self._moment(), self._playing
            self._stand(at)
            self._playing = playing
            if steps > 0:
                self.speed = next((one for one in SPEEDS if one > self.speed), FASTEST)
            else:
                self.speed = next((one for one in SPEEDS[::-1] if one < self.speed), SLOWEST)

    def step(self, seconds: float) -> None:
        """On or back by so much, playing on if it played."""
        with self._lock:
            playing = self._playing
            self._stand(self._moment() + timedelta(seconds=seconds))
            self._playing = playing

    def jump(self, kind: EventKind, direction: int) -> None:
        """To the next event of a kind, or the one before, and pause; said when there is none."""
        events = [at for at in self._past.events(kind) if self.begins <= at <= self.ends]
        with self._lock:
            here = self._moment()
            if direction > 0:
                found = next((at for at in events if at > here), None)
            else:
                found = next((at for at in reversed(events) if at < here), None)
            if found is not None:
                self._stand(found)
            else:
                self._stand(here)
                self._remark = say(_NONE[kind][direction > 0])

    def end(self, direction: int) -> None:
        """To the beginning or the end of the stretch, and pause."""
        with self._lock:
            self._stand(self.ends if direction > 0 else self.begins)

    def go(self, text: str, zone: ZoneInfo) -> None:
        """To the time that was typed, and pause. WrongUsage when it is none of the stretch."""
        found = moment_named(text, zone, self.begins, self.ends, near=self.moment)
        with self._lock:
            self._stand(found)

    def _moment(self) -> datetime:
        if not self._playing:
            return self._from
        gone = timedelta(seconds=(self._clock() - self._since) * self.speed)
        return min(self.ends, self._from + gone)

    def _stand(self, at: datetime) -> None:
        """From here on at ``at``, paused."""
        self._from = max(self.begins, min(self.ends, at))
        self._since = self._clock()
        self._playing = False
        self._remark = ""
