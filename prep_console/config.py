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
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from prep_console.cuts.elections import canonical
from prep_console.problems import Failed, WrongUsage
from prep_console.snapshot import Phase
from prep_console.wording import N_, Language, sentence

DEFAULT_PATH = Path("/etc/prep-console/config.toml")


class Station(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    root: str
    """Folder of the station; the only setting without a default."""
    name: str = "Difusor"
    """Shown in the header."""
    timezone: str = "America/Mexico_City"
    language: Language = "es"
    phase: Phase = "jornada"


class Election(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: str = ""
    state: str = ""
    """Abbreviation as in the files' names (QRO); '' accepts any."""
    elections: list[str] = []
    """Codes that every cut must hold; [] accepts any and waits for none."""
    opens: datetime | None = None
    closes: datetime | None = None
    retain_until: date | None = None
    """Date until which the final cut must stay up."""
    cadence_minutes: int = 5
    """12 times an hour in the institute's call; late at 1.5, critical at 2 times this."""


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kind: Literal["drop"] = "drop"
    path: str = ""
    """Default: incoming/entrega under the root."""
    layout: Literal["archives"] = "archives"


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
    keep_bytes: int = 20 * 1024**3
    """Byte budget of stored cuts; shared bytes count once. 0: no budget."""
    keep_cuts: int = 400
    """More than a night of 288 cuts."""
    after_switch: list[str] = []
    """Command (argument list) run beside each switch, e.g. a CDN purge; never in the way."""
    ballast_bytes: int = 4 * 1024**2
    """Given up when the disk is full, so that a rollback still fits."""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    url: str = ""
    """What a visitor opens; '' leaves the site probe off."""
    connect: str = ""
    """ADDRESS[:PORT] to connect to instead of the name's own (hairpin NAT)."""
    ca_file: str = ""


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    servers: list[str] = []
    warning_ms: int = 50
    critical_ms: int = 1000


class PowerDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    role: Literal["ups", "generator", "transfer-switch"] = "ups"
    nut: str = ""


class Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    client: Literal["aionut", "pynut3"] = "aionut"
    device: list[PowerDevice] = []


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    min_free_bytes: int = 20 * 1024**3
    min_cpus: int = 4
    min_memory_bytes: int = 16 * 1024**3
    """The institute's call asks for these three."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
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


def load(path: Path | None = None) -> Settings:
    """The settings in force: ``path``, else $PREP_CONSOLE_CONFIG, else /etc.

    WrongUsage names the key that is wrong and the nearest right one.
    """
    chosen = path or Path(os.environ.get("PREP_CONSOLE_CONFIG") or DEFAULT_PATH)
    return parse(_read(chosen), str(chosen))


def parse(text: str, where: str) -> Settings:
    """Settings from TOML text; ``where`` names it in messages."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(where, str(error)) from error
    except RecursionError as error:
        raise _wrong(where, "nested without end") from error
    if "\0" in repr(document) or "\\x00" in repr(document):
        raise _wrong(where, "a value holds a NUL character")
    try:
        settings = msgspec.convert(document, Settings)
    except msgspec.ValidationError as error:
        raise _wrong(where, _explained(str(error))) from error
    _check(settings, where)
    return _canonical(settings, where)


def _canonical(settings: Settings, where: str) -> Settings:
    """The elections by the codes that the rest of the program uses: GOB is GUB everywhere."""
    election = settings.election
    codes = [canonical(code) for code in election.elections]
    for written, code in zip(election.elections, codes, strict=True):
        if not code:
            raise _wrong(where, f"election.elections: {written!r} is no election that is known")
    if len(set(codes)) < len(codes):
        raise _wrong(where, "election.elections names one election twice")
    if codes == election.elections:
        return settings
    changed = msgspec.structs.replace(election, elections=codes)
    return msgspec.structs.replace(settings, election=changed)


def _read(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _wrong(str(path), "it is no plain file")
        if stat.S_IMODE(status.st_mode) & 0o022:
            raise WrongUsage(
                sentence(N_("the settings file {path} can be written by others"), path=str(path)),
                sentence(N_("it can name commands to run: chmod go-w {path}"), path=str(path)),
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise WrongUsage(
            sentence(N_("there is no settings file {path}"), path=str(path)),
            sentence(N_("write one: prep-console config --example, then --config FILE")),
        ) from error
    except UnicodeDecodeError as error:
        raise _wrong(str(path), str(error)) from error
    except OSError as error:
        raise Failed(
            sentence(
                N_("the settings file {path} cannot be read: {error}"),
                path=str(path),
                error=error.strerror or str(error),
            ),
            sentence(N_("check its owner and permissions")),
        ) from error


def _wrong(where: str, error: str) -> WrongUsage:
    return WrongUsage(
        sentence(N_("wrong settings in {path}: {error}"), path=where, error=error),
        sentence(N_("correct the file; prep-console config --example shows every setting")),
    )


def _explained(message: str) -> str:
    """msgspec's message, with the nearest right name for an unknown key."""
    match = re.fullmatch(
        r"Object contains unknown field `(?P<key>.*?)`(?: - at `\$\.?(?P<at>.*)`)?", message
    )
    if match is None:
        return message.replace("$.", "")
    table = re.sub(r"\[.*?\]", "", match["at"] or "")
    model: Any = Settings
    for name in filter(None, table.split(".")):
        model = _TABLES.get((model, name), model)
    names = [field.name for field in msgspec.structs.fields(model)]
    near = difflib.get_close_matches(match["key"], names, n=1, cutoff=0.4)
    key = f"{table}.{match['key']}" if table else match["key"]
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(names)}"
    return f"unknown key {key}{hint}"


_TABLES: dict[tuple[Any, str], Any] = {
    (Settings, "station"): Station,
    (Settings, "election"): Election,
    (Settings, "intake"): Intake,
    (Intake, "source"): Source,
    (Settings, "publication"): Publication,
    (Settings, "site"): Site,
    (Settings, "clock"): Clock,
    (Settings, "power"): Power,
    (Power, "device"): PowerDevice,
    (Settings, "host"): Host,
}


def _check(settings: Settings, where: str) -> None:
    """What types cannot say."""
    station, election = settings.station, settings.election
    if not station.root.startswith("/"):
        raise _wrong(where, f"station.root is not an absolute path: {station.root!r}")
    if election.cadence_minutes < 1:
        raise _wrong(where, "election.cadence_minutes is less than 1")
    for name, moment in (("opens", election.opens), ("closes", election.closes)):
        if moment is not None and moment.tzinfo is None:
            raise _wrong(where, f"election.{name} has no offset, like 2024-06-02T20:00:00-06:00")
    if election.opens and election.closes and election.closes <= election.opens:
        raise _wrong(where, "election.closes is not after election.opens")
    try:
        ZoneInfo(station.timezone)
    except (ValueError, OSError, KeyError) as error:
        raise _wrong(where, f"station.timezone is unknown: {station.timezone!r}") from error
    reference = datetime.fromisoformat("2024-06-02T20:00:00").replace(
        tzinfo=ZoneInfo("America/Mexico_City")
    )
    if reference.utcoffset() != timedelta(hours=-6):
        raise Failed(
            sentence(
                N_("this system's time zone data is stale: Mexico has UTC-6 all year since 2022")
            ),
            sentence(N_("update the tzdata package")),
        )
    for moment in (election.opens, election.closes):
        if moment is not None and not 2000 <= moment.year <= 2100:
            raise _wrong(where, f"election: {moment.isoformat()} is no year of an election")
    _check_bounds(settings, where)
    for name in ("max_total_bytes", "max_entries", "max_ratio", "carry_after_seconds"):
        if getattr(settings.intake, name) < 0:
            raise _wrong(where, f"intake.{name} is negative")
    prefix = settings.publication.estado_prefix
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/)+", prefix) or re.search(r"/\.\.?/", prefix):
        raise _wrong(where, f"publication.estado_prefix is no URL folder like /_prep/: {prefix!r}")


def _check_bounds(settings: Settings, where: str) -> None:
    """Numbers and folders that would only fail later, at a worse moment."""
    for name, value, most in (
        ("election.cadence_minutes", settings.election.cadence_minutes, 24 * 60),
        ("intake.carry_after_seconds", settings.intake.carry_after_seconds, 24 * 3600),
        ("intake.settle_seconds", settings.intake.settle_seconds, 24 * 3600),
        ("publication.ballast_bytes", settings.publication.ballast_bytes, 1024**3),
    ):
        if not 0 <= value <= most:
            raise _wrong(where, f"{name} is not between 0 and {most}: {value}")
    drop, root = settings.drop_folder, settings.root
    if not drop.is_absolute() or ".." in drop.parts or ".." in root.parts:
        raise _wrong(where, f"intake.source.path is no plain absolute path: {str(drop)!r}")
    if root.is_relative_to(drop) or (
        drop.is_relative_to(root) and not drop.is_relative_to(root / "incoming")
    ):
        raise _wrong(where, "intake.source.path lies in the way of the station's own folders")


EXAMPLE = """\
# Settings of prep-console. Only station.root has no default.
[station]
name = "Difusor"                    # shown in the header
root = "/srv/prep"
timezone = "America/Mexico_City"
language = "es"                     # es | en
phase = "simulacro"                 # simulacro | jornada

[election]
title = "Proceso Electoral Local 2023-2024"
state = "QRO"                       # "" accepts any
elections = ["DIP_LOC", "AYUN"]     # [] accepts any, waits for none
opens = 2024-06-02T20:00:00-06:00   # nothing goes live by itself before it, in phase jornada
closes = 2024-06-03T20:00:00-06:00  # planned; the end is a person's freeze
cadence_minutes = 5                 # late at 1.5, critical at 2 times this

[intake]
max_total_bytes = 8589934592        # of one unpacked delivery
max_entries = 200000
max_ratio = 200                     # unpacked : packed
carry_after_seconds = 60            # wait for a missing election, then carry it over
quarantine_bytes = 4294967296       # budget of refused deliveries; reasons always stay
settle_seconds = 3.0                # rest of a dropped file that cannot prove that it is whole

[[intake.source]]
kind = "drop"
path = "/srv/prep/incoming/entrega"
layout = "archives"

[publication]
unpack = false                      # true: the delivered archive is the web site itself
estado_prefix = "/_prep/"           # estado.json and estado.html, for portals to embed
frame_ancestors = []                # origins of the portals; [] allows every one
keep_bytes = 21474836480            # budget of stored cuts, shared bytes once; 0: none
keep_cuts = 400
after_switch = []                   # e.g. ["/usr/local/bin/purge-cdn"]: the cut's id is added
ballast_bytes = 4194304             # given up on a full disk, so that a rollback still fits

[site]
url = "https://prep.example.mx/"    # what a visitor opens
connect = ""                        # address to connect to instead (hairpin NAT)
ca_file = ""                        # "" = the system's

[clock]
servers = ["cronos.cenam.mx"]       # host or host:port
warning_ms = 50
critical_ms = 1000

[power]
client = "aionut"

[[power.device]]
name = "servidor"
role = "ups"                        # ups | generator | transfer-switch
nut = "servidor@127.0.0.1:3493"

[host]
min_free_bytes = 21474836480        # the call's minima
min_cpus = 4
min_memory_bytes = 17179869184
"""
