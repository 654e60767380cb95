"""A station with sealed cuts and manifests, to put a web server in front of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from prep_console import config
from prep_console.cuts.model import Figures
from prep_console.publication import manifest
from prep_console.publication.manifest import Manifest, SealedFile, SealedPart
from prep_console.publication.station import Station
from tests.apache.stations import PublicFolder

BEFORE, CUT = "20240602_2000", "20240602_2005"
_AT = datetime(2024, 6, 3, 2, 5, tzinfo=UTC)


def sealed(
    folder: PublicFolder, cut: str, files: Mapping[str, bytes], parts: Sequence[str] = ()
) -> None:
    """Put a cut in the store; ``parts`` are the stamps of its elections."""
    folder.put_cut(cut, files)
    listed = {
        name: SealedFile(hashlib.sha256(content).hexdigest(), len(content))
        for name, content in files.items()
    }
    stamps = parts or (cut[:13],)
    made = Manifest(
        id=cut,
        stamp=cut[:13],
        revision=1,
        why="",
        parts=tuple(
            SealedPart(f"E{i}", stamp, "0" * 64, False, (), Figures(), "delivery", _AT)
            for i, stamp in enumerate(stamps)
        ),
        missing=(),
        files=listed,
        findings=(),
        received_at=_AT,
        verified_at=_AT,
        mtime_us=0,
    )
    (folder.root / "cuts" / cut / "cut.json").write_bytes(manifest.encode(made))


def station(
    root: Path, site: config.Site, prefix: str = "/_prep/"
) -> tuple[config.Settings, Station]:
    """Settings with this site, and the station that they are of."""
    settings = config.Settings(
        station=config.Station(root=str(root)),
        site=site,
    )
    return settings, Station(settings)
