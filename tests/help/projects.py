"""The shrunken project that all tests run: real pipeline files, small models, a few rows."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
from filelock import FileLock
from ruamel.yaml import YAML

from podium.cli import main
from podium.data.sources.ames import make_ames

ROOT = Path(__file__).resolve().parents[2]
FILES = ("params.yaml", "dvc.yaml", "models/dvc.yaml", ".dvcignore", ".gitignore", ".dvc/config")
# What stages run and depend on; of the user's own code there is none.
LINKS = ("src/podium", "scripts")
OWN_CODE = "src/competitions/README.md"
# Those of the 81 columns that the small files have: some of each type, as each costs time.
COLUMNS = [
    "Id", "MSSubClass", "MSZoning", "LotFrontage", "LotArea", "Street", "Alley", "LotShape",
    "Utilities", "Neighborhood", "OverallQual", "YearBuilt", "Exterior1st", "MasVnrType",
    "ExterQual", "BsmtQual", "BsmtCond", "TotalBsmtSF", "CentralAir", "1stFlrSF", "2ndFlrSF",
    "GrLivArea", "KitchenQual", "Fireplaces", "GarageCars", "PoolArea", "PoolQC", "Fence", "MoSold",
    "YrSold", "SalePrice",
]  # fmt: skip
PLOTS = ".dvc/plots"
HOUSES, DIGITS = "house-prices", "digit-recognizer"

# The real params.yaml, shrunk: everything runs, nothing takes long.
SMALL_IMAGE_MODELS: dict[str, dict[str, Any]] = {
    "softmax": {"epochs": 3},
    "ridge": {"alphas": [100]},
    "lightgbm": {"rounds": 5},
    "mlp": {"epochs": 3, "hidden": [32], "rotation": 10, "elastic": 0.03, "tta": 1},
    "cnn": {"epochs": 3, "channels": [4, 8], "rotation": 10, "elastic": 0.03},
}
SMALL_MODELS: dict[str, dict[str, Any]] = {
    "ridge": {"alphas": [1, 100]},
    "lasso": {"alpha_count": 5, "inner_folds": 2},
    "elastic_net": {"alpha_count": 5, "inner_folds": 2, "l1_ratios": [0.5]},
    "lightgbm": {"rounds": 10, "patience": 5},
    "mlp": {"epochs": 3, "hidden": [8], "dropout": 0.3, "seeds": 2},
}
# What a process of the project must not inherit, and what it is given.
HIDDEN = ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_STAGE")
GIVEN = {"GIT_CONFIG_GLOBAL": os.devnull, "COLUMNS": "200"}


@dataclass
class Outcome:
    """What a command did."""

    code: int
    out: str
    err: str


def run_podium(*arguments: str) -> Outcome:
    """The real command line, in this process, whose environment stays as it was."""
    code, out, err = 0, io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["podium", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err), patch.dict(os.environ):
            # As in a pipe: libraries set it in the process of the tests, and tables would wrap.
            os.environ.pop("COLUMNS", None)
            main()
    except SystemExit as error:
        code = int(error.code or 0)
    finally:
        sys.argv = before
    return Outcome(code, out.getvalue(), err.getvalue())


def run_all(
    podium: Callable[..., Outcome], models: Sequence[str] = tuple(SMALL_MODELS), name: str = HOUSES
) -> list[Outcome]:
    """All stages of a competition, each of which has to end well."""
    steps = [["download"], ["preprocess"], *(["train", model] for model in models)]
    outcomes = []
    for step in [*steps, ["ensemble"], ["report"]]:
        outcome = podium(step[0], name, *step[1:])
        assert outcome.code == 0, outcome.err
        outcomes.append(outcome)
    return outcomes


class Project:
    """A copy of the real project's pipeline files in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._written: dict[str, Any] = {}

    @classmethod
    def make(cls, root: Path) -> "Project":
        """The pipeline's files and, of the competitions, only house prices, shrunk."""
        project = cls(root)
        for name in FILES:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
        shutil.copytree(ROOT / PLOTS, root / PLOTS)
        (root / OWN_CODE).parent.mkdir(parents=True)
        shutil.copyfile(ROOT / OWN_CODE, root / OWN_CODE)
        for name in LINKS:
            (root / name).symlink_to(ROOT / name)
        (root / "params.yaml").write_text(_shrunken())
        return project

    @property
    def params(self) -> Any:
        return YAML().load(self.root / "params.yaml")

    def edit(self, change: Callable[[Any], object]) -> None:
        """Change params.yaml in place, as an editor would: comments and order stay."""
        path, yaml, text = self.root / "params.yaml", YAML(), io.StringIO()
        # What was written here last needs no reading.
        document = self._written.pop(path.read_text(), None) or yaml.load(path)
        change(document)
        yaml.dump(document, text)
        path.write_text(text.getvalue())
        self._written = {text.getvalue(): document}

    def keep(self, models: Mapping[str, Sequence[str]]) -> None:
        """Only these models of these competitions."""

        def change(params: Any) -> None:
            params["competitions"] = list(models)
            for competition, names in models.items():
                block = params[competition]
                block["models"] = {name: block["models"][name] for name in names}

        self.edit(change)

    def use_files(self, folder: Path) -> None:
        """House prices from a folder or zip with few rows."""

        def change(params: Any) -> None:
            params[HOUSES]["source"].update(provider="local", path=str(folder))
            # So few rows hold no pool at all.
            params[HOUSES]["preprocess"]["drop"] = ["PoolQC"]

        self.edit(change)

    def run(
        self, *command: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """A command in the project's folder, as a process of its own."""
        inherited = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        return subprocess.run(
            command,
            cwd=self.root,
            env={**inherited, **GIVEN, **(env or {})},
            capture_output=True,
            text=True,
            timeout=600,
            **options,
        )

    def must_run(self, *command: str) -> str:
        """A command that has to end well; what it printed."""
        done = self.run(*command)
        output = done.stdout + done.stderr
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} failed:\n{output}")
        return output

    def use_dvc(self, git: bool = False) -> None:
        """DVC; in a git repository if asked for."""
        if git:
            self.must_run("git", "init", "-q")
        else:
            self.must_run("dvc", "config", "core.no_scm", "true")

    def commit(self, message: str) -> None:
        """All files, to git."""
        name = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        self.must_run("git", *name, "add", ".")
        self.must_run("git", *name, "commit", "-qm", message)

    def copy(self, folder: Path) -> "Project":
        """A copy for one test, with all results."""
        return Project(Path(shutil.copytree(self.root, folder, symlinks=True)))


@cache
def _shrunken() -> str:
    """The real params.yaml with small models, and only house prices to run.

    It has no comments, which take a third of the time of reading it, in each of many tests.
    """
    text = io.StringIO()
    params = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    params["competitions"] = [HOUSES]
    # Tests bring tables of their own. tests/stages/test_shipped_features.py runs these.
    del params[HOUSES]["features"]
    # Any estimator by its path: tests/models/test_imported.py.
    del params[HOUSES]["models"]["svr"]
    # Tests that look at it switch it on.
    params[HOUSES]["report"] = {"importance": "none"}
    preprocess = params[HOUSES]["preprocess"]
    optional = [name for name in preprocess["na_is_category"] if name in COLUMNS]
    preprocess["na_is_category"] = optional
    for competition, models in ((HOUSES, SMALL_MODELS), (DIGITS, SMALL_IMAGE_MODELS)):
        params[competition]["models"].update(models)
    yaml = YAML()
    # A line for a block of values, as in the real file.
    yaml.default_flow_style, yaml.width = None, 200
    yaml.dump(params, text)
    return text.getvalue()


def made_once(shared: Path, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first process to want it makes, and that all others find.

    ``shared`` is one folder of all workers of a session. Tests must not change what is in there:
    they take copies.
    """
    root = shared / name
    whole = shared / f"{name}.whole"
    with FileLock(shared / f"{name}.lock"):
        if not whole.exists():
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir()
            make(root)
            whole.touch()
    return root


def write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, na_rep="NA", lineterminator="\n")


@cache
def _houses(rows: int, test_rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    return make_ames(seed=seed, train_rows=rows, test_rows=test_rows)


def write_houses(
    folder: Path, rows: int = 80, test_rows: int = 40, seed: int = 1, *, wide: bool = False
) -> Path:
    """The files of a small house-price competition, with some of its columns or (wide) all."""
    folder.mkdir(parents=True, exist_ok=True)
    train, test = _houses(rows, test_rows, seed)
    names = list(train) if wide else COLUMNS
    write_csv(train[names], folder / "train.csv")
    write_csv(test[[name for name in names if name in test]], folder / "test.csv")
    write_csv(test[["Id"]].assign(SalePrice=1), folder / "sample_submission.csv")
    return folder
