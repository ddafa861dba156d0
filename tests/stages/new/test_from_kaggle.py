"""``podium new`` by a slug: the archive is downloaded once, for the guess and for the pipeline."""

from pathlib import Path

import pytest

from kaggle_help import SLUG, archive_of, connect, own_home
from kaggle_server import KaggleServer
from podium.config import load_config
from podium.data.sources import kaggle
from projects import run_podium


@pytest.fixture
def server(project, house_files, tmp_path, monkeypatch, pauses):
    own_home(monkeypatch, tmp_path)
    with KaggleServer(SLUG, archive_of(house_files)) as running:
        yield connect(monkeypatch, running)


@pytest.mark.deep
def test_one_download_for_the_guess_and_the_pipeline(server):
    outcome = run_podium("new", SLUG)
    assert outcome.code == 0, outcome.err
    source = load_config()[SLUG].source
    assert (source.provider, source.slug, source.path) == ("kaggle", SLUG, None)
    archive = Path(f".podium/downloads/{SLUG}/{SLUG}.zip")
    before = archive.stat()
    # The download stage begins with this.
    assert kaggle.archive_of(SLUG, SLUG).samefile(archive)
    after = archive.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.deep
def test_a_name_of_ones_own(server):
    assert run_podium("new", "mine", "--slug", SLUG).code == 0
    assert load_config()["mine"].source.slug == SLUG


def test_a_competition_that_is_not_there(server):
    before = Path("params.yaml").read_bytes()
    outcome = run_podium("new", "no-such-one")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
    assert Path("params.yaml").read_bytes() == before
