"""Learnt features through the stages: made per fold, seen by every model, depended on."""

import json
from pathlib import Path

import pandas as pd
import pytest

from podium.config import load_config
from podium.data.tabular.dataset import read_dataset
from podium.stages.resolve import resolve
from projects import HOUSES

FEATURES = {
    "hood": {"target_mean": ["Neighborhood"]},
    "area": {"mean": "GrLivArea", "by": ["Neighborhood"], "as": ["difference", "ratio"]},
    "near": {"neighbours": ["GrLivArea", "LotArea"], "count": 3},
}
COLUMNS = ["hood", "area difference", "area ratio", "near distance", "near target"]
PROCESSED = Path("data/processed") / HOUSES


@pytest.fixture
def with_features(project, house_files, podium):
    """The stages up to preprocess, with some features; a function that runs them."""
    project.use_files(house_files)
    project.keep({HOUSES: ["ridge", "lightgbm", "mlp"]})

    def run(features=FEATURES, **keys):
        def change(params):
            params[HOUSES]["features"] = features
            for key, value in keys.items():
                params[HOUSES][key].update(value)

        project.edit(change)
        outcomes = [podium(stage, HOUSES) for stage in ("resolve", "download", "preprocess")]
        assert [outcome.code for outcome in outcomes] == [0, 0, 0], outcomes
        return outcomes[-1]

    return run


def test_every_split_has_them(with_features):
    with_features()
    data = read_dataset(PROCESSED)
    plain = data.train.shape[1]
    # They don't count where rules look at a table's size.
    assert data.columns == plain
    assert list(data.learnt["repeat0-fold0"]) == COLUMNS
    for split in data.splits:
        train, test = data.trees(split)
        assert train.shape == (80, plain + len(COLUMNS))
        assert test["hood"].notna().all()
        names = split.transform.feature_names
        dense, _ = data.dense(split)
        values = dense[:, names.index("hood")]
        # Standardized as other numbers are: on the fold's training rows.
        assert abs(values[split.train_rows].mean()) < 0.2
        assert set(COLUMNS) <= set(names)


@pytest.mark.deep
@pytest.mark.parametrize("model", ["ridge", "lightgbm", "mlp"])
def test_every_model_is_trained_on_them(with_features, podium, model):
    with_features()
    outcome = podium("train", HOUSES, model)
    assert outcome.code == 0, outcome.err
    details = json.loads(Path("models", HOUSES, model, "metrics.json").read_text())
    assert {"metric", "cv"} <= set(details)


def test_the_summary_says_how_they_came_about(with_features):
    with_features()
    summary = pd.read_csv(PROCESSED / "summary.csv").set_index("column")
    assert set(COLUMNS) <= set(summary.index)
    treatment = summary.loc["hood", "treatment"]
    assert treatment.startswith("learnt in each fold: target_mean Neighborhood, smoothing 10")


def test_a_column_that_models_do_not_get_can_be_learnt_from(with_features):
    with_features(
        {"words": {"text": "Exterior1st", "components": 2}, "zones": {"count": ["MSZoning"]}},
        preprocess={"drop": ["PoolQC", "Exterior1st", "MSZoning"]},
    )
    data = read_dataset(PROCESSED)
    assert "Exterior1st" not in data.train
    assert list(data.learnt["repeat0-fold0"]) == ["words 0", "words 1", "zones"]


def test_without_learnt_features_nothing_is_written(with_features):
    with_features({"TotalSF": "TotalBsmtSF + GrLivArea"})
    assert not (PROCESSED / "features").exists()
    assert dict(read_dataset(PROCESSED).learnt) == {}


def test_constant_and_duplicate_columns_are_left_out_and_named(with_features):
    outcome = with_features({"Same": "LotArea + 0", "One": "LotArea * 0 + 1"})
    assert "'One' is constant in the training rows" in outcome.err
    assert "'Same' is the same as 'LotArea'" in outcome.err
    summary = pd.read_csv(PROCESSED / "summary.csv").set_index("column")
    assert summary.loc["Same", "type"] == "dropped"
    assert "Same" not in read_dataset(PROCESSED).train


@pytest.mark.deep
@pytest.mark.parametrize("nested", ["folds", "full"])
def test_nested_full_has_features_that_never_saw_the_scored_fold(with_features, nested):
    with_features(ensemble={"nested": nested})
    data = read_dataset(PROCESSED)
    assert len(data.learnt) == (5 if nested == "folds" else 25)
    rest = data.without(1)
    # The same columns as without, unless there are refits.
    same = data.table(data.splits[0], "test").equals(rest.table(rest.splits[0], "test"))
    assert same == (nested == "folds")


def preprocess_file() -> dict:
    return json.loads(Path("data/resolved", HOUSES, "preprocess.json").read_text())


def test_preprocess_depends_on_what_it_learns(project):
    def with_(features, nested="folds"):
        def change(params):
            params[HOUSES]["features"] = features
            params[HOUSES]["ensemble"]["nested"] = nested

        project.edit(change)
        resolve(HOUSES)
        return preprocess_file()

    learnt = "podium.data.tabular.learnt"
    plain = with_({})
    assert not [name for name in plain["code"] if name == f"{learnt}.make"]
    # Without learnt features nothing is made again for refits.
    assert with_({}, "full") == plain
    counts = with_({"n": {"count": ["Street"]}})
    assert {f"{learnt}.make", f"{learnt}.encoding", "podium.data.inner"} <= set(counts["code"])
    assert f"{learnt}.distances" not in counts["code"]
    assert with_({"n": {"count": ["Street"]}}, "full") != counts
    assert with_({"n": {"count": ["Alley"]}})["params"] != counts["params"]
    assert f"{learnt}.auto" in with_({"auto": True})["code"]
    assert load_config()[HOUSES].features.learns


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"target_mean": ["Neighbourhood"]}, "did you mean 'Neighborhood'?"),
        ({"target_mean": []}, "hood.target_mean: expected"),
        ({"target_mean": ["Street"], "smoothing": -1}, "hood.smoothing: expected"),
        ({"target_mean": ["Street"], "smooth": 1}, "unknown key 'smooth'"),
        ({"mean": "LotArea"}, "missing key 'by'"),
        ({"mean": "LotArea", "by": ["Street"], "as": ["values"]}, "expected 'value'"),
        ({"targetmean": ["Street"]}, "no feature 'targetmean'; did you mean 'target_mean'?"),
        ({"target_mean": ["SalePrice"]}, "SalePrice"),
    ],
)
def test_a_mistake_is_one_line(project, house_files, podium, feature, message):
    project.use_files(house_files)
    project.edit(lambda params: params[HOUSES].update(features={"hood": feature}))
    outcomes = [podium(stage, HOUSES) for stage in ("download", "preprocess")]
    said = outcomes[-1].err.strip()
    assert outcomes[-1].code == 2
    assert message in said
    assert said.startswith("podium: error: params.yaml:")
    assert len(said.splitlines()) == 1
