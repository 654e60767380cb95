"""``verify``: examine a delivery and change nothing, on a station or on any machine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console.config import Settings
from prep_console.cuts.checks import finding
from prep_console.cuts.folders import kind_fault
from prep_console.cuts.model import Examination, Expectations, Limits
from prep_console.intake.examining import called, examined, expectations, limits_of
from prep_console.intake.lists_beside import with_lists_beside
from prep_console.problems import Failed, WrongUsage
from prep_console.publication.station import Station
from prep_console.wording import N_, sentence, visible

_DEFAULT_ZONE = ZoneInfo("America/Mexico_City")


def verify(path: Path, settings: Settings | None) -> tuple[Examination, ZoneInfo]:
    """What is in the delivery, and the zone of its stamps. Failed when it cannot be read."""
    existing(path)
    now = datetime.now(UTC)
    if settings is None:
        zone, limits = _DEFAULT_ZONE, Limits()
        expected = Expectations(now=now.astimezone(zone))
    else:
        zone, limits = settings.zone, limits_of(settings)
        expected = expectations(settings, Station(settings).state(), now)
    try:
        odd = kind_fault(path.lstat().st_mode)
        if odd is not None:
            return Examination(None, (), (), (), (finding(odd, visible(called(path))),)), zone
        examination = examined(path, name=called(path), expected=expected, limits=limits)
        return with_lists_beside(examination, path, path), zone
    except OSError as error:
        raise Failed(
            sentence(
                N_("the delivery cannot be read: {error}"),
                error=f"{error.strerror}: {error.filename or path}",
            ),
            sentence(N_("check the path and its permissions")),
        ) from error


def existing(path: Path) -> Path:
    """``path``, or WrongUsage when nothing is there."""
    if not path.exists() and not path.is_symlink():
        raise WrongUsage(
            sentence(N_("there is no delivery at {path}"), path=str(path)),
            sentence(N_("check the path")),
        )
    return path
