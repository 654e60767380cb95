"""A station on disk: its folders, its state, and the one way to add to its journal."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import msgspec

from prep_console import __version__, durable
from prep_console.config import Settings
from prep_console.decoding import decode
from prep_console.journal import journal, store_version
from prep_console.journal.actor import Actor
from prep_console.journal.chain import Break, Line
from prep_console.journal.fold import fold
from prep_console.journal.journal import Position, Reading
from prep_console.journal.late import Late
from prep_console.journal.records import CutRecord
from prep_console.journal.state import SHAPE, State
from prep_console.journal.store_version import NewerStore
from prep_console.publication import estado, lock, pointer
from prep_console.publication.pointer import Live
from prep_console.values import replace

_CHECKPOINT_LINES = 40
"""Lines after which the folded state is kept beside the journal, so that an action reads these
few lines and not the whole night (2,000 lines cost 20 ms, the checkpoint 1)."""
_TAIL_BYTES = 1024
"""Longer than what stands after ``data`` in a journal line, its hash included."""


_PROGRAM = f"{__version__} {SHAPE}"
"""Whose fold the kept state is: what another one left out of it would be missing without a word."""


class Station:
    """The folders of one station. Making one opens nothing and writes nothing."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.root = settings.root
        self.staging = self.root / "staging"
        self.cuts = self.root / "cuts"
        self.quarantine = self.root / "quarantine"
        self.public = self.root / "public"
        self.journal = self.root / "journal" / "journal.jsonl"
        self.run = self.root / "run"
        self._state: State | None = None
        self._kept_lines: int | None = None
        """Lines that the checkpoint holds, once it was read or written here."""
        self._inode = 0

    @cached_property
    def action_lock(self) -> Path:
        """Covers journal and pointer, for milliseconds."""
        return self.run / "action.lock"

    @cached_property
    def intake_lock(self) -> Path:
        """Covers deciding about staged deliveries, and sealing."""
        return self.run / "intake.lock"

    @cached_property
    def worker_lock(self) -> Path:
        """Held by the engine's worker while it reads a delivery, so that one that hangs is told."""
        return self.run / "worker.lock"

    @cached_property
    def leader_lock(self) -> Path:
        """Held for the life of the engine."""
        return self.run / "leader.lock"

    def prepare(self) -> None:
        """Make the folders that lack. Failed when the root cannot be written, NewerStore."""
        self.refuse_newer()
        try:
            if not self.root.parent.is_dir():
                raise FileNotFoundError(2, os.strerror(2), str(self.root.parent))
            for folder, mode in (
                (self.root, 0o755),
                (self.staging, 0o700),
                (self.cuts, 0o755),
                (self.quarantine, 0o700),
                (self.public, 0o755),
                (self.public / "estado", 0o755),
                (self.journal.parent, 0o755),
                (self.run, 0o755),
            ):
                if not folder.is_dir():  # another process may make it at the same moment
                    folder.mkdir(mode=mode, parents=folder != self.root, exist_ok=True)
                    folder.chmod(mode)
        except OSError as error:
            raise lock.unwritable(error) from error
        with suppress(OSError):  # where the institute writes is no reason to stop a decision
            self.settings.drop_folder.mkdir(mode=0o755, parents=True, exist_ok=True)

    def reserve(self) -> None:
        """Take the blocks that switches need on a full disk. Full already: as far as it goes."""
        with suppress(OSError):
            pointer.make_ready(self.public)
            estado.make_ready(self.public, pointer.read(self.public).estado)
        ballast = self.run / "ballast"
        size = self.settings.publication.ballast_bytes
        with suppress(OSError):
            if size and not ballast.exists():
                durable.replace_file(ballast, b"\0" * size, durable=False)

    def refuse_newer(self) -> None:
        """Before anything is written: NewerStore when this program does not know its form."""
        with suppress(OSError):  # what cannot be read at all is told by what needs it
            self.state()

    def forget(self) -> None:
        """Read the journal from its beginning next time: it is another one now."""
        self._state = None
        self._kept_lines = None

    def own_head(self) -> tuple[int, str] | None:
        """Number and hash of the line that the public estado page was written after."""
        head = estado.head_of(self.public, self.live().estado)
        if head is None or any(
            head[1].encode() in path.read_bytes()
            for path in self.root.glob("archive/*/journal/journal.jsonl")
        ):
            return None  # a page from before ``station new``: its line is in the archive
        return head

    def live(self) -> Live:
        """What the pointer names now."""
        return pointer.read(self.public)

    def state(self) -> State:
        """The journal folded up to its end. Takes no lock and changes nothing. NewerStore."""
        return _known(self.found_state())

    def found_state(self) -> State:
        """Like :meth:`state`, for somebody who only asks of which version the store is."""
        size = self._journal_size()
        known = self._state or self._checkpoint()
        if known is not None and size < known.position.offset:
            known = self._read_against(known)
        if known is not None and size == known.position.offset:  # nobody wrote since
            self._state = known
            return known
        reading = journal.read(self.journal, known.position if known else None)
        self._state = fold(reading.lines, reading.position, known, reading.breaks)
        return self._state

    def whole_state(self) -> State:
        """Like :meth:`state`, but every line is read and verified again."""
        self._journal_size()
        self._state = self._read_against(self._state or self._checkpoint_said())
        return _known(self._state)

    def _journal_size(self) -> int:
        """Its bytes; what was read of another journal (the night before) is forgotten."""
        try:
            status = self.journal.stat()
            size, inode = status.st_size, status.st_ino
        except FileNotFoundError:
            size, inode = 0, 0
        if inode != self._inode:
            self._state, self._inode = None, inode
        return size

    def _read_against(self, kept: State | None) -> State:
        """The whole journal again; a break when it lacks the line that ``kept`` ended with.

        What was decided until then ``kept`` knows better than a journal that has lost a line since.
        """
        reading = journal.read(self.journal)
        fresh = fold(reading.lines, reading.position, None, reading.breaks)
        if kept is None or kept.position.seq == 0:
            return fresh
        reached = kept.position
        heads = [(line.seq, line.hash) for line in reading.lines]
        damaged = [found.after for found in reading.breaks if found.line == reached.lines]
        if (reached.seq, reached.hash) in heads:
            known = heads.index((reached.seq, reached.hash)) + 1
        elif damaged:
            known = damaged[0]  # it is there, and named already
        else:
            self._kept_lines = -_CHECKPOINT_LINES  # of another journal: replaced at the next action
            if fresh.known_breaks == kept.known_breaks:  # else somebody went on from there already
                fresh = _with_memory(reading, len(heads), kept)
            return _with_break(fresh, reached)
        if any(found.line <= reached.lines for found in fresh.breaks):
            return _with_memory(reading, known, kept)
        return fresh

    @property
    def _checkpoint_file(self) -> Path:
        return self.run / "state.json"

    def _checkpoint_said(self) -> State | None:
        try:
            return _checkpoint_in(self._checkpoint_file.read_bytes())
        except OSError:
            return None

    def _checkpoint(self) -> State | None:
        """The kept state; what the journal says now when it lost the line that this ends with."""
        kept = self._checkpoint_said()
        if kept is None:
            return None
        self._kept_lines = kept.position.lines
        end = kept.position.offset
        try:
            with self.journal.open("rb") as file:
                file.seek(max(0, end - _TAIL_BYTES))
                tail = file.read(min(end, _TAIL_BYTES))
        except FileNotFoundError:
            tail = b""
        holds = tail.endswith(b"\n") and kept.position.hash.encode() in tail
        return kept if holds else self._read_against(kept)

    def keep_checkpoint(self) -> None:
        """Keep the state for the next process. A convenience: failing costs time, nothing else."""
        state = self._state
        if state is None or state.intent is not None or state.position.seq == 0:
            return
        if self._kept_lines is None:
            kept = self._checkpoint_said()
            self._kept_lines = kept.position.lines if kept is not None else -_CHECKPOINT_LINES
        if 0 <= state.position.lines - self._kept_lines < _CHECKPOINT_LINES:
            return
        with suppress(OSError, ValueError):
            content = _checkpoint_of(state)
            durable.replace_file(self._checkpoint_file, content, durable=False)
            self._kept_lines = state.position.lines

    @contextmanager
    def acting(
        self, purpose: str, *, take_over: bool = False, decides: bool = False
    ) -> Iterator[Ledger]:
        """Hold the action lock; what an earlier holder left open is settled by the caller.

        ``decides``: a person or a rule does, which is worth the ballast on a full disk.
        Refused after 2 s, naming the holder; Failed when the disk refuses; NewerStore.
        """
        self.refuse_newer()
        ballast = self.run / "ballast" if decides else None
        with lock.held(self.action_lock, purpose, take_over=take_over, ballast=ballast):
            try:
                yield Ledger(self, decides)
                self.keep_checkpoint()  # before anybody else may begin another journal
            except OSError as error:
                raise lock.unwritable(error) from error
            finally:
                if self._state is not None and self._state.intent is not None:
                    self._state = None


class Ledger:
    """The journal and the pointer, while the action lock is held."""

    def __init__(self, station: Station, decides: bool) -> None:
        self.station = station
        self._decides = decides
        self.state = station.state()
        state = self.state
        if found := state.breaks or self._cut_off():
            lost_unseen = not state.breaks and state.mode == "auto"
            said = {
                "breaks": [{"line": b.line, "seq": b.seq, "reason": b.reason} for b in found],
                "mode": "hold" if lost_unseen else state.mode,
                "final": state.final,
                "withdrawn": [cut.id for cut in state.cuts.values() if cut.withdrawn],
            }
            self.append([("segment", said)], Actor(os.getuid(), "journal"))

    def _cut_off(self) -> tuple[Break, ...]:
        """Lines that are gone from the journal's end: a chain cannot show it, the public page can.

        It names the head of the switch that made it. Where nothing is live the station may have
        begun afresh a moment ago.
        """
        live = self.station.live()
        head = estado.head_of(self.station.public, live.estado) if live.cut is not None else None
        if head is None or head[0] <= self.state.position.seq:
            return ()
        return (_gone(self.state, *head),)

    def append(
        self, entries: Iterable[tuple[str, Mapping[str, object]]], actor: Actor
    ) -> tuple[Line, ...]:
        """Add lines durably and fold them into the state; the lines that were asked for.

        Others may come before them: an append that a crash cut short, and of which version the
        store is from here on, when this program is newer than who wrote it last.
        """
        asked = list(entries)
        pending = list(asked)
        if self.state.version < store_version.VERSION:
            pending.insert(0, (store_version.KIND, {"version": store_version.VERSION}))
        try:
            lines, position = journal.append(
                self.station.journal, self.state.position, pending, actor, datetime.now(UTC)
            )
        except OSError as error:
            if not self._is_worth_it() or not self._gave_ballast(error):
                raise
            lines, position = journal.append(
                self.station.journal, self.state.position, pending, actor, datetime.now(UTC)
            )
        self.state = fold(lines, position, self.state)
        self.station._state = self.state
        return lines[len(lines) - len(asked) :]

    def begin_again(self) -> None:
        """The journal was moved away: go on with an empty one."""
        self.station.forget()
        self.station.prepare()
        self.state = self.station.state()

    def write_pointer(self, live: Live) -> None:
        """Switch what the public gets; the estado pages of ``live.estado`` are there already."""
        try:
            pointer.write(self.station.public, live)
        except OSError as error:
            if not self._gave_ballast(error):
                raise
            pointer.write(self.station.public, live)

    def write_estado(self, seq: int, said: estado.Said) -> None:
        head = (self.state.position.seq, self.state.position.hash)
        try:
            estado.write(self.station.public, seq, said, head)
        except OSError as error:
            if not self._gave_ballast(error):
                raise
            estado.write(self.station.public, seq, said, head)

    def _is_worth_it(self) -> bool:
        """Whether lines may have the ballast: those of a decision, or that put right what the
        public gets. What programs tell all night would use it up."""
        open_now = self.state.intent is not None or self.station.live().cut != self.state.live
        return self._decides or open_now

    def _gave_ballast(self, error: OSError) -> bool:
        """On a full disk, give up the ballast file once: True when there was one."""
        if error.errno not in lock.FULL:
            return False
        try:
            (self.station.run / "ballast").unlink()
        except OSError:
            return False
        return True


def _known(state: State) -> State:
    if state.version > store_version.VERSION:
        raise NewerStore.of(state.version)
    return state


def _checkpoint_of(state: State) -> bytes:
    """A line with the hash of the rest and whose fold it is, the state without its cuts, and them.

    The hash vouches for every cut without reading it.
    """
    cuts = state.cuts.entries if isinstance(state.cuts, Late) else state.cuts
    body = msgspec.json.encode(replace(state, cuts={})) + b"\n" + msgspec.json.encode(cuts)
    return f"{hashlib.sha256(body).hexdigest()} {_PROGRAM}\n".encode() + body


def _checkpoint_in(content: bytes) -> State | None:
    """None when it is not, to the byte, what this program wrote."""
    head, _, body = content.partition(b"\n")
    if head != f"{hashlib.sha256(body).hexdigest()} {_PROGRAM}".encode():
        return None
    state, _, cuts = body.partition(b"\n")
    return replace(
        decode(state, State),
        cuts=Late(CutRecord, decode(cuts, dict[str, msgspec.Raw])),
    )


def _with_memory(reading: Reading, known: int, kept: State) -> State:
    later = tuple(
        replace(lost, stops=lost.stops and lost.line > kept.position.lines)
        for lost in reading.breaks
    )
    return fold(reading.lines, reading.position, None, later, (known, kept))


def _with_break(state: State, reached: Position) -> State:
    return replace(state, breaks=(*state.breaks, _gone(state, reached.seq, reached.hash)))


def _gone(state: State, seq: int, head: str) -> Break:
    reason = f"lines are gone or were rewritten: it once reached {seq}:{head}"
    return Break(state.position.lines + 1, seq, reason)
