"""What every test may ask for, and which tests cannot run here."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from prep_console import wording
from prep_console.drill import children
from tests.proof import table

SHARED_DATA = Path(__file__).parents[1].parent / "shared" / "data"
"""Real public PREP files; they lie beside the checkout and are never part of it."""

PACKAGES = Path(__file__).parents[1] / ".ci" / "packages"
"""Programs that tests run for real, and the Debian package of each."""

# an example that a busy machine holds up for its 200 ms tells nothing of the program
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

_PROVEN, _NOT_RUN = "proven", "not run"
_OWN_FOLDER = pytest.StashKey[str]()
_left_out: list[str] = []


def absent_programs() -> list[str]:
    """``program (package)`` for each real server or tool that is not installed here."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    wanted = (line.split() for line in PACKAGES.read_text("utf-8").splitlines())
    return [
        f"{program} ({package})"
        for program, package in (pair for pair in wanted if pair and pair[0] != "#")
        if shutil.which(program, path=path) is None and not Path(program).exists()
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give this run a temporary folder of its own, and its children no size of a terminal.

    pytest's shared one is closed to others again by each run that starts, also while an Apache
    of another run, which serves as www-data, has to pass through it.
    """
    for name in (
        "LINES",
        "COLUMNS",
    ):  # readline set them: every terminal would be taken for 80 x 24
        os.environ.pop(name, None)
        os.unsetenv(name)
    if config.option.basetemp is None:
        config.stash[_OWN_FOLDER] = tempfile.mkdtemp(prefix="prep-tests-")
        config.option.basetemp = config.stash[_OWN_FOLDER]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, None]:
    """What a proof recorded goes with the report of its test."""
    outcome = yield
    outcome.get_result().user_properties.append((_PROVEN, table.handed_over()))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, rows in report.user_properties:
        if name == _PROVEN and isinstance(rows, list):
            table.take(rows)
    if report.failed and table.WHOLE and hasattr(report, "node"):  # of another process
        print(f"\n{report.longreprtext}", file=sys.__stderr__)  # pytest would tell it at the end


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Of a run in several processes: what one of them could not run."""
    missing = getattr(node, "workeroutput", {}).get(_NOT_RUN, [])
    table.not_run.extend(name for name in missing if name not in table.not_run)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """What failed leaves its folder behind, to be looked at; a proof with gaps has failed."""
    if hasattr(session.config, "workeroutput"):  # one process of several
        session.config.workeroutput[_NOT_RUN] = list(table.not_run)
    if exitstatus == pytest.ExitCode.OK and table.is_short():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    own_folder = session.config.stash.get(_OWN_FOLDER, None)
    if own_folder is not None and exitstatus == pytest.ExitCode.OK:
        shutil.rmtree(own_folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave tests marked ``real_data`` out where the files are not; in CI they must be there."""
    needing = [item for item in items if item.get_closest_marker("real_data")]
    if not needing or SHARED_DATA.is_dir():
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"CI=true needs the real PREP files: {SHARED_DATA} is not there")
    items[:] = [item for item in items if item not in set(needing)]
    config.hook.pytest_deselected(items=needing)
    _left_out.extend(item.nodeid for item in needing)
    table.not_run.extend(_left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what did not run, or what could not."""
    if absent := absent_programs():
        terminalreporter.write_line(
            f"not installed, so tests on them fail: {', '.join(absent)}", red=True, bold=True
        )
    if _left_out:
        terminalreporter.write_line(
            f"{len(_left_out)} tests on real PREP files did NOT run: "
            f"{SHARED_DATA} is not there (see CONTRIBUTING.md)",
            yellow=True,
            bold=True,
        )
    failed = [
        report.nodeid
        for kind in ("failed", "error")
        for report in terminalreporter.stats.get(kind, [])
    ]
    for line in table.lines(failed, list(table.not_run)):
        terminalreporter.write_line(line, bold=True)


@pytest.fixture
def real_data() -> Path:
    """The folder of real PREP files; the test must carry the ``real_data`` mark."""
    assert SHARED_DATA.is_dir(), f"{SHARED_DATA} is not there: mark the test with real_data"
    return SHARED_DATA


@pytest.fixture
def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    return children.free_port()


@pytest.fixture(autouse=True)
def _same_language_after() -> Iterator[None]:
    """What a test speaks is no matter of the next one's."""
    before = wording.language()
    yield
    wording.use(before)


@pytest.fixture
def in_english() -> None:
    """Sentences in English while the test runs."""
    wording.use("en")
