"""``clock.tracking``: what the local time daemon says of itself (chronyd, ntpd).

The value has the sign of ``clock.offset``: positive means that our clock is slow. chronyc's CSV
gives "System time" so (positive prints as "slow of NTP time"), ntpq its ``offset`` in
milliseconds.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prep_console import reasons
from prep_console.config.instruments import Clock as ClockSettings
from prep_console.probes.command import CommandError, NotInstalled, output
from prep_console.probes.probe import Clock, reading, utc_now
from prep_console.snapshot import Reading
from prep_console.wording import N_, visible

TRACKING = "clock.tracking"

_CHRONY_FIELDS = 14
_CHRONY_LEAPS = {"Normal": "", "Insert second": "insert", "Delete second": "delete"}
_CHRONY_NOT_SYNCHRONISED = "Not synchronised"
_NTP_LEAPS = {"00": "", "01": "insert", "10": "delete", "11": ""}
_NTP_UNSYNCHRONISED = "11"
_NTP_VARIABLE = re.compile(r'(\w+)=("[^"]*"|[^,\r\n]*)')
_SHOWN = 100


class NoTrackingError(Exception):
    """The daemon's program said something else than a tracking (English)."""


@dataclass(frozen=True, slots=True)
class Tracking:
    daemon: str
    """``chrony`` or ``ntpd``."""
    synchronised: bool
    offset_s: float
    """What the daemon still has to correct, server - local."""
    stratum: int
    reference: str
    """Address or name of what it follows; '' for nothing."""
    leap: str
    """'', ``insert`` or ``delete``."""


class TrackingProbe:
    """Asks chronyd, or ntpd, or with ``auto`` the first of them that answers."""

    names = (TRACKING,)
    period_s = 8.0
    deadline_s = 5.0

    def __init__(
        self,
        settings: ClockSettings,
        *,
        now: Clock = utc_now,
        chronyc: str = "chronyc",
        ntpq: str = "ntpq",
    ) -> None:
        self._settings = settings
        self._now = now
        self._chronyc = [chronyc, *_host(settings.chrony), "-c", "-n", "tracking"]
        self._ntpq = [ntpq, "-n", "-c", "rv"]

    async def read(self) -> Mapping[str, Reading]:
        """The reasons why none answered come as the reading's error."""
        daemons = (
            ("chrony", "ntpd") if self._settings.daemon == "auto" else (self._settings.daemon,)
        )
        reasons: list[str] = []
        for daemon in daemons:
            try:
                return {TRACKING: self._judged(await self._ask(daemon, len(daemons)))}
            except NotInstalled as missing:
                if len(daemons) == 1:
                    reasons.append(str(missing))
            except (CommandError, NoTrackingError) as reason:
                reasons.append(str(reason))
        told = "; ".join(reasons) or N_("neither chronyc nor ntpq is installed")
        return {TRACKING: Reading(None, "", "unknown", self._now(), error=told)}

    async def close(self) -> None:
        """Nothing is held."""

    async def _ask(self, daemon: str, of: int) -> Tracking:
        # together less than the deadline, so that the reason is the program's own
        deadline_s = (self.deadline_s - 0.5) / of
        if daemon == "chrony":
            return chrony_tracking(await output(self._chronyc, deadline_s=deadline_s))
        return ntpd_tracking(await output(self._ntpq, deadline_s=deadline_s))

    def _judged(self, told: Tracking) -> Reading:
        off_ms = abs(told.offset_s) * 1000
        return reading(
            round(told.offset_s, 9),
            "s",
            self._now(),
            warning=off_ms >= self._settings.warning_ms,
            critical=not told.synchronised or off_ms >= self._settings.critical_ms,
            daemon=told.daemon,
            synchronised=told.synchronised,
            stratum=told.stratum,
            reference=told.reference,
            leap=told.leap,
        )


def _host(chrony: str) -> Sequence[str]:
    """chronyc's option for the setting; its own default asks the socket, then loopback."""
    return ("-h", chrony) if chrony else ()


def chrony_tracking(said: str) -> Tracking:
    """``chronyc -c -n tracking``: one CSV line of 14 fields; NoTrackingError otherwise."""
    row = said.partition("\n")[0].rstrip("\r").split(",")  # chronyc quotes nothing
    if len(row) != _CHRONY_FIELDS:
        raise NoTrackingError(
            reasons.NO_TRACKING.format(program="chronyc", words=visible(said[:_SHOWN]))
        )
    reference_id, reference, stratum, _, offset = row[:5]
    leap = row[-1]
    if leap not in _CHRONY_LEAPS and leap != _CHRONY_NOT_SYNCHRONISED:
        raise NoTrackingError(
            reasons.NO_LEAP.format(program="chronyc", words=visible(leap[:_SHOWN]))
        )
    return Tracking(
        daemon="chrony",
        synchronised=leap != _CHRONY_NOT_SYNCHRONISED,
        offset_s=_number(offset, "chronyc"),
        stratum=int(_number(stratum, "chronyc")),
        reference=visible((reference or _reference_clock(reference_id))[:_SHOWN]),
        leap=_CHRONY_LEAPS.get(leap, ""),
    )


def ntpd_tracking(said: str) -> Tracking:
    """``ntpq -c rv``: variables of the system, separated by commas; NoTrackingError otherwise."""
    variables = {name: value.strip('" ') for name, value in _NTP_VARIABLE.findall(said)}
    try:
        leap, stratum, offset = (variables[name] for name in ("leap", "stratum", "offset"))
    except KeyError as missing:
        raise NoTrackingError(
            reasons.NO_TRACKING.format(program="ntpq", words=visible(said[:_SHOWN]))
        ) from missing
    if leap not in _NTP_LEAPS:
        raise NoTrackingError(reasons.NO_LEAP.format(program="ntpq", words=visible(leap[:_SHOWN])))
    return Tracking(
        daemon="ntpd",
        synchronised=leap != _NTP_UNSYNCHRONISED,
        offset_s=_number(offset, "ntpq") / 1000,
        stratum=int(_number(stratum, "ntpq")),
        reference=visible(variables.get("refid", "")[:_SHOWN]),
        leap=_NTP_LEAPS[leap],
    )


def _number(text: str, program: str) -> float:
    """A finite number as both programs write it (at most 24 characters)."""
    try:
        number = float(text) if len(text) <= 24 else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise NoTrackingError(
            reasons.NO_NUMBER.format(program=program, words=visible(text[:_SHOWN]))
        )
    return number


def _reference_clock(reference_id: str) -> str:
    """A reference clock's name out of its hexadecimal id; '' for 0, and for our own clock."""
    try:
        code = bytes.fromhex(reference_id).rstrip(b"\0")
    except ValueError:
        return ""
    return code.decode("ascii") if code and code.isalnum() else ""
