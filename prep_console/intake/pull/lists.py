"""The lists of hashes that lie beside a file that is fetched: the gate holds it against them.

They come before the file itself is under its own name here, so that it is never taken without
them. An institute that replaces both does so one after the other: a file that its list
contradicts is believed neither good nor bad until it was looked at once more.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from prep_console.cuts.manifests import beside, is_hash_list, is_list_of, listed_by, sidecars
from prep_console.intake.pull.choice import deliverable
from prep_console.intake.pull.parts import fetched_before, remember

_LONGEST = 240
"""Bytes of a list's name, so that the file it is written to first has one too."""
_OWN = (".sha256", ".md5")
_OF_FOLDER = "SHA256SUMS"
_DOUBTED, _CONTRADICTED = "?", "!"
"""In front of a file's name, among what was fetched before: no file's name begins so."""


def lists_of(name: str, there: Iterable[str]) -> list[str]:
    """Of the names in a remote folder those that list the hash of the file ``name``."""
    return sorted(n for n in there if is_list_of(n, name) and len(n.encode()) <= _LONGEST)


def tried_for(name: str) -> tuple[str, ...]:
    """The names under which a web server, which lists nothing, is asked for them."""
    tried = (*(name + suffix for suffix in _OWN), _OF_FOLDER)
    return tuple(n for n in tried if len(n.encode()) <= _LONGEST)


def states(validators: Mapping[str, str]) -> dict[str, str]:
    """Of each file in a remote folder what tells two states of it and its own lists apart.

    The folder's list is left out: it changes with every other file.
    """
    told = dict(validators)
    for name in sorted(filter(is_hash_list, validators)):
        of = listed_by(name)
        if of in told and len(os.fsencode(name)) <= _LONGEST:
            told[of] += f"; {name} {validators[name]}"
    return told


def put(into: Path, name: str, body: bytes) -> None:
    """A list as it was fetched, whole or not at all."""
    fresh = into / f".{name}.new"
    fresh.write_bytes(body)
    fresh.rename(into / name)


def drop_stale(into: Path, name: str, there: Iterable[str] = ()) -> None:
    """Take away the lists of an earlier look that are not ``there`` any more."""
    for listing in sidecars(into / name):
        if listing.name not in there:
            listing.unlink(missing_ok=True)


def doubtful(into: Path, name: str, fetched: Path, state: str) -> bool:
    """Whether a list contradicts the fetched bytes for the first time in this ``state``.

    The second time they are handed on, for the gate to stop.
    """

    def digest(algorithm: str) -> str:
        with fetched.open("rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()

    if not any(found.check == "manifest.mismatch" for found in beside(into / name, digest)):
        if was_contradicted(into, name):
            remember(into, _CONTRADICTED + name, "")
        return False
    if fetched_before(into).get(_DOUBTED + name) == state:
        bodies = {listing.name: listing.read_bytes() for listing in sidecars(into / name)}
        remember(into, _CONTRADICTED + name, _digest(bodies))
        return False
    remember(into, _DOUBTED + name, state)
    return True


def was_contradicted(into: Path, name: str) -> bool:
    """Whether the newest bytes of this name were handed on although a list contradicted them."""
    return bool(fetched_before(into).get(_CONTRADICTED + name))


def says_otherwise(into: Path, name: str, bodies: Mapping[str, bytes]) -> bool:
    """Whether these lists are others than those that contradicted the file."""
    return fetched_before(into).get(_CONTRADICTED + name) != _digest(bodies)


def _digest(bodies: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, body in sorted(bodies.items()):
        whole.update(f"{len(body)} {name}\n".encode() + body)
    return whole.hexdigest()


def take_away(path: Path) -> None:
    """Delete a fetched file that was taken, and its lists. OSError when the disk says no.

    The folder's list stays while another file is still to be held against it.
    """
    path.unlink(missing_ok=True)
    others = any(deliverable(other.name) for other in path.parent.iterdir())
    for listing in sidecars(path):
        if listed_by(listing.name) or not others:
            listing.unlink(missing_ok=True)
