"""The project as a whole: how it is packed, what may import what, and what a command may load."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.conftest import absent_programs

CHECKOUT = Path(__file__).parents[1]


def tracked() -> list[Path]:
    """Files of the project: what git knows, or in an unpacked sdist, everything."""
    if not (CHECKOUT / ".git").exists():
        return [p for p in CHECKOUT.rglob("*") if p.is_file()]
    listed = subprocess.run(
        ["git", "-C", CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=True,
    ).stdout.decode()
    paths = (CHECKOUT / name for name in listed.split("\0") if name)
    return [path for path in paths if path.is_file()]


def test_every_real_server_is_here() -> None:
    assert absent_programs() == [], "make test installs them as root; the list: .ci/packages"


def test_the_widgets_are_linked_in_and_known_by_one_name() -> None:
    link = CHECKOUT / "prep_console" / "widgets"
    assert link.is_symlink()
    assert link.readlink() == Path("../widgets")
    told = subprocess.run(
        [sys.executable, "-c", "import widgets"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert told.returncode == 1
    assert "import these as prep_console.widgets" in told.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from a clean copy, so that nothing in the checkout is touched."""
    copy = tmp_path_factory.mktemp("packed") / "source"
    for path in tracked():
        target = copy / path.relative_to(CHECKOUT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    (copy / "prep_console" / "widgets").symlink_to("../widgets")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=copy,
        check=True,
        capture_output=True,
    )
    (built,) = (copy / "dist").glob("*.whl")
    return built


def test_the_wheel_carries_widgets_and_catalogues(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {f"prep_console/widgets/{p.name}" for p in (CHECKOUT / "widgets").glob("*.py")}
    assert modules <= names
    assert "prep_console/locales/es/LC_MESSAGES/prep_console.mo" in names
    rooms = (p.relative_to(CHECKOUT).as_posix() for p in tracked())
    assert {name for name in rooms if name.startswith("prep_console/")} <= names
    assert not [name for name in names if name.startswith(("tests/", "widgets/"))]


def test_the_wheel_works_on_its_own(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path)
    script = (
        "import prep_console.widgets, prep_console.wording as w; "
        "print(prep_console.__file__, w.say_in('es', 'final'), "
        "prep_console.widgets.__name__)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert str(tmp_path) in told
    assert "prep_console.widgets" in told


# An action in an incident must not wait for a screen, a network library or an event loop.
HEAVY = {"textual", "httpx", "asyncio", "asyncssh", "psutil", "babel", "email", "http.client"}


def test_an_action_loads_nothing_it_does_not_use() -> None:
    script = "import sys, prep_console.cli, prep_console.publication.actions; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "prep_console.publication.actions" in loaded
    assert not HEAVY & set(loaded)


def test_versions_agree() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    version = project["version"]
    code = (CHECKOUT / "prep_console" / "__init__.py").read_text("utf-8")
    assert f'__version__ = "{version}"' in code
    assert f"## {version}" in (CHECKOUT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-build.lock", "requirements-dev.lock"]
)
def test_the_lock_pins_every_dependency_with_hashes_and_names_no_registry(lock: str) -> None:
    text = (CHECKOUT / lock).read_text("utf-8")
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==\S+", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[a-z0-9].*\\\n    --hash=sha256:", text, re.MULTILINE))
    assert "://" not in text
    assert "index-url" not in text
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    groups = settings["dependency-groups"]
    wanted = groups["build"] if "build" in lock else settings["project"]["dependencies"]
    if "dev" in lock:
        wanted = wanted + groups["dev"]
    names = {re.split(r"[\[><=; ]", line)[0].lower() for line in wanted}
    assert not names - set(pinned), "run: make lock"


# what nobody finds in the project but here, where the patterns themselves stand
FORBIDDEN = {
    "skipped tests": r"pytest\.(skip|xfail|importorskip)\(|mark\.(skip|skipif|xfail)\b",
    "silenced checkers": r"# type: ignore|# noqa|pragma: no cover",
    "tests that sleep": r"\btime\.sleep\(",
    "swallowed errors": r"except Exception:\s*pass",
    "unfinished work": r"\b(TODO|FIXME)\b|NotImplementedError",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_python_file_holds(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = [
        str(path.relative_to(CHECKOUT))
        for path in tracked()
        if path.suffix == ".py" and path != Path(__file__)
        if pattern.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_no_room_is_named_for_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert [p for p in tracked() if p.suffix == ".py" and p.stem in nameless] == []


def test_no_registry_and_no_builder_s_path_is_named() -> None:
    """The project is read by strangers: it names nobody's machine."""
    pattern = re.compile(rb"py" + rb"pi\.org|pythonho" + rb"sted|/wo" + rb"rk/", re.IGNORECASE)
    found = [
        str(path.relative_to(CHECKOUT))
        for path in tracked()
        if path.suffix not in {".png", ".gif"} and pattern.search(path.read_bytes())
    ]
    assert found == []
