"""From settings to directives: what may enter, and what Apache makes of it."""

from __future__ import annotations

import os
import pwd
import ssl
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prep_console import config
from prep_console.config import Publication, Settings, Site, Station, parse
from prep_console.drill.children import free_port
from prep_console.problems import Failed, WrongUsage
from prep_console.publication.apache import STATUS_NAME, find_apache, let_in, standalone, vhost
from tests.apache.debian import DebianApache
from tests.apache.server import Apache
from tests.apache.stations import PublicFolder
from tests.waiting import wait_until

CUT = "20240602_2005"


def words(conf: str) -> list[str]:
    """The first word of each line that is a directive."""
    lines = (line.strip() for line in conf.split("\n"))
    return [line.split(None, 1)[0] for line in lines if line and not line.startswith("#")]


ODD = st.text(alphabet=st.sampled_from("a/._-~*?$%{}()[]<>\"'\\`|&;#^!@,:= \n\r\t\x00\x85ñ"))


@given(root=ODD, name=ODD, prefix=ODD, origin=ODD, url=ODD)
def test_no_setting_adds_a_directive(
    root: str, name: str, prefix: str, origin: str, url: str
) -> None:
    plain = words(vhost(Settings(station=Station(root="/srv/prep"))))
    odd = [
        (Station(root="/srv/" + root), Publication(), Site()),
        (Station(root="/srv/prep", name=name), Publication(), Site()),
        (Station(root="/srv/prep"), Publication(estado_prefix=f"/{prefix}/"), Site()),
        (Station(root="/srv/prep"), Publication(frame_ancestors=["https://" + origin]), Site()),
        (Station(root="/srv/prep"), Publication(), Site(url="https://" + url)),
    ]
    for station, publication, site in odd:
        try:
            printed = vhost(Settings(station=station, publication=publication, site=site))
        except WrongUsage:
            continue
        assert words(printed) == plain


def test_the_example_looks_for_the_workers_where_the_printed_vhost_shows_them() -> None:
    """Port 80 redirects all, and on 127.0.0.1 no certificate would be good."""
    example = parse(config.example(), "the example")
    shown = f"{example.publication.estado_prefix}{STATUS_NAME}"
    assert f'<Location "{shown}">' in vhost(example)
    assert example.host.apache_status == urljoin(example.site.url, shown)


@pytest.mark.parametrize(
    "root",
    ["/srv/a\nInclude x", '/srv/a" b', "/srv/${HOME}", "/srv/*", "/srv/100%", "/srv/a$1", "/srv/?"],
)
def test_a_root_that_apache_would_read_otherwise_is_refused(root: str) -> None:
    with pytest.raises(WrongUsage):
        vhost(Settings(station=Station(root=root)))


@pytest.mark.parametrize("prefix", ["", "/", "_prep", "/_prep", "_prep/", "/../", "/a b/", "/a*/"])
def test_a_prefix_is_whole_segments(prefix: str) -> None:
    station = Station(root="/srv/prep")
    with pytest.raises(WrongUsage):
        vhost(Settings(station=station, publication=Publication(estado_prefix=prefix)))


@pytest.mark.parametrize(
    "origin",
    ["", "portal; script-src *", "https://a.mx/x", "'none' *", "javascript:", "https://ñ.mx"],
)
def test_a_frame_ancestor_is_an_origin(origin: str) -> None:
    station = Station(root="/srv/prep")
    with pytest.raises(WrongUsage):
        vhost(Settings(station=station, publication=Publication(frame_ancestors=[origin])))


@pytest.mark.parametrize("listen", ["", "80", "127.0.0.1", "127.0.0.1:0", "h:80\nUser x", "::1:80"])
def test_an_address_to_listen_on_has_a_port(listen: str, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage):
        standalone(Settings(station=Station(root=str(tmp_path))), tmp_path / "a", listen, tls=False)


@pytest.mark.server
def test_portals_phase_and_prefix_of_the_settings(scratch: Path) -> None:
    folder = PublicFolder(scratch / "estación con espacio")
    folder.put_cut(CUT, {"datos.csv": b"A", "prep.x/estado.json": b"B", "prepzx/estado.json": b"C"})
    folder.go_live(CUT)
    portals = ["https://portal.example.mx/", "https://*.uni.example.mx:8443"]
    publication = Publication(estado_prefix="/prep.x/", frame_ancestors=portals)
    settings = folder.with_settings(phase="simulacro", publication=publication)
    with Apache(settings, scratch / "mi apache") as apache:
        answer = apache.get("/datos.csv")
        assert answer.headers["X-Prep-Phase"] == "simulacro"
        assert answer.headers["Content-Security-Policy"] == (
            "frame-ancestors 'self' https://portal.example.mx https://*.uni.example.mx:8443"
        )
        assert b'"seq": 1' in apache.get("/prep.x/estado.json").body
        assert apache.get("/prepzx/estado.json").body == b"C"  # the "." is a dot
        assert apache.get("/_prep/estado.json").status == 404
        folder.go_live(None)
        assert apache.get("/").headers["X-Prep-Phase"] == "simulacro"


@pytest.mark.server
def test_a_root_behind_a_symlink(scratch: Path) -> None:
    folder = PublicFolder(scratch / "disco" / "station")
    folder.put_cut(CUT, {"datos.csv": b"A"})
    folder.go_live(CUT)
    (scratch / "prep").symlink_to(scratch / "disco" / "station")
    with Apache(PublicFolder(scratch / "prep").settings, scratch / "apache") as apache:
        assert apache.get("/datos.csv").body == b"A"


@pytest.mark.server
def test_a_station_in_closed_scratch_folders_is_served(scratch: Path) -> None:
    closed = scratch / "closed"
    folder = PublicFolder(closed / "station")
    folder.put_cut(CUT, {"datos.csv": b"A"})
    folder.go_live(CUT)
    for path in (folder.root, closed):
        path.chmod(0o700)
    with Apache(folder.settings, closed / "apache") as apache:
        assert apache.get("/datos.csv").body == b"A"
    assert not closed.stat().st_mode & 0o066, "opened for passing through only"


def test_a_closed_folder_elsewhere_is_told(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = scratch / "closed" / "station"
    root.mkdir(parents=True)
    (scratch / "closed").chmod(0o700)
    (scratch / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch / "elsewhere"))
    stranger = next(user for user in pwd.getpwall() if user.pw_uid not in {0, os.geteuid()})
    with pytest.raises(Failed, match=r"could not enter .*closed"):
        let_in(stranger, root)
    assert (scratch / "closed").stat().st_mode & 0o777 == 0o700


@pytest.mark.server
def test_its_children_run_as_the_owner_of_the_station(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    folder.put_cut(CUT, {"datos.csv": b"A"})
    folder.go_live(CUT)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (folder.root, *folder.root.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    folder.root.chmod(0o700)  # so that a served file shows who reads
    with Apache(folder.settings, scratch / "apache") as apache:
        assert apache.get("/datos.csv").body == b"A"
        owner = pwd.getpwuid(folder.root.stat().st_uid).pw_name
        assert f"\nUser {owner}\n" in apache.conf.read_text()


@pytest.mark.server
def test_it_starts_and_stops_as_a_daemon(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    conf = standalone(folder.settings, scratch / "apache", f"127.0.0.1:{free_port()}", tls=False)
    command = [str(find_apache()), "-f", str(conf), "-k"]
    pid = scratch / "apache" / "httpd.pid"
    subprocess.run([*command, "start"], check=True, timeout=30)
    try:
        wait_until(pid.exists, what="the pid file")
    finally:
        subprocess.run([*command, "stop"], check=True, timeout=30)
    wait_until(lambda: not pid.exists(), what="the daemon ends")


@pytest.mark.server
def test_tls_speaks_http2_and_nothing_older_than_1_2(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    folder.put_cut(CUT, {"datos.csv": b"A"})
    folder.go_live(CUT)
    with Apache(folder.settings, scratch / "apache", tls=True) as apache:
        trust = ssl.create_default_context(cafile=str(scratch / "apache" / "certificate.pem"))
        with httpx.Client(http2=True, verify=trust, trust_env=False) as client:
            answer = client.get(f"{apache.url}/datos.csv")
        assert (answer.http_version, answer.content) == ("HTTP/2", b"A")
        assert answer.headers["X-Prep-Cut"] == CUT
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{apache.port}", "-tls1_1"]
        old = subprocess.run(
            [*command, "-cipher", "ALL@SECLEVEL=0"], capture_output=True, input=b"", timeout=30
        )
        assert old.returncode != 0
        assert b"alert" in old.stderr
    assert (scratch / "apache" / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.server
def test_debian_accepts_the_vhost_as_printed(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    folder.go_live(None)
    apache = DebianApache(folder.settings, scratch / "apache")
    (scratch / "apache" / "prep.conf").write_text(vhost(folder.settings))
    command = [str(find_apache()), "-f", str(apache.conf), "-t"]
    checked = subprocess.run(
        command, env=apache.environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert checked.returncode == 0, checked.stderr
    assert "Syntax OK" in checked.stderr


@pytest.mark.server
def test_plain_http_is_sent_on_to_https(scratch: Path) -> None:
    folder = PublicFolder(scratch / "station")
    folder.put_cut(CUT, {"datos.csv": b"A"})
    folder.go_live(CUT)
    with DebianApache(folder.settings, scratch / "apache") as apache:
        answer = httpx.get(
            f"http://127.0.0.1:{apache.plain_port}/datos.csv?x=1",
            trust_env=False,
            headers={"Host": "evil.example"},
        )
    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://prep.example.mx/datos.csv?x=1"
