"""The documentation as a site: it builds without a warning, and needs no network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from documents import NOTEBOOKS, PAGES
from projects import ROOT, made_once

LOADED = re.compile(r"""(?:\bsrc|<link[^>]*\bhref)=["']?(?:https?:)?//[^"'\s>]+""")
CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
         "--disable-component-update", "--disable-sync"]  # fmt: skip


@pytest.fixture(scope="session")
def site(shared):
    def make(folder):
        command = (sys.executable, "-m", "mkdocs", "build", "--strict", "-d")
        quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
        done = subprocess.run(
            [*command, folder / "site"], cwd=ROOT, env=quiet, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr

    return made_once(shared, "site", make) / "site"


def test_every_page_and_notebook_is_there_and_loads_nothing_from_elsewhere(site):
    pages = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    expected = [path.name for path in PAGES if path.parent == ROOT / "docs"]
    expected += [f"notebooks/{path.name}" for path in NOTEBOOKS]
    assert {str(Path(name).with_suffix(".html")) for name in expected} <= pages
    for page in pages:
        assert LOADED.findall((site / page).read_text()) == [], page


@pytest.mark.deep
@pytest.mark.skipif(not CHROMIUM.is_file(), reason="no Chromium")
def test_search_works_from_a_folder_without_network(site):
    from playwright.sync_api import sync_playwright

    requests, errors = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        page = browser.new_page()
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((site / "index.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("dropout")
        found = page.locator(".md-search-result__item h1")
        found.first.wait_for()
        titles = found.all_inner_texts()
        browser.close()
    assert "Knobs of networks" in titles
    assert errors == []
    assert [url for url in requests if not url.startswith("file://")] == []
