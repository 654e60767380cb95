"""Station folders with known files behind the real pointer: no intake, no journal."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prep_console.config import Publication, Settings, Site, Station
from prep_console.publication import pointer
from prep_console.snapshot import Phase


@dataclass(slots=True)
class PublicFolder:
    """The two parts of a station that Apache reads, written the way that the store does."""

    root: Path
    _seq: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _moment: int = field(default_factory=time.time_ns)

    def __post_init__(self) -> None:
        for folder in (self.root, self.root / "cuts", self.root / "public" / "estado"):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def public(self) -> Path:
        return self.root / "public"

    @property
    def settings(self) -> Settings:
        return self.with_settings()

    def with_settings(
        self,
        *,
        name: str = "Difusor",
        phase: Phase = "jornada",
        publication: Publication | None = None,
        url: str = "",
    ) -> Settings:
        return Settings(
            station=Station(root=str(self.root), name=name, phase=phase),
            publication=publication or Publication(),
            site=Site(url=url),
        )

    def site(self, cut: str) -> Path:
        return self.root / "cuts" / cut / "site"

    def put_cut(self, cut: str, files: Mapping[str, bytes], *, unchanged_from: str = "") -> None:
        """A sealed cut. A file whose bytes are those of ``unchanged_from`` is linked to them."""
        for name, content in files.items():
            path = self.site(cut) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            earlier = self.site(unchanged_from) / name
            if unchanged_from and earlier.exists() and earlier.read_bytes() == content:
                path.hardlink_to(earlier)
                continue
            path.write_bytes(content)
            self._moment += 1000
            os.utime(path, ns=(self._moment, self._moment))

    def go_live(self, cut: str | None) -> int:
        """Switch to ``cut``, with estado pages that name it; returns the number of the switch."""
        seq = next(self._seq)
        for kind in ("json", "html"):
            page = self.public / "estado" / f"{seq}.{kind}"
            page.write_bytes(estado(cut, seq, kind))
        pointer.write(self.public, pointer.Live(cut, seq))
        return seq


def estado(cut: str | None, seq: int, kind: str) -> bytes:
    """Estado pages as short as they can be, with what the real ones say."""
    if kind == "json":
        return json.dumps({"cut": cut, "seq": seq}).encode()
    if cut is None:
        return f"<p>{seq}: nothing</p></html>\n".encode()
    hour = f"{cut[:4]}-{cut[4:6]}-{cut[6:8]}T{cut[9:11]}:{cut[11:13]}"
    return f'<p>{seq}: <time datetime="{hour}"></time></p></html>\n'.encode()
