"""The settings file: what is wrong in it is named, and the example holds everything."""

from __future__ import annotations

import tomllib

import msgspec
import pytest

from prep_console import config
from prep_console.problems import WrongUsage

ROOT = '[station]\nroot = "/srv/x"\n'


def test_the_example_names_every_setting_but_those_for_odd_plants() -> None:
    document = tomllib.loads(config.example())
    settings = config.parse(config.example(), "example")
    left_out = {"retain_until", "map", "running", "failed"}
    for table in msgspec.structs.fields(settings):
        named = set(document.get(table.name, {}))
        known = {field.name for field in msgspec.structs.fields(getattr(settings, table.name))}
        assert known - named <= left_out, table.name


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("[power]\nlow_charge_percent = -5", "power.low_charge_percent"),
        ("[power]\nstart_seconds = 0", "power.start_seconds"),
        ("[power]\nlow_fuel_percent = 900", "power.low_fuel_percent"),
        ("[clock]\nwarning_ms = -1", "clock.warning_ms"),
        ("[clock]\nwarning_ms = 2000", "clock.critical_ms"),
        ("[site]\nsamples = 0", "site.samples"),
        ("[telemetry]\nmax_bytes = 1", "telemetry.max_bytes"),
        ("[institute]\nssh_port = 70000", "institute.ssh_port"),
        ('[[power.device]]\nname = "a"\nnutt = "x"', "did you mean nut?"),
        ('[[site.vantage]]\nname = "a"\nconect = "x"', "did you mean connect?"),
        ('[[power.map]]\nname = "a"\n[power.map.register.rpm]\nadress = 1', "adress"),
    ],
)
def test_what_cannot_be_is_named(lines: str, named: str) -> None:
    with pytest.raises(WrongUsage) as wrong:
        config.parse(ROOT + lines, "here")
    assert named in str(wrong.value.what)
