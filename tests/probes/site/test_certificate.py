"""The certificate, against real TLS servers: good, ending, expired, self-signed, wrong name."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from prep_console import config
from prep_console.probes import command
from prep_console.probes.site.certificate import CERTIFICATE, CertificateProbe
from prep_console.snapshot import Reading
from tests import hostile
from tests.sites import always, answer, running
from tests.waiting import wait_until

NAME = "prep.example.mx"
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


async def look(
    served: ssl.SSLContext, ca_file: str, *, name: str = NAME, at: datetime = NOW
) -> Reading:
    with running(always(answer("200 OK")), served) as site:
        settings = config.Settings(
            station=config.Station(root="/nowhere"),
            site=config.Site(
                url=f"https://{name}/", connect=f"127.0.0.1:{site.port}", ca_file=ca_file
            ),
        )
        probe = CertificateProbe(settings, now=lambda: at)
        async with asyncio.timeout(probe.deadline_s):
            got = (await probe.read())[CERTIFICATE]
        assert site.requests == []  # it reads certificates and asks for nothing
    return got


async def test_a_good_one(authority: trustme.CA, ca_file: str) -> None:
    made = authority.issue_cert(NAME, not_after=NOW + timedelta(days=40, hours=1))
    got = await look(context(made), ca_file)
    assert (got.state, got.value, got.unit) == ("ok", 40, "days")
    assert got.detail["tls_version"] == "TLSv1.3"
    assert "Testing CA" in str(got.detail["issuer"])
    assert got.detail["error"] is None
    assert str(got.detail["not_after"]).startswith(f"{NOW + timedelta(days=40, hours=1):%Y-%m-%d}")


@pytest.mark.parametrize(("days", "state"), [(15, "ok"), (13, "warning"), (2, "critical")])
async def test_its_end_comes_near(
    authority: trustme.CA, ca_file: str, days: int, state: str
) -> None:
    made = authority.issue_cert(NAME, not_after=NOW + timedelta(days=days, hours=1))
    got = await look(context(made), ca_file)
    assert (got.state, got.value) == (state, days)


async def test_expired_is_critical_with_the_days_and_the_reason(
    authority: trustme.CA, ca_file: str
) -> None:
    made = authority.issue_cert(
        NAME, not_before=NOW - timedelta(days=50), not_after=NOW - timedelta(days=4, hours=1)
    )
    got = await look(context(made), ca_file)
    assert (got.state, got.value) == ("critical", -5)
    assert got.detail["error"] == "the certificate has expired"
    assert got.detail["openssl"] == "certificate has expired"


async def test_self_signed_is_critical_with_the_days(tmp_path: Path, ca_file: str) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    argv = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "30"]
    argv += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    await command.output([*argv, "-keyout", str(key), "-out", str(certificate)], deadline_s=20)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    got = await look(made, ca_file, at=datetime.now(UTC))
    assert (got.state, got.value) == ("critical", 29)
    assert got.detail["error"] == "the certificate is self-signed"


async def test_another_name_is_critical_with_the_days(authority: trustme.CA, ca_file: str) -> None:
    made = authority.issue_cert("other.example.mx", not_after=NOW + timedelta(days=40, hours=1))
    got = await look(context(made), ca_file)
    assert (got.state, got.value) == ("critical", 40)
    assert got.detail["error"] == "the certificate is for another name"


async def test_an_unknown_authority_is_critical_with_the_days(ca_file: str) -> None:
    made = trustme.CA().issue_cert(NAME, not_after=NOW + timedelta(days=40, hours=1))
    got = await look(context(made), ca_file)
    assert (got.state, got.value) == ("critical", 40)
    assert got.detail["error"] == "nobody knows the authority of the certificate"


async def test_the_soonest_end_of_the_chain_counts(authority: trustme.CA, ca_file: str) -> None:
    """An intermediate authority that expires first ends the site's days."""
    between = authority.create_child_ca()
    made = between.issue_cert(NAME, not_after=NOW + timedelta(days=900, hours=1))
    got = await look(context(made), ca_file)
    assert (got.state, got.detail["chain"]) == ("ok", 2)
    assert got.value == 900


async def test_without_the_openssl_program_the_own_certificate_counts(
    authority: trustme.CA, ca_file: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(command.ENVIRONMENT, "PATH", str(tmp_path))
    made = authority.issue_cert(NAME, not_after=NOW + timedelta(days=40, hours=1))
    got = await look(context(made), ca_file)
    assert (got.state, got.value) == ("ok", 40)
    refused = await look(context(made), ca_file, name="other.example.mx")
    assert (refused.state, refused.value) == ("critical", None)
    assert refused.error == "the certificate is for another name"


@pytest.mark.parametrize("fault", ["refuse", "close", "reset", "garbage", "megabyte"])
async def test_a_hostile_site_is_unknown_and_leaves_nothing(
    ca_file: str, fault: hostile.Behaviour
) -> None:
    with hostile.tcp(fault, b"x", greets=True) as peer:
        settings = config.Settings(
            station=config.Station(root="/nowhere"),
            site=config.Site(url=f"https://127.0.0.1:{peer.port}/", ca_file=ca_file),
        )
        probe = CertificateProbe(settings)
        held = hostile.descriptors()
        for _ in range(4):
            got = (await probe.read())[CERTIFICATE]
            assert got.state == "unknown"
            assert got.error
        wait_until(lambda: hostile.descriptors() <= held + 1, what="descriptors")
