"""Pages of all kinds of competition, each made once."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from projects import DIGITS, HIDDEN, HOUSES, Project, made_once, run_all, run_podium
from several_help import ROWS, table

TWO = "two"


@pytest.fixture(scope="session")
def pages(shared: Path, finished: Project) -> dict[str, Path]:
    """By competition: prices of houses, digits, and two targets of two classes by folds in time."""

    def make(root: Path) -> None:
        project = Project.make(root / "project")
        with pytest.MonkeyPatch.context() as monkeypatch:
            for name in HIDDEN:
                monkeypatch.delenv(name, raising=False)
            monkeypatch.chdir(project.root)
            use_two(project, root / "files")
            run_all(run_podium, ["softmax", "ridge"], DIGITS)
            run_all(run_podium, ["ridge", "lightgbm"], TWO)

    root = made_once(shared, "pages", make) / "project"
    found = {name: root / f"reports/{name}/report.html" for name in (DIGITS, TWO)}
    return {HOUSES: finished.root / f"reports/{HOUSES}/report.html", **found}


def use_two(project: Project, folder: Path) -> None:
    """A competition of two targets, a column's name with what HTML means; few models of digits."""
    folder.mkdir()
    whole = table("binary").rename(columns={"k": "kind <b>"})
    whole.loc[::9, "x"] = np.nan
    whole.iloc[:ROWS].to_csv(folder / "train.csv", index=False)
    test = whole.iloc[ROWS:]
    test.drop(columns=["y", "z"]).to_csv(folder / "test.csv", index=False)
    sample = pd.DataFrame({"id": test["id"], "y": 0.5, "z": 0.5})
    sample.to_csv(folder / "sample_submission.csv", index=False)

    def change(params):
        digits = params[DIGITS]["models"]
        params[DIGITS]["models"] = {name: digits[name] for name in ("softmax", "ridge")}
        params[TWO] = {
            "kind": "tabular", "task": "binary", "id": "id", "target": ["y", "z"],
            "source": {"provider": "local", "path": str(folder)},
            "target_transform": "none", "metric": "auc", "preprocess": {},
            "folds": {"scheme": "time", "by": "id", "count": 3},
            "models": {"ridge": {"alphas": [1, 10], "inner_folds": 2}, "lightgbm": {"rounds": 5}},
            "ensemble": {},
        }  # fmt: skip
        params["competitions"] = [DIGITS, TWO]

    project.edit(change)
