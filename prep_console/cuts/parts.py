"""From what was seen in a delivery to its parts, one per election, and what is wrong with them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from prep_console.cuts import arithmetic, elections, states
from prep_console.cuts.checks import finding
from prep_console.cuts.evidence import Evidence, FoundJson, FoundResults, Place
from prep_console.cuts.model import Expectations, Finding, Part, Results, Severity
from prep_console.cuts.names import FileName, read_name
from prep_console.cuts.stamps import MOST_AHEAD, Stamp
from prep_console.values import replace


class _Claim(msgspec.Struct, frozen=True):
    """One place's word on one election."""

    results: Results
    """With code, state and stamp filled in."""
    stamp: Stamp
    place: Place
    external: bool
    sha256: str
    files: tuple[str, ...]


def conclude(
    evidence: Evidence, delivery: FileName, expectations: Expectations
) -> tuple[tuple[Results, ...], tuple[Part, ...], list[Finding]]:
    """What each election's part is; ``delivery`` is what the delivery's own name says."""
    judge = _Judge(evidence, expectations)
    judge.products(delivery)
    claims = [claim for found in evidence.results if (claim := judge.csv(found)) is not None]
    if not evidence.results:
        claims = list(judge.site())
    chosen = judge.choose(claims)
    judge.reserved()
    judge.aliens(claims if evidence.results else ())
    judge.places(claims)
    judge.outer_stamps(claims)
    if evidence.results:
        judge.site_stamps(chosen)
    for claim in claims:
        judge.state(claim)
    for claim in chosen:
        judge.expected(claim)
    parts = tuple(
        Part(c.results.code, c.stamp, c.sha256, c.files, c.results.figures) for c in chosen
    )
    return tuple(c.results for c in chosen), parts, judge.findings


class _Judge:
    """The rules, over one delivery's evidence."""

    def __init__(self, evidence: Evidence, expectations: Expectations) -> None:
        self.findings: list[Finding] = []
        self._evidence = evidence
        self._expectations = expectations
        self._cadence = timedelta(minutes=expectations.cadence_minutes)
        self._codes = {elections.canonical(c) or c for c in expectations.elections}
        self._hashes = {file.path: file.sha256 for file in evidence.files}

    def _find(self, check: str, where: str = "", **values: str | int) -> None:
        self.findings.append(finding(check, where, **values))

    # -- what product this is ----------------------------------------------------------------

    def products(self, delivery: FileName) -> None:
        """Final district counts stop; what calls itself a test stops on election day."""
        named: dict[str, FileName] = {"": delivery}
        for place in self._evidence.places:
            named |= {place.where: place.name, **dict(place.outer)}
        for found in self._evidence.results:
            title = FileName(
                product="COMPUTOS" if "COMPUTO" in elections.plain(found.results.title) else "",
                test=read_name(found.results.title).test,
            )
            named |= {found.results.path: found.name, f"{found.results.path}:1": title}
            named |= dict(found.place.outer)
        for where, name in named.items():
            if name.product == "COMPUTOS":
                self._find("product.computos", where)
            if name.test:
                self._test(where)
            if name.no_moment:
                self._find("stamp.name", where)
        for json in self._evidence.site:
            if json.cut.test:
                self._test(json.where)

    def _test(self, where: str) -> None:
        self._find(
            "phase.test" if self._expectations.phase == "simulacro" else "product.test", where
        )

    # -- one place's word --------------------------------------------------------------------

    def csv(self, found: FoundResults) -> _Claim | None:
        """What a results CSV claims to be, with the names around it."""
        where = found.results.path
        place = found.place
        names = [found.name, place.name, *(name for _, name in place.outer if _speaks(name))]
        code = self._code(where, elections.from_title(found.results.title), names)
        own = [
            place.name.stamp if place.is_archive else None,
            found.results.stamp,
            found.name.stamp,
        ]
        stamp = self._stamp(where, own, place)
        if not code or stamp is None:
            return None
        files: tuple[str, ...] = (place.file,)
        if place.is_archive:
            sha256 = self._archive_hash(place)
        else:
            files = (where, *self._loose_candidates(where, code))
            sha256 = self._listing_hash(files)
        state = self._state(names, found.results.state)
        for said in sorted({name.state for name in names if name.state and state}):
            if not states.same(said, state):
                self._find("state.differ", found.results.path, named=said, state=state)
        results = replace(found.results, code=code, state=state, stamp=stamp)
        return _Claim(results, stamp, place, place.name.external, sha256, files)

    def site(self) -> Iterator[_Claim]:
        """Without any CSV, the site's JSON is the product: one claim per election it tells of."""
        told: dict[str, list[FoundJson]] = {}
        for found in self._evidence.site:
            names = [found.name, found.place.name, *(n for _, n in found.place.outer)]
            told.setdefault(self._site_code(found, names), []).append(found)
        told.pop("", None)
        for code, group in told.items():
            best = max(group, key=_weight)
            own = [best.name.stamp or best.place.name.stamp, best.cut.stamp, best.cut.archive]
            stamp = self._stamp(best.where, own, best.place)
            if stamp is None:
                continue
            files: tuple[str, ...] = (best.place.file,)
            if best.place.is_archive:
                sha256 = self._archive_hash(best.place)
            else:
                files = tuple(sorted(f.where for f in group if not f.place.is_archive))
                sha256 = self._listing_hash(files)
            state = self._state([best.name, best.place.name, *(n for _, n in best.place.outer)])
            self._site_figures(best)
            results = Results(code, state, "", stamp, best.where, "utf-8", "", 0, best.cut.figures)
            yield _Claim(results, stamp, best.place, False, sha256, files)

    def _site_figures(self, found: FoundJson) -> None:
        """The totals are all that comes: they are held against each other as a header's are."""
        for name, value in found.cut.odd:
            self._find("site.value", found.where, name=name, value=value)
        self.findings.extend(arithmetic.of_figures(found.cut.figures, found.where))

    def _site_code(self, found: FoundJson, names: Iterable[FileName]) -> str:
        """A site's JSON names no election itself: its path may, or the station expects only one.

        National totals are no local election of the state that a station publishes.
        """
        named = next((name.election for name in names if name.election), "")
        if named:
            return named
        strange = found.cut.national and self._expectations.state
        if len(self._codes) == 1 and (not strange or self._codes & elections.FEDERAL):
            return next(iter(self._codes))
        if found.cut.national or not self._codes:
            return elections.NATIONAL
        self._find("election.unknown", found.where)
        return ""

    def _code(self, where: str, title: str, names: Iterable[FileName]) -> str:
        codes = [code for code in (title, *(name.election for name in names)) if code]
        if title == "DIP_FED":  # bare DIP in a name says no more than deputies
            codes = [title if code == "DIP_LOC" else code for code in codes]
        if not codes:
            self._find("election.unknown", where)
            return ""
        for other in codes:
            if other != codes[0]:
                self._find("election.disagree", where, election=codes[0], other=other)
                break
        return codes[0]

    def _stamp(self, where: str, own: Iterable[Stamp | None], place: Place) -> Stamp | None:
        """The first own stamp, held against the others; else the site's or an outer one."""
        stamps = [stamp for stamp in own if stamp is not None]
        if stamps:
            for other in stamps[1:]:
                self._compare(where, stamps[0], other)
            return stamps[0]
        site = [json.cut.stamp for json in self._evidence.site if json.cut.stamp]
        outer = [place.name.stamp, *(name.stamp for _, name in place.outer)]
        stamp = max(site, default=None) or next((s for s in outer if s is not None), None)
        if stamp is None:
            self._find("stamp.missing", where)
        return stamp

    def _compare(self, where: str, stamp: Stamp, other: Stamp) -> None:
        apart = abs(stamp - other)
        minutes = int(apart.total_seconds() // 60)
        if apart > self._cadence:
            self._find(
                "stamp.disagree", where, stamp=_shown(stamp), other=_shown(other), minutes=minutes
            )
        elif apart:
            self._find("stamp.differ", where, stamp=_shown(stamp), other=_shown(other))

    def _archive_hash(self, place: Place) -> str:
        return self._evidence.archives.get(place.where) or self._hashes.get(place.file, "")

    def _loose_candidates(self, where: str, code: str) -> list[str]:
        folder = where.rpartition("/")[0]
        return sorted(
            path
            for path in self._evidence.candidates
            if path.rpartition("/")[0] == folder and read_name(path).election in {"", code}
        )

    def _listing_hash(self, files: Iterable[str]) -> str:
        """Of what ``sha256sum`` prints for the files, by name."""
        listing = "".join(f"{self._hashes.get(path, '')}  {path}\n" for path in sorted(files))
        return hashlib.sha256(listing.encode()).hexdigest()

    # -- one claim per election --------------------------------------------------------------

    def choose(self, claims: Iterable[_Claim]) -> list[_Claim]:
        """The claim that counts for each election, by code; the others are held against it."""
        by_code: dict[str, list[_Claim]] = {}
        for claim in claims:
            by_code.setdefault(claim.results.code, []).append(claim)
        return [self._choose_one(code, by_code[code]) for code in sorted(by_code)]

    def _choose_one(self, code: str, claims: list[_Claim]) -> _Claim:
        archived = [c for c in claims if c.place.is_archive]
        main = [c for c in archived or claims if not c.external] or archived or claims
        best = max(main, key=lambda c: (c.stamp, c.results.rows))
        beside = [c for c in claims if c.external and c.place != best.place]
        for other in claims:
            if other is best or other in beside:
                continue
            if other.place == best.place and other.place.is_archive:
                self._find("election.several", other.results.path, election=code, n=len(claims))
            elif other.stamp == best.stamp:
                same = (other.results.figures, other.results.rows)
                if same != (best.results.figures, best.results.rows):
                    self._find("election.twice", other.results.path, election=code)
            elif not other.place.is_archive and best.place.is_archive:
                self._compare(other.results.path, best.stamp, other.stamp)
        if beside:
            files = tuple(dict.fromkeys((*best.files, *(f for c in beside for f in c.files))))
            best = replace(best, files=files, sha256=self._listing_hash(files))
        return best

    # -- the delivery as a whole -------------------------------------------------------------

    def reserved(self) -> None:
        """Files that the web server hides behind pages of its own."""
        folder = self._expectations.reserved
        for file in self._evidence.files:
            if folder and file.path.startswith(folder):
                self._find("name.reserved", file.path)

    def aliens(self, claims: Iterable[_Claim]) -> None:
        """Where a file bears the whole name of an election's results, that election's CSV is due.

        ``claims``: those of the results that could be read. Where the reading was stopped, what
        is lacking may come of that.
        """
        if any(f.severity is Severity.STOP for f in self._evidence.findings):
            return
        read = {claim.results.code for claim in claims}
        for alien in self._evidence.aliens:
            code = alien.name.election
            due = code in self._codes if self._codes else bool(code)
            if due and alien.name.state and code not in read:
                self._find(alien.check, alien.where)

    def _missing(self, where: str = "") -> None:
        """No results lie in ``where`` ('': anywhere): what lies there instead, if we know."""
        inside = f"{where}!/" if where else ""
        aliens = [a for a in self._evidence.aliens if a.where.startswith(inside)]
        for alien in aliens:
            self._find(alien.check, alien.where)
        if not aliens:
            self._find("results.missing", where)

    def places(self, claims: list[_Claim]) -> None:
        """An archive that calls itself a cut holds results; a delivery holds some somewhere."""
        seen = self._evidence.findings
        stopped = [f.where for f in (*seen, *self.findings) if f.severity is Severity.STOP]
        if not claims and not stopped:
            self._missing()
            return
        told = [c.results.path for c in claims] + [j.where for j in self._evidence.site] + stopped
        for place in self._evidence.places:
            if place.name.product != "PREP" or place.name.stamp is None:
                continue
            if not any(w == place.where or w.startswith(f"{place.where}!/") for w in told):
                self._missing(place.where)

    def outer_stamps(self, claims: Iterable[_Claim]) -> None:
        """The name around several parts is held against the newest of them."""
        newest: dict[str, tuple[Stamp, Stamp]] = {}
        for claim in claims:
            outer = list(claim.place.outer)
            if not claim.place.is_archive:
                outer.insert(0, (claim.place.where, claim.place.name))
            for where, name in outer:
                if name.stamp is not None:
                    known = newest.get(where, (name.stamp, claim.stamp))[1]
                    newest[where] = (name.stamp, max(known, claim.stamp))
        for where, (stated, stamp) in newest.items():
            self._compare(where, stamp, stated)

    def site_stamps(self, chosen: Iterable[_Claim]) -> None:
        """The site's newest JSON shows the same cut as the part that is nearest to it."""
        told = [(j.cut.stamp, j.where) for j in self._evidence.site if j.cut.stamp is not None]
        stamps = [claim.stamp for claim in chosen]
        if told and stamps:
            site, where = max(told)
            nearest = min(stamps, key=lambda stamp: abs(stamp - site))
            self._compare(where, nearest, site)

    # -- what the station expects ------------------------------------------------------------

    def state(self, claim: _Claim) -> None:
        """No results of another state, not even beside our own: all that came is published."""
        ours, state = self._expectations.state, claim.results.state
        if ours and state and not states.same(state, ours):
            self._find("state.wrong", claim.results.path, state=state, expected=ours.upper())

    def expected(self, claim: _Claim) -> None:
        """Election, age and hour of one part."""
        expects = self._expectations
        where, code, stamp = claim.results.path, claim.results.code, claim.stamp
        if self._codes and code not in self._codes:
            expected = ", ".join(sorted(self._codes))
            self._find("election.wrong", where, election=code, expected=expected)
        marks = {elections.canonical(c) or c: mark for c, mark in expects.marks.items()}
        mark = marks.get(code)
        if mark is not None and stamp < mark:
            self._find("stamp.older", where, election=code, stamp=_shown(stamp), mark=_shown(mark))
        if expects.now is not None:
            ahead = stamp.wall - expects.now.replace(tzinfo=None)
            if ahead > MOST_AHEAD:
                minutes = int(ahead.total_seconds() // 60)
                self._find("stamp.future", where, stamp=_shown(stamp), minutes=minutes)
        if expects.opens is not None and expects.closes is not None:
            opens, closes = self._wall(expects.opens), self._wall(expects.closes)
            if not opens <= stamp.wall <= closes:
                self._find("stamp.window", where, stamp=_shown(stamp))

    def _state(self, names: Iterable[FileName], rows: str = "") -> str:
        """The state that the nearest name says, or the rows: the one not ours if they differ."""
        named = next((name.state for name in names if name.state), "")
        ours = self._expectations.state
        if named and rows and ours and states.same(named, ours):
            return rows
        return named or rows

    def _wall(self, moment: datetime) -> datetime:
        """An hour of the settings as the station's clock shows it."""
        zone = self._expectations.now.tzinfo if self._expectations.now else moment.tzinfo
        return moment.astimezone(zone).replace(tzinfo=None)


def _shown(stamp: Stamp) -> str:
    return f"{stamp.wall:%Y-%m-%d %H:%M}"


def _speaks(name: FileName) -> bool:
    """Whether an outer name follows the institute's form, so that its words mean something."""
    return name.stamp is not None or bool(name.product)


def _weight(found: FoundJson) -> tuple[bool, bool, str, int]:
    """How well a site's JSON stands for its election: whole, national, newest, largest."""
    cut = found.cut
    return cut.whole, cut.national, str(cut.stamp or ""), cut.figures.expected or 0
