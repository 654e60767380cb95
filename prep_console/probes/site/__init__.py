"""The site as the public meets it: what a visitor gets, and whether it is what it should be.

``site.visitor`` what the front page answers, ``site.certificate`` whom it convinces,
``site.time`` which time the public reads, ``site.files`` whether the bytes are the sealed ones,
``site.vantage.<name>`` whether other addresses show the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from prep_console.config import Settings
from prep_console.probes.probe import Clock, Misconfigured, Probe, utc_now
from prep_console.probes.site.certificate import CERTIFICATE, CertificateProbe
from prep_console.probes.site.cut_time import TIME, TimeProbe, wrong_setting
from prep_console.probes.site.files import FILES, FilesProbe
from prep_console.probes.site.vantage import VantageProbe, name_of
from prep_console.probes.site.visitor import VISITOR, SiteProbe, served
from prep_console.problems import WrongUsage
from prep_console.publication.station import Station

__all__ = ["VISITOR", "SiteProbe", "probes", "served"]


def probes(settings: Settings, station: Station, *, now: Clock = utc_now) -> list[Probe]:
    """One for each way to look at the site; [] when ``site.url`` is empty."""
    site = settings.site
    if not site.url:
        return []

    def live() -> str | None:
        return station.live().cut

    found = [
        _made((VISITOR,), lambda: SiteProbe(settings, live, now=now), now),
        _made((FILES,), lambda: FilesProbe(settings, station, now=now), now),
    ]
    reason = wrong_setting(site)
    if reason is not None:
        found.append(Misconfigured((TIME,), reason, now=now))
    else:
        found.append(_made((TIME,), lambda: TimeProbe(settings, station, now=now), now))
    if site.url.lower().startswith("https:"):
        found.append(_made((CERTIFICATE,), lambda: CertificateProbe(settings, now=now), now))
    times = Counter(vantage.name for vantage in site.vantage)
    for vantage in {vantage.name: vantage for vantage in site.vantage}.values():
        names = (name_of(vantage),)
        if times[vantage.name] > 1:
            reason = f"site.vantage.name: {vantage.name!r} is there {times[vantage.name]} times"
            found.append(Misconfigured(names, reason, now=now))
        else:
            make = partial(VantageProbe, settings, vantage, live, now=now)
            found.append(_made(names, make, now))
    return found


def _made(names: tuple[str, ...], make: Callable[[], Probe], now: Clock) -> Probe:
    """The probe, or one that says which setting keeps it from working."""
    try:
        return make()
    except WrongUsage as wrong:
        return Misconfigured(names, str(wrong), now=now)
