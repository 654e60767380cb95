"""A real Chromium without a window, driven over its own pipe (DevTools protocol), to look at pages.

Pages are opened with scripts off, as our pages must do without any; what a test asks of a page is
evaluated by the browser all the same.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

_ANSWER_S = 60.0
_OPTIONS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--disable-site-isolation-trials",  # so that frames stay within reach of one session
    "--disable-features=IsolateOrigins,site-per-process",
    "--hide-scrollbars",
    "--ignore-certificate-errors",
    "--no-proxy-server",
    "--no-sandbox",  # root has none; it reads our own pages only
)


@dataclass(slots=True)
class Page:
    """One tab."""

    browser: Chromium
    session: str
    asked: list[str] = field(default_factory=list)
    """Every address that was requested."""
    complaints: list[str] = field(default_factory=list)
    """What the browser's console says: violations of a policy, files that are missing."""
    _loads: int = 0

    def open(self, url: str) -> None:
        """Go there, and wait until the page and its frames are loaded."""
        before = self._loads
        self.call("Page.navigate", url=url)
        self.browser.until(lambda: self._loads > before, f"{url} is loaded")

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """As wide as a phone, a tablet or a desk; in the day's or the night's colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def evaluate(self, expression: str, *, frame: str | None = None) -> Any:
        """The value of an expression in the page, or in the frame whose address ends like that."""
        context: dict[str, Any] = {}
        if frame is not None:
            (found,) = [one for one in self.frames() if one["url"].endswith(frame)]
            world = self.call("Page.createIsolatedWorld", frameId=found["id"])
            context = {"contextId": world["executionContextId"]}
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, **context)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    def frames(self) -> list[dict[str, Any]]:
        """The frames inside the page."""
        tree = self.call("Page.getFrameTree")["frameTree"]
        return [child["frame"] for child in tree.get("childFrames", ())]

    def spoken(self) -> list[tuple[str, str]]:
        """Role and name of each thing that a screen reader comes by."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"]
        ]

    def picture(self, path: Path) -> None:
        """What is seen, as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def printed(self, path: Path) -> None:
        """The page on paper, as PDF, at the size that the page itself asks for."""
        pdf = self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        path.write_bytes(base64.b64decode(pdf["data"]))

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One call of the protocol on this tab."""
        return self.browser.call(method, parameters, self.session)

    def heard(self, method: str, said: dict[str, Any]) -> None:
        """An event of this tab."""
        if method == "Page.loadEventFired":
            self._loads += 1
        elif method == "Network.requestWillBeSent":
            self.asked.append(said["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(said["entry"]["text"])


class Chromium:
    """``with Chromium() as browser:`` one browser, with a profile of its own, until the end."""

    def __enter__(self) -> Self:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program is not None, "Chromium is not installed (Debian: apt-get install chromium)"
        self._profile = tempfile.mkdtemp(prefix="prep-chromium-")
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        command = f'exec "$@" 3<&{theirs} 4>&{ours}'
        self._log = (Path(self._profile) / "stderr").open("wb")
        self._process = subprocess.Popen(
            [
                "bash",
                "-c",
                command,
                "chromium",
                program,
                *_OPTIONS,
                f"--user-data-dir={self._profile}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
            pass_fds=(theirs, ours),
            start_new_session=True,
        )
        os.close(theirs)
        os.close(ours)
        self._numbers = itertools.count(1)
        self._rest = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._pages: dict[str, Page] = {}
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)
        for descriptor in (self._to, self._from):
            os.close(descriptor)
        self._log.close()
        shutil.rmtree(self._profile, ignore_errors=True)

    @contextlib.contextmanager
    def page(self, *, scripts: bool = False) -> Iterator[Page]:
        """A tab, closed afterwards."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = Page(self, attached["sessionId"])
        self._pages[page.session] = page
        for domain in ("Page", "Network", "Log", "Runtime"):
            page.call(f"{domain}.enable")
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        try:
            yield page
        finally:
            del self._pages[page.session]
            self.call("Target.closeTarget", {"targetId": target})

    def call(
        self, method: str, parameters: dict[str, Any], session: str | None = None
    ) -> dict[str, Any]:
        """One call of the protocol; AssertionError when the browser refuses it or dies."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        self.until(lambda: number in self._answers, method)
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    def until(self, holds: Any, what: str) -> None:
        """Read what the browser says until something holds."""
        deadline = time.monotonic() + _ANSWER_S
        while not holds():
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self._from], [], [], left)[0]
            data = os.read(self._from, 1 << 20) if ready else b""
            assert data, f"{what}: no answer. {self._complaints()}"
            *messages, self._rest = (self._rest + data).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    self._answers[message["id"]] = message
                elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                    page.heard(message["method"], message["params"])

    def _complaints(self) -> str:
        said = (Path(self._profile) / "stderr").read_text(errors="replace")
        return said[-2000:]
