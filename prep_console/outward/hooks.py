"""Every alarm event told to a command and to a webhook, beside the engine and never in its way.

Each of the two has a queue of its own and a thread that works it off: an event is tried at once,
in order; one that fails is tried again for a while, unless a newer one of the same alarm has come
(what was is of no use to somebody who is told what is). When more come than a slow receiver
takes, the oldest are dropped, and counted.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from prep_console.alarms.lifecycle import Event
from prep_console.config import Settings
from prep_console.outward import errand

log = logging.getLogger(__name__)

_TIMEOUT_S = 10.0
_QUEUE = 200
_TRIED_FOR_S = 300.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_END_S = 0.8


@dataclass(slots=True)
class _Task:
    """One event that is still to be told."""

    key: str
    told: bytes
    began_at: float
    due_at: float
    pause_s: float = _FIRST_PAUSE_S


class Receiver:
    """One that is told of events, through a command."""

    def __init__(
        self,
        name: str,
        argv: list[str],
        *,
        more: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
        tried_for_s: float = _TRIED_FOR_S,
    ) -> None:
        self.name = name
        self.dropped = 0
        """Events that were never told since the start."""
        self._tried_for_s = tried_for_s
        self._stopping = threading.Event()
        self._run = partial(
            errand.run, argv, timeout_s=timeout_s, stopping=self._stopping, more=more
        )
        self._tasks: list[_Task] = []
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, daemon=True, name=name)
        self._thread.start()

    def tell(self, key: str, told: bytes) -> None:
        """Have it told; returns at once."""
        now = time.monotonic()
        with self._change:
            # one of the same alarm that failed before is of the past now
            for late in [t for t in self._tasks if t.key == key and t.due_at > t.began_at]:
                self._tasks.remove(late)
                self._drop(late, "a newer one has come")
            if len(self._tasks) >= _QUEUE:
                self._drop(self._tasks.pop(0), "too many are waiting")
            self._tasks.append(_Task(key, told, now, now))
            self._change.notify()

    def close(self) -> None:
        """End what is running; what was not told stays untold."""
        with self._change:
            self._stopping.set()
            self._change.notify()
        self._thread.join(_END_S)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._run(told=task.told)
            except errand.Failed as failed:
                self._put_off(task, str(failed))
            except Exception as error:  # one event never stops the others
                log.exception("%s", self.name)
                self._put_off(task, f"{type(error).__name__}: {error}")

    def _next(self) -> _Task | None:
        """The first that is due, taken off the queue; None when the engine ends."""
        with self._change:
            while not self._stopping.is_set():
                now = time.monotonic()
                task = next((task for task in self._tasks if task.due_at <= now), None)
                if task is not None:
                    self._tasks.remove(task)
                    return task
                due = min((task.due_at for task in self._tasks), default=None)
                self._change.wait(None if due is None else max(0.01, due - now))
        return None

    def _put_off(self, task: _Task, reason: str) -> None:
        if self._stopping.is_set():
            return
        now = time.monotonic()
        with self._change:
            if any(other.key == task.key for other in self._tasks):
                self._drop(task, f"a newer one has come; {reason}")
            elif now + task.pause_s - task.began_at > self._tried_for_s:
                self._drop(task, reason)
            else:
                log.warning("%s: %s, tried again: %s", self.name, task.key, reason)
                task.due_at = now + task.pause_s
                task.pause_s = min(2 * task.pause_s, _LONGEST_PAUSE_S)
                self._tasks.append(task)

    def _drop(self, task: _Task, reason: str) -> None:
        self.dropped += 1
        log.error("%s: %s was not told: %s", self.name, task.key, reason)


class Hooks:
    """All receivers of one station."""

    def __init__(self, settings: Settings) -> None:
        alarms = settings.alarms
        self._station = settings.station
        self.receivers: list[Receiver] = []
        if alarms.hook:
            self.receivers.append(Receiver("alarms.hook", list(alarms.hook)))
        if alarms.webhook:
            # a process of its own: whatever a name server or a peer does, it ends with it
            argv = [sys.executable, "-m", "prep_console.outward.webhook"]
            more = {"PREP_CONSOLE_WEBHOOK": alarms.webhook}  # not in argv: anybody can read that
            self.receivers.append(Receiver("alarms.webhook", argv, more=more))

    @property
    def dropped(self) -> Mapping[str, int]:
        """Events that were never told, by receiver."""
        return {receiver.name: receiver.dropped for receiver in self.receivers}

    def tell(self, events: Iterable[Event]) -> None:
        """Have every receiver told; returns at once."""
        for event in events if self.receivers else ():
            told = self._document(event)
            for receiver in self.receivers:
                receiver.tell(event.alarm.key, told)

    def close(self) -> None:
        """Within a second, whatever is under way."""
        ends = [threading.Thread(target=r.close, daemon=True) for r in self.receivers]
        for end in ends:
            end.start()
        for end in ends:
            end.join(_END_S)

    def _document(self, event: Event) -> bytes:
        alarm = event.alarm
        document = {
            "schema": 1,
            "station": self._station.name,
            "phase": self._station.phase,
            "event": event.kind,
            "at": event.at.isoformat(),
            "under": event.under,
            "alarm": {
                "key": alarm.key,
                "id": alarm.id,
                "subject": alarm.subject,
                "severity": alarm.severity,
                "since": alarm.since.isoformat(),
                "text": alarm.text,
                "values": dict(alarm.values),
                "acknowledged_by": alarm.acknowledged_by,
                "flapping": alarm.flapping,
            },
        }
        return json.dumps(document, default=str).encode() + b"\n"
