"""Drives a headless Chromium by its DevTools protocol, over two pipes: no port, no driver, no other program."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.local.page.chromium import Chromium

FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # tests run as root in containers, where there is none to be had
    "--no-zygote",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--no-pings",
    "--proxy-server=127.0.0.1:9",  # nobody answers there: whatever is not loopback stays unreached
    "--proxy-bypass-list=127.0.0.1;localhost;*.localhost",
    "about:blank",
)
# The browser reads commands from descriptor 3 and writes to 4; a pipe may have either number by chance.
AS_THREE_AND_FOUR = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(read, 3), os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
SECONDS = 60.0
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "/": 191}
SHIFT, CONTROL = 8, 2


class BrowserError(Exception):
    """The browser did not do what it was asked."""


class Browser:
    """One browser with a profile of its own, and pages in it."""

    def __init__(self, chromium: Chromium) -> None:
        self._profile = tempfile.mkdtemp(prefix="page-browser-")
        self._number = 0
        self._rest = b""
        self._events: deque[dict[str, Any]] = deque(maxlen=5000)
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        command = [chromium.program, f"--user-data-dir={self._profile}", *FLAGS]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", AS_THREE_AND_FOUR, str(to_browser), str(from_browser), *command],
            env={**os.environ, **chromium.variables},
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)

    def new_page(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> Tab:
        """Open a tab that shares nothing with the others, cookies included."""
        context = self.ask("Target.createBrowserContext")["browserContextId"]
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.ask(f"{domain}.enable")
        tab.resize(width, height)
        tab.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.ask("Emulation.setEmulatedMedia", features=[scheme])
        return tab

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that come meanwhile are kept."""
        self._number += 1
        told = {"id": self._number, "method": method, "params": parameters}
        os.write(self._to, json.dumps(told | ({"sessionId": session} if session else {})).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            message = self._next(deadline)
            if message.get("id") == self._number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result
            if "method" in message:
                self._events.append(message)

    def events(self, session: str, method: str) -> list[dict[str, Any]]:
        """What has been told of a tab."""
        told = (each for each in self._events if each.get("sessionId") == session and each["method"] == method)
        return [each["params"] for each in told]

    def forget(self, session: str, *methods: str) -> None:
        kept = [each for each in self._events if each.get("sessionId") != session or each["method"] not in methods]
        self._events = deque(kept, maxlen=self._events.maxlen)

    def close(self) -> None:
        with contextlib.suppress(BrowserError, OSError):
            self.ask("Browser.close")
        os.close(self._to)
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._from)
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            content = os.read(self._from, 1 << 20) if ready else b""
            if not content:
                raise BrowserError("it does not answer" if not ready else "it has ended")
            self._rest += content
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message


class Tab:
    """One page in the browser."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.ask(method, self._session, **parameters)

    def resize(self, width: int, height: int) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def go(self, url: str) -> None:
        self.ask("Page.navigate", url=url)

    def run(self, script: str) -> Any:
        """Evaluate an expression; a promise is awaited."""
        told = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in told:
            raise BrowserError(json.dumps(told["exceptionDetails"])[:2000])
        return told["result"].get("value")

    def until(self, script: str, *, seconds: float = SECONDS) -> Any:
        """Wait for an expression to become true, and return its value."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = self.run(f"(async (found) => (await found) instanceof Node ? true : await found)({script})")
            except BrowserError:  # the page is on its way to another one
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {script}\n{self.text()}")
            time.sleep(0.05)

    def until_says(self, words: str, *, seconds: float = SECONDS) -> None:
        """Wait for the page to show these words."""
        self.until(f"document.body && document.body.innerText.includes({json.dumps(words)})", seconds=seconds)

    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def click(self, selector: str) -> None:
        """Click the middle of the first element a selector finds, with a real mouse event, once it stands still."""
        place = f"""(async () => {{ const e = document.querySelector({json.dumps(selector)}); if (!e) return null;
            e.scrollIntoView({{block: "center", behavior: "instant"}}); const before = e.getBoundingClientRect();
            await new Promise((done) => setTimeout(done, 100)); const r = e.getBoundingClientRect();
            const at = [r.x + r.width / 2, r.y + r.height / 2];
            const isStill = r.y === before.y && !document.body.innerText.includes("Looking …");
            return isStill && e.contains(document.elementFromPoint(...at)) ? at : null; }})()"""
        x, y = self.until(place)
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, *, modifiers: int = 0) -> None:
        """Press a key and let it go."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        told: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key], "modifiers": modifiers}
        down = {"type": "keyDown" if text else "rawKeyDown"} | ({"text": text} if text else {})
        self.ask("Input.dispatchKeyEvent", **down, **told)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **told)

    def fill(self, selector: str, text: str) -> None:
        """Replace what a field holds, as typing does."""
        self.until(f"document.querySelector({json.dumps(selector)})")
        self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.select?.(); }})()")
        self.ask("Input.insertText", text=text)

    def complaints(self) -> list[str]:
        """What the browser's console says of errors, refused scripts included."""
        logged = [each["entry"] for each in self._browser.events(self._session, "Log.entryAdded")]
        thrown = self._browser.events(self._session, "Runtime.exceptionThrown")
        return [each["text"] for each in logged if each["level"] == "error"] + [json.dumps(each) for each in thrown]

    def forget_complaints(self) -> None:
        """Forget what a test has provoked."""
        self._browser.forget(self._session, "Log.entryAdded", "Runtime.exceptionThrown")

    def responses(self) -> list[dict[str, Any]]:
        """Every answer the tab has got."""
        return [each["response"] for each in self._browser.events(self._session, "Network.responseReceived")]

    def asked(self) -> list[str]:
        """Every address the tab has asked for."""
        sent = self._browser.events(self._session, "Network.requestWillBeSent")
        return [each["request"]["url"] for each in sent]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        told = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))
