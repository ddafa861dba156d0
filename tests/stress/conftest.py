"""A finished project for tests that spoil it."""

from pathlib import Path

import pytest

from projects import HOUSES, Project, made_once


@pytest.fixture(scope="session")
def finished(shared: Path) -> Project:
    """A project with two quick models after one ``dvc repro``."""

    def make(root: Path) -> None:
        project = Project.make(root)
        project.keep({HOUSES: ("ridge", "mlp")})
        project.use_dvc()
        project.must_run("dvc", "repro")

    return Project(made_once(shared, "stress", make))


@pytest.fixture
def copy(finished: Project, tmp_path: Path) -> Project:
    """A copy, for one test to spoil."""
    return finished.copy(tmp_path / "project")
