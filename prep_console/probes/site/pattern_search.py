"""A pattern of the settings, tried on a page: run as a program, in a process of its own.

The pattern comes from the settings and the page from outside. Together they can keep Python's
``re`` busy for ever, which cannot be stopped and lets no other thread run meanwhile. So the
engine never searches by itself: it runs this file, and kills it at the deadline. It stands on
the standard library alone, because it is started bare (``python -I -S``, 15 ms).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PAGE_BYTES = 1024**2
"""As much of a page as is searched."""
FOUND = 200
"""Longest text that is taken from what a pattern finds."""


def main(pattern: str, page: str) -> None:
    """Print what the pattern finds in the file ``page``, as JSON: null, or [groups, text]."""
    with Path(page).open("rb") as file:
        text = file.read(PAGE_BYTES).decode("utf-8", "replace")
    match = re.search(pattern, text)
    found = None
    if match is not None:
        groups = {name: value and value[:FOUND] for name, value in match.groupdict().items()}
        whole = next((value for value in match.groups() if value), match[0])
        found = [groups, whole[:FOUND]]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
