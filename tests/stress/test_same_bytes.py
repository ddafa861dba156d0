"""Same in, same out: wherever the clone lies, whoever runs it."""

import sys
from pathlib import Path

import pytest

from projects import DIGITS, HOUSES, Project

pytestmark = pytest.mark.deep

# All stages in one process: what takes long is to import the libraries.
ALL_STAGES = """
from podium.runtime import environment
environment.prepare()
from podium.config import load_config
from podium.stages import download, ensemble, preprocess, train
config = load_config()
for name in config.competitions:
    download.download(name)
    preprocess.preprocess(name)
    for model in config[name].models:
        train.train(name, model)
    ensemble.ensemble(name)
"""


def fresh_clone(root: Path, home: Path, seed: str) -> dict[str, bytes]:
    """Both competitions in a fresh copy, with another home and another hash seed."""
    home.mkdir()
    project = Project.make(root)
    project.keep({HOUSES: ("ridge", "lasso", "lightgbm", "mlp"), DIGITS: ("ridge", "cnn")})
    env = {"HOME": str(home), "PYTHONHASHSEED": seed}
    done = project.run(sys.executable, "-c", ALL_STAGES, env=env)
    assert done.returncode == 0, done.stderr
    files = {name: root / f"submissions/{name}/submission.csv" for name in (HOUSES, DIGITS)}
    return {name: path.read_bytes() for name, path in files.items()}


def test_same_in_same_out(tmp_path):
    first = fresh_clone(tmp_path / "one", tmp_path / "home1", "1")
    second = fresh_clone(tmp_path / "elsewhere/two", tmp_path / "home2", "2")
    assert first == second
    assert all(len(content) > 1000 for content in first.values())
