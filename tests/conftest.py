"""Shared by all tests: a project in a temporary folder, and the real command in this process."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from podium.cli import main
from podium.data.sources.ames import make_ames

ROOT = Path(__file__).resolve().parent.parent
FILES = ("params.yaml", "dvc.yaml", "models/dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config")
# What a project needs of the real one beside its files.
LINKS = ("src", "scripts")
PLOTS = ".dvc/plots"

# The real params.yaml, shrunk: everything runs, nothing takes long.
SMALL_IMAGE_MODELS: dict[str, dict[str, Any]] = {
    "softmax": {"epochs": 3},
    "ridge": {"alphas": [100]},
    "lightgbm": {"rounds": 5},
    "mlp": {"epochs": 3, "hidden": [32], "rotation": 10, "elastic": 0.03, "tta": 1},
    "cnn": {"epochs": 3, "channels": [8, 16], "rotation": 10, "elastic": 0.03},
}
SMALL_MODELS: dict[str, dict[str, Any]] = {
    "ridge": {"alphas": [1, 100]},
    "lasso": {"alpha_count": 5, "inner_folds": 2},
    "elastic_net": {"alpha_count": 5, "inner_folds": 2, "l1_ratios": [0.5]},
    "lightgbm": {"rounds": 10, "patience": 5},
    "mlp": {"epochs": 3, "hidden": [8], "seeds": 2},
}


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


class Project:
    """A copy of the real project's pipeline files in a temporary folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in FILES:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        shutil.copytree(ROOT / PLOTS, root / PLOTS)
        for name in LINKS:
            (root / name).symlink_to(ROOT / name)

    @property
    def params(self) -> Any:
        return YAML().load(self.root / "params.yaml")

    def edit(self, change: Callable[[Any], None]) -> None:
        """Change params.yaml in place, as an editor would: comments and order stay."""
        yaml = YAML()
        document = yaml.load(self.root / "params.yaml")
        change(document)
        yaml.dump(document, self.root / "params.yaml")

    def shrink(self) -> None:
        """Small models, and of the competitions only house prices."""

        def change(params: Any) -> None:
            params["competitions"] = ["house-prices"]
            for name, knobs in SMALL_MODELS.items():
                params["house-prices"]["models"][name] = knobs
            for name, knobs in SMALL_IMAGE_MODELS.items():
                params["digit-recognizer"]["models"][name] = knobs

        self.edit(change)

    def use_files(self, folder: Path) -> None:
        def change(params: Any) -> None:
            params["house-prices"]["source"].update(provider="local", path=str(folder))
            # So few rows hold no pool at all.
            params["house-prices"]["preprocess"]["drop"] = ["PoolQC"]

        self.edit(change)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A shrunken project, the working folder of the test."""
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_STAGE"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    project = Project(root)
    project.shrink()
    return project


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


def write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, na_rep="NA", lineterminator="\n")


@pytest.fixture
def house_files(tmp_path: Path) -> Path:
    """A folder with a small house-price competition: 80 training and 40 test rows."""
    folder = tmp_path / "files"
    folder.mkdir()
    train, test = make_ames(seed=1, train_rows=80, test_rows=40)
    write_csv(train, folder / "train.csv")
    write_csv(test, folder / "test.csv")
    write_csv(test[["Id"]].assign(SalePrice=1), folder / "sample_submission.csv")
    return folder


@pytest.fixture
def real_house_prices() -> Path:
    """The real files, where ``PODIUM_HOUSE_PRICES`` names their folder."""
    import os

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
