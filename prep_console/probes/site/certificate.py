"""The certificate that visitors are shown: whom it convinces, and until when.

``site.certificate`` has two sources. Whether it is accepted is decided by a TLS handshake as
every visitor makes it. How long the chain lasts comes from ``openssl s_client -showcerts``:
Python 3.11 has no public way to the chain, nor to the dates of a certificate that was refused.
That second look reads the certificates and nothing else; no question is sent over it. Without
the program the days are those of the site's own certificate, and of an accepted one only.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from prep_console.config import Settings
from prep_console.probes import command
from prep_console.probes.probe import Clock, reading, unknown, utc_now
from prep_console.probes.resolver import Resolver, is_address
from prep_console.probes.site.visit import SHOWN, certificate_fault, reason_of, trust
from prep_console.publication.seen import target
from prep_console.snapshot import Reading
from prep_console.wording import N_

CERTIFICATE = "site.certificate"
NONE_SHOWN = N_("the site shows no certificate")

_CRITICAL_DAYS = 3
_HANDSHAKE_S = 4.0
_CHAIN_S = 4.0
_CHAIN_BYTES = 262_144
_ENTRY = re.compile(
    r"^ ?\d+ s:(?P<subject>[^\n]*)\n +i:(?P<issuer>[^\n]*)\n(?: +a:[^\n]*\n)?"
    r" +v:NotBefore: [^;\n]*; NotAfter: (?P<ends>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} GMT)$",
    re.MULTILINE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One certificate of the chain as the site sends it, the site's own first."""

    subject: str
    issuer: str
    ends: datetime


@dataclass(frozen=True, slots=True)
class _Handshake:
    tls_version: str | None
    fault: str | None
    """Why a visitor's browser warns (English, one of ours)."""
    said: str | None
    """OpenSSL's own words for it."""
    own: Shown | None
    """The site's own certificate, when it was accepted."""


class CertificateProbe:
    """Shakes hands with ``site.url`` and reads the chain that it shows."""

    names = (CERTIFICATE,)
    period_s = 60.0
    deadline_s = 10.0

    def __init__(self, settings: Settings, *, now: Clock = utc_now) -> None:
        """WrongUsage when ``site.url`` or ``site.connect`` is no address."""
        self._site = settings.site
        self._target = target(settings.site)
        self._resolver = Resolver(self._target.connect_host)
        self._now = now

    async def read(self) -> Mapping[str, Reading]:
        """Unknown, with the reason, when nobody shakes hands."""
        try:
            address = (await self._resolver.addresses())[0]
            hands = await self._shake(address)
        except (OSError, EOFError) as error:
            return unknown(self.names, reason_of(error), self._now())
        chain = await self._chain(address)
        if not chain and hands.own is not None:
            chain = [hands.own]
        return {CERTIFICATE: self._judge(hands, chain)}

    async def close(self) -> None:
        """Nothing is held between two looks."""

    def _judge(self, hands: _Handshake, chain: list[Shown]) -> Reading:
        # the root at the end of what is sent counts for nobody: browsers have their own
        counted = [c for i, c in enumerate(chain) if i == 0 or c.subject != c.issuer]
        soonest = min(counted, key=lambda shown: shown.ends, default=None)
        detail = {
            "issuer": chain[0].issuer[:SHOWN] if chain else None,
            "not_after": soonest.ends.isoformat() if soonest else None,
            "ends_first": soonest.subject[:SHOWN] if soonest else None,
            "chain": len(chain),
            "tls_version": hands.tls_version,
            "error": hands.fault,
            "openssl": hands.said,
        }
        at = self._now()
        if soonest is None:  # refused, and no openssl here to read its dates
            state = "critical" if hands.fault else "unknown"
            if state == "unknown":
                return unknown(self.names, NONE_SHOWN, at)[CERTIFICATE]
            return Reading(None, "", "critical", at, error=hands.fault, detail=detail)
        days = int((soonest.ends - at).total_seconds() // 86_400)
        return reading(
            days,
            "days",
            at,
            warning=days < self._site.certificate_days,
            critical=hands.fault is not None or days < _CRITICAL_DAYS,
            **detail,
        )

    async def _shake(self, address: str) -> _Handshake:
        """A visitor's handshake. OSError when there is none for another reason than trust."""
        writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(_HANDSHAKE_S):
                _, writer = await asyncio.open_connection(
                    address,
                    self._target.connect_port,
                    ssl=trust(self._site.ca_file),
                    server_hostname=self._target.host,
                )
            return _accepted(writer.get_extra_info("ssl_object"))
        except ssl.SSLCertVerificationError as refused:
            fault = certificate_fault(refused)
            return _Handshake(None, fault, refused.verify_message[:SHOWN], None)
        finally:
            if writer is not None:
                writer.transport.abort()

    async def _chain(self, address: str) -> list[Shown]:
        """The chain as it is sent, whether or not it convinces; [] when it cannot be read."""
        host = f"[{address}]" if ":" in address else address
        argv = ["openssl", "s_client", "-showcerts", "-verify_quiet", "-no_ign_eof"]
        argv += ["-connect", f"{host}:{self._target.connect_port}"]
        argv += (
            ["-servername", self._target.host]
            if not is_address(self._target.host)
            else ["-noservername"]
        )
        try:
            said = await command.output(argv, deadline_s=_CHAIN_S, limit_bytes=_CHAIN_BYTES)
        except command.EndedBadly as ended:  # it ends with 1 where the site broke off afterwards
            said = ended.said
        except command.CommandError:
            return []
        return chain_of(said)


def chain_of(said: str) -> list[Shown]:
    """The certificates in what ``openssl s_client -showcerts`` wrote (OpenSSL 3)."""
    return [
        Shown(entry["subject"], entry["issuer"], _moment(entry["ends"]))
        for entry in _ENTRY.finditer(said)
    ]


def _accepted(tls: ssl.SSLObject) -> _Handshake:
    certificate = tls.getpeercert() or {}
    own = None
    if "notAfter" in certificate:
        own = Shown(
            _name(certificate.get("subject")),
            _name(certificate.get("issuer")),
            _moment(str(certificate["notAfter"])),
        )
    return _Handshake(tls.version(), None, None, own)


def _name(field: object) -> str:
    """``CN = …, O = …`` of a name as the ssl module gives it: a tuple of tuples of pairs."""
    pairs = [pair for rdn in field for pair in rdn] if isinstance(field, tuple) else []
    return ", ".join(f"{key} = {value}" for key, value in pairs)


def _moment(text: str) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC)
