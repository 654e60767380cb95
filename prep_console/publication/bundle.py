"""The evidence bundle: a folder that a notary checks with coreutils, without this program.

It appears whole, by one rename, or not at all, and replaces nothing. Its bytes depend only on the
station; the one exception is ``made-at.txt``, and with it that file's line in ``SHA256SUMS``.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from prep_console import durable
from prep_console.cuts.stamps import CutId
from prep_console.problems import Failed, Refused
from prep_console.publication import evidence, evidence_text, store
from prep_console.publication.archive import holder_of
from prep_console.publication.evidence import Evidence, Files
from prep_console.publication.station import Station
from prep_console.wording import N_, sentence

SUMS = "SHA256SUMS"
MADE_AT = "made-at.txt"
_ESCAPED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}
"""As GNU coreutils 9 writes and reads them."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What was written."""

    folder: Path
    evidence: Evidence
    files: Files
    sha256: str
    """Of SHA256SUMS: this one number stands for the whole bundle."""
    made_at: datetime

    @property
    def ok(self) -> bool:
        """Whether everything that can be checked from here holds."""
        return evidence_text.holds(self.evidence, self.files)


def prove(station: Station, cut: CutId | None, out: Path, *, copy: bool, now: datetime) -> Bundle:
    """Write the bundle about ``cut`` (None: the live one) as the new folder ``out``.

    ``copy`` puts the files themselves in. A damaged file or a broken chain does not stop it: the
    bundle says so. Refused when there is nothing to prove or ``out`` will not do, Failed when it
    cannot be written; then nothing is left behind.
    """
    folder = _target(station, out)
    if cut is not None:
        station = holder_of(station, str(cut))
    found = evidence.gather(station, cut)
    temporary: Path | None = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".prove-", dir=folder.parent))
        files = evidence.read_files(station, found.sealed, temporary / store.SITE if copy else None)
        digest = _write(station, temporary, found, files, copy=copy, now=now)
        durable.sync_file_system(temporary)
        temporary.rename(folder)  # an empty folder gives way, anything else stays
        durable.sync_folder(folder.parent)
    except OSError as error:
        raise _unwritable(error, folder) from error
    finally:
        if temporary is not None:
            store.discard(temporary)
    return Bundle(folder, found, files, digest, now)


def _target(station: Station, out: Path) -> Path:
    """The folder that will appear; Refused when something is there, or it is in the way."""
    try:
        folder = out.resolve()
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise _taken(folder)
        if folder.is_dir() and (folder.is_mount() or any(folder.iterdir())):
            raise _taken(folder)
        roots = [station.root.resolve(), station.settings.drop_folder.resolve()]
        if not folder.parent.is_dir():
            raise Refused(
                sentence(N_("there is no folder {folder}"), folder=str(folder.parent)),
                sentence(N_("make it first, or choose another --out")),
            )
    except (OSError, RuntimeError) as error:
        raise Failed(
            sentence(N_("{folder} cannot be used: {error}"), folder=str(out), error=str(error)),
            sentence(N_("choose another --out")),
        ) from error
    if any(folder.is_relative_to(root) or root.is_relative_to(folder) for root in roots):
        raise Refused(
            sentence(N_("{folder} is the station's own place"), folder=str(folder)),
            sentence(N_("choose an --out outside it")),
        )
    return folder


def _taken(folder: Path) -> Refused:
    return Refused(
        sentence(N_("{folder} is there already; nothing is overwritten"), folder=str(folder)),
        sentence(N_("name a folder that is not there yet")),
    )


def _write(
    station: Station, into: Path, found: Evidence, files: Files, *, copy: bool, now: datetime
) -> str:
    into.chmod(0o755)
    documents = {
        MADE_AT: f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode(),
        "cut.json": found.manifest,
        "cut-journal.jsonl": found.extract,
        "journal.jsonl": found.journal,
        "site.sha256": sums((path, file.sha256) for path, file in found.sealed.files.items()),
        **{f"estado/{number}.json": page for number, page in found.pages.items()},
        "LEEME.txt": evidence_text.readme(station.settings, found, files, "es").encode(),
        "README.txt": evidence_text.readme(station.settings, found, files, "en").encode(),
    }
    (into / "estado").mkdir(mode=0o755)
    for name, content in documents.items():
        durable.write_file(into / name, content, mode=0o444)
    known = {name: sha256(content).hexdigest() for name, content in documents.items()}
    if copy:
        known |= {f"{store.SITE}/{path}": digest for path, digest in files.sha256.items()}
    top = sums(_sorted(known))
    durable.write_file(into / SUMS, top, mode=0o444)
    for folder, _, _ in os.walk(into):
        Path(folder).chmod(0o755)
    return sha256(top).hexdigest()


def _sorted(known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted(known):
        yield name, known[name]


def sums(files: Iterable[tuple[str, str]]) -> bytes:
    """Path and SHA-256 as ``sha256sum --check`` reads them, one line each."""
    return b"".join(_sum(path, digest) for path, digest in files)


def _sum(path: str, digest: str) -> bytes:
    name = "./-" if path == "-" else path  # a lone - would be the standard input
    escaped = "".join(_ESCAPED.get(character, character) for character in name)
    mark = "\\" if escaped != name else ""
    return os.fsencode(f"{mark}{digest}  {escaped}\n")


def _unwritable(error: OSError, folder: Path) -> Failed:
    return Failed(
        sentence(
            N_("the evidence cannot be written to {folder}: {error}"),
            folder=str(folder),
            error=error.strerror or str(error),
        ),
        sentence(N_("choose an --out with room where you may write; nothing was left there")),
    )
