"""A project with a small house-price competition, and its own code."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from projects import Project

FILE = "src/competitions/house_prices.py"


@pytest.fixture
def houses(project: Project, house_files: Path, podium) -> Project:
    """The files are downloaded; there is no own code yet, and ridge alone."""
    project.use_files(house_files)
    project.keep({"house-prices": ["ridge"]})
    assert podium("download", "house-prices").code == 0
    return project


@pytest.fixture
def own_code(houses: Project) -> Callable[[str], None]:
    """Writes the competition's own code."""

    def write(text: str) -> None:
        Path(FILE).write_text(dedent(text).lstrip("\n"))

    return write


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stages are there for every competition, without a look at DVC's files."""
    monkeypatch.setattr("podium.stages.resolve.require_stages", lambda name: None)
