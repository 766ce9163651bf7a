"""Debian's Chromium without a window, driven by its own protocol: opens a page, hears its complaints, prints it.

Protocol: https://chromedevtools.github.io/devtools-protocol (Page, Runtime, Log, Network; read 2026-11-26).
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import websocket

DEADLINE_S = 60


class Tab:
    """One page, and every event that its browser told of."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._sent = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._sent:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, page: Path) -> None:
        self.call("Page.navigate", url=page.as_uri())
        while not self.named("Page.loadEventFired"):
            self.events.append(json.loads(self._socket.recv()))

    def evaluate(self, script: str) -> Any:
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def named(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event.get("method") == method]


@contextlib.contextmanager
def open_tab() -> Iterator[Tab]:
    """Start a browser of its own; it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="kpo-chromium-", ignore_cleanup_errors=True) as profile:
        argv = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
        # Debian's wrapper looks for its settings in the home.
        browser = subprocess.Popen([*argv, f"--user-data-dir={profile}"], stderr=subprocess.PIPE, text=True)
        assert browser.stderr is not None
        try:
            address = next(
                found[1] for line in browser.stderr if (found := re.search(r"DevTools listening on (ws://\S+)", line))
            )
            socket = websocket.create_connection(address, timeout=DEADLINE_S, suppress_origin=True)
            with contextlib.closing(socket):
                yield Tab(socket)
        finally:
            browser.kill()
            browser.wait()
            browser.stderr.close()
