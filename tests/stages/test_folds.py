"""From a scheme in params.yaml to a report: rows that are never validated, columns, files."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.data.tabular.dataset import read_dataset
from projects import HOUSES, Outcome, write_csv

SPOILT = 25


@pytest.fixture
def run(project, podium, house_files) -> Callable[..., list[Outcome]]:
    """Runs stages of the small house prices with other folds."""

    def stages(folds, models=("ridge",), until="report", change=None):
        project.use_files(house_files)
        if change is not None:
            train = pd.read_csv(house_files / "train.csv", dtype=str, keep_default_na=False)
            write_csv(change(train), house_files / "train.csv")

        def edit(params):
            block = params[HOUSES]
            block["folds"].clear()
            block["folds"].update(folds)
            block["preprocess"].update(clip=None, log_skewed=None)
            block["models"] = {name: block["models"][name] for name in models}

        project.edit(edit)
        train = [["train", HOUSES, name] for name in models]
        before = [[name, HOUSES] for name in ("resolve", "download", "preprocess")]
        words = [["sync"], *before, *train, ["ensemble", HOUSES], ["report", HOUSES]]
        last = [word[0] for word in words].index(until)
        outcomes = [podium(*word) for word in words[: last + 1]]
        assert [outcome.code for outcome in outcomes] == [0] * len(outcomes), outcomes
        return outcomes

    return stages


def oof_of(model: str) -> pd.DataFrame:
    return pd.read_parquet(f"models/{HOUSES}/{model}/oof.parquet")


def validated(table: pd.DataFrame) -> np.ndarray:
    return (table["fold"] >= 0).to_numpy()


@pytest.mark.deep
def test_folds_in_time_reach_every_stage(run):
    models = ("ridge", "lightgbm", "mlp")
    outcomes = run({"scheme": "time", "by": "Id", "count": 4, "gap": 2}, models)
    assert "4 folds of 16 rows, 16 rows are never validated" in outcomes[3].out
    seen = validated(oof_of("ridge"))
    assert seen.sum() == 64
    assert not seen[:16].any()
    for model in models:
        table = oof_of(model)
        assert len(table) == 80
        assert (table["prediction"].notna() == seen).all()
        metrics = json.loads(Path(f"models/{HOUSES}/{model}/metrics.json").read_text())
        errors = np.log1p(table["prediction"]) - np.log1p(table["true_SalePrice"])
        assert metrics["cv"] == pytest.approx(np.sqrt((errors**2).mean()), abs=1e-6)
    blend = pd.read_parquet(f"reports/{HOUSES}/blend/oof.parquet")
    assert (blend["prediction"].notna() == seen).all()
    assert np.isfinite(pd.read_csv(f"submissions/{HOUSES}/submission.csv")["SalePrice"]).all()
    page = Path(f"reports/{HOUSES}/report.html").read_text()
    assert "4 (time, by Id, gap 2), 1 repeat(s), seed 0, 16 rows are never validated" in page
    assert "weights fitted on earlier folds" in page
    assert len(pd.read_csv(f"reports/{HOUSES}/plots/predictions.csv")) == 64


@pytest.mark.deep
def test_what_comes_later_changes_nothing_of_an_earlier_fold(run):
    folds = {"scheme": "time", "by": "Id", "count": 3}
    run(folds, until="train")
    before = oof_of("ridge")

    def spoil(train):
        train.loc[train.index[-SPOILT:], "SalePrice"] = "9"
        train.loc[train.index[-SPOILT:], "GrLivArea"] = "9999"
        return train

    run(folds, until="train", change=spoil)
    after = oof_of("ridge")
    early = (after["fold"] >= 0) & (after.index < 80 - SPOILT)
    assert early.sum() == 80 - SPOILT - 20
    assert np.array_equal(before["prediction"][early], after["prediction"][early])
    assert not np.array_equal(before["prediction"][-20:], after["prediction"][-20:])


def test_transforms_are_fitted_on_what_the_fold_trains_on(run):
    run({"scheme": "time", "by": "Id", "count": 3, "window": 15}, until="preprocess")
    data = read_dataset(Path(f"data/processed/{HOUSES}"))
    for split in data.splits:
        assert len(split.train_rows) == 15
        area = data.dense(split)[0][:, split.transform.feature_names.index("GrLivArea")]
        assert area[split.train_rows].mean() == pytest.approx(0, abs=1e-6)
        assert abs(area.mean()) > 1e-3
    assert data.schema.gap == 0
    assert data.times.tolist() == list(range(80))


def test_a_column_of_folds_is_no_feature(run):
    given = np.arange(80) % 4 - 1

    def add(train):
        train["fold"] = ["" if fold < 0 else f"{fold}.0" for fold in given]
        return train

    outcomes = run({"scheme": "column", "column": "fold"}, change=add)
    assert "3 folds of 20 rows, 20 rows are never validated" in outcomes[3].out
    data = read_dataset(Path(f"data/processed/{HOUSES}"))
    assert data.folds[:, 0].tolist() == given.tolist()
    assert "fold" not in data.train
    # Rows without a fold of their own are trained on in every fold.
    assert all(np.isin(np.flatnonzero(given < 0), split.train_rows).all() for split in data.splits)
    assert "3 (column, column fold)" in Path(f"reports/{HOUSES}/report.html").read_text()


def test_a_file_of_folds(run, tmp_path):
    folds = pd.DataFrame({"Id": range(1, 81), "fold": np.arange(80) % 3})
    folds.sample(frac=1, random_state=0).to_csv(tmp_path / "own.csv", index=False)
    run({"scheme": "file", "path": str(tmp_path / "own.csv")}, until="preprocess")
    data = read_dataset(Path(f"data/processed/{HOUSES}"))
    assert data.folds[:, 0].tolist() == (np.arange(80) % 3).tolist()


def test_time_by_a_date_that_only_train_has(run):
    """It orders the rows, and is no feature."""

    def add(train):
        days = pd.date_range("2020-01-01", periods=40).strftime("%d.%m.%Y")
        train["when"] = np.random.default_rng(0).permutation(np.repeat(days, 2))
        return train

    run({"scheme": "time", "by": "when", "count": 3, "gap": 5}, until="preprocess", change=add)
    data = read_dataset(Path(f"data/processed/{HOUSES}"))
    assert not [name for name in data.train if name.startswith("when")]
    for split in data.splits:
        assert data.times[split.valid_rows].min() - data.times[split.train_rows].max() == 6


def test_numbers_are_stratified_in_every_fold(run):
    """Each fold has as many of the cheapest tenth as any other."""
    run({"scheme": "stratified", "count": 4}, until="preprocess")
    data = read_dataset(Path(f"data/processed/{HOUSES}"))
    tenth = pd.qcut(data.y, 10, labels=False)
    counts = pd.crosstab(data.folds[:, 0], tenth)
    assert (counts == 2).all(axis=None)


@pytest.mark.parametrize(
    ("value", "says"),
    [("", "is missing, and folds.by needs a time"), ("noon", "'noon' is neither a number nor")],
)
def test_a_row_without_a_time_is_named(run, podium, value, says):
    def blank(train):
        train.loc[3, "YrSold"] = value
        train["YrSold"] = train["YrSold"].astype(str)
        return train

    run({"scheme": "kfold", "count": 3}, until="download", change=blank)
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("scheme: kfold", "scheme: time, by: YrSold", 1))
    outcome = podium("preprocess", HOUSES)
    assert outcome.code == 2
    assert "train.csv:5: YrSold" in outcome.err
    assert says in outcome.err
