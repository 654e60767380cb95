"""The form of every JSON document: its schema, its times, its letters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

SCHEMA = 1


def as_text(document: Mapping[str, Any]) -> str:
    """One JSON document, ASCII so that nothing in it steers a terminal."""
    return json.dumps(document, indent=1, ensure_ascii=True)


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 with its offset."""
    return None if moment is None else moment.isoformat()
