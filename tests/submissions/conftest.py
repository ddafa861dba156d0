"""A finished project on Kaggle's own kind of data, and Kaggle's stand-in."""

from pathlib import Path

import pytest

from kaggle_help import SLUG, archive_of, connect, own_home, use_kaggle
from kaggle_server import KaggleServer
from projects import Project, made_once, write_houses


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> bytes:
    return archive_of(write_houses(tmp_path_factory.mktemp("kaggle-files")))


@pytest.fixture(scope="session")
def finished(archive, shared) -> Project:
    """A git repository after one ``dvc repro`` with Kaggle's stand-in as the source."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch, KaggleServer(SLUG, archive) as server:
            own_home(monkeypatch, folder)
            monkeypatch.setenv("PODIUM_WRITER", "1")
            project = Project.make(folder / "project")
            use_kaggle(project)
            connect(monkeypatch, server)
            project.use_dvc(git=True)
            project.must_run("podium", "sync")
            project.must_run("dvc", "repro")
            # Now the runs are in MLflow.
            project.must_run("podium", "sync")

    return Project(made_once(shared, "submissions", make) / "project")


@pytest.fixture
def server(finished, archive, tmp_path, monkeypatch, pauses):
    """A copy of the finished project is the working folder, and Kaggle is on loopback."""
    monkeypatch.chdir(finished.copy(tmp_path / "project").root)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    own_home(monkeypatch, tmp_path)
    with KaggleServer(SLUG, archive, score=lambda content: ("0.14142", None)) as running:
        yield connect(monkeypatch, running)
