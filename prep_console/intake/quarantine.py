"""Quarantine: what was refused, kept with a reason that a person understands."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from prep_console import durable
from prep_console.cuts.checks import describe
from prep_console.cuts.model import Finding
from prep_console.intake import staging
from prep_console.publication import store
from prep_console.publication.station import Station


def keep(
    station: Station,
    folder: Path,
    *,
    name: str,
    source: str,
    at: datetime,
    findings: Sequence[Finding],
) -> str:
    """Move a staged delivery to ``quarantine/<id>/`` with its reason.json; returns the id."""
    base = at.strftime("%Y%m%dT%H%M%SZ")
    reason = {
        "schema": 1,
        "name": name,
        "source": source,
        "refused_at": at.isoformat(),
        "findings": [as_json(f) for f in findings],
    }
    durable.write_file(
        folder / "reason.json",
        json.dumps(reason, indent=1, ensure_ascii=True).encode() + b"\n",
        mode=0o600,
    )
    with suppress(FileNotFoundError):
        (folder / staging.RECORD).unlink()
    durable.sync_file_system(folder)  # who sent it may delete it once the journal says refused
    number = 1
    while True:
        identity = base if number == 1 else f"{base}-{number}"
        try:
            durable.rename_noreplace(folder, station.quarantine / identity)
        except FileExistsError:
            number += 1
        else:
            durable.sync_folder(station.quarantine)
            with suppress(OSError):  # it is kept: what cannot be given up stays for the next time
                _trim(station)
            return identity


def _trim(station: Station) -> None:
    """Within the byte budget: the oldest give up their bytes, their reasons stay."""
    kept = sorted((p for p in station.quarantine.iterdir()), key=lambda p: p.stat().st_mtime_ns)
    sizes = {folder: _size(folder / staging.FILES) for folder in kept}
    total = sum(sizes.values())
    for folder in kept[:-1]:  # the newest one is what a person is about to look at
        if total <= station.settings.intake.quarantine_bytes:
            return
        store.discard(folder / staging.FILES)
        total -= sizes[folder]


def _size(folder: Path) -> int:
    return sum(
        Path(here, name).lstat().st_size for here, _, names in os.walk(folder) for name in names
    )


def as_json(found: Finding) -> dict[str, object]:
    """A finding as ``--json``, the journal and reason.json show it."""
    return {
        "check": found.check,
        "severity": str(found.severity),
        "text": describe(found).in_("en"),
        "where": found.where,
        "values": dict(found.values),
    }
