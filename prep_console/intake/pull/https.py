"""Fetching over HTTPS. Runs in the child."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from prep_console.config.model import Source
from prep_console.intake.pull import naming, web_file, web_server
from prep_console.intake.pull.choice import choose, deliverable
from prep_console.intake.pull.job import Job, Pulled, PullFailed, Told
from prep_console.intake.pull.parts import fetched_before
from prep_console.intake.pull.web_file import Wanted
from prep_console.intake.pull.web_server import WebServer
from prep_console.wording import visible

_FAR_S = 600.0
"""Between two searches for what is older than an hour: a few hundred questions each."""

_OF_ONE_FILE = {"damaged", "refused"}
"""Troubles that say nothing of the next file: that one is asked for all the same."""

_far_at: dict[Source, float] = {}
"""When older minutes of a pattern were last searched for, by the monotonic clock."""


async def fetch(job: Job, told: Told) -> Pulled:
    """The newest cut that the source names. PullFailed."""
    server = web_server.connected(job.source, told)
    there = await _there(job, server)
    known = fetched_before(job.into)
    fresh = choose(there, job.marks, again=job.again, fetched=known.__contains__)
    # one that was fetched is asked for again: it may have changed under its name
    chosen = choose(there, job.marks, again=job.again)
    names = [*dict.fromkeys((*fresh.names, *chosen.names))]
    server.files_total = len(names)
    paths: list[Path] = []
    failed: PullFailed | None = None
    for name in names:
        before = None if job.again else known.get(name)
        try:
            path = await web_file.file(server, Wanted(job.into, name, there[name]), before)
        except PullFailed as trouble:
            if trouble.kind not in _OF_ONE_FILE:
                raise
            failed = failed or trouble
            continue
        server.files += 1
        if path is not None:
            paths.append(path)
    if paths:
        return Pulled("new", tuple(paths), chosen.stamp, failed.trouble if failed else None)
    if failed is not None:
        raise failed
    return Pulled("older" if chosen.state == "older" else "nothing", (), chosen.stamp)


async def _there(job: Job, server: WebServer) -> dict[str, str]:
    """Name to address of what the source offers."""
    source = job.source
    if source.index:
        body = await web_server.small(server, source.index, naming.LARGEST_INDEX)
        try:
            return naming.named_in(body, source.pointer, source.index)
        except naming.NoIndex as error:
            raise PullFailed("damaged", visible(str(error))) from error
    if not naming.is_pattern(source.url):
        name = naming.name_of(source.url)
        if not deliverable(name):
            raise PullFailed("refused", f"wrong setting url: {visible(name)} is no archive's name")
        return {name: source.url}
    now = datetime.now(ZoneInfo(job.timezone)).replace(tzinfo=None)
    found: dict[str, str] = {}
    marks = {} if job.again else job.marks
    far_s = time.monotonic() - _far_at.get(source, float("-inf"))
    every = job.cadence_minutes if job.again or far_s >= _FAR_S else None
    if every is not None:
        _far_at[source] = time.monotonic()
    for tried in naming.addresses(source.url, job.elections, marks, now, every):
        for address in tried:
            if await web_server.exists(server, address):
                found[naming.name_of(address)] = address
                break
    if server.closed and not found:
        raise PullFailed("refused", server.closed)
    return found
