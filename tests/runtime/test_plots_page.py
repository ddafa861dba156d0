"""The page of ``dvc plots`` that needs no network."""

import re
from importlib.metadata import version

import pytest

from podium.io import vega
from podium.runtime import plots_page


@pytest.fixture
def short_bundle(tmp_path, monkeypatch):
    """A bundle in the cache, so that it isn't put together."""
    cache = tmp_path / "cache" / "podium"
    cache.mkdir(parents=True)
    (cache / f"vega-{version('vl-convert-python')}.js").write_text("// bundle")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parent))
    vega.bundle.cache_clear()
    yield
    vega.bundle.cache_clear()


@pytest.fixture
def folder(tmp_path, monkeypatch, short_bundle):
    folder = tmp_path / "project"
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    monkeypatch.chdir(folder)
    return folder


def test_it_is_made_once(folder):
    assert plots_page.make()
    assert not plots_page.make()
    page = plots_page.PAGE.read_text()
    assert "{plot_divs}" in page
    assert "// bundle" in page
    assert not re.findall(r"https?://", page)


def test_other_settings_of_the_clone_stay(folder):
    own = '[plots]\n    auto_open = true\n[remote "mine"]\n    url = /data\n'
    plots_page.LOCAL.write_text(own)
    plots_page.make()
    text = plots_page.LOCAL.read_text()
    assert text.replace("    html_template = page.html\n", "") == own
    assert "[plots]\n    html_template = page.html\n" in text


@pytest.mark.parametrize("file", ["config", "config.local"])
def test_a_page_of_the_users_own_stays(folder, file):
    path = folder / ".dvc" / file
    text = "[plots]\n    html_template = mine.html\n"
    path.write_text(text)
    assert not plots_page.make()
    assert path.read_text() == text
    assert not plots_page.PAGE.exists()


def test_a_page_that_has_gone_is_made_again(folder):
    plots_page.make()
    plots_page.PAGE.unlink()
    assert plots_page.make()
    assert plots_page.PAGE.is_file()


def test_nothing_without_dvc(tmp_path, monkeypatch, short_bundle):
    monkeypatch.chdir(tmp_path)
    assert not plots_page.make()
    assert not (tmp_path / ".dvc").exists()
