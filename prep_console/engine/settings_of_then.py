"""What of its settings an engine tells to the telemetry, so that a replay has them as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from prep_console.config import Settings
from prep_console.snapshot import Detail, Phase


def as_told(settings: Settings) -> dict[str, Detail]:
    """What a replay must know of the settings of then; as text, which is kept to the letter."""
    return {
        "phase": settings.station.phase,
        "rehearsal_speed": f"{settings.station.rehearsal_speed:g}",
        "elections": " ".join(settings.election.elections),
        "cadence_minutes": str(settings.election.cadence_minutes),
    }


def as_then(settings: Settings, told: Mapping[str, Detail]) -> Settings | None:
    """``settings`` with what an engine of the past told; None when it told nothing of the kind."""
    try:
        phase, cadence = told["phase"], int(str(told["cadence_minutes"]))
        speed = float(str(told["rehearsal_speed"]))
        elections = str(told["elections"]).split()
    except (KeyError, ValueError):
        return None
    phases: tuple[Phase, ...] = get_args(Phase)
    known = next((one for one in phases if one == phase), None)
    if known is None or cadence < 1 or not 1 <= speed <= 120:
        return None
    station = msgspec.structs.replace(settings.station, phase=known, rehearsal_speed=speed)
    election = msgspec.structs.replace(
        settings.election, cadence_minutes=cadence, elections=elections
    )
    return msgspec.structs.replace(settings, station=station, election=election)
