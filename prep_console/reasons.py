"""Why something failed, as plain English that travels: in a reading, a journal line, a file.

Where it is shown, :func:`known` tells it in the reader's language: our own sentences with what was
filled into them, and the system's words for what often goes wrong at night. A neighbour's own
words stay as they came.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from functools import cache

from prep_console.marks import N_

UNREACHABLE = N_("unreachable: {error}")
REFUSED = N_("refused: {error}")
STALLED = N_("stalled: {error}")
DAMAGED = N_("damaged: {error}")
OUR_DISK = N_("our disk: {error}")

HANGS = N_("the look before still hangs")
HANGS_IN_KERNEL = N_("the call before still hangs in the kernel")
NO_ANSWER = N_("no answer within {seconds} s")
CANCELLED = N_("the look was cancelled")
NOT_BROUGHT = N_("the look brought no such reading")

NOT_INSTALLED = N_("{program} is not installed")
NOT_STARTED = N_("{program} cannot be started: {error}")
LATE = N_("{program} did not answer within {seconds} s")
TOO_MUCH = N_("{program} said more than {count} bytes")
EXIT_CODE = N_("{program}: exit code {code}")
SIGNAL = N_("{program}: signal {code}")
NO_TRACKING = N_("{program} said no tracking: {words}")
NO_LEAP = N_("{program} said an unknown leap status: {words}")
NO_NUMBER = N_("{program} said what is no number: {words}")

NTP_MODE = N_("the answer is in mode {mode}, not from a server (4)")
NTP_STRATUM = N_("stratum {stratum} is out of range")
NTP_UNSURE = N_("the server knows its time to {seconds} s only")
NO_VARIABLE = N_("this UPS has no {variable}")
UPSD_UNREACHABLE = N_("upsd cannot be reached: {error}")
CONNECTIONS_UNREAD = N_("the connections cannot be read: {error}")
DNS_SILENT = N_("DNS does not answer: {error}")
OLD_LISTS = N_("apt's package lists are {days} days old")
RULES_NOT_UNDERSTOOD = N_("rules for {families} that are not understood")
STATUS_ANSWER = N_("server-status answers with status {status}")

FETCH_HUNG = N_("the process that fetches hung and was ended")
FETCH_DIED = N_("the process that fetches died: {error}")
FILE_REFUSED = N_("{name} is not given to us: {error}")
TREE_WRITTEN = N_("the tree is being written")
TREE_ALWAYS_WRITTEN = N_("the tree is being written all the time")
TREE_NAMES = N_("the tree lists more than {count} names")
TREE_DEEP = N_("the tree is deeper than {count} folders")
TREE_LARGE = N_("the tree has {size} bytes: more than max_total_bytes")
BAD_NAME = N_("a name that cannot be taken: {name}")
FEWER_BYTES = N_("{name} comes with fewer bytes than it has")
TOO_LARGE = N_("{name} has {size} bytes: more than max_bytes")
FOLDER_NAMES = N_("its folder lists more than {count} names")
WRONG_HOST_KEY = N_("its host key is not the known one: {words}")
NOT_LET_IN = N_("it does not let us in: {words}")
KEY_OPEN = N_("the key {path} can be read by others: chmod 600")
KEY_UNREAD = N_("the key {path}: {error}")
NO_BYTE = N_("no byte for {seconds} s")
NOTHING_CAME = N_("nothing came for {seconds} s")
TOO_SLOW = N_("too slow: {count} bytes in {seconds} s")
HTTP_STATUS = N_("it answers HTTP {status}")
ENCODED = N_("the answer is encoded: its bytes are not the delivered ones")
WEB_PAGE = N_("a web page came in the place of {name}")
MORE_BYTES = N_("{name} has more bytes than it may have")
LONG_ANSWER = N_("{name} has more than {count} bytes")
NOT_RESUMED = N_("{name} cannot be resumed")
BROKE_OFF = N_("{name} broke off")
INDEX_NO_JSON = N_("the index is no JSON: {words}")
INDEX_ELSEWHERE = N_("the index names a file on another server")
INDEX_NAMES = N_("the index names more than {count} files")
INDEX_NO_NAME = N_("the index has no name where the pointer leads")
INDEX_LACKS = N_("the index has no {pointer}")
NOT_HTTPS = N_("it redirects to an address that is not https")
REDIRECTS = N_("more than {count} redirects")
NOT_PINNED = N_("its certificate is not the pinned one")

_TEMPLATES = tuple(
    text for text in tuple(globals().values()) if isinstance(text, str) and "{" in text
)
"""Those above with something filled in, in their order; the others are found as they are."""
_SYSTEM = (
    N_("Address already in use"),
    N_("Broken pipe"),
    N_("Cannot allocate memory"),
    N_("Connection refused"),
    N_("Connection reset by peer"),
    N_("Connection timed out"),
    N_("Disk quota exceeded"),
    N_("File exists"),
    N_("File name too long"),
    N_("Input/output error"),
    N_("Is a directory"),
    N_("Name or service not known"),
    N_("Network is unreachable"),
    N_("No route to host"),
    N_("No space left on device"),
    N_("No such file or directory"),
    N_("Not a directory"),
    N_("Operation not permitted"),
    N_("Permission denied"),
    N_("Read-only file system"),
    N_("Stale file handle"),
    N_("Structure needs cleaning"),
    N_("Temporary failure in name resolution"),
    N_("Too many levels of symbolic links"),
    N_("Too many open files"),
)
"""The system's words (``strerror``, ``gai_strerror``)."""
_NUMBERED = re.compile(r"\[Errno -?\d+\] (?P<error>.+)", re.DOTALL)
_NAMED = re.compile(r"\w+(?:Error|Exception|Timeout): (?P<error>.+)", re.DOTALL)
_ASIDE = re.compile(r" \((?P<error>.+)\)", re.DOTALL)
_CONNECT = re.compile(r"Connect call failed (?P<where>\(.+\))")
_DEEPEST = 4
_LONGEST = 1000

Translate = Callable[[str], str]
"""From English to the reader's language; what is unknown comes back as it is."""


def known(text: str, translate: Translate) -> str:
    """``text`` in the reader's language as far as it is ours or the system's."""
    told = _told(text, translate, _DEEPEST) if 0 < len(text) <= _LONGEST else None
    return text if told is None else told


def _told(text: str, translate: Translate, deeper: int) -> str | None:
    """None when nothing of it is known."""
    if not text or not deeper:
        return None
    whole = translate(text)
    if whole != text or text in _SYSTEM:
        return whole
    for template, pattern in _patterns():
        if found := pattern.fullmatch(text):
            filled = found.groupdict()
            if (error := filled.get("error")) is not None:
                filled["error"] = _told(error, translate, deeper - 1) or error
            return translate(template).format(**filled)
    return _around(text, translate, deeper)


def _around(text: str, translate: Translate, deeper: int) -> str | None:
    """A known reason with an error's number, its class or a file's name beside it."""
    if found := _NUMBERED.fullmatch(text) or _NAMED.fullmatch(text):
        return _told(found["error"], translate, deeper - 1)
    if found := _ASIDE.fullmatch(text):
        aside = _told(found["error"], translate, deeper - 1)
        return None if aside is None else f" ({aside})"
    if found := _CONNECT.fullmatch(text):
        refused = os.strerror(errno.ECONNREFUSED)
        return f"{translate(refused)} {found['where']}"
    head, colon, rest = text.partition(": ")
    if colon and (told := _told(head, translate, 1)) is not None:
        return f"{told}: {rest}"
    return None


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((template, _pattern(template)) for template in _TEMPLATES)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    text = "".join(
        f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    return re.compile(text, re.DOTALL)
