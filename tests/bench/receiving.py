"""``python -m tests.bench.receiving CONFIG ARCHIVE COUNT``: one large delivery over and over.

Each round the institute's upload is imitated (a copy into the drop folder) with a few other
bytes, so that it is staged, read, checked, sealed and flushed anew. COUNT grows by a byte each.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path

from prep_console import config
from prep_console.intake.receive import receive
from prep_console.publication.station import Station
from tests.bench.grounds import ACTOR


def main(settings_file: Path, archive: Path, count: Path) -> None:
    """Until it is stopped."""
    settings = config.load(settings_file)
    arriving = settings.drop_folder / archive.name
    number = 0
    while True:
        number += 1
        with zipfile.ZipFile(archive, "a") as grown:
            grown.writestr(f"imagenes/otra_{number}.jpg", b"%d" % number)
        shutil.copyfile(archive, arriving)
        receipt = receive(Station(settings), arriving, actor=ACTOR, at_once=True)
        assert receipt.result == "sealed", receipt
        with count.open("ab") as file:
            file.write(b".")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
