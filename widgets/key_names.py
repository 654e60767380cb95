"""What the keys are called in sentences: the usual names, unless the settings put others there.

Chosen once for the process, as its language is: every view that advises a key names the right one.
"""

from __future__ import annotations

from collections.abc import Mapping

_names: Mapping[str, str] = {}


def use(names: Mapping[str, str]) -> None:
    """Names by the keys' ids, of those that are not called as usual."""
    global _names
    _names = names


def name(key: str, usual: str) -> str:
    """How the key with this id is called on the screens."""
    return _names.get(key, usual)
