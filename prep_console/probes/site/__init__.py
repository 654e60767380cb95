"""The site as the public meets it."""

from __future__ import annotations

from prep_console.probes.site.visitor import VISITOR, SiteProbe, served

__all__ = ["VISITOR", "SiteProbe", "served"]
