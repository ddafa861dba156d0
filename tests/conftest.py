"""Shared by all tests: a project in a temporary folder, and the real command in this process."""

import os
from collections.abc import Callable, Generator
from pathlib import Path
from unittest.mock import patch

import pytest

import defaults  # noqa: F401
from projects import HIDDEN, ROOT, Outcome, Project, run_podium, write_houses

# What takes long begins first, so that no process waits for another at the end.
LONGEST = (
    "stress/test_kills.py", "tests/test_real_", "stress/test_same_bytes.py", "tests/test_dvc.py",
    "tests/docs/test_tutorial.py", "tests/submissions/",
)  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """``-n auto``: a process for each core that is ours; each takes up to 1 GB of memory.

    One more for deep tests: many wait, for the moment of a kill or for a server's silence.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min((own or 1) + (config.getoption("markexpr") == "deep"), 8)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """A test that reads runs, say, sets variables for the libraries: not for the tests after it."""
    with patch.dict(os.environ):
        return (yield)


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
def podium() -> Callable[..., Outcome]:
    """The real command line, in this process."""
    return run_podium


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
