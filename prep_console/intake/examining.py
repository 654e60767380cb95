"""What a delivery is held against, and what is found in it: one for ``verify`` and ``receive``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from prep_console.config import Settings
from prep_console.cuts.checks import finding
from prep_console.cuts.entry_names import name_fault
from prep_console.cuts.model import Examination, Expectations, Finding, Limits
from prep_console.cuts.stamps import Stamp
from prep_console.journal.state import State
from prep_console.values import replace
from prep_console.wording import visible


def limits_of(settings: Settings) -> Limits:
    intake = settings.intake
    return Limits(intake.max_total_bytes, intake.max_entries, intake.max_ratio)


def expectations(settings: Settings, state: State | None, now: datetime) -> Expectations:
    """What this station expects of a delivery now."""
    election = settings.election
    return Expectations(
        state=election.state,
        elections=tuple(election.elections),
        cadence_minutes=election.cadence_minutes,
        opens=election.opens,
        closes=election.closes,
        now=now.astimezone(settings.zone),
        marks={e: Stamp.of(m) for e, m in (state.marks if state else {}).items()},
        phase=settings.station.phase,
        reserved=reserved_folder(settings),
    )


def reserved_folder(settings: Settings) -> str:
    """Where the web server shows the estado: a delivered file there is never seen."""
    return settings.publication.estado_prefix.strip("/") + "/"


def called(path: Path) -> str:
    """What the delivery is called; ``.`` and ``..`` have names too."""
    return path.name if path.name not in {"", ".."} else path.resolve().name


def examined(
    content: Path,
    *,
    name: str,
    expected: Expectations,
    limits: Limits,
    scratch: Path | None = None,
    known: Mapping[str, tuple[int, str]] | None = None,
    already: Sequence[Finding] = (),
) -> Examination:
    """What the delivery called ``name`` holds; its bytes are at ``content``.

    ``already``: what was found while they were copied. Names that are no UTF-8 can be written
    nowhere: the findings tell them escaped. Errors, ``scratch`` and ``known`` as
    :func:`prep_console.cuts.delivery.examine` has them.
    """
    from prep_console.cuts.delivery import examine  # zipfile, csv: not for rollback's start-up

    fault = name_fault(name)
    if fault is not None:  # it would stand in journal, manifest and addresses
        return Examination(None, (), (), (), _shown((*already, finding(fault, name))))
    if not os.path.lexists(content):  # no plain file: nothing was copied
        return Examination(None, (), (), (), _shown(already))
    examination = examine(
        content, name=name, expectations=expected, limits=limits, scratch=scratch, known=known
    )
    return replace(examination, findings=_shown((*already, *examination.findings)))


def _shown(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Names that are no UTF-8 can be written nowhere: the findings tell them escaped."""
    return tuple(replace(found, where=visible(found.where)) for found in findings)
