"""What instruments say of themselves, in words: flags of a UPS, states of a generator, sources.

Readings carry the raw word (``OB LB``, ``standby``), because ``--json`` is English and stable and
a record must hold what was read. Screens and messages say it through here, in the reader's
language. A word that nobody foresaw is shown as it is, never hidden.
"""

from __future__ import annotations

from prep_console.wording import N_, say, visible

_UNKNOWN_CHARACTERS = 20
_UNKNOWN_FLAGS = 16
"""A UPS has a handful of flags at once; more is noise from a broken driver."""

_UPS_FLAGS = {
    "OL": N_("on mains"),
    "OB": N_("on battery"),
    "LB": N_("battery low"),
    "HB": N_("battery high"),
    "RB": N_("replace the battery"),
    "CHRG": N_("charging"),
    "DISCHRG": N_("discharging"),
    "BYPASS": N_("bypass: no protection"),
    "CAL": N_("calibrating"),
    "OFF": N_("output off"),
    "OVER": N_("overloaded"),
    "TRIM": N_("lowering a high voltage"),
    "BOOST": N_("raising a low voltage"),
    "FSD": N_("forced shutdown"),
    "ALARM": N_("alarm"),
    "COMM": N_("connected"),
    "NOCOMM": N_("connection lost"),
    "TEST": N_("self test running"),
    "WAIT": N_("no data yet"),
}
"""``ups.status`` of NUT: https://networkupstools.org/docs/developer-guide.chunked/ (new-drivers)
and RFC 9271, section 5.1."""

_GENERATOR_STATES = {
    "standby": N_("ready"),
    "starting": N_("starting"),
    "running": N_("running"),
    "failed": N_("failed"),
}
_SOURCES = {
    "mains": N_("mains"),
    "generator": N_("generator"),
    "battery": N_("battery"),
    "none": N_("no power"),
}
_PROTECTIONS = {
    "seen": N_("seen working"),
    "configured": N_("configured"),
    "missing": N_("missing"),
}
_INTERFACES = {
    "up": N_("is up"),
    "down": N_("is down"),
}
_LEAPS = {
    "": N_("no leap second announced"),
    "insert": N_("a second will be inserted"),
    "delete": N_("a second will be removed"),
}


def ups_flags(raw: str) -> tuple[str, ...]:
    """The flags of ``ups.status`` in words, in the UPS's own order, each once."""
    flags = dict.fromkeys(raw.split()[:_UNKNOWN_FLAGS])
    return tuple(_word(flag, _UPS_FLAGS) for flag in flags)


def ups_status(raw: str) -> str:
    """The flags of ``ups.status`` as one text: ``on battery, battery low``."""
    return ", ".join(ups_flags(raw))


def generator_state(raw: str) -> str:
    """standby, starting, running or failed, in words."""
    return _word(raw, _GENERATOR_STATES)


def power_source(raw: str) -> str:
    """mains, generator, battery or none, in words: where the power comes from."""
    return _word(raw, _SOURCES)


def protection(raw: str) -> str:
    """seen, configured or missing, in words. ``seen`` is from inside, never "verified"."""
    return _word(raw, _PROTECTIONS)


def interface(raw: str) -> str:
    """up or down, in words."""
    return _word(raw, _INTERFACES)


def leap(raw: str) -> str:
    """'', insert or delete, in words: what the time servers announce for the end of the day."""
    return _word(raw, _LEAPS)


def _word(raw: str, words: dict[str, str]) -> str:
    known = words.get(raw)
    return say(known) if known is not None else visible(raw[:_UNKNOWN_CHARACTERS])
