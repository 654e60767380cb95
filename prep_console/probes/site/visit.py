"""One visit to the site: HTTP(S) by name, at a fixed address when the settings say so.

Each visit opens connections of its own, as a visitor's browser does: one kept open from look to
look would still be served when nobody new gets in, and would never see a new certificate.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from prep_console.config import Site
from prep_console.probes.resolver import NoAddress, Resolver
from prep_console.publication.seen import CUT_HEADER, Target, named_by, target
from prep_console.wording import N_

BODY_BYTES = 262_144
"""As much of a page as is read: enough to see that it comes, whatever it weighs."""
SHOWN = 200
"""Longest foreign text that goes into a reading."""

_HEADERS = {"User-Agent": "prep-console", "Accept": "*/*", "Accept-Encoding": "identity"}
_COOKIES = 20
_COOKIE_CHARACTERS = 4096
_ADDRESSES_TRIED = 3
_CONNECT_S = 2.0
"""For each address while there are others."""

REFUSED = N_("the site refuses connections")
SILENT = N_("the site does not answer")
BROKEN_OFF = N_("the site breaks the connection off")
NOT_HTTP = N_("the site gives no whole HTTP answer")
NO_TLS = N_("the site does not speak TLS")
EXPIRED = N_("the certificate has expired")
NOT_YET = N_("the certificate is not valid yet")
SELF_SIGNED = N_("the certificate is self-signed")
UNKNOWN_AUTHORITY = N_("nobody knows the authority of the certificate")
OTHER_NAME = N_("the certificate is for another name")
NOT_ACCEPTED = N_("the certificate is not accepted")
_CERTIFICATE_FAULTS = {  # OpenSSL's X509_V_ERR_… (x509_vfy.h)
    9: NOT_YET,
    10: EXPIRED,
    18: SELF_SIGNED,
    19: SELF_SIGNED,
    20: UNKNOWN_AUTHORITY,
    21: UNKNOWN_AUTHORITY,
    62: OTHER_NAME,
    63: OTHER_NAME,
    64: OTHER_NAME,
}

FAILURES = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError)
"""What a visit raises when nothing, or no whole answer, was got; see :func:`reason_of`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer and the beginning of its body."""

    status: int
    headers: httpx.Headers
    body: bytes
    whole: bool
    """False when the body was longer than was asked for."""
    latency_s: float
    """From the question, connecting included, to the head of the answer."""
    tls_version: str | None
    certificate_ends: float | None
    """Unix time at which the site's own certificate ends; None over plain HTTP."""

    @property
    def cut(self) -> str | None:
        """The cut that the answer names; None when it names none, or says that none is live."""
        return named(self.headers)

    @property
    def sha256(self) -> str:
        """Of the part of the body that was read."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Fetched:
    """One file as it came, hashed on the way."""

    status: int
    cut: str | None
    sha256: str
    size: int
    encoded: bool
    """The bytes came wrapped (gzip), though they were asked for as they are."""


def named(headers: httpx.Headers) -> str | None:
    """The cut in an answer's header; ``-`` says that nothing is live."""
    said = named_by(headers.get_list(CUT_HEADER))
    return None if said is None or said == "-" else said[:SHOWN]


class Visitor:
    """Who opens ``site.url``: makes visits. Keeps nothing open between them."""

    def __init__(self, site: Site, *, timeout_s: float) -> None:
        """WrongUsage when the address or ``connect`` of ``site`` is none."""
        self.target = target(site)
        self._ca_file = site.ca_file
        self._timeout_s = timeout_s
        self._resolver = Resolver(self.target.connect_host)

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Visit]:
        """Connections for one look; :class:`NoAddress`, and OSError for a wrong ``ca_file``."""
        addresses = await self._resolver.addresses()
        several = len(addresses) > 1
        async with httpx.AsyncHTTPTransport(
            verify=trust(self._ca_file),  # plain HTTP too: it may send visitors on to HTTPS
            trust_env=False,  # a proxy in the environment is not what the public goes through
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
        ) as transport:
            patience = httpx.Timeout(
                self._timeout_s, connect=_CONNECT_S if several else self._timeout_s
            )
            yield Visit(transport, patience, self.target, addresses[:_ADDRESSES_TRIED])


@cache
def trust(ca_file: str) -> ssl.SSLContext:
    """Whom visitors trust: built once, because it costs 17 ms."""
    return ssl.create_default_context(cafile=ca_file or None)


class Visit:
    """Questions of one look, on connections that it opened itself.

    Asked of the transport: a client's ways with redirects and cookies cost a fifth of a look. The
    cookies that the site sets are sent back to it until the look is over, as a browser does.
    """

    def __init__(
        self,
        transport: httpx.AsyncHTTPTransport,
        patience: httpx.Timeout,
        at: Target,
        addresses: tuple[str, ...],
    ) -> None:
        self._transport = transport
        self._patience = patience.as_dict()
        self._at = at
        self._addresses = addresses
        self._cookies: dict[str, str] = {}

    async def get(self, path: str, *, at: Target | None = None, most: int = BODY_BYTES) -> Answer:
        """Ask for ``path`` and read no more than ``most`` bytes of its body."""
        started = time.perf_counter()
        async with self._asked(path, at or self._at) as response:
            latency_s = time.perf_counter() - started
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > most:
                    break
            tls = _tls(response)
            return Answer(
                status=response.status_code,
                headers=response.headers,
                body=bytes(body[:most]),
                whole=len(body) <= most,
                latency_s=latency_s,
                tls_version=tls.version() if tls is not None else None,
                certificate_ends=_ends(tls),
            )

    async def fetch(self, path: str, most: int, *, at: Target | None = None) -> Fetched:
        """Hash what comes for ``path``, keeping none of it; stops after ``most`` bytes."""
        async with self._asked(path, at or self._at) as response:
            sha256, size = hashlib.sha256(), 0
            async for chunk in response.aiter_raw():
                sha256.update(chunk)
                size += len(chunk)
                if size > most:
                    break
            return Fetched(
                status=response.status_code,
                cut=named(response.headers),
                sha256=sha256.hexdigest(),
                size=size,
                encoded=response.headers.get("Content-Encoding", "identity") != "identity",
            )

    @asynccontextmanager
    async def _asked(self, path: str, at: Target) -> AsyncIterator[httpx.Response]:
        response = await self._send(path, at)
        try:
            yield response
        finally:
            await response.aclose()

    async def _send(self, path: str, at: Target) -> httpx.Response:
        """At the first address that lets us in; a refused certificate is not asked elsewhere."""
        for address in self._addresses[:-1]:
            try:
                return await self._send_to(address, path, at)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if _certificate_error(error) is not None:
                    raise
        return await self._send_to(self._addresses[-1], path, at)

    async def _send_to(self, address: str, path: str, at: Target) -> httpx.Response:
        host = f"[{address}]" if ":" in address else address
        request = httpx.Request(
            "GET",
            f"{at.scheme}://{host}:{at.connect_port}/",
            headers={"Host": at.authority, **_HEADERS, **self._cookie()},
            extensions={
                "sni_hostname": at.host,
                # the path exactly as it is written: a URL type would quote or shorten it again
                "target": path.encode("ascii"),
                "timeout": self._patience,
            },
        )
        response = await self._transport.handle_async_request(request)
        for said in response.headers.get_list("Set-Cookie")[:_COOKIES]:
            name, given, value = said.partition(";")[0].partition("=")
            if given and said.isascii() and len(said) <= _COOKIE_CHARACTERS:
                self._cookies[name.strip()] = value.strip()
        return response

    def _cookie(self) -> dict[str, str]:
        if not self._cookies:
            return {}
        return {"Cookie": "; ".join(f"{k}={v}" for k, v in list(self._cookies.items())[:_COOKIES])}


def reason_of(error: BaseException) -> str:
    """Why a visit got nothing, for a person (English; foreign words bounded)."""
    certificate = _certificate_error(error)
    if certificate is not None:
        return certificate_fault(certificate)
    for cause in _causes(error):
        if isinstance(cause, NoAddress):
            return str(cause)
        if isinstance(cause, ConnectionRefusedError):
            return REFUSED
        if isinstance(cause, TimeoutError | httpx.TimeoutException):
            return SILENT
        if isinstance(cause, httpx.RemoteProtocolError):
            return NOT_HTTP
        if isinstance(cause, ssl.SSLError):
            return NO_TLS
        if isinstance(cause, ConnectionError | httpx.ReadError | httpx.WriteError):
            return BROKEN_OFF
    return f"{type(error).__name__}: {error}".rstrip(": ")[:SHOWN]


def certificate_fault(error: ssl.SSLCertVerificationError) -> str:
    """Why a visitor's browser warns, in one of our own sentences."""
    return _CERTIFICATE_FAULTS.get(error.verify_code, NOT_ACCEPTED)


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    found = (e for e in _causes(error) if isinstance(e, ssl.SSLCertVerificationError))
    return next(found, None)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it came from; a connection to a name has a group of errors."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting and len(found) < 20:
        cause = waiting.pop(0)
        if cause is None or cause in found:
            continue
        found.append(cause)
        waiting += [cause.__cause__ or cause.__context__]
        if isinstance(cause, BaseExceptionGroup):
            waiting += cause.exceptions
    return found


def _tls(response: httpx.Response) -> ssl.SSLObject | None:
    found: Any = response.extensions["network_stream"].get_extra_info("ssl_object")
    return found if isinstance(found, ssl.SSLObject) else None


def _ends(tls: ssl.SSLObject | None) -> float | None:
    certificate = tls.getpeercert() if tls is not None else None
    return float(ssl.cert_time_to_seconds(str(certificate["notAfter"]))) if certificate else None


Live = Callable[[], str | None]
"""The cut that the pointer names now."""
