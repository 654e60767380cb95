"""The site as a visitor meets it; certificate, files, shown time and vantages when wrong."""

from __future__ import annotations

from prep_console.snapshot import Reading, Snapshot
from prep_console.widgets.figures import milliseconds
from prep_console.widgets.instruments.judged import (
    Instrument,
    absent,
    amount,
    bounded,
    finite,
    judged,
    number,
    text,
)
from prep_console.wording import N_, known_text, say, say_n

_VANTAGE = "site.vantage."


def lines(snapshot: Snapshot) -> list[Instrument]:
    """The visitor's line always; the others only when they have something to say."""
    others = [
        _line(snapshot, name, reading)
        for name, reading in sorted(snapshot.readings.items())
        if name.startswith("site.") and name != "site.visitor" and reading.state != "ok"
    ]
    return [_visitor(snapshot), *others]


def wrong_content(snapshot: Snapshot) -> list[Instrument]:
    """What was seen, since the live cut went live, to be served otherwise than delivered."""
    live = snapshot.live
    found = []
    for name in ("site.files", "site.time"):
        reading = snapshot.readings.get(name)
        if reading is None or (live is not None and reading.observed_at < live.since):
            continue
        line = _line(snapshot, name, reading)
        if line.state == "critical":
            found.append(line)
    return found


def _line(snapshot: Snapshot, name: str, reading: Reading) -> Instrument:
    if name == "site.certificate":
        label, value, note = say(N_("certificate")), _days(reading), _fault(reading)
    elif name == "site.files":
        label, value, note = say(N_("files")), *_files(reading)
    elif name == "site.time":
        label, value = say(N_("page's time")), amount(reading)
        note = say(N_("differs from the live cut"))
    elif name.startswith(_VANTAGE):
        label, value, note = _vantage(name, reading)
    else:
        label, value, note = bounded(name), amount(reading), ""
    said = judged(snapshot, name, reading, value)
    return Instrument(label, said.value, said.state, said.remark or note)


def _visitor(snapshot: Snapshot) -> Instrument:
    label = say(N_("site"))
    reading, served = snapshot.readings.get("site.visitor"), snapshot.served
    if reading is None:
        return absent(snapshot, label)
    if served is not None and served.ok and served.status == 503:
        status = say(N_("no cut (503), as it must be"))
    else:
        status = str(served.status) if served is not None and served.status is not None else "?"
    latency = ""
    if served is not None and served.latency_s is not None:
        latency = milliseconds(served.latency_s)
    value = " · ".join(part for part in (status, latency) if part)
    said = judged(snapshot, "site.visitor", reading, value)
    if not said.told:
        return Instrument(label, said.value, said.state, said.remark)
    certificate = snapshot.readings.get("site.certificate")
    days = finite(certificate.value) if certificate is not None else None
    if days is None:
        days = number(reading, "certificate_days")
    note = "" if days is None else say(N_("certificate {n} d"), n=f"{days:.0f}")
    return Instrument(label, said.value, said.state, note, ", ".join(filter(None, (value, note))))


def _days(reading: Reading) -> str:
    days = finite(reading.value)
    if days is None:
        return amount(reading)
    if days < 0:
        return say(N_("expired {n} d ago"), n=f"{-days:.0f}")
    return say_n("{n} day left", "{n} days left", round(days))


def _fault(reading: Reading) -> str:
    days = finite(reading.value)
    if days is not None and days < 0:
        return ""  # said already
    return bounded(known_text(text(reading, "error")))


def _files(reading: Reading) -> tuple[str, str]:
    wrong = text(reading, "wrong").split()
    lost = text(reading, "missing").split()
    if wrong:
        return say(N_("altered: {names}"), names=", ".join(wrong[:2])), _more(len(wrong) - 2)
    if lost:
        return say(N_("missing: {names}"), names=", ".join(lost[:2])), _more(len(lost) - 2)
    return amount(reading), ""


def _more(count: int) -> str:
    return say(N_("and {n} more"), n=count) if count > 0 else ""


def _vantage(name: str, reading: Reading) -> tuple[str, str, str]:
    cut, same = text(reading, "cut"), reading.detail.get("same")
    note = say(N_("serves {cut}"), cut=cut) if cut and same is False else ""
    return bounded(name.removeprefix(_VANTAGE)), amount(reading), note
