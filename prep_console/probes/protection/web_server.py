"""Apache's settings as Apache itself understands them: its modules and its directives.

``-D DUMP_CONFIG`` is mod_info's: without that module it prints nothing and ends well, which must
not be read as "no protection". So mod_info is loaded for the question alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from prep_console.probes import command
from prep_console.probes.protection.finding import Unknown
from prep_console.wording import N_

NOTHING_SAID = N_("Apache printed no settings, so nothing is known of its protections")

_FOLDERS = ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules")
_DUMP_BYTES = 16 * 1024**2
"""The usual rule set of mod_security is 2 MB."""
_COMMAND_S = 7.0
_DIRECTIVE = re.compile(r"(?i)(SecRuleEngine|SecRule|SecAction|ServerName|ServerAlias)\s+(.*)")


@dataclass(frozen=True, slots=True)
class Directive:
    """One that protections are read from, and where it stands."""

    name: str
    """In lower case."""
    value: str
    host: int
    """Number of its virtual host, from 1; 0: the whole server's."""
    partial: bool
    """Inside a section that holds for a part only, such as ``<Location "/x">``."""


@dataclass(frozen=True, slots=True)
class WebServer:
    modules: frozenset[str]
    """Without ``_module``: security2, evasive20."""
    directives: tuple[Directive, ...]
    hosts: int
    """Virtual hosts."""


async def web_server(config: str) -> WebServer:
    """The settings of Apache, of the file ``config`` or its default.

    Raises CommandError with Apache's own words when it cannot read them, Unknown when it said
    nothing.
    """
    # the control script knows the variables that Debian's settings are written with
    program = ["apache2", "-f", config] if config else ["apachectl"]
    info = [path for folder in _FOLDERS if (path := Path(folder) / "mod_info.so").exists()]
    load = ["-C", f"LoadModule info_module {info[0]}"] if info else []
    text = await command.output(
        [*program, "-t", "-D", "DUMP_CONFIG", "-D", "DUMP_MODULES", *load],
        deadline_s=_COMMAND_S,
        limit_bytes=_DUMP_BYTES,
    )
    if "# In file:" not in text:
        raise Unknown(NOTHING_SAID)
    return parsed(text)


def parsed(text: str) -> WebServer:
    """From what ``-D DUMP_CONFIG -D DUMP_MODULES`` prints."""
    settings, _, modules = text.partition("Loaded Modules:")
    sections: list[str] = []
    directives, hosts = [], 0
    for line in (line.strip() for line in settings.splitlines()):
        if line.startswith("</"):
            del sections[-1:]
        elif line.startswith("<"):
            sections.append(line.lower())
            hosts += _is_host(sections[-1])
        elif found := _DIRECTIVE.match(line):
            value = found[2].strip().strip("\"'")
            inside = any(_is_host(section) for section in sections)
            partial = not all(_is_host(s) or s.startswith("<if") for s in sections)
            directives.append(Directive(found[1].lower(), value, hosts * inside, partial))
    names = re.findall(r"(\w+)_module\b", modules)
    return WebServer(frozenset(names), tuple(directives), hosts)


def _is_host(section: str) -> bool:
    return section.startswith("<virtualhost")
