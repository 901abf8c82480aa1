"""A headless Chromium that tests and measurements drive through its own debugging pipe: no driver, no network port, no further package."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-extensions", "--hide-scrollbars", "--disable-dev-shm-usage", "--mute-audio"),
)
PATIENCE = 30  # seconds for one answer


def found() -> str | None:
    """The browser of this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab. ``errors`` collects messages of the console and exceptions, ``requests`` every address that was asked for."""

    def __init__(self, profile: Path) -> None:
        (theirs_in, self._out), (self._in, theirs_out) = os.pipe(), os.pipe()

        def connect() -> None:  # the pipe is expected at 3 and 4; duplicates above them first, so that neither hides the other
            high = [os.dup2(fd, 60 + at) for at, fd in enumerate((theirs_in, theirs_out))]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        command = [found() or "chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(command, preexec_fn=connect, close_fds=False, stdout=nothing, stderr=nothing)  # noqa: PLW1509
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self._session = b"", 0, None
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters} | ({"sessionId": self._session} if self._session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser does not answer")
            self._buffer += os.read(self._in, 1 << 20)
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        event, said = message.get("method"), message.get("params", {})
        if event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(said["exceptionDetails"])[:600])
        elif event == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning"):
            self.errors.append(json.dumps(said["args"])[:600])
        elif event == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(said["entry"]["text"] + " " + said["entry"].get("url", ""))
        elif event == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        return message

    def open(self, address: str) -> None:
        """Load a page and wait until it has drawn itself."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && !!window.board")

    def go(self, place: str) -> None:
        """Follow a link inside the page."""
        self.js(f"location.hash = {json.dumps(place)}; 0")
        self.js("new Promise((done) => setTimeout(done, 30))")

    def js(self, expression: str) -> Any:
        """Value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"].get("exception", {}).get("description", answer["exceptionDetails"]["text"]))
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait for a condition of the page."""
        end = time.monotonic() + PATIENCE
        while not self.js(condition):
            if time.monotonic() > end:
                raise TimeoutError(f"{condition} does not come true: {self.errors}")

    def texts(self, selector: str) -> list[str]:
        """Text of the elements that a selector finds."""
        return list(self.js(f"[...document.querySelectorAll({json.dumps(selector)})].map((node) => node.textContent.trim())"))

    def click(self, selector: str) -> None:
        """Click the first element that a selector finds."""
        self.js(f"document.querySelector({json.dumps(selector)}).click(); 0")

    def size(self, width: int, height: int, dark: bool = False) -> None:
        """Of the window, and the color scheme."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path: Path) -> None:
        """What the window shows, as png."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End the browser."""
        self.process.terminate()
        self.process.wait(20)
        os.close(self._in)
        os.close(self._out)
