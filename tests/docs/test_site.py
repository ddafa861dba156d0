"""The documentation as a site: it builds without a warning, and needs no network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from browser import fresh_browser
from documents import NOTEBOOKS, PAGES
from projects import ROOT, made_once

LOADED = re.compile(r"""(?:\bsrc|<link[^>]*\bhref)=["']?(?:https?:)?//[^"'\s>]+""")


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
def test_search_works_from_a_folder_without_network(site):
    with fresh_browser(offline=True) as (page, troubles):
        page.goto((site / "index.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("dropout")
        found = page.locator(".md-search-result__item h1")
        found.first.wait_for()
        assert "Knobs of networks" in found.all_inner_texts()
        assert troubles == []
