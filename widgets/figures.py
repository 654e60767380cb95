"""How figures are written: hours, ages, sizes, counts. The units are the same in both languages."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from prep_console import dates
from prep_console.snapshot import CutView, Snapshot
from prep_console.wording import N_, say


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(snapshot: Snapshot, moment: datetime) -> datetime:
    """A moment in the station's zone."""
    return moment.astimezone(_zone(snapshot.timezone))


def hour(snapshot: Snapshot, moment: datetime, form: str = "%H:%M") -> str:
    """``02:35`` of something that happened here; with its date when it was not this night."""
    return dates.hour(local(snapshot, moment), snapshot.observed_at, form)


def cut_hour(snapshot: Snapshot, stamp: datetime) -> str:
    """``02:35`` of a cut; with its date when it is of another night than the newest cut.

    A rehearsal replays a night of another day: its cuts are near one another, not near now.
    """
    newest = snapshot.cuts[0].stamp if snapshot.cuts else snapshot.observed_at
    return dates.hour(local(snapshot, stamp), newest)


def replayed(snapshot: Snapshot, cut: CutView) -> bool:
    """Whether the cut is of another time than it came: then its age says nothing."""
    return abs(cut.received_at - cut.stamp) > timedelta(seconds=2 * snapshot.cadence_s)


def cut_age(snapshot: Snapshot, cut: CutView) -> str:
    """``2 min 12 s ago``, from the cut's own hour; from its arrival when it is a replayed one."""
    if replayed(snapshot, cut):
        return say(N_("came {age} ago"), age=span(age_s(snapshot, cut.received_at)))
    return say(N_("{age} ago"), age=span(age_s(snapshot, cut.stamp)))


def second(snapshot: Snapshot, moment: datetime) -> str:
    """``02:35:41``."""
    return local(snapshot, moment).strftime("%H:%M:%S")


def age_s(snapshot: Snapshot, moment: datetime) -> float:
    """Seconds since then, as of the snapshot; never negative."""
    return max(0.0, (snapshot.observed_at - moment).total_seconds())


def span(seconds: float) -> str:
    """``12 s``, ``2 min 05 s``, ``1 h 20 min``, ``3 d 4 h``: two units at most."""
    whole = int(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest:02d} s"
    days, hours = divmod(hours, 24)
    if not days:
        return f"{hours} h {minutes:02d} min"
    return f"{days} d {hours} h"


def coarse(seconds: float) -> str:
    """Like :func:`span` but one unit only, so that it seldom changes: ``3 min``, ``31 h``."""
    if seconds < 60:
        return f"{int(seconds)} s"
    if seconds < 5400:
        return f"{int(seconds // 60)} min"
    if seconds < 72 * 3600:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86400)} d"


def size(count: float) -> str:
    """Bytes in decimal units, as disks are sold: ``1.2 MB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 9.95 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def milliseconds(seconds: float) -> str:
    """``38 ms``; ``2.4 s`` from one second up."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def signed_ms(seconds: float) -> str:
    """A clock's offset: ``+3 ms``, ``-1.2 s``."""
    if abs(seconds) < 1:
        return f"{seconds * 1000:+.0f} ms"
    return f"{seconds:+.1f} s"
