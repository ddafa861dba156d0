"""A finished project on Kaggle's own kind of data, and Kaggle's stand-in."""

import subprocess
from pathlib import Path

import pytest

from conftest import Project, write_csv
from kaggle_help import SLUG, archive_of, connect, copy_project, own_home, use_kaggle
from kaggle_server import KaggleServer
from podium.data.sources.ames import make_ames


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("kaggle-files")
    train, test = make_ames(seed=1, train_rows=80, test_rows=40)
    write_csv(train, folder / "train.csv")
    write_csv(test, folder / "test.csv")
    write_csv(test[["Id"]].assign(SalePrice=1), folder / "sample_submission.csv")
    return archive_of(folder)


@pytest.fixture(scope="session")
def finished(archive, tmp_path_factory) -> Path:
    """A git repository after one ``dvc repro`` with Kaggle's stand-in as the source."""
    root = tmp_path_factory.mktemp("submissions") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as monkeypatch, KaggleServer(SLUG, archive) as server:
        monkeypatch.chdir(root)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        own_home(monkeypatch, root.parent)
        project = Project(root)
        project.shrink()
        use_kaggle(project)
        connect(monkeypatch, server)
        for command in ("git init -q", "podium sync", "dvc repro"):
            subprocess.run(command.split(), check=True, capture_output=True, timeout=300)
    return root


@pytest.fixture
def server(finished, archive, tmp_path, monkeypatch, pauses):
    """The finished project is the working folder, and Kaggle is on loopback."""
    monkeypatch.chdir(copy_project(finished, tmp_path / "project"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    own_home(monkeypatch, tmp_path)
    with KaggleServer(SLUG, archive, score=lambda content: ("0.14142", None)) as running:
        yield connect(monkeypatch, running)
