"""Shared by all tests: a project in a temporary folder, and the real command in this process."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import one_thread  # noqa: F401
from podium.cli import main
from projects import HIDDEN, ROOT, Outcome, Project, write_houses

# What takes long begins first, so that no process waits for another at the end.
LONGEST = ("stress/test_kills.py", "tests/test_dvc.py", "tests/submissions/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONGEST))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A shrunken project, the working folder of the test."""
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return Project.make(root)


@pytest.fixture
def podium(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """The real command line, in this process."""

    def run(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["podium", *arguments])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture
def house_files(tmp_path: Path) -> Path:
    """A folder with a small house-price competition: 80 training and 40 test rows."""
    return write_houses(tmp_path / "files")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes that run tests of this session: see ``made_once``."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def real_house_prices() -> Path:
    """The real files, where ``PODIUM_HOUSE_PRICES`` names their folder."""
    folder = os.environ.get("PODIUM_HOUSE_PRICES")
    if not folder:
        pytest.skip("PODIUM_HOUSE_PRICES doesn't name the folder of the real files")
    return (ROOT / folder).resolve()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What Podium would have waited between tries, in seconds; nothing is waited."""
    from podium.io.kaggle import client

    waited: list[float] = []
    monkeypatch.setattr(client, "pause", waited.append)
    return waited
