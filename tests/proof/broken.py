"""The real command line with one thing done wrong, for the harness to find.

``python tests/proof/broken.py FAULT ARGUMENTS...`` runs prep-console with that fault.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from unittest.mock import patch

from prep_console import cli, durable
from prep_console.cuts.stamps import CutId
from prep_console.publication import estado, pointer, store
from prep_console.publication.pointer import Live
from prep_console.publication.station import Ledger, Station


def pointer_before_pages() -> None:
    """The public is sent to estado pages that are written a moment later."""
    pending: dict[int, estado.Said] = {}

    def write_estado(ledger: Ledger, seq: int, said: estado.Said) -> None:
        pending[seq] = said

    def write_pointer(ledger: Ledger, live: Live) -> None:
        head = (ledger.state.position.seq, ledger.state.position.hash)
        pointer.write(ledger.station.public, live)
        estado.write(ledger.station.public, live.estado, pending.pop(live.estado), head)

    patch.object(Ledger, "write_estado", write_estado).start()
    patch.object(Ledger, "write_pointer", write_pointer).start()


def map_rewritten_in_place() -> None:
    """live.map is cut to nothing and written line by line."""

    def write(public: Path, live: Live) -> None:
        cut = live.cut or "-"
        with (public / "live.map").open("w", buffering=1) as file:
            file.write(f"cut {cut}\n")
            file.write(f"estado {live.estado}\n")
            file.write(f"pair {live.estado}/{cut}\n")

    patch.object(pointer, "write", write).start()


def cut_copied_into_the_store() -> None:
    """The seal is a copy, file by file, in the place of one rename."""

    def commit(station: Station, built: Path, cut: CutId) -> None:
        for path in sorted(built.rglob("*")):
            target = station.cuts / str(cut) / path.relative_to(built)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                shutil.copy2(path, target)

    patch.object(store, "commit", commit).start()


def nothing_is_flushed() -> None:
    """What is written is left to the kernel's good time."""

    def no_sync(_: object) -> None:
        return

    patch.object(os, "fsync", no_sync).start()
    patch.object(durable, "sync_file_system", no_sync).start()


FAULTS: Mapping[str, Callable[[], None]] = {
    "pointer before pages": pointer_before_pages,
    "map rewritten in place": map_rewritten_in_place,
    "cut copied into the store": cut_copied_into_the_store,
    "nothing is flushed": nothing_is_flushed,
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    cli.main()
