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
    left_out = {"map", "running", "failed"}
    for table in msgspec.structs.fields(settings):
        named = set(document.get(table.name, {}))
        if table.name == "contacts":  # its labels are anybody's
            assert named
            continue
        known = {field.name for field in msgspec.structs.fields(getattr(settings, table.name))}
        assert known - named <= left_out, table.name


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('[election]\nstate = "Querétaro"', "election.state"),
        ('[election]\nstate = "QUER"', "election.state"),
        ('[site]\nurl = "ftp://prep.example.mx/"', "site.url"),
        ('[site]\nurl = "prep.example.mx"', "site.url"),
        ('[site]\nurl = "https:///index.html"', "site.url"),
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
    assert named in wrong.value.what.in_("en")


@pytest.mark.parametrize("state", ["", "QRO", "qro", "CAM", "EDOMEX"])
def test_a_state_is_named_by_any_of_its_abbreviations(state: str) -> None:
    assert config.parse(f'{ROOT}[election]\nstate = "{state}"\n', "here").election.state == state


SFTP = (
    '[[intake.source]]\nkind = "sftp"\nhost = "h"\nuser = "u"\nkey_file = "/k"\n'
    'known_hosts = "/h"\npath = "/cortes"\n'
)


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ('[[intake.source]]\nkind = "ftp"', "ftp"),
        (SFTP.replace('known_hosts = "/h"\n', ""), "known_hosts is missing"),
        (SFTP + 'url = "https://x/"', "url belongs to kind https"),
        (SFTP + "stall_seconds = 0", "stall_seconds"),
        (SFTP + 'name = "../x"', "no plain word"),
        (SFTP + SFTP, "two sources have this name"),
        ("[[intake.source]]\n[[intake.source]]\nname = 'b'", "only one source"),
        ('[[intake.source]]\nkind = "https"', "either url or index"),
        ('[[intake.source]]\nkind = "https"\nurl = "http://x/"', "does not begin with https://"),
        ('[[intake.source]]\nkind = "https"\nindex = "file:///x"', "does not begin with https://"),
        (
            '[[intake.source]]\nkind = "https"\nurl = "https://x/"\npin_sha256 = "ab"',
            "no SHA-256",
        ),
        (
            '[[intake.source]]\nkind = "https"\nurl = "https://x/"\nlayout = "tree"',
            "a tree comes by drop or sftp",
        ),
        ('[[intake.source]]\nkind = "https"\nurll = "https://x/"', "did you mean url?"),
    ],
)
def test_a_source_that_cannot_be_is_named(lines: str, named: str) -> None:
    with pytest.raises(WrongUsage) as wrong:
        config.parse(ROOT + lines, "here")
    assert named in wrong.value.what.in_("en")


def test_sources_come_in_their_order_and_there_is_always_one() -> None:
    assert [s.kind for s in config.parse(ROOT, "here").sources] == ["drop"]
    both = config.parse(ROOT + SFTP + '[[intake.source]]\nkind = "drop"\nname = "ieeq"', "here")
    assert [s.label for s in both.sources] == ["sftp", "ieeq"]
    assert both.drop.label == "ieeq"
    assert both.drop_folder == both.root / "incoming" / "entrega"


@pytest.mark.parametrize(
    "line",
    [
        '"" = "442"',
        'a = ""',
        'a = "  "',
        f'{"a" * 25} = "442"',
        f'a = "{"4" * 121}"',
        'a = "442\\u001b[2J"',
        'a = "442\\n443"',
        '"a\\u202e" = "442"',
        "\n".join(f'a{n} = "442"' for n in range(13)),
    ],
)
def test_contacts_are_few_lines_of_plain_text(line: str) -> None:
    with pytest.raises(WrongUsage) as wrong:
        config.parse(f"{ROOT}[contacts]\n{line}\n", "here")
    assert "contacts" in wrong.value.what.in_("en")
    assert str(wrong.value.what).isprintable()


def test_contacts_keep_the_order_of_the_file() -> None:
    found = config.parse(f'{ROOT}[contacts]\n"planta de luz" = "1"\ninstituto = "Mesa, 2"\n', "x")
    assert list(found.contacts.items()) == [("planta de luz", "1"), ("instituto", "Mesa, 2")]
