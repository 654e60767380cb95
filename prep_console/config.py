"""The settings file: one typed model, every default with its reason, unknown keys are errors.

Read with msgspec, not pydantic: importing pydantic and building the model takes 100 ms, which
alone is most of what ``rollback`` may take as a whole command (15 x ``python -c pass``, 127 ms
on the same machine); msgspec takes 26.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from prep_console.problems import Failed, WrongUsage
from prep_console.snapshot import Phase
from prep_console.wording import Language, N_, sentence

DEFAULT_PATH = Path("/etc/prep-console/config.toml")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the settings file."""


class Station(_Table):
    root: str
    """Folder of the station; the only setting without a default."""
    name: str = "Difusor"
    """Shown in the header."""
    timezone: str = "America/Mexico_City"
    language: Language = "es"
    phase: Phase = "jornada"


class Election(_Table):
    title: str = ""
    state: str = ""
    """Abbreviation as in the files' names (QRO); '' accepts any."""
    elections: list[str] = []
    """Codes that every cut must hold; [] accepts any and waits for none."""
    opens: datetime | None = None
    closes: datetime | None = None
    retain_until: str | Any = None
    """Date until which the final cut must stay up."""
    cadence_minutes: int = 5
    """12 times an hour in the institute's call; late at 1.5, critical at 2 times this."""


class Source(_Table):
    kind: Literal["drop"] = "drop"
    path: str = ""
    """Default: incoming/entrega under the root."""
    layout: Literal["archives"] = "archives"


class Intake(_Table):
    max_total_bytes: int = 8 * 1024**3
    max_entries: int = 200_000
    max_ratio: int = 200
    carry_after_seconds: int = 60
    """A cut that lacks an election waits this long for it, then carries it over."""
    settle_seconds: float = 3.0
    """A dropped file that cannot prove it is whole (no readable end) must rest this long."""
    source: list[Source] = []


class Publication(_Table):
    unpack: bool = False
    """True for institutes that deliver the web site itself as an archive."""
    estado_prefix: str = "/_prep/"
    """URL prefix reserved for the date and time of the cut (estado.json, estado.html)."""
    frame_ancestors: list[str] = []
    """Origins of the portals that may embed the site; [] allows every one."""
    keep_bytes: int = 0
    """Byte budget of stored cuts; 0: what the disk holds above host.min_free_bytes."""
    keep_cuts: int = 400
    """More than a night of 288 cuts."""
    after_switch: list[str] = []
    """Command (argument list) run beside each switch, e.g. a CDN purge; never in the way."""
    ballast_bytes: int = 4 * 1024**2
    """Given up when the disk is full, so that a rollback still fits."""


class Site(_Table):
    url: str = ""
    """What a visitor opens; '' leaves the site probe off."""
    connect: str = ""
    """ADDRESS[:PORT] to connect to instead of the name's own (hairpin NAT)."""
    ca_file: str = ""


class Clock(_Table):
    servers: list[str] = []
    warning_ms: int = 50
    critical_ms: int = 1000


class PowerDevice(_Table):
    name: str
    role: Literal["ups", "generator", "transfer-switch"] = "ups"
    nut: str = ""


class Power(_Table):
    client: Literal["aionut", "pynut3"] = "aionut"
    device: list[PowerDevice] = []


class Host(_Table):
    min_free_bytes: int = 20 * 1024**3
    min_cpus: int = 4
    min_memory_bytes: int = 16 * 1024**3
    """The institute's call asks for these three."""


class Settings(_Table):
    station: Station
    election: Election = msgspec.field(default_factory=Election)
    intake: Intake = msgspec.field(default_factory=Intake)
    publication: Publication = msgspec.field(default_factory=Publication)
    site: Site = msgspec.field(default_factory=Site)
    clock: Clock = msgspec.field(default_factory=Clock)
    power: Power = msgspec.field(default_factory=Power)
    host: Host = msgspec.field(default_factory=Host)

    @property
    def root(self) -> Path:
        return Path(self.station.root)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.station.timezone)

    @property
    def drop_folder(self) -> Path:
        """Where the institute writes."""
        for source in self.intake.source:
            if source.kind == "drop" and source.path:
                return Path(source.path)
        return self.root / "incoming" / "entrega"
