"""The site as a visitor gets it: which cut, how soon, under which certificate.

``site.visitor`` is what the public sees, so it is asked for over HTTP(S) by name, never read
from the disk. Its value is the latency of the front page in seconds; the rest is in its detail.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin

import httpx

from prep_console.config import Settings
from prep_console.probes.probe import Clock, reading, utc_now
from prep_console.publication.seen import CUT_HEADER, Target, target
from prep_console.snapshot import Reading, ServedView

VISITOR = "site.visitor"

_SLOW_S = 2.0
_BODY_BYTES = 262_144
"""As much of an answer as is read: enough to see that it comes, whatever the page weighs."""
_CERTIFICATE_DAYS = 14
_SHOWN = 200
"""Longest foreign text that goes into a reading."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    cut: str | None
    location: str | None
    body: bytes
    latency_s: float
    certificate_days: int | None


class SiteProbe:
    """Opens ``site.url`` and the estado like a visitor; ``live`` says what should be public."""

    names = (VISITOR,)
    period_s = 5.0
    deadline_s = 5.0

    def __init__(
        self, settings: Settings, live: Callable[[], str | None], *, now: Clock = utc_now
    ) -> None:
        self._settings = settings
        self._live = live
        self._now = now
        self._client: httpx.AsyncClient | None = None

    async def read(self) -> Mapping[str, Reading]:
        """Any error of the network, of TLS or of HTTP comes out as the exception it is."""
        asked = target(self._settings.site)
        before = self._live()
        page = await self._get(asked, asked.path)
        estado = await self._get(
            asked, urljoin(self._settings.publication.estado_prefix, "estado.json")
        )
        # A switch may come between question and answer: either side of it is right.
        expected = {before, self._live()}
        return {VISITOR: self._judge(page, _estado_cut(estado), expected)}

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _judge(self, page: _Answer, estado_cut: str | None, expected: set[str | None]) -> Reading:
        days = page.certificate_days
        fault = _fault(page, estado_cut, expected)
        return reading(
            round(page.latency_s, 4),
            "s",
            self._now(),
            warning=page.latency_s > _SLOW_S or (days is not None and days < _CERTIFICATE_DAYS),
            critical=fault is not None,
            status=page.status,
            cut=page.cut,
            estado_cut=estado_cut,
            certificate_days=days,
            location=page.location,
            fault=fault,
        )

    async def _get(self, asked: Target, path: str) -> _Answer:
        if self._client is None:
            self._client = self._open()
        host = f"[{asked.connect_host}]" if ":" in asked.connect_host else asked.connect_host
        request = self._client.build_request(
            "GET",
            f"{asked.scheme}://{host}:{asked.connect_port}{path}",
            headers={"Host": asked.authority},
            extensions={"sni_hostname": asked.host},
        )
        started = time.perf_counter()
        response = await self._client.send(request, stream=True)
        try:
            latency_s = time.perf_counter() - started
            body = b""
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= _BODY_BYTES:
                    break
            return _Answer(
                status=response.status_code,
                cut=_named(response.headers.get(CUT_HEADER)),
                location=_shown(response.headers.get("Location")),
                body=body,
                latency_s=latency_s,
                certificate_days=_certificate_days(response, self._now()),
            )
        finally:
            await response.aclose()

    def _open(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            # building a TLS context takes 17 ms: once, not at every look
            verify=ssl.create_default_context(cafile=self._settings.site.ca_file or None),
            trust_env=False,  # a proxy in the environment is not what the public goes through
            follow_redirects=False,
            timeout=self.deadline_s,
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            headers={"User-Agent": "prep-console", "Accept-Encoding": "identity"},
        )


def served(seen: Reading) -> ServedView:
    """The last look at the site in the shape that the public band draws."""
    status, cut, fault = (seen.detail.get(key) for key in ("status", "cut", "fault"))
    return ServedView(
        id=str(cut) if cut is not None else None,
        ok=seen.state in {"ok", "warning"},
        checked_at=seen.observed_at,
        latency_s=float(seen.value) if isinstance(seen.value, int | float) else None,
        status=int(status) if isinstance(status, int | float) else None,
        error=seen.error or (str(fault) if fault is not None else None),
    )


def _fault(page: _Answer, estado_cut: str | None, expected: set[str | None]) -> str | None:
    """What is wrong with what the visitor got (English), or None."""
    if None in expected and page.status == 503 and page.cut is None:
        return None  # nothing is live, and the site says so
    if page.status >= 400:
        return f"the site answers with status {page.status}"
    if page.status >= 300:
        return f"the site sends visitors on to {page.location}"
    if page.cut is None:
        return f"the answer names no cut ({CUT_HEADER} is missing)"
    if page.cut not in expected:
        return f"the site serves {page.cut}"
    if estado_cut not in {page.cut, *expected}:
        return f"the estado names {estado_cut or 'no cut'}"
    return None


def _estado_cut(estado: _Answer) -> str | None:
    """The cut that portals embed as public, or None when the estado says none."""
    try:
        said = json.loads(estado.body)
    except ValueError:
        return None
    cut = said.get("cut") if isinstance(said, dict) and estado.status == 200 else None
    return _shown(cut) if isinstance(cut, str) else None


def _named(header: str | None) -> str | None:
    """The cut that an answer names; ``-`` says that nothing is live."""
    return None if header == "-" else _shown(header)


def _shown(text: str | None) -> str | None:
    return None if text is None else text[:_SHOWN]


def _certificate_days(response: httpx.Response, now: datetime) -> int | None:
    """Whole days until the certificate ends; None over plain HTTP."""
    tls = response.extensions["network_stream"].get_extra_info("ssl_object")
    certificate = tls.getpeercert() if tls is not None else None
    if not certificate:
        return None
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    return int((ends - now.timestamp()) // 86_400)
