"""A real browser: Debian's Chromium, headless, without a profile of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-sync", "--no-first-run"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]
# What axe-core checks: WCAG 2.1 at level AA, and best practices.
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}


def violations(page: Any) -> list[str]:
    """What axe-core finds wrong with a page for people with disabilities, a line each."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=AXE).response["violations"]
    return [f"{one['id']}: {node['html'][:150]}" for one in found for node in one["nodes"]]


def overflow(page: Any) -> int:
    """By how many pixels a page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@contextmanager
def fresh_browser(*, offline: bool = False) -> Iterator[tuple[Any, list[str]]]:
    """A page of a new profile, and what goes wrong or leaves the machine: errors, addresses.

    A test is skipped where there is no Chromium.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    troubles: list[str] = []

    def note_request(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:", "http://127.0.0.1")):
            troubles.append(f"request: {request.url}")

    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_context(
            viewport={"width": 1400, "height": 1000}, offline=offline
        ).new_page()
        page.on("request", note_request)
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on(
            "console",
            lambda message: troubles.append(message.text) if message.type == "error" else None,
        )
        try:
            yield page, troubles
        finally:
            browser.close()
