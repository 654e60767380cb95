"""The settings as one typed model; every default has its reason."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from prep_console.config.instruments import (
    Alarms,
    Clock,
    Host,
    Institute,
    Link,
    Power,
    Protection,
    Site,
    Telemetry,
)
from prep_console.snapshot import Phase
from prep_console.wording import Language


class Station(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    root: str
    """Folder of the station; the only setting without a default."""
    name: str = "Difusor"
    """Shown in the header."""
    timezone: str = "America/Mexico_City"
    language: Language = "es"
    phase: Phase = "jornada"
    rehearsal_speed: float = 1.0
    """A rehearsal's night goes so many times quicker: lateness is told by the cadence over this."""


class Election(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: str = ""
    state: str = ""
    """Abbreviation as in the files' names (QRO); '' accepts any."""
    elections: list[str] = []
    """Codes that every cut must hold; [] accepts any and waits for none."""
    opens: datetime | None = None
    closes: datetime | None = None
    retain_until: date | None = None
    """Day to whose end the final cut must stay up: it is not pruned, and nothing begun afresh."""
    cadence_minutes: int = 5
    """12 times an hour in the institute's call; late at 1.5, critical at 2 times this."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way that deliveries come. Which settings a kind needs: config/checks.py."""

    kind: Literal["drop", "sftp", "https"] = "drop"
    name: str = ""
    """Shown on screen and in readings (``source.NAME``); '' is its kind."""
    path: str = ""
    """drop: folder, '' is incoming/entrega under the root. sftp: remote folder."""
    layout: Literal["archives", "tree"] = "archives"
    """tree: the site as a folder tree that the institute keeps up to date in place."""
    host: str = ""
    """sftp: HOST or HOST:PORT."""
    user: str = ""
    key_file: str = ""
    """sftp: private key, readable by us alone."""
    known_hosts: str = ""
    """sftp: file with the host's key; there is no way to do without."""
    url: str = ""
    """https: what to fetch. May hold {election} and strftime fields of the cut's hour."""
    index: str = ""
    """https: URL of a JSON that names the newest files."""
    pointer: str = ""
    """https: JSON pointers into the index to names or URLs, with blanks between them."""
    ca_file: str = ""
    pin_sha256: str = ""
    """https: SHA-256 of the server's certificate (DER, hexadecimal); '' pins nothing."""
    every_seconds: float = 15.0
    """How often a source that is pulled is asked."""
    stall_seconds: float = 30.0
    """Without a byte for this long an arrival counts as stalled, and a pull is given up."""
    max_bytes: int = 2 * 1024**3
    """Of one file that is pulled."""

    @property
    def label(self) -> str:
        return self.name or self.kind


class Intake(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    max_total_bytes: int = 8 * 1024**3
    max_entries: int = 200_000
    max_ratio: int = 200
    carry_after_seconds: int = 60
    """A cut that lacks an election waits this long for it, then carries it over."""
    settle_seconds: float = 3.0
    """A dropped file that cannot prove it is whole (no readable end) must rest this long."""
    quarantine_bytes: int = 4 * 1024**3
    """Budget of refused deliveries; the oldest give up their bytes, never their reasons."""
    source: list[Source] = []


class Publication(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    unpack: bool = False
    """True for institutes that deliver the web site itself as an archive."""
    estado_prefix: str = "/_prep/"
    """URL prefix reserved for the date and time of the cut (estado.json, estado.html)."""
    frame_ancestors: list[str] = []
    """Origins of the portals that may embed the site; [] allows every one."""
    keep_bytes: int = 16 * 1024**3
    """Byte budget of stored cuts; shared bytes count once. 0: no budget.

    The call asks for 20 GB: the rest is for what a delivery needs while it is taken (its arrival,
    its staging), manifests, folders and quarantine.
    """
    keep_cuts: int = 400
    """More than a night of 288 cuts."""
    after_switch: list[str] = []
    """Command (argument list) run beside each switch, e.g. a CDN purge; never in the way."""
    ballast_bytes: int = 4 * 1024**2
    """Given up when the disk is full, so that a rollback still fits."""


class Console(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a console takes anew while it runs, as it does the contacts; the other settings are
    read at its start."""

    theme: Literal["normal", "contrast", "colour-blind"] = "normal"
    """``PREP_CONSOLE_THEME`` goes before it; ``NO_COLOR`` and the terminal before both."""
    keys: dict[str, str] = {}
    """A key for what a key does (``rollback = "f9"``), beside the usual ones."""
    replace_keys: bool = False
    """True: these keys stand in the place of the usual ones, and the screens name them so."""
    wall_pages: float = 0.0
    """Seconds that each page of a wall stays before the next one; 0: the public cut only."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    station: Station
    election: Election = msgspec.field(default_factory=Election)
    intake: Intake = msgspec.field(default_factory=Intake)
    publication: Publication = msgspec.field(default_factory=Publication)
    institute: Institute = msgspec.field(default_factory=Institute)
    site: Site = msgspec.field(default_factory=Site)
    clock: Clock = msgspec.field(default_factory=Clock)
    power: Power = msgspec.field(default_factory=Power)
    host: Host = msgspec.field(default_factory=Host)
    link: Link = msgspec.field(default_factory=Link)
    protection: Protection = msgspec.field(default_factory=Protection)
    alarms: Alarms = msgspec.field(default_factory=Alarms)
    telemetry: Telemetry = msgspec.field(default_factory=Telemetry)
    console: Console = msgspec.field(default_factory=Console)
    contacts: dict[str, str] = {}
    """Whom to call, in the order of the file: a free label, and name and numbers. Shown by the
    manual and with each alarm, which name only roles; a console takes them anew while it runs."""

    @property
    def root(self) -> Path:
        return Path(self.station.root)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.station.timezone)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where deliveries come from, in the order in which ``resync`` asks them."""
        return tuple(self.intake.source) or (Source(),)

    @property
    def drop(self) -> Source:
        """The source that the institute writes to."""
        return next((s for s in self.sources if s.kind == "drop"), Source())

    @property
    def drop_folder(self) -> Path:
        """Where the institute writes."""
        return Path(self.drop.path) if self.drop.path else self.root / "incoming" / "entrega"
