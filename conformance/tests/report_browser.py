"""A headless browser for the tests of report.html, driven through chromedriver's HTTP interface without a package."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")

MISSING = "" if CHROMIUM and CHROMEDRIVER else "no chromium with chromedriver is installed here"
"""Why there is no browser, or nothing."""

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key under which WebDriver names an element."""


class Browser:
    """One browser window; use it as a context manager."""

    def __init__(self, *, javascript: bool = True) -> None:
        self._javascript = javascript

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-")
        self._driver = subprocess.Popen([CHROMEDRIVER or "", "--port=0"], stdout=subprocess.PIPE, text=True)  # noqa: S603
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._port()}", timeout=60, trust_env=False)
        self._session = self._http.post("/session", json={"capabilities": {"alwaysMatch": self._wanted()}}).json()
        self._root = f"/session/{self._session['value']['sessionId']}"
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._http.delete(self._root)
        finally:
            self._http.close()
            self._driver.terminate()
            self._driver.wait(10)
            if self._driver.stdout is not None:
                self._driver.stdout.close()
            self._profile.cleanup()

    def open(self, page: Path, fragment: str = "", width: int = 1280, height: int = 1000) -> None:
        """Load `page` from its file, without memory of pages before."""
        self._post("window/rect", width=width, height=height)
        self.command("Storage.clearDataForOrigin", origin="file://", storageTypes="all")
        address = page.resolve().as_uri() + fragment
        self._post("url", url=address)
        self.run("sessionStorage.clear()")  # which outlives clearing the origin of files
        self._post("url", url="about:blank")
        self._post("url", url=address)

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body `script` of a function returns in the page; a promise is waited for."""
        return self._post("execute/sync", script=script, args=list(arguments))

    def press(self, selector: str, keys: str) -> None:
        """Type `keys` with the first element of `selector` in focus."""
        element = self._post("element", using="css selector", value=selector)[ELEMENT]
        self._post(f"element/{element}/value", text=keys)

    def click(self, selector: str) -> None:
        """Click on the first element of `selector`."""
        element = self._post("element", using="css selector", value=selector)[ELEMENT]
        self.run("arguments[0].scrollIntoView({block: 'center'})", {ELEMENT: element})
        self._post(f"element/{element}/click")

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of Chrome's own protocol."""
        return self._post("goog/cdp/execute", cmd=name, params=parameters)

    def screenshot(self, path: Path) -> None:
        """Save what the window shows."""
        path.write_bytes(base64.b64decode(self._http.get(f"{self._root}/screenshot").json()["value"]))

    def log(self) -> list[str]:
        """What the page wrote to the console since this was last asked."""
        return [entry["message"] for entry in self._post("se/log", type="browser")]

    def _post(self, path: str, **body: Any) -> Any:
        answer = self._http.post(f"{self._root}/{path}", json=body).json()["value"]
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{path}: {answer['error']}: {answer['message'][:500]}")
        return answer

    def _port(self) -> int:
        for line in self._driver.stdout or ():
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found[1])
        raise RuntimeError("chromedriver did not start")

    def _wanted(self) -> dict[str, Any]:
        preferences = {} if self._javascript else {"profile.managed_default_content_settings.javascript": 2}
        arguments = [*SWITCHES, f"--user-data-dir={self._profile.name}"]
        options = {"binary": CHROMIUM, "args": arguments, "prefs": preferences}
        return {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
