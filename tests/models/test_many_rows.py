"""Ridge of many rows is the ridge of one matrix."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV

from model_help import fit, make_dataset
from podium.models import many_rows
from podium.models.moments import Moments

Array = NDArray[np.float64]
ALPHAS = [100.0, 10.0, 1.0, 0.1]


def table(rows: int = 300) -> tuple[Array, Array]:
    random = np.random.default_rng(0)
    x = random.normal(size=(rows, 8))
    x[:, 6:] = np.eye(3)[random.integers(0, 3, rows)][:, :2]
    return x, x @ random.normal(size=8) + 3.0 + random.normal(size=rows)


def blocks(x: Array, y: Array, weight: Array | None) -> list[tuple[Array, Array, Array | None]]:
    parts = np.array_split(np.arange(len(y)), 7)
    return [(x[own], y[own], None if weight is None else weight[own]) for own in parts]


@pytest.mark.parametrize("weighted", [False, True])
def test_sums_give_the_ridge_and_its_leave_one_out_errors(weighted: bool) -> None:
    x, y = table()
    weight = np.random.default_rng(1).uniform(0.1, 2.0, len(y)) if weighted else None
    expected = RidgeCV(alphas=ALPHAS, store_cv_results=True).fit(x, y, sample_weight=weight)
    total = Moments.of(blocks(x, y, weight), x.shape[1])
    turned = total.turned()
    errors = turned.left_out(blocks(x, y, weight), ALPHAS, total.weight)
    assert np.allclose(errors, expected.cv_results_.mean(axis=0), rtol=1e-9)
    model = turned.fit(ALPHAS[int(np.argmin(errors))])
    assert np.allclose(model.predict(x), expected.predict(x), rtol=0, atol=1e-9)


def test_errors_follow_from_sums_too() -> None:
    x, y = table()
    model = Moments.of(blocks(x, y, None), x.shape[1]).turned().fit(1.0)
    held = Moments.of([(x[:50] + 0.1, y[:50], None)], x.shape[1])
    assert held.error(model) == pytest.approx(np.mean((model.predict(x[:50] + 0.1) - y[:50]) ** 2))


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_a_table_in_blocks_is_predicted_as_in_one_matrix(
    task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = make_dataset(task)
    whole = fit("ridge", dataset)
    monkeypatch.setattr(many_rows, "MANY_VALUES", 1)
    monkeypatch.setattr("podium.data.tabular.blocks.BLOCK", 100)
    in_blocks = fit("ridge", dataset)
    # Logistic regression ends where its slope is small, on the way from another start.
    close = 1e-9 if task == "regression" else 5e-3
    assert [one["alpha"] for one in whole.details] == [one["alpha"] for one in in_blocks.details]
    assert np.abs(whole.oof - in_blocks.oof).max() < close
    assert np.abs(whole.test - in_blocks.test).max() < close


def test_rows_in_time_choose_the_penalty_by_inner_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = make_dataset()
    dataset = replace(dataset, schema=replace(dataset.schema, scheme="contiguous"))
    whole = fit("ridge", dataset)
    monkeypatch.setattr(many_rows, "MANY_VALUES", 1)
    assert np.abs(whole.oof - fit("ridge", dataset).oof).max() < 1e-8
