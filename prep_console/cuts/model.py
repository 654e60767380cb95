"""The plain data that describes a delivery: figures, findings, files, parts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from prep_console.cuts.stamps import Stamp
from prep_console.wording import Value


class Figures(msgspec.Struct, frozen=True):
    """Header figures of one election: counts of actas and votes; None where the file has none."""

    expected: int | None = None
    registered: int | None = None
    out_of_catalogue: int | None = None
    captured: int | None = None
    counted: int | None = None
    not_counted: int | None = None
    nominal_list: int | None = None
    votes_with_special: int | None = None
    votes_without_special: int | None = None
    turnout: float | None = None
    """Percent, as the institute wrote it (truncated to four decimals)."""


class Severity(StrEnum):
    WARNING = "warning"
    STOP = "stop"


class Verdict(StrEnum):
    GOOD = "good"
    ODD = "odd"
    STOPPED = "stopped"


class Finding(msgspec.Struct, frozen=True):
    """What one check found. ``check`` is a stable id from the table in checks.py."""

    check: str
    severity: Severity
    where: str = ""
    """Path inside the delivery, as delivered, or ''."""
    values: Mapping[str, Value] = msgspec.field(default_factory=dict)
    """Fills the check's sentence."""


class DeliveredFile(msgspec.Struct, frozen=True):
    """One file of the delivery as it lies on disk (an archive counts as one file)."""

    path: str
    """Relative, with ``/``, exactly as delivered."""
    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal, lower case."""


class Results(msgspec.Struct, frozen=True):
    """What was read of one election's results."""

    code: str
    """Canonical election code: DIP_LOC, AYUN, GUB, ...; '' when the delivery names none."""
    state: str
    title: str
    stamp: Stamp | None
    path: str
    """Where it was read, nested archives joined with ``!/``: ``a.zip!/b.zip!/X.csv``."""
    encoding: str
    """ascii, utf-8, utf-8-sig or cp1252."""
    delimiter: str
    rows: int
    """Acta rows read (None-free: 0 for a lone site JSON)."""
    figures: Figures
    columns: tuple[str, ...] = ()
    """Normalised names of the columns, in the file's order; none for a site's JSON."""


class Images(msgspec.Struct, frozen=True):
    """How the delivered images and the actas of one election agree."""

    election: str
    """'' for orphans of a delivery with several elections."""
    matched: int
    """Actas whose image came, with their hash."""
    pending: int
    """Actas with a hash whose image did not come."""
    mismatched: int
    """Images named after an acta that says another hash."""
    orphan: int
    """Images of actas that no acta says the hash of."""
    algorithm: str
    """What the hashes are, the most frequent first: ``sha256``, or ``sha256,sha1``."""


class Part(msgspec.Struct, frozen=True):
    """One election's product in a delivery: what a cut is put together from."""

    election: str
    stamp: Stamp
    sha256: str
    """Of the part's own bytes: its archive, or for loose files, of the sorted list
    ``sha256 + two spaces + path + newline`` (what sha256sum prints)."""
    files: tuple[str, ...]
    """Delivered files (DeliveredFile.path) that carry this part; an outer archive that holds
    several parts stands in each of them."""
    figures: Figures


class Examination(msgspec.Struct, frozen=True):
    """Everything that was read of a delivery, and what is wrong with it."""

    stamp: Stamp | None
    """Newest stamp of its parts."""
    files: tuple[DeliveredFile, ...]
    elections: tuple[Results, ...]
    parts: tuple[Part, ...]
    findings: tuple[Finding, ...]
    images: tuple[Images, ...] = ()
    """One for each election whose actas say hashes."""

    @property
    def bytes(self) -> int:
        """Size of the delivered files together."""
        return sum(f.size for f in self.files)

    @property
    def verdict(self) -> Verdict:
        if any(f.severity is Severity.STOP for f in self.findings):
            return Verdict.STOPPED
        return Verdict.ODD if self.findings else Verdict.GOOD


class Limits(msgspec.Struct, frozen=True):
    """Bounds on what a delivery may unpack to."""

    max_total_bytes: int = 8 * 1024**3
    max_entries: int = 200_000
    max_ratio: int = 200
    """Unpacked : packed, of one archive."""
    max_nesting: int = 3
    """Archives inside archives."""


class Expectations(msgspec.Struct, frozen=True):
    """What the station expects of a delivery; the defaults expect nothing."""

    state: str = ""
    elections: tuple[str, ...] = ()
    cadence_minutes: int = 5
    opens: datetime | None = None
    closes: datetime | None = None
    """Aware; the window is checked only when both are set."""
    now: datetime | None = None
    """Aware, in the station's zone: a stamp more than 10 min after it is in the future."""
    marks: Mapping[str, Stamp] = msgspec.field(default_factory=dict)
    """Election to the newest stamp accepted."""
    phase: str = "jornada"
    reserved: str = ""
    """Folder of the address space that the web server keeps for itself (``_prep/``); '' none."""
