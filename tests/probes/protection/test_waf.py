"""The firewall: a real Apache with a real mod_security that blocks, takes notes or is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from prep_console import config
from prep_console.probes.protection import rate, waf
from prep_console.probes.protection.web_server import NOTHING_SAID, parsed, web_server
from prep_console.snapshot import Reading
from tests import hostile
from tests.apache.server import Apache

MODULES = "/usr/lib/apache2/modules"
RULES = 'SecRule ARGS "@contains <script" "id:1,phase:1,deny,status:403"'


def station(root: Path) -> config.Settings:
    for folder in ("cuts", "public", "run"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return config.Settings(station=config.Station(root=str(root)))


def with_security(engine: str, *, rules: str = RULES, evasive: bool = False) -> str:
    lines = [
        f"LoadModule unique_id_module {MODULES}/mod_unique_id.so",
        f"LoadModule security2_module {MODULES}/mod_security2.so",
        engine,
        rules,
    ]
    if evasive:
        lines.append(f"LoadModule evasive20_module {MODULES}/mod_evasive20.so")
    return "\n".join(lines) + "\n"


@contextmanager
def served(folder: Path, before: str) -> Iterator[Apache]:
    folder.chmod(0o755)

    def edit(text: str) -> str:
        assert "ServerName" in text
        return text.replace("ServerName", before + "ServerName", 1)

    with Apache(station(folder / "station"), folder / "apache", edit=edit) as apache:
        yield apache


def settings(
    folder: Path, apache: Apache | None = None, *, url: str = "", probe: bool = True
) -> config.Settings:
    return config.Settings(
        station=config.Station(root=str(folder / "station")),
        site=config.Site(url=url or (f"{apache.url}/" if apache else "")),
        protection=config.Protection(
            apache_config=str(apache.conf) if apache else "", waf_probe=probe
        ),
    )


async def look(wanted: config.Settings) -> Reading:
    (probe,) = waf.probes(wanted)
    told = (await probe.read())["protection.waf"]
    await probe.close()
    return told


async def test_one_that_blocks_is_seen_working(tmp_path: Path) -> None:
    with served(tmp_path, with_security("SecRuleEngine On")) as apache:
        told = await look(settings(tmp_path, apache))
    assert (told.value, told.state) == ("seen", "ok")
    assert (told.detail["settings"], told.detail["attack_status"]) == ("on", 403)
    assert told.detail["how"] == "request"


async def test_while_nothing_is_public_its_settings_are_all_there_is(tmp_path: Path) -> None:
    later = RULES.replace("phase:1", "phase:2")  # Apache has answered 503 before that phase
    with served(tmp_path, with_security("SecRuleEngine On", rules=later)) as apache:
        told = await look(settings(tmp_path, apache))
    assert (told.value, told.detail["attack_status"]) == ("configured", 503)


@pytest.mark.parametrize(
    ("engine", "rules", "settled"),
    [
        ("SecRuleEngine DetectionOnly", RULES, "detection"),
        ("SecRuleEngine Off", RULES, "off"),
        ("SecRuleEngine On", "", "no rules"),
    ],
)
async def test_one_that_does_not_block_is_missing(
    tmp_path: Path, engine: str, rules: str, settled: str
) -> None:
    with served(tmp_path, with_security(engine, rules=rules)) as apache:
        told = await look(settings(tmp_path, apache))
    assert (told.value, told.state) == ("missing", "warning")
    assert told.detail["settings"] == settled


async def test_without_mod_security_it_is_missing(tmp_path: Path) -> None:
    with served(tmp_path, "") as apache:
        told = await look(settings(tmp_path, apache))
    assert (told.value, told.detail["settings"]) == ("missing", "absent")


async def test_settings_alone_are_configured_and_nothing_is_asked(tmp_path: Path) -> None:
    with served(tmp_path, with_security("SecRuleEngine On")) as apache:
        told = await look(settings(tmp_path, apache, probe=False))
        log = apache.into / "access.log"
        assert "script" not in (log.read_text() if log.exists() else "")
    assert (told.value, told.detail["how"]) == ("configured", "settings")
    assert "attack_status" not in told.detail


async def test_it_asks_seldom_however_often_it_is_looked(tmp_path: Path) -> None:
    times = iter([0.0, 1.0, 300.0, 600.0])
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with hostile.tcp("answers", page) as peer:
        wanted = settings(tmp_path, url=f"http://{peer.host}:{peer.port}/")
        (probe,) = waf.probes(wanted, monotonic=lambda: next(times))
        asked = []
        for _ in range(4):
            await probe.read()
            asked.append(peer.asked)
        assert asked == [2, 2, 2, 4]


def answering(plain: int, attacked: int) -> Callable[[bytes], bytes]:
    def answer(request: bytes) -> bytes:
        status = attacked if b"script" in request.split(b"\r\n")[0] else plain
        return f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()

    return answer


@pytest.mark.parametrize(
    ("plain", "attacked", "label"),
    [
        (200, 403, "seen"),
        (503, 403, "seen"),  # nothing is public yet, and the attack is stopped all the same
        (200, 406, "seen"),
        (200, 200, "missing"),
        (403, 403, None),  # everybody is kept out: that proves nothing
        (401, 403, None),
        (301, 301, None),
        (503, 503, None),
        (200, 429, None),
        (200, 500, None),
    ],
)
async def test_what_the_answers_prove(
    tmp_path: Path, plain: int, attacked: int, label: str | None
) -> None:
    with hostile.tcp("answers", answering(plain, attacked)) as peer:
        wanted = config.Settings(
            station=config.Station(root=str(tmp_path)),
            site=config.Site(url=f"http://{peer.host}:{peer.port}/"),
            protection=config.Protection(apache_config=str(tmp_path / "none.conf")),
        )
        told = await look(wanted)
    assert told.value == label
    assert (told.state == "unknown") == (label is None)


@pytest.mark.parametrize("fault", hostile.TCP_FAULTS)
async def test_a_site_that_misbehaves_proves_nothing(
    tmp_path: Path, fault: hostile.Behaviour
) -> None:
    with hostile.tcp(fault, answering(200, 403)) as peer:
        wanted = config.Settings(
            station=config.Station(root=str(tmp_path)),
            site=config.Site(url=f"http://{peer.host}:{peer.port}/"),
            protection=config.Protection(apache_config=str(tmp_path / "none.conf")),
        )
        told = await look(wanted)
    assert told.value is None
    assert told.error
    assert "the site gave no answer" in told.error or "none.conf" in told.error


async def test_settings_that_cannot_be_read_are_told_in_apaches_words(tmp_path: Path) -> None:
    (tmp_path / "bad.conf").write_text(
        f"LoadModule mpm_event_module {MODULES}/mod_mpm_event.so\nSecRuleEngin On\n"
    )
    wanted = config.Settings(
        station=config.Station(root=str(tmp_path)),
        protection=config.Protection(apache_config=str(tmp_path / "bad.conf")),
    )
    told = await look(wanted)
    assert told.state == "unknown"
    assert told.error is not None
    assert "Invalid command 'SecRuleEngin'" in told.error


_DUMP = """# In file: /etc/apache2/apache2.conf
#   1:
SecRuleEngine {whole}
SecRule ARGS x
# In file: /etc/apache2/sites/prep.conf
<VirtualHost *:443>
  #  2:
  ServerName prep.example.mx
  SecRuleEngine {own}
  <Location "/x">
    SecRuleEngine Off
  </Location>
</VirtualHost>
<VirtualHost *:443>
  ServerName other.example.mx
  ServerAlias otro.example.mx
</VirtualHost>
Loaded Modules:
 core_module (static)
 security2_module (shared)
"""


@pytest.mark.parametrize(
    ("whole", "own", "host", "settled"),
    [
        ("On", "On", "prep.example.mx", "on"),
        ("DetectionOnly", "On", "prep.example.mx", "on"),
        ("DetectionOnly", "On", "otro.example.mx", "detection"),
        ("On", "Off", "prep.example.mx", "off"),
        ("On", "Off", "other.example.mx", "on"),
        ("On", "Off", "", "off"),
        ("On", "On", "nobody.example.mx", "on"),
        ("On", "DetectionOnly", "nobody.example.mx", "detection"),
    ],
)
def test_the_virtual_host_of_the_site_decides(
    whole: str, own: str, host: str, settled: str
) -> None:
    assert waf.engine_of(parsed(_DUMP.format(whole=whole, own=own)), host) == settled


def test_rules_that_nobody_switched_on_are_off() -> None:
    text = "# In file: x\nSecRule ARGS x\nLoaded Modules:\n security2_module (shared)\n"
    assert waf.engine_of(parsed(text), "") == "off"


async def test_the_settings_are_said_though_mod_info_is_not_loaded(tmp_path: Path) -> None:
    """``-D DUMP_CONFIG`` is mod_info's: silence must not be taken for "no protection"."""
    apache = Apache(station(tmp_path / "station"), tmp_path / "apache")
    assert "info_module" not in apache.conf.read_text()
    server = await web_server(str(apache.conf))
    assert {"core", "rewrite", "info"} <= server.modules
    assert NOTHING_SAID


@pytest.mark.parametrize(("evasive", "label"), [(True, "configured"), (False, "missing")])
async def test_what_counts_requests(tmp_path: Path, evasive: bool, label: str) -> None:
    extra = with_security("SecRuleEngine On", evasive=evasive)

    def edit(text: str) -> str:
        return text.replace("ServerName", extra + "ServerName", 1)

    apache = Apache(station(tmp_path / "station"), tmp_path / "apache", edit=edit)
    (probe,) = rate.probes(settings(tmp_path, apache))
    told = (await probe.read())["protection.rate"]
    assert told.value == label
    assert told.detail["beside"] == "mod_reqtimeout"
