"""Every alarm that can be: what it says, why, what it means for the public, and what to do.

The page docs/alarms.md is written from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from types import MappingProxyType
from typing import Final

import msgspec

from prep_console.alarms.condition import Condition
from prep_console.snapshot import AlarmView, Detail
from prep_console.wording import N_, Sentence, Value, known_text, say_in, visible


class Cause(msgspec.Struct, frozen=True):
    """An alarm that explains another one. A cause with a subject explains only its own."""

    id: str
    of: tuple[str, ...] = ("",)
    """Beginnings of the subjects that it explains."""


class Rule(msgspec.Struct, frozen=True):
    """One kind of alarm. Its severity comes with each condition."""

    id: str
    """Stable: scripts, hooks and the journal name it."""
    text: str
    """What happened, with values to fill in."""
    cause: str
    consequence: str
    to_do: str
    delay_s: float = 0.0
    """The fault must hold this long before it is announced, or gets worse in name."""
    clear_s: float = 0.0
    """It must be gone this long before it is over, or gets better in name."""
    shelvable: bool = True
    explained_by: tuple[Cause, ...] = ()
    """While one of these is listed, this one is listed under it and not by itself."""
    counts: str = ""
    """The value whose being 1 asks for ``of_one`` in the place of ``text``."""
    of_one: str = ""

    def worded(self, values: Mapping[str, Value] | Mapping[str, Detail]) -> str:
        """The template for these values."""
        return self.of_one if self.of_one and values.get(self.counts) == 1 else self.text


_RULES: Final = (
    Rule(
        "cut.late",
        N_("No cut has come for {minutes} minutes."),
        N_("The institute sends nothing, its line or ours is cut, or what comes is not whole."),
        N_("The public sees an older cut than it should, with its hour."),
        N_("Look at the institute's session and the link; call the institute's contact."),
        shelvable=False,
        explained_by=(Cause("engine.stopped"), Cause("link.down")),
        counts="minutes",
        of_one=N_("No cut has come for a minute."),
    ),
    Rule(
        "cut.unpublished",
        N_("{cut} has arrived and is not public after {minutes} minutes{figure}."),
        N_("It could not be sealed or published: disk, damage, or a process that keeps the lock."),
        N_("The public sees the cut before it."),
        N_(
            "Look at the record and the disk; kill -CONT or -KILL the process named; publish by "
            "hand if it is whole."
        ),
        delay_s=60,
        shelvable=False,
        explained_by=(Cause("engine.stopped"),),
        counts="minutes",
        of_one=N_("{cut} has arrived and is not public after a minute{figure}."),
    ),
    Rule(
        "cut.doubtful",
        N_("The public cut is doubtful: {what}{figure}"),
        N_(
            "At the institute transmission and publication are out of step, or files were mixed up."
        ),
        N_("The public sees what was delivered: old figures under a new hour, or a wrong image."),
        N_("Ask the institute whether it should be so; until it says otherwise it stays public."),
    ),
    Rule(
        "election.stopped",
        N_("{subject} was carried over in the last {n} cuts; the others go on."),
        N_("The institute no longer delivers this election, or its deliveries are refused."),
        N_("The public sees this election as of an older hour than the others."),
        N_("Look for refused deliveries of it; call the institute's contact."),
    ),
    Rule(
        "cut.undecided",
        N_("{cut} waits for a person's word: {what}"),
        N_("The institute sent other bytes for an hour, no figures, or went on after the freeze."),
        N_("The public keeps the version that it has until a person decides."),
        N_("Compare both, ask the institute which one holds; publish it, or freeze it anew."),
        shelvable=False,
    ),
    Rule(
        "cut.damaged",
        N_("Files of the public cut are damaged and no good copy is here: {names}"),
        N_("Sealed files were changed, deleted or lost here; or a good copy finds no room."),
        N_("Visitors may get bytes that the institute did not deliver, or errors."),
        N_("Let the institute send the cut again and run resync; or roll back."),
        shelvable=False,
    ),
    Rule(
        "cut.tampered",
        N_("Sealed files of {cut} had been changed and were put right: {names}"),
        N_("Somebody or something with write access changed bytes that nobody may change."),
        N_("Until it was repaired visitors may have got the changed bytes."),
        N_("Find out who can write to the store; look at logins and at the disk's health."),
    ),
    Rule(
        "cut.carried",
        N_("{subject} was carried over in the public cut."),
        N_("No delivery of this election came with the others in time."),
        N_("The public sees this election with its own, older hour."),
        N_("Usually none: the next cut brings it. If it does not, ask the institute."),
        explained_by=(Cause("election.stopped"),),
    ),
    Rule(
        "cut.parked",
        N_("The delivery {name} is of {stamp}, ahead of our clock, and waits."),
        N_("The institute's clock or ours is wrong; ours is not known to be right."),
        N_("The public keeps the cut before it."),
        N_("Check our clock against the time servers; call the institute about theirs."),
        shelvable=False,
    ),
    Rule(
        "cut.refused",
        N_("The delivery {name} was refused ({reason}); what the public sees did not change."),
        N_("It was not whole, older than what was accepted, or not what this station takes."),
        N_("None: the public cut stays as it was."),
        N_("Tell the institute the reason; the delivery is kept in quarantine."),
    ),
    Rule(
        "hold.long",
        N_("Publishing has been on hold for {minutes} minutes; {n} cuts wait."),
        N_("A person put publishing on hold, by a rollback for instance, and it was not released."),
        N_("The public sees no newer cut."),
        N_("Release publishing, or note in the record why the hold goes on."),
        shelvable=False,
        counts="n",
        of_one=N_("Publishing has been on hold for {minutes} minutes; one cut waits."),
    ),
    Rule(
        "site.differs",
        N_("Visitors get {served}, but {live} should be public."),
        N_("A cache or another server answers, or Apache reads another pointer."),
        N_("Visitors see another cut than the screen says."),
        N_("Purge caches, reload Apache, check that the name leads to this server."),
        delay_s=5,
        clear_s=5,
        shelvable=False,
    ),
    Rule(
        "site.unseen",
        N_("The site does not answer well: {error}"),
        N_("Apache, its settings, the certificate or the way to it is at fault."),
        N_("Visitors may get an error or nothing."),
        N_("Look at Apache and its error log; open the site from another line."),
        delay_s=15,
        clear_s=15,
        shelvable=False,
        explained_by=(Cause("apache.down"),),
    ),
    Rule(
        "site.altered",
        N_("What visitors get is not what was sealed: {what}{figure}"),
        N_("A file, the page's hour or another address shows something else than the public cut."),
        N_("Visitors may see altered, mixed or old content."),
        N_("Run resync; purge caches; look for changes to Apache's settings and to the disk."),
        delay_s=20,
        clear_s=20,
        shelvable=False,
        explained_by=(Cause("apache.down"), Cause("site.differs"), Cause("site.unseen")),
    ),
    Rule(
        "site.certificate",
        N_("The site's certificate: {what}{figure}"),
        N_("It ends soon or has ended, or it is not valid for this name."),
        N_("Browsers warn visitors away from the site."),
        N_("Renew the certificate and reload Apache."),
        delay_s=60,
        clear_s=60,
    ),
    Rule(
        "engine.stopped",
        N_("No engine is running: nobody receives cuts.{ever}"),
        N_("It was stopped, it crashed, or the machine was restarted without it."),
        N_("The public keeps the last cut; newer ones are not taken, nothing is watched."),
        N_("Start it: systemctl start prep-console, or m on the console."),
        shelvable=False,
    ),
    Rule(
        "journal.broken",
        N_("The journal's chain is broken at line {line}."),
        N_("The record was changed, cut off or damaged."),
        N_("What the public sees does not change; the proof of the night has a gap."),
        N_("Keep the file as it is, copy it away, and ask who could write to it."),
        shelvable=False,
    ),
    Rule(
        "pointer.moved",
        N_("The public cut was not the one in the journal; publishing is on hold."),
        N_("Somebody changed the pointer by hand, or a disk lost a write."),
        N_("The public sees a whole cut, but not the one that was decided."),
        N_("Check which cut should be public and publish it; then release."),
        shelvable=False,
    ),
    Rule(
        "source.trouble",
        N_("Source {subject}: {what}{figure}"),
        N_("Its line or server, our login or our disk is at fault, or an older cut was put there."),
        N_("None yet; what only this source has does not arrive."),
        N_("Look at line, login, host key and our disk; call the institute; then run resync."),
        delay_s=120,
        clear_s=15,
        explained_by=(Cause("link.down"),),
    ),
    Rule(
        "host.disk",
        N_("The station's disk: {what}{figure}"),
        N_("Cuts, logs or other programs fill it; or it failed and was mounted read-only."),
        N_("None yet; no new cut can be taken. A rollback works when it is full, not read-only."),
        N_("Run prune, remove old archives and logs, add space; read-only: look at dmesg."),
        delay_s=10,
        clear_s=30,
    ),
    Rule(
        "host.strained",
        N_("The server is strained: {what}{figure}"),
        N_("Too many visitors, another program, or too small a machine."),
        N_("Pages may come slowly; new cuts take longer to be published."),
        N_("See with top what uses it; stop what does not belong here."),
        delay_s=120,
        clear_s=60,
    ),
    Rule(
        "apache.down",
        N_("Apache is not running."),
        N_("It was stopped, crashed, or does not start with its settings."),
        N_("Visitors cannot open the site."),
        N_("apachectl configtest, then systemctl start apache2; look at its error log."),
        delay_s=5,
        clear_s=10,
        shelvable=False,
    ),
    Rule(
        "service.down",
        N_("The service {subject} is not running."),
        N_("It was stopped or it crashed."),
        N_("None at once; without SSH no deliveries, without NTP a drifting clock."),
        N_("Start it with systemctl and look at its log."),
        delay_s=15,
        clear_s=15,
    ),
    Rule(
        "clock.off",
        N_("Our clock is not right: {what}{figure}"),
        N_("The NTP client is not synchronised, or somebody set the clock."),
        N_("Hours on screens, in the record and for lateness are wrong by as much."),
        N_("Look at chronyc tracking and at the way to the time servers."),
        delay_s=30,
        clear_s=60,
    ),
    Rule(
        "power.mains",
        N_("Mains power is lost: running on {source}."),
        N_("The supply failed, or a breaker or plug is open."),
        N_("None while battery or generator last."),
        N_("Check that the generator runs; call the building's electrician."),
        delay_s=3,
        clear_s=60,
    ),
    Rule(
        "power.ups",
        N_("UPS {subject}: {what}{figure}"),
        N_("Its battery is low, old or gone, it is overloaded, or it no longer protects."),
        N_("None yet; when it ends, what it feeds goes dark."),
        N_("Take load off it, restore power, or shut down in order before it is empty."),
        delay_s=5,
        clear_s=30,
        shelvable=False,
    ),
    Rule(
        "generator.failed",
        N_("Generator {subject}: {what}"),
        N_("It did not start, stopped, is not in automatic, or its controller warns."),
        N_("None while the mains or the battery last."),
        N_("Start it by hand at its panel; call the person on duty for it."),
        delay_s=5,
        clear_s=30,
    ),
    Rule(
        "link.down",
        N_("The network interface {name} is down."),
        N_("A cable, a switch port or the provider's equipment failed."),
        N_("Visitors do not reach the site and no cut comes in."),
        N_("Check cable, switch and router, and their power; call the provider."),
        delay_s=10,
        clear_s=20,
        shelvable=False,
    ),
    Rule(
        "protection.weak",
        N_("A protection is missing: {subject}"),
        N_("A setting was changed, a module is not loaded, or updates are pending."),
        N_("None at once; the site or the institute's way in is less protected."),
        N_("Look at the instrument's evidence and restore the setting."),
        delay_s=60,
        clear_s=60,
    ),
    Rule(
        "instrument.unknown",
        N_("{subject} cannot be read: {error}"),
        N_("What it asks is down, hangs, or is set wrong."),
        N_("None; but a fault there would not be seen."),
        N_("Look at the device or program that it asks, and at the settings."),
        delay_s=60,
        clear_s=15,
        explained_by=(
            Cause("engine.stopped"),
            Cause("apache.down", ("host.apache", "site.", "protection.waf", "protection.rate")),
            Cause("site.unseen", ("site.", "protection.waf")),
            Cause(
                "link.down",
                ("clock.", "link.", "site.vantage.", "protection.address", "protection.updates"),
            ),
        ),
    ),
)

TABLE: Final[Mapping[str, Rule]] = MappingProxyType({rule.id: rule for rule in _RULES})


_REFUSED_FOR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stamp.older": N_("older than what was accepted"),
        "stamp.future": N_("ahead of our clock"),
        "stamp.missing": N_("its hour is missing"),
        "stamp.disagree": N_("its hours disagree"),
        "product.test": N_("test data"),
        "product.computos": N_("final counts, not the PREP"),
        "archive.truncated": N_("the archive is not whole"),
        "archive": N_("the archive is damaged or unsafe"),
        "delivery": N_("the delivery cannot be read"),
        "results": N_("its results cannot be read"),
        "site": N_("its site's data cannot be read"),
        "state": N_("another state"),
        "election": N_("another election, or one twice"),
        "manifest": N_("other than its list of hashes says"),
    }
)
"""Why a delivery was refused, in few words for a wall; by check, or by the family of checks."""


def _refused_for(checks: str) -> str:
    """Names of checks as words, each once; one of a newer version as it is."""
    known = (_REFUSED_FOR.get(c, _REFUSED_FOR.get(c.partition(".")[0])) for c in checks.split(", "))
    words = dict.fromkeys(known_text(one) for one in known if one is not None)
    return ", ".join(words) or checks


def sentence_of(alarm: AlarmView) -> Sentence:
    """What a person reads about an alarm; an id of a newer version shows its English text."""
    rule = TABLE.get(alarm.id)
    values = _filled(alarm.values, alarm.subject)
    if rule is None or not _fits(rule.worded(values), values):
        return Sentence(N_("{text}"), {"text": alarm.text})
    if rule.id == "cut.refused" and isinstance(checks := values["reason"], str):
        values["reason"] = _refused_for(checks)
    return Sentence(rule.worded(values), values)


def named(key: str) -> str:
    """An alarm by its key in words; its values are not at hand: an ellipsis stands for each."""
    id_, _, subject = key.partition(":")
    rule = TABLE.get(id_)
    if rule is None:
        return visible(key)
    told = without_values(rule.text)
    return f"{told} ({visible(subject)})" if subject else told


def without_values(template: str) -> str:
    """A rule's sentence with an ellipsis for each value; none after its end."""
    parts = Formatter().parse(known_text(template))
    told = "".join(literal + ("" if name is None else "…") for literal, name, _, _ in parts)
    return told.replace(".…", ".")


def english_of(condition: Condition) -> str:
    """The stable text for the journal, hooks and ``--json``, whatever language was chosen."""
    rule = TABLE.get(condition.id)
    values = {**_plain(condition.values), "subject": condition.subject}
    if rule is None or not _fits(rule.worded(values), values):
        return visible(condition.key)
    return say_in("en", rule.worded(values), **values)


def _fits(template: str, values: Mapping[str, Value]) -> bool:
    """Whether nothing is lacking: an alarm may come from the journal of another version."""
    return all(name is None or name in values for _, name, _, _ in Formatter().parse(template))


def _filled(values: Mapping[str, Detail], subject: str) -> dict[str, Value]:
    said = {k: known_text(v) if isinstance(v, str) else v for k, v in _plain(values).items()}
    return {**said, "subject": subject}


def _plain(values: Mapping[str, Detail]) -> dict[str, Value]:
    return {k: v for k, v in values.items() if not isinstance(v, bool) and k != "subject"}


def explains(cause: Condition, consequence: Condition, reason: Cause) -> bool:
    """Whether one fault is what the other one's rule names as a reason (``explained_by``)."""
    return (
        reason.id == cause.id
        and (not cause.subject or cause.subject == consequence.subject)
        and consequence.subject.startswith(reason.of)
    )
