"""Settings of what is watched: site, clock, power, host, protection, the institute's line."""

from __future__ import annotations

from typing import Literal

import msgspec


class Vantage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another address where visitors meet the site: a CDN, a second server."""

    name: str
    connect: str
    """ADDRESS[:PORT] to connect to, with the name of ``site.url``."""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    url: str = ""
    """What a visitor opens; '' leaves the site probe off."""
    connect: str = ""
    """ADDRESS[:PORT] to connect to instead of the name's own (hairpin NAT)."""
    ca_file: str = ""
    slow_ms: int = 2000
    """From here on an answer is a warning."""
    certificate_days: int = 14
    """Fewer days than this until the certificate ends are a warning, under 3 critical."""
    samples: int = 8
    """Least number of files of the live cut fetched and hashed at a look; up to 40 while pages and
    data need more to be seen within 45 s."""
    sample_bytes: int = 16 * 1024**2
    """Budget of bytes fetched for the samples of one look; larger files are never sampled."""
    time_path: str = ""
    """Path of the page, or of the JSON behind it, that shows the cut's time; '' leaves it out."""
    time_pointer: str = ""
    """JSON pointer (RFC 6901) to the time in it; several, separated by blanks, are joined."""
    time_pattern: str = ""
    """Regular expression that finds it in a text: groups year month day hour minute, as shown."""
    vantage: list[Vantage] = []


class Clock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    servers: list[str] = []
    """host or host:port; three or more let the majority stand against a liar."""
    warning_ms: int = 50
    critical_ms: int = 1000
    daemon: Literal["auto", "chrony", "ntpd", "none"] = "auto"
    """Whose own tracking is read besides; auto: chrony's, else ntpd's, where present."""
    chrony: str = ""
    """Host or socket as ``chronyc -h`` takes it; '' is its default."""


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One value of a generator's controller: Modbus holding registers, read only."""

    address: int
    """From 0, as on the wire (Deep Sea's page 4 register 3 is 1027)."""
    words: Literal[1, 2] = 1
    """16-bit registers it takes, the high one first."""
    signed: bool = False
    scale: float = 1.0
    """Value is register times this."""
    mask: int = 0
    """Bits that count, shifted down to the lowest of them; 0 is all."""
    invalid: list[int] = []
    """Raw values (after the mask, before sign and scale) that mean that there is none."""
    words_of: dict[str, str] = {}
    """What single raw values mean, e.g. {"1" = "auto"}; others are shown as the number."""


class RegisterMap(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where a maker keeps its values: names known to the program, see docs/power.md."""

    name: str
    register: dict[str, Register]
    """By the name of the value: state, mode, shutdown, warning, mains, fuel_percent, …"""


class PowerDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: str
    role: Literal["ups", "generator", "transfer-switch"] = "ups"
    nut: str = ""
    """UPS@HOST[:PORT] of upsd."""
    modbus: str = ""
    """HOST[:PORT] of the generator's controller, Modbus TCP."""
    unit: int = 1
    """Modbus unit (slave) number."""
    map: str = "deepsea"
    """Register map: ``deepsea`` (GenComm), or the name of a ``[[power.map]]``."""
    running: str = ""
    """NUT variable of the dry contact that says that the generator runs, and the value that
    means so: ``ambient.1.contacts.1.status=active``."""
    failed: str = ""
    """The same for the contact of a failed start."""
    feeds: Literal["server", "communications", "both"] = "both"
    """What goes dark when this one is empty."""


class Power(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    client: Literal["aionut", "pynut3"] = "aionut"
    low_charge_percent: int = 30
    low_runtime_seconds: int = 600
    """A UPS on battery below either is critical, whatever it says of itself."""
    start_seconds: int = 60
    """A generator in automatic that does not run this long after the mains went has failed."""
    low_fuel_percent: int = 30
    device: list[PowerDevice] = []
    map: list[RegisterMap] = []


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    min_free_bytes: int = 20 * 1024**3
    min_cpus: int = 4
    min_memory_bytes: int = 16 * 1024**3
    """The institute's call asks for these three."""
    services: list[str] = []
    """What must run here: apache, ssh, ntp, nut; other names are process names. [] demands none:
    a rehearsal's station has no SSH server of its own."""
    apache_pid_file: str = "/run/apache2/apache2.pid"
    apache_status: str = ""
    """URL of Apache's server-status, as the printed vhost has it; '' leaves its workers out."""


class Institute(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    addresses: list[str] = []
    """The fixed addresses or networks it logs in from."""
    account: str = ""
    """Its account here; '' knows its sessions by address alone."""
    ssh_port: int = 22
    """Local port of the SSH server that it reaches."""


class Link(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    interface: str = ""
    """Network interface to the outside; '' is that of the default route."""
    resolve: str = ""
    """Name whose address proves that DNS works; '' is that of ``site.url``."""


class Protection(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    public_address: str = ""
    """The fixed public address that the site's name must have in DNS; '' leaves it out."""
    sshd_config: str = ""
    """Settings file of the SSH server; '' is its default."""
    apache_config: str = ""
    """Settings file of Apache; '' is its default."""
    waf_probe: bool = True
    """Ask the site for a harmless attack now and then, which must be answered 403."""


class Alarms(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    hook: list[str] = []
    """Command (argument list) run for every alarm that is raised or cleared; gets JSON on stdin."""
    webhook: str = ""
    """URL that the same JSON is posted to."""


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    keep_hours: int = 72
    """Single samples are kept this long, five-minute means as long as the size allows."""
    max_bytes: int = 256 * 1024**2
    prometheus: str = ""
    """ADDRESS:PORT on loopback where readings and alarms are offered to Prometheus; '' is off."""
    textfile: str = ""
    """File for node_exporter's textfile collector (``….prom``); '' is off."""
