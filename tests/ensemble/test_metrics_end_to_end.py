"""Every metric from predictions to a checked submission: weights, decisions, scores, the file."""

import numpy as np
import pandas as pd
import pytest

from podium.config import Ensemble
from podium.data.submission_form import Form
from podium.data.targets import Target
from podium.ensemble.blend import blend
from podium.ensemble.submission import check_submission, make_submission
from podium.metrics import METRICS, Metric

ROWS, TEST = 200, 30
FOLDS = np.arange(ROWS) % 4
CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}
CASES = [(name, task) for name, metric in METRICS.items() for task in metric.tasks]


def competition(task: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """OOF and test predictions of two models, (2, rows, outputs), one better; the target."""
    generator = np.random.default_rng(0)
    signal = generator.normal(size=ROWS + TEST)
    noise = np.array([0.3, 1.0])[:, None] * generator.normal(size=(2, ROWS + TEST))
    if task == "regression":
        y, p = np.rint(np.exp(1 + signal) + 1), (np.exp(1 + signal + noise) + 1)[..., None]
    else:
        classes = len(CLASSES[task])
        centers = np.linspace(-1, 1.5, classes)
        logits = -(((signal + noise)[..., None] - centers) ** 2)
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        y = np.abs(signal[:, None] - centers).argmin(axis=1)
    return p[:, :ROWS], p[:, ROWS:], y[:ROWS].astype(float)


def form_for(metric: Metric, task: str) -> Form:
    if task == "regression":
        return Form("values", {"y": 0})
    if metric.needs == "probabilities":
        return Form("probabilities", {name: code for code, name in enumerate(CLASSES[task])})
    return Form(metric.needs, {"y": 0}, CLASSES[task], int(metric.parameter or 1))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_every_metric_gives_a_blend_and_a_submission(name, task):
    metric, target = METRICS[name], Target(task, "none", CLASSES[task])
    oof, test, y = competition(task)
    result = blend(Ensemble(rounds=5), oof, test, y, FOLDS, target, metric)
    assert result.weights.sum() == pytest.approx(1)
    assert metric.as_loss(result.submitted.score) <= min(
        metric.as_loss(model.score) for model in result.models
    )
    assert metric.as_loss(result.models[0].score) < metric.as_loss(result.models[1].score)
    form = form_for(metric, task)
    ids = pd.Series([f"r{row}" for row in range(TEST)], name="Id")
    sample = pd.DataFrame({"Id": ids, **dict.fromkeys(form.columns, "0")})
    made = make_submission(sample, ids, result.submitted.decided_test, form)
    check_submission(made, sample, form, target, metric, "submission")
    assert len(made) == TEST


@pytest.mark.parametrize("name", ["f1", "mcc"])
def test_weights_and_threshold_of_a_fold_come_from_other_folds(name):
    """Spoil fold 0's targets: what is decided for its rows, by the blend too, stays."""
    oof, test, y = competition("binary")
    target = Target("binary", "none", CLASSES["binary"])
    spoilt = np.where(FOLDS == 0, 1 - y, y)
    first, second = (
        blend(Ensemble(rounds=5), oof, test, of, FOLDS, target, METRICS[name], None)
        for of in (y, spoilt)
    )
    for one, other in ((first.models[1], second.models[1]), (first.blended, second.blended)):
        assert one.fold_decisions[0] == other.fold_decisions[0]
        assert (one.decided[FOLDS == 0] == other.decided[FOLDS == 0]).all()


def test_the_threshold_of_a_blend_that_nothing_saw_comes_from_inner_predictions():
    """With ``nested: full`` a fold's threshold is tuned on predictions made without it."""
    oof, test, y = competition("binary")
    target, f1 = Target("binary", "none", CLASSES["binary"]), METRICS["f1"]
    inner = np.repeat(oof[None], 4, axis=0)
    inner[0] = np.stack([1 - inner[0][..., 1] / 2, inner[0][..., 1] / 2], axis=-1)
    for fold in range(4):
        inner[fold][:, fold == FOLDS] = np.nan
    result = blend(Ensemble(method="mean"), oof, test, y, FOLDS, target, f1, inner)
    usual = blend(Ensemble(method="mean"), oof, test, y, FOLDS, target, f1)
    halved, same = (one.blended.fold_decisions for one in (result, usual))
    assert halved[0].value == pytest.approx(same[0].value / 2)
    assert halved[1] == same[1]


def test_probabilities_are_submitted_undecided_where_they_are_asked_for():
    oof, test, y = competition("binary")
    target = Target("binary", "none", CLASSES["binary"])
    result = blend(Ensemble(rounds=5), oof, test, y, FOLDS, target, METRICS["f1"])
    assert set(np.unique(result.submitted.decided_test)) == {0.0, 1.0}
    assert len(np.unique(result.submitted.test)) > 10


def test_in_time_thresholds_come_from_earlier_rows():
    """Fold 0 is before all others: nothing decides it. Rows of no fold have no label."""
    oof, test, y = competition("binary")
    target, f1 = Target("binary", "none", CLASSES["binary"]), METRICS["f1"]
    folds = np.arange(ROWS) // 50 - 1
    trained = folds[:, None] < np.arange(3)
    oof[:, folds < 0] = np.nan
    spoilt = np.where(folds == 2, 1 - y, y)
    first, second = (
        blend(Ensemble(rounds=3), oof, test, of, folds, target, f1, None, trained)
        for of in (y, spoilt)
    )
    for one in (first.blended, *first.models):
        assert one.fold_decisions[0] is None
        assert one.fold_decisions[1] is not None
        assert np.isnan(one.decided[folds < 0]).all()
        assert np.isfinite(one.score)
    assert first.models[0].fold_decisions == second.models[0].fold_decisions
    assert first.blended.fold_decisions == second.blended.fold_decisions
