"""``auto``: rules look at the table, explicit values win, and what was used is written down."""

import json

import numpy as np
import pytest

from model_help import fit, make_dataset
from podium.config import LightGBMParams, MLPParams
from podium.config.auto import Shape
from podium.config.models import TABLE_MODELS
from podium.data.targets import Target
from podium.metrics import METRICS, metric_named
from podium.models import gradient_boosting, resolve_params
from podium.models.estimators import MLPRegressor
from podium.nn import auto as networks
from projects import HOUSES
from tracking_help import log_runs, runs_of

RULES = [
    (gradient_boosting.rules, LightGBMParams()),
    (networks.rules, MLPParams(label_smoothing="auto")),
]
SHAPES = [
    Shape(rows, columns, classes)
    for rows in (1, 700, 9_999, 38_000, 10_000_000)
    for columns in (1, 16, 79, 5_000)
    for classes in (0, 2, 32)
]


@pytest.mark.parametrize(("rules", "params"), RULES, ids=["lightgbm", "mlp"])
def test_rules_give_valid_values_for_every_table(rules, params):
    for shape in SHAPES:
        values = rules(params, shape)
        assert set(values) == set(params.automatic())
        resolved = type(params).model_validate(params.resolved(values).model_dump())
        assert not resolved.automatic()


@pytest.mark.parametrize(
    ("metric", "transform", "objective", "loss"),
    [
        ("rmse", "none", "l2", "huber"),
        ("rmsle", "log", "l2", "huber"),
        ("mae", "log", "l2", "huber"),
        ("pinball_0.9", "quantile", "quantile", "quantile"),
        ("poisson", "none", "poisson", "huber"),
        ("tweedie_1.3", "none", "tweedie", "huber"),
        ("tweedie", "log", "l2", "huber"),
        ("mape", "none", "mape", "huber"),
        ("mape", "log1p", "l2", "huber"),
    ],
)
def test_the_loss_follows_the_metric(metric, transform, objective, loss):
    shape = Shape(1000, 5, metric=metric_named(metric), transform=transform)
    assert gradient_boosting.rules(LightGBMParams(), shape)["objective"] == objective
    params = MLPParams()
    resolved = params.resolved(networks.rules(params, shape))
    assert resolved.loss == loss
    assert resolved.quantile == (0.9 if loss == "quantile" else 0.5)
    assert MLPParams(loss="huber").resolved(networks.rules(params, shape)).loss == "huber"


@pytest.mark.deep
@pytest.mark.parametrize("model", ["lightgbm", "mlp"])
def test_a_quantile_is_learnt_where_it_is_scored(model):
    """Nine of ten rows are below the predictions."""
    dataset = make_dataset()
    result = fit(model, dataset, metric="pinball_0.9")
    assert (dataset.y < result.oof[:, 0]).mean() > 0.75
    assert (dataset.y < fit(model, dataset).oof[:, 0]).mean() < 0.65


@pytest.mark.parametrize("metric", ["poisson", "gamma", "tweedie", "mape"])
def test_trees_learn_each_metrics_loss(metric):
    """Better than a constant by the metric, and positive where it needs that."""
    dataset = make_dataset()
    dataset.y[:] = np.exp(dataset.y)
    result = fit("lightgbm", dataset, metric=metric)
    constant = np.full(len(dataset.y), np.median(dataset.y))
    assert result.score < 0.9 * METRICS[metric](dataset.y, constant)
    assert (result.oof > 0).all() or metric == "mape"


def test_objectives_of_another_task_are_idle(project, podium):
    def change(params, **lightgbm):
        params[HOUSES]["models"] = {"lightgbm": lightgbm}

    project.edit(lambda params: change(params, objective="log_loss"))
    assert "objective: does nothing for regression: it is of classes" in podium("check").err
    project.edit(lambda params: change(params, objective="l1"))
    assert podium("check").code == 0
    project.edit(lambda params: params[HOUSES].update(task="binary", metric="auc",
                                                      target_transform="none"))  # fmt: skip
    assert "objective: does nothing for task 'binary'" in podium("check").err


def test_all_columns_of_a_narrow_table_and_fewer_of_a_wide_one():
    shares = [
        gradient_boosting.rules(LightGBMParams(), Shape(1000, columns))["feature_fraction"]
        for columns in (1, 5, 16, 40, 80, 1000)
    ]
    assert shares[:3] == [1, 1, 1]
    assert shares == sorted(shares, reverse=True)
    # Never less than one column.
    assert shares[-1] * 1000 >= 1


@pytest.mark.parametrize("rows", [1_000, 20_000])
@pytest.mark.parametrize("columns", [3, 79])
def test_boosters_of_a_mean_differ(rows, columns):
    """By the rows or the columns that their trees see."""
    values = gradient_boosting.rules(LightGBMParams(), Shape(rows, columns))
    assert values["seeds"] > 1
    assert min(values["bagging_fraction"], values["feature_fraction"]) < 1


def test_a_network_reads_a_bounded_number_of_rows():
    epochs = [networks.rules(MLPParams(), Shape(rows, 5))["epochs"] for rows in (10**3, 10**5)]
    assert epochs[0] > epochs[1]
    assert epochs[1] * 10**5 <= networks.MOST_ROWS
    wide = networks.rules(MLPParams(), Shape(10**5, 200))["epochs"]
    assert wide < epochs[1]
    assert wide * 10**5 * 200 <= networks.MOST_NUMBERS


def test_without_early_stopping_the_rate_falls():
    rules = networks.rules(MLPParams(early_stopping=None), Shape(1000, 5))
    assert rules["schedule"] == "cosine"
    assert rules["epochs"] < networks.rules(MLPParams(), Shape(1000, 5))["epochs"]


def test_explicit_values_win():
    dataset, target = make_dataset(), Target("regression", "none")
    given = LightGBMParams(model="lightgbm", num_leaves=7, learning_rate=0.02)
    resolved = resolve_params(given, dataset, target)
    assert (resolved.num_leaves, resolved.learning_rate) == (7, 0.02)
    # A rule follows the values that are set.
    assert resolved.rounds == 5000


def test_auto_is_no_value_of_a_model_without_a_rule():
    for name, spec in TABLE_MODELS.items():
        params = spec.params(model=name)
        assert bool(params.automatic()) == (spec.rules is not None), name


def test_results_say_what_auto_was():
    result = fit("lightgbm", make_dataset(), num_leaves="auto", rounds=5, learning_rate=0.2)
    shares = {"feature_fraction", "bagging_fraction"}
    assert set(result.resolved) == {"objective", "num_leaves", *shares}
    assert result.resolved["num_leaves"] >= 2


def test_estimators_resolve_by_their_own_table():
    x = np.random.default_rng(0).normal(size=(40, 2))
    model = MLPRegressor(epochs=2, random_state=0).fit(x, x[:, 0])
    assert not model.members_.params.automatic()
    assert len(model.members_.outcomes) == model.members_.params.seeds


@pytest.mark.deep
def test_check_lists_what_is_used(project, podium):
    project.edit(lambda params: params[HOUSES].update(models={"lightgbm": {"rounds": 3}}))
    assert "num_leaves auto" in podium("check", "--resolved").out
    for stage in (["download", HOUSES], ["preprocess", HOUSES], ["train", HOUSES, "lightgbm"]):
        assert podium(*stage).code == 0
    metrics = json.loads((project.root / f"models/{HOUSES}/lightgbm/metrics.json").read_text())
    shown = podium("check", "--resolved").out
    assert not log_runs()
    logged = runs_of(HOUSES)[0].data.params
    for name, value in metrics["resolved"].items():
        assert f"{name} {value} (auto)" in shown
        assert logged[name] == str(value)
