"""``protection.waf``: whether the web application firewall stops an attack.

Two ways to know. mod_security's settings: loaded is not enforcing, ``SecRuleEngine`` must be On
for the site and there must be rules. And the thing itself: a harmless attack on the site that is
answered 403 while the plain page is not. Two requests every ten minutes, never more.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Literal

import httpx

from prep_console.config import Settings
from prep_console.probes.command import CommandError
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now
from prep_console.probes.protection.finding import Finding, ProtectionProbe, Unknown
from prep_console.probes.protection.web_server import WebServer, web_server
from prep_console.problems import WrongUsage
from prep_console.publication.seen import Target, target
from prep_console.snapshot import Detail

NAME = "protection.waf"
ATTACK = "?q=%3Cscript%3Ealert(1)%3C/script%3E"
"""Script in a parameter, which every rule set knows; it does nothing to a page that is a file."""

_PERIOD_S = 600.0
_ANSWER_S = 4.0
_BLOCKED = frozenset({403, 406})
"""What mod_security's rules answer with: 403 nearly everywhere, 406 in some hosts' sets."""

Settled = Literal["on", "detection", "off", "absent", "no rules"]


def probes(
    settings: Settings, *, now: Clock = utc_now, monotonic: Callable[[], float] = time.monotonic
) -> list[Probe]:
    """One, which keeps a TLS context."""
    site: Target | None = None
    if settings.site.url and settings.protection.waf_probe:
        try:
            site = target(settings.site)
        except WrongUsage as wrong:
            return [Misconfigured((NAME,), str(wrong), now=now)]
    look = _Look(settings, site, monotonic)
    return [ProtectionProbe(NAME, look, period_s=_PERIOD_S, now=now)]


class _Look:
    def __init__(
        self, settings: Settings, site: Target | None, monotonic: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._site = site
        self._monotonic = monotonic
        self._trust: ssl.SSLContext | None = None
        self._asked: tuple[float, tuple[int, int] | str] | None = None

    async def __call__(self) -> Finding:
        answered, config = await asyncio.gather(self._attack(), self._config())
        settled, said = config
        detail: dict[str, Detail] = {"settings": settled or "unknown"}
        if isinstance(answered, tuple):
            plain, attacked = answered
            detail |= {"plain_status": plain, "attack_status": attacked}
            evidence = f"a harmless attack was answered {attacked}, the page {plain}"
            if attacked in _BLOCKED and plain not in {401, *_BLOCKED}:
                return Finding("seen", "request", evidence, detail)
            if attacked < 300 and plain < 300:
                return Finding("missing", "request", f"{evidence}; {said}", detail)
        if settled is None:
            asked = answered if isinstance(answered, str) else "the site does not answer plainly"
            raise Unknown("; ".join(text for text in (said, asked) if text))
        return Finding("configured" if settled == "on" else "missing", "settings", said, detail)

    async def _config(self) -> tuple[Settled | None, str]:
        """What the settings say, or None, and in words."""
        try:
            server = await web_server(self._settings.protection.apache_config)
        except (CommandError, Unknown, OSError, ValueError) as problem:
            return None, str(problem)
        settled = engine_of(server, self._site.host if self._site else "")
        return settled, _WORDS[settled]

    async def _attack(self) -> tuple[int, int] | str:
        """Status of the plain page and of the attack; or why there is none, '' when not wanted.

        However often it is looked, it is asked once in a period.
        """
        if self._site is None:
            return ""
        at_s = self._monotonic()
        if self._asked is not None and at_s - self._asked[0] < 0.8 * _PERIOD_S:
            return self._asked[1]
        self._asked = (at_s, "the site was not asked")
        try:
            async with asyncio.timeout(2 * _ANSWER_S):
                said: tuple[int, int] | str = await self._statuses(self._site)
        except (httpx.HTTPError, OSError, ValueError) as problem:
            said = f"the site gave no answer: {str(problem)[:100] or type(problem).__name__}"
        self._asked = (at_s, said)
        return said

    async def _statuses(self, site: Target) -> tuple[int, int]:
        if self._trust is None:
            self._trust = ssl.create_default_context(cafile=self._settings.site.ca_file or None)
        async with httpx.AsyncClient(
            verify=self._trust,
            trust_env=False,
            follow_redirects=False,
            timeout=_ANSWER_S,
            headers={"User-Agent": "prep-console"},
        ) as client:
            path = site.path.partition("?")[0]
            return await _status(client, site, path), await _status(client, site, path + ATTACK)


async def _status(client: httpx.AsyncClient, site: Target, path: str) -> int:
    """Of the answer's head; the body is left unread."""
    host = f"[{site.connect_host}]" if ":" in site.connect_host else site.connect_host
    async with client.stream(
        "GET",
        f"{site.scheme}://{host}:{site.connect_port}{path}",
        headers={"Host": site.authority},
        extensions={"sni_hostname": site.host},
    ) as response:
        return response.status_code


def engine_of(server: WebServer, host: str) -> Settled:
    """What mod_security does for the site ``host``: its virtual host, else the whole server.

    Where no virtual host is named like it, each of them counts: the weakest is told.
    """
    if "security2" not in server.modules:
        return "absent"
    if not any(d.name in {"secrule", "secaction"} for d in server.directives):
        return "no rules"
    engine = {0: "off"}  # mod_security's own default
    named: set[int] = set()
    for said in server.directives:
        if said.name in {"servername", "serveralias"} and said.host and host:
            if host in said.value.lower().split():
                named.add(said.host)
        elif said.name == "secruleengine" and not said.partial:
            engine[said.host] = said.value.lower()
    concerned = named or set(range(server.hosts + 1))
    found = {engine.get(number, engine[0]) for number in concerned}
    if found == {"on"}:
        return "on"
    return "detection" if "detectiononly" in found else "off"


_WORDS: dict[Settled, str] = {
    "on": "mod_security enforces its rules",
    "detection": "mod_security only takes notes (SecRuleEngine DetectionOnly)",
    "off": "mod_security is loaded and switched off",
    "absent": "mod_security is not loaded",
    "no rules": "mod_security is loaded and has no rules",
}
