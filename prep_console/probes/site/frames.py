"""Whether portals may show the site in a frame, by the rules that browsers follow.

``Content-Security-Policy: frame-ancestors`` decides; only without it does ``X-Frame-Options``
(CSP level 3, section 7.7.3.2). Every policy sent must allow an origin; values of
X-Frame-Options that browsers do not know forbid nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

_FORBIDDING = {"deny", "sameorigin"}


def frames_allowed(
    policies: Sequence[str], x_frame_options: Sequence[str], portals: Sequence[str]
) -> bool:
    """Whether every one of ``portals`` may frame the page; none named: whether everyone may.

    ``policies`` and ``x_frame_options`` are the values of these headers, as often as sent.
    """
    ancestors = [sources for policy in policies for sources in _ancestors(policy)]
    if not ancestors:
        said = {word.strip().lower() for value in x_frame_options for word in value.split(",")}
        return not said & _FORBIDDING or (all(_own(portal) for portal in portals) and bool(portals))
    wanted = [portal for portal in portals if not _own(portal)] or ([] if portals else ["https:"])
    return all(
        any(_covers(s, portal) for s in sources) for sources in ancestors for portal in wanted
    )


def _ancestors(header: str) -> list[list[str]]:
    """The sources of each ``frame-ancestors`` in a header, which may hold several policies."""
    found = []
    for policy in header.lower().split(","):
        directives = (directive.split() for directive in policy.split(";"))
        first = next((d for d in directives if d and d[0] == "frame-ancestors"), None)
        if first is not None:
            found.append(first[1:])
    return found


def _own(portal: str) -> bool:
    """The site in a frame of itself: the one thing that SAMEORIGIN allows."""
    return portal == "'self'"


def _covers(source: str, portal: str) -> bool:
    """Whether a source of a policy lets every page of ``portal`` in (both as in CSP)."""
    source, portal = source.rstrip("/"), portal.lower().rstrip("/")
    if source in {"*", portal}:
        return True
    scheme, _, host = portal.rpartition("://")
    if source in {"https:", "http:"}:  # plain http: covers https as its upgrade
        return portal == "https:" or (scheme + ":" if scheme else "https:") in {source, "https:"}
    source_scheme, _, source_host = source.rpartition("://")
    if source_scheme and scheme and source_scheme != scheme and scheme != "https":
        return False
    if source_host.startswith("*."):
        return host.endswith(source_host[1:]) and host != source_host[1:]
    return bool(host) and source_host == host
