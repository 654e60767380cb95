"""The two cuts that the station of these tests has received."""

from __future__ import annotations

from tests import nights

FIRST, SECOND = nights.stamps(count=2)
