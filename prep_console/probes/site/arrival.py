"""Where a visitor of ``site.url`` arrives: the one rule for all that looks at the site.

A site that sends visitors on to HTTPS or to another path of the same name is looked at there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from prep_console.probes.site.visit import SHOWN, Answer, Visit
from prep_console.publication.seen import Target
from prep_console.values import replace
from prep_console.wording import N_

ASKS_LOGIN = N_("the site asks visitors to log in")
SENT_AWAY = N_("the site sends visitors to another place")
IN_CIRCLES = N_("the site sends visitors on and on")

_HOPS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_LOGIN = re.compile(r"(?i)(?:^|[/_.?=&-])(?:log-?[io]n|sign-?in|sso|oauth2?|iniciar-?sesion)\b")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a visitor ends up."""

    at: Target
    page: Answer
    hops: int
    location: str | None
    """Where an answer sends visitors that was not followed; else the last one that was."""
    fault: str | None
    """Why it was not followed."""


async def arrive(visit: Visit, start: Target) -> Arrival:
    """Open the front page and go where it sends visitors, as long as that is the same name."""
    at, location = start, None
    for hops in range(_HOPS + 1):
        page = await visit.get(at.path, at=at)
        sent = page.headers.get("Location")
        if page.status not in _REDIRECTS or sent is None:
            return Arrival(at, page, hops, location, None)
        location = sent[:SHOWN]
        following = _next(at, sent)
        if _LOGIN.search(urlsplit(sent).path if following else location):
            return Arrival(at, page, hops, location, ASKS_LOGIN)
        if following is None:
            return Arrival(at, page, hops, location, SENT_AWAY)
        at = following
    return Arrival(at, page, _HOPS, location, IN_CIRCLES)


def _next(at: Target, location: str) -> Target | None:
    """Where a redirect leads; None when that is another name, or HTTPS given up for HTTP."""
    try:
        url = urlsplit(urljoin(f"{at.scheme}://{at.authority}{at.path}", location))
        port = url.port or _PORTS[url.scheme]
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        path.encode("ascii")
    except (ValueError, KeyError):
        return None
    if url.scheme not in _PORTS or url.hostname != at.host:
        return None
    if at.scheme == "https" and url.scheme == "http":
        return None
    if any(not "!" <= character <= "~" for character in path):
        return None
    same = (url.scheme, port) == (at.scheme, at.port)
    return replace(
        at,
        scheme=url.scheme,
        port=port,
        path=path,
        connect_port=at.connect_port if same else port,
    )
