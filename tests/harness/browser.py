"""A real browser without a window, for tests of pages: what it logs, what it asks the network for, what it shows."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

CHROMIUM, DRIVER = "chromium", "chromedriver"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
LONGEST_S = 60.0
# What a page that needs nothing but itself may load.
OWN_SCHEMES = ("file:", "data:", "blob:", "about:")


def missing() -> str | None:
    """Why there is no browser to test with, None if there is one."""
    for program in (CHROMIUM, DRIVER):
        if shutil.which(program) is None:
            return f"{program} is not installed (apt-get install chromium chromium-driver)"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "selenium is not installed"
    return None


class Browser:
    """Chromium, driven by chromedriver.

    Attributes:
        driver: for what this class has no word for.
    """

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver

    def open(self, page: Path) -> None:
        """Open a file and wait until all its charts are drawn."""
        self.driver.get(page.resolve().as_uri())
        self.wait(lambda: self.run("return document.documentElement.dataset.charts === 'drawn'"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page; what it returns."""
        return self.driver.execute_script(script, *arguments)

    def count(self, selector: str) -> int:
        """How many elements fit a CSS selector."""
        return self.run("return document.querySelectorAll(arguments[0]).length", selector)

    def texts(self, selector: str) -> list[str]:
        """Their texts."""
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())", selector)

    def click(self, selector: str) -> None:
        """Click the first element that fits, as a user does."""
        from selenium.webdriver.common.by import By

        found = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", found)
        found.click()

    def type(self, selector: str, text: str) -> None:
        """Type into an element."""
        from selenium.webdriver.common.by import By

        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(text)

    def resize(self, width: int, height: int) -> None:
        """Give the page a viewport of this size; narrower than a window may be, as on a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Set the system's preference for "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Save what is shown, or the whole page, as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": whole})
        path.write_bytes(base64.b64decode(shot["data"]))

    def print_pdf(self) -> bytes:
        """The page as it is printed, on A4."""
        paper = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", paper)["data"])

    def errors(self) -> list[str]:
        """What the console holds since the last call, warnings and worse."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in {"WARNING", "SEVERE"}]

    def requests(self) -> list[str]:
        """Addresses that the page asked for since the last call."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]

    def wait(self, condition: Callable[[], Any]) -> None:
        """Wait until a condition holds; AssertionError if it never does."""
        deadline = time.monotonic() + LONGEST_S
        while not condition():
            assert time.monotonic() < deadline, f"not within {LONGEST_S} s"
            time.sleep(0.02)


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """A browser with an empty profile; closed at the end.

    Args:
        profile: an empty folder.
    """
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which(CHROMIUM) or CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which(DRIVER))
    driver = webdriver.Chrome(options=options, service=service)
    try:
        driver.get("about:blank")
        driver.get_log("performance")  # the browser's own start page is not the page's doing
        yield Browser(driver)
    finally:
        driver.quit()


def artefacts(fallback: Path) -> Path:
    """Where screenshots go: $REDS_ARTEFACTS, or a folder of the test."""
    return Path(os.environ.get("REDS_ARTEFACTS", fallback))


def requires_browser() -> pytest.MarkDecorator:
    """Skips where no browser is."""
    reason = missing()
    return pytest.mark.skipif(reason is not None, reason=reason or "")
