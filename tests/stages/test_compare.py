"""``podium compare``: models of the working tree, of a commit, and MLflow runs."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.data.dataset import Schema, folds_frame
from podium.io import paths
from podium.io.errors import PodiumError
from podium.metrics import metric_named, nested_decisions
from podium.runtime.revisions import fetch
from projects import HOUSES, run_podium
from tracking_help import log_runs

ROWS = 100
PRICES = np.exp(np.random.default_rng(0).normal(12, 0.4, ROWS))


def write(model: str, noise: float, seed: int = 1, **columns) -> None:
    """OOF predictions of a model, as good as ``noise`` is small."""
    errors = np.random.default_rng(seed).normal(0, noise, ROWS)
    table = pd.DataFrame(
        {
            "Id": np.arange(ROWS).astype(str),
            "prediction": PRICES * np.exp(errors),
            "true_SalePrice": PRICES,
            "fold": np.arange(ROWS) % 5,
        }
    ).assign(**columns)
    folder = paths.model(HOUSES, model)
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "oof.parquet")


@pytest.fixture
def predicted(project):
    """A project with the OOF predictions of two models."""
    facts = ("Id", "SalePrice", "regression", [], "fold", "local", False, "d", "f")
    Path(paths.processed(HOUSES)).mkdir(parents=True)
    Schema(*facts).write(paths.processed(HOUSES))
    write("lasso", 0.05)
    write("mlp", 0.1, seed=2)


def test_the_better_one_is_named(predicted):
    outcome = run_podium("compare", HOUSES, "lasso", "mlp")
    assert outcome.code == 0, outcome.err
    assert "RMSLE on the same 5 folds, 100 rows; lower is better" in outcome.out
    assert "lasso better on 5 of 5 folds" in outcome.out
    assert "lasso is better than mlp by 0.0" in outcome.out
    assert "lasso is better than mlp by" in run_podium("compare", HOUSES, "mlp", "lasso").out


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "ERROR: failed to get 'a' from '.' - unknown Git revision 'x'",
            "git knows no such commit",
        ),
        (f"ERROR: unexpected error - ['{Path('a/oof.parquet')}']", "commit dvc.lock"),
        ("ERROR: no space", "no space"),
        ("", "'dvc get' failed"),
    ],
)
def test_why_a_revision_has_no_result(said, words, monkeypatch, tmp_path):
    done = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(subprocess, "run", lambda *command, **how: done)
    with pytest.raises(PodiumError, match=words):
        fetch("x", Path("a/oof.parquet"), tmp_path / "oof.parquet")


def test_what_these_rows_can_not_tell(predicted):
    write("mlp", 0.05, seed=2)
    assert "these rows don't tell lasso and mlp apart" in (
        run_podium("compare", HOUSES, "lasso", "mlp").out
    )


def test_rows_that_no_fold_validates_are_left_out(predicted):
    for model in ("lasso", "mlp"):
        some = PRICES.copy()
        some[:20] = np.nan
        write(model, 0.05, prediction=some)
    assert "80 rows" in run_podium("compare", HOUSES, "lasso", "mlp").out


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"fold": np.arange(ROWS) // 20}, "have other folds"),
        ({"Id": [f"x{row}" for row in range(ROWS)]}, "other rows or another target"),
        ({"true_SalePrice": PRICES + 1}, "other rows or another target"),
    ],
)
def test_other_rows_and_folds_are_refused(columns, words, predicted):
    write("mlp", 0.1, **columns)
    outcome = run_podium("compare", HOUSES, "lasso", "mlp")
    assert outcome.code == 2
    assert words in outcome.err


def test_names_that_are_none(predicted):
    assert "did you mean 'lasso'?" in run_podium("compare", HOUSES, "laso", "mlp").err
    assert "ridge is not trained" in run_podium("compare", HOUSES, "lasso", "ridge").err
    wrong = run_podium("compare", "house-price", "lasso", "mlp").err
    assert "did you mean 'house-prices'?" in wrong
    assert "'lasso' is named twice" in run_podium("compare", HOUSES, "lasso", "lasso").err
    assert "name a commit after '@'" in run_podium("compare", HOUSES, "lasso", "mlp@").err
    gone = run_podium("compare", HOUSES, "lasso", "lasso@nowhere").err
    assert "'nowhere': DVC has no models/house-prices/lasso/oof.parquet" in gone
    assert len(gone.splitlines()) == 1


@pytest.mark.deep
def test_commits_and_runs(project, house_files):
    project.use_files(house_files)
    project.keep({HOUSES: ["ridge"]})
    project.use_dvc(git=True)
    project.must_run("podium", "sync")
    project.must_run("dvc", "repro", "models/dvc.yaml:house-prices@ridge")
    project.commit("first")
    project.edit(lambda params: params[HOUSES]["models"]["ridge"].update(alphas=[1e6]))
    project.must_run("dvc", "repro", "models/dvc.yaml:house-prices@ridge")
    assert "ridge@HEAD is better than ridge" in run_podium(
        "compare", HOUSES, "ridge", "ridge@HEAD"
    ).out.replace("\n", " ")
    assert log_runs() == ""
    listed = run_podium("compare", HOUSES, "ridge", "abcdef12")
    assert "no runs have an id" in listed.err
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{Path.cwd() / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(HOUSES)
    last, first = client.search_runs([experiment.experiment_id])
    outcome = run_podium("compare", HOUSES, first.info.run_id, last.info.run_id[:10])
    assert outcome.code == 0, outcome.err
    assert re.search(f"{first.info.run_id[:8]} is better than {last.info.run_id[:8]}", outcome.out)


@pytest.mark.parametrize("in_time", [False, True])
def test_labels_by_tuned_thresholds_are_scored_as_in_metrics_json(project, in_time):
    """Rare positives: without a tuned threshold nearly none is predicted."""
    project.edit(
        lambda params: params[HOUSES].update(
            task="binary", metric="f1", target_transform="none", models={"lasso": {}, "mlp": {}}
        )
    )
    generator, folds = np.random.default_rng(0), np.arange(ROWS) // 20
    y = (generator.random(ROWS) < 0.2).astype(float)
    rarely = np.clip(0.25 * y + generator.normal(0.2, 0.1, ROWS), 0.01, 0.6)
    where = Path(paths.processed(HOUSES))
    where.mkdir(parents=True)
    Schema("Id", "SalePrice", "binary", ["a", "b"], "fold", "local", False, "d", "f").write(where)
    trained = np.arange(5)[None] > folds[:, None] if in_time else None
    ids = pd.Series(np.arange(ROWS).astype(str), name="Id")
    folds_frame(ids, folds[:, None], trained=trained).to_parquet(where / "folds.parquet")
    for model, p in (("lasso", rarely), ("mlp", np.roll(rarely, 1))):
        write(model, 0.1, prob_a=1 - p, prob_b=p, true_SalePrice=y, fold=folds)
    outcome = run_podium("compare", HOUSES, "lasso", "mlp")
    assert outcome.code == 0, outcome.err
    f1, p = metric_named("f1"), np.column_stack([1 - rarely, rarely])
    _, decided = nested_decisions(f1, y, p, folds, trained=trained)
    assert f1(y, decided) > f1(y, p) + 0.1
    all_rows = next(line for line in outcome.out.splitlines() if line.startswith("all "))
    assert float(all_rows.split()[1]) == pytest.approx(f1(y, decided), abs=1e-5)
