"""What the types of the settings cannot say: bounds, folders, zones."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from prep_console.config.model import Settings
from prep_console.cuts import states
from prep_console.problems import Failed, WrongUsage
from prep_console.wording import N_, Sentence, because, sentence

MOST_CONTACTS, LONGEST_LABEL, LONGEST_CONTACT = 12, 24, 120
"""More would not be found at 03:00; a longer label leaves no room for its number on 40 columns."""
LEAST_PAGE_S = 3.0
"""A page of a wall that goes sooner cannot be read."""


def wrong(where: str, error: Sentence | str) -> WrongUsage:
    """The settings ``where`` are wrong: what to raise. A ``str`` is a library's own message."""
    told = N_("wrong settings in {path}: {error}")
    return WrongUsage(
        sentence(told, path=where, error=error)
        if isinstance(error, str)
        else because(told, error, path=where),
        sentence(N_("correct the file; prep-console config --example shows every setting")),
    )


def check(settings: Settings, where: str) -> None:
    """What types cannot say."""
    station, election = settings.station, settings.election
    if not station.root.startswith("/"):
        raise wrong(
            where,
            sentence(N_("station.root is not an absolute path: {value}"), value=repr(station.root)),
        )
    if election.cadence_minutes < 1:
        raise wrong(where, sentence(N_("election.cadence_minutes is less than 1")))
    if not 1 <= station.rehearsal_speed <= 120:
        raise wrong(where, sentence(N_("station.rehearsal_speed is not between 1 and 120")))
    if station.rehearsal_speed != 1 and station.phase != "simulacro":
        raise wrong(where, sentence(N_("station.rehearsal_speed is for the phase simulacro only")))
    if election.state and not states.known(election.state):
        raise wrong(  # every delivery would be refused
            where,
            sentence(
                N_("election.state is no state's abbreviation, like QRO: {value}"),
                value=repr(election.state),
            ),
        )
    if settings.site.url and not re.match(r"https?://[^/?#]", settings.site.url, re.IGNORECASE):
        raise wrong(
            where,
            sentence(N_("site.url is no web address: {value}"), value=repr(settings.site.url)),
        )
    for name, moment in (("opens", election.opens), ("closes", election.closes)):
        if moment is not None and moment.tzinfo is None:
            raise wrong(
                where,
                sentence(
                    N_("election.{name} has no offset, like 2024-06-02T20:00:00-06:00"), name=name
                ),
            )
    if election.opens and election.closes and election.closes <= election.opens:
        raise wrong(where, sentence(N_("election.closes is not after election.opens")))
    try:
        ZoneInfo(station.timezone)
    except (ValueError, OSError, KeyError) as error:
        raise wrong(
            where,
            sentence(N_("station.timezone is unknown: {value}"), value=repr(station.timezone)),
        ) from error
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
            raise wrong(
                where,
                sentence(
                    N_("election: {moment} is no year of an election"), moment=moment.isoformat()
                ),
            )
    _check_bounds(settings, where)
    for name in ("max_total_bytes", "max_entries", "max_ratio", "carry_after_seconds"):
        if getattr(settings.intake, name) < 0:
            raise wrong(where, sentence(N_("intake.{name} is negative"), name=name))
    prefix = settings.publication.estado_prefix
    if not re.fullmatch(r"/(?:[A-Za-z0-9._~-]+/)+", prefix) or re.search(r"/\.\.?/", prefix):
        raise wrong(
            where,
            sentence(
                N_("publication.estado_prefix is no URL folder like /_prep/: {value}"),
                value=repr(prefix),
            ),
        )


def _check_bounds(settings: Settings, where: str) -> None:
    """Numbers and folders that would only fail later, at a worse moment."""
    for name, value, most in (
        ("election.cadence_minutes", settings.election.cadence_minutes, 24 * 60),
        ("intake.carry_after_seconds", settings.intake.carry_after_seconds, 24 * 3600),
        ("intake.settle_seconds", settings.intake.settle_seconds, 24 * 3600),
        ("publication.ballast_bytes", settings.publication.ballast_bytes, 1024**3),
    ):
        if not 0 <= value <= most:
            raise wrong(
                where,
                sentence(
                    N_("{name} is not between {least} and {most}: {value}"),
                    name=name,
                    least=0,
                    most=most,
                    value=value,
                ),
            )
    pages = settings.console.wall_pages
    if pages and not LEAST_PAGE_S <= pages <= 3600:
        raise wrong(
            where,
            sentence(
                N_("console.wall_pages is neither 0 nor from {least} to 3600"),
                least=f"{LEAST_PAGE_S:g}",
            ),
        )
    _check_thresholds(settings, where)
    _check_contacts(settings, where)
    _check_sources(settings, where)
    drop, root = settings.drop_folder, settings.root
    if not drop.is_absolute() or ".." in drop.parts or ".." in root.parts:
        raise wrong(
            where,
            sentence(
                N_("intake.source.path is no plain absolute path: {value}"), value=repr(str(drop))
            ),
        )
    if root.is_relative_to(drop) or (
        drop.is_relative_to(root) and not drop.is_relative_to(root / "incoming")
    ):
        raise wrong(
            where, sentence(N_("intake.source.path lies in the way of the station's own folders"))
        )


def _check_thresholds(settings: Settings, where: str) -> None:
    """Thresholds that no instrument could ever pass, or that every one always would."""
    site, clock, power, host = settings.site, settings.clock, settings.power, settings.host
    telemetry, day_s = settings.telemetry, 24 * 3600
    for name, value, least, most in (
        ("site.slow_ms", site.slow_ms, 1, 60_000),
        ("site.certificate_days", site.certificate_days, 0, 3650),
        ("site.samples", site.samples, 1, 1000),
        ("site.sample_bytes", site.sample_bytes, 1, 1024**3),
        ("clock.warning_ms", clock.warning_ms, 1, day_s * 1000),
        ("clock.critical_ms", clock.critical_ms, clock.warning_ms, day_s * 1000),
        ("power.low_charge_percent", power.low_charge_percent, 0, 100),
        ("power.low_runtime_seconds", power.low_runtime_seconds, 0, day_s),
        ("power.start_seconds", power.start_seconds, 1, 3600),
        ("power.low_fuel_percent", power.low_fuel_percent, 0, 100),
        ("host.min_free_bytes", host.min_free_bytes, 0, 2**60),
        ("host.min_cpus", host.min_cpus, 0, 4096),
        ("host.min_memory_bytes", host.min_memory_bytes, 0, 2**60),
        ("institute.ssh_port", settings.institute.ssh_port, 1, 65535),
        ("telemetry.keep_hours", telemetry.keep_hours, 1, 24 * 366),
        ("telemetry.max_bytes", telemetry.max_bytes, 1024**2, 2**40),
    ):
        if not least <= value <= most:
            raise wrong(
                where,
                sentence(
                    N_("{name} is not between {least} and {most}: {value}"),
                    name=name,
                    least=least,
                    most=most,
                    value=value,
                ),
            )


def _check_contacts(settings: Settings, where: str) -> None:
    """They stand on screens: one line of plain text each, and few enough to be found."""
    if len(settings.contacts) > MOST_CONTACTS:
        told = sentence(N_("contacts has more than {most} entries"), most=MOST_CONTACTS)
        raise wrong(where, told)
    for label, text in settings.contacts.items():
        for part, longest in ((label, LONGEST_LABEL), (text, LONGEST_CONTACT)):
            if not part.strip() or len(part) > longest or not part.isprintable():
                raise wrong(
                    where,
                    sentence(
                        N_("contacts: {value} is empty, longer than {most} or no plain text"),
                        value=repr(part[: longest + 1]),
                        most=longest,
                    ),
                )


_LABEL = re.compile(r"[A-Za-z0-9_-]{1,32}")


def _check_sources(settings: Settings, where: str) -> None:
    """What each kind of source needs, and what it does not know."""
    labels = [source.label for source in settings.sources]
    for source in settings.sources:
        at = f"intake.source {source.label}"
        if not _LABEL.fullmatch(source.label):
            raise wrong(
                where, sentence(N_("{at}: name is no plain word of at most 32 letters"), at=at)
            )
        if labels.count(source.label) > 1:
            raise wrong(
                where, sentence(N_("{at}: two sources have this name; give each its own"), at=at)
            )
        for key, kinds in _OF_KIND.items():
            if getattr(source, key) and source.kind not in kinds:
                raise wrong(
                    where,
                    sentence(
                        N_("{at}: {key} belongs to kind {kinds}"),
                        at=at,
                        key=key,
                        kinds=" / ".join(kinds),
                    ),
                )
        for key in _NEEDED[source.kind]:
            if not getattr(source, key):
                raise wrong(where, sentence(N_("{at}: {key} is missing"), at=at, key=key))
        if source.kind == "https" and bool(source.url) == bool(source.index):
            raise wrong(where, sentence(N_("{at}: it needs either url or index"), at=at))
        if source.kind == "https" and source.layout == "tree":
            raise wrong(
                where,
                sentence(N_("{at}: a tree comes by drop or sftp; https fetches archives"), at=at),
            )
        for key in ("url", "index"):
            if getattr(source, key) and not getattr(source, key).startswith("https://"):
                raise wrong(
                    where, sentence(N_("{at}: {key} does not begin with https://"), at=at, key=key)
                )
        if source.pin_sha256 and not re.fullmatch(r"[0-9A-Fa-f]{64}", source.pin_sha256):
            raise wrong(where, sentence(N_("{at}: pin_sha256 is no SHA-256 in hexadecimal"), at=at))
        for key, least, most in _BOUNDS_OF_SOURCE:
            if not least <= getattr(source, key) <= most:
                raise wrong(
                    where,
                    sentence(
                        N_("{at}: {key} is not between {least} and {most}"),
                        at=at,
                        key=key,
                        least=least,
                        most=most,
                    ),
                )
    if [source.kind for source in settings.sources].count("drop") > 1:
        raise wrong(where, sentence(N_("intake.source: only one source can be of kind drop")))


_OF_KIND = {
    "host": ("sftp",),
    "user": ("sftp",),
    "key_file": ("sftp",),
    "known_hosts": ("sftp",),
    "path": ("drop", "sftp"),
    "url": ("https",),
    "index": ("https",),
    "pointer": ("https",),
    "ca_file": ("https",),
    "pin_sha256": ("https",),
}
_NEEDED = {"drop": (), "sftp": ("host", "user", "key_file", "known_hosts", "path"), "https": ()}
_BOUNDS_OF_SOURCE = (
    ("every_seconds", 1, 24 * 3600),
    ("stall_seconds", 1, 3600),
    ("max_bytes", 1, 2**40),
)
