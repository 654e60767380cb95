"""The settings file: one typed model, unknown keys are errors that name the nearest right one."""

from prep_console.config.instruments import (
    Alarms,
    Clock,
    Host,
    Institute,
    Link,
    Power,
    PowerDevice,
    Protection,
    Register,
    RegisterMap,
    Site,
    Telemetry,
    Vantage,
)
from prep_console.config.model import Election, Intake, Publication, Settings, Source, Station
from prep_console.config.reading import DEFAULT_PATH, chosen, example, load, parse, version_of

__all__ = [
    "DEFAULT_PATH",
    "Alarms",
    "Clock",
    "Election",
    "Host",
    "Institute",
    "Intake",
    "Link",
    "Power",
    "PowerDevice",
    "Protection",
    "Publication",
    "Register",
    "RegisterMap",
    "Settings",
    "Site",
    "Source",
    "Station",
    "Telemetry",
    "Vantage",
    "chosen",
    "example",
    "load",
    "parse",
    "version_of",
]
