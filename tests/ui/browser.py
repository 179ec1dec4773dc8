"""A real browser, without a window, that goes nowhere but to this machine."""

from __future__ import annotations

__all__ = ["found", "open_browser"]

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions, ChromeService

_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # as root, there is none
    "--disable-dev-shm-usage",  # of containers, it is small
    "--disable-background-networking",
    "--no-proxy-server",
    "--window-size=1000,700",
    "--hide-scrollbars",
    # Pages ask for fonts and scripts from elsewhere; none is to be found.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def found() -> bool:
    """Whether there is one."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


@contextmanager
def open_browser() -> Iterator[Chrome]:
    """Run Chromium for as long as the context lasts."""
    options = ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for option in _OPTIONS:
        options.add_argument(option)
    # Told where it is, Selenium looks for no driver elsewhere.
    service = ChromeService(executable_path=shutil.which("chromedriver"))
    browser = Chrome(options=options, service=service)
    try:
        yield browser
    finally:
        browser.quit()
