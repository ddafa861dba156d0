"""The knobs of networks: what would do nothing is an error, and so is what can't be."""

import pytest
from pydantic import ValidationError

from podium.config.networks import NEEDS, SCHEDULED, SHAPES, LinearParams, MLPParams

# A value other than the default for every knob that needs another.
CHANGED = {
    "huber_delta": 2.0,
    "quantile": 0.9,
    "momentum": 0.5,
    "beta2": 0.9,
    "average_decay": 0.5,
    "average_start": 0.5,
    "embedding_size": 5,
    "frequency_scale": 1.0,
    "bins": 5,
    "schedule_end": 0.5,
    "step_every": 0.5,
    "step_factor": 0.5,
    "peak_at": 0.5,
    "flat_until": 0.2,
    "restarts": 2,
}
# With these none of them does anything.
OTHERS = {
    "loss": "squared",
    "optimizer": "sgd",
    "averaging": "none",
    "numeric_embedding": "none",
    "schedule": "constant",
}
LINEAR_TOO = [knob for knob in CHANGED if knob in LinearParams.model_fields]


def test_every_knob_that_needs_another_is_tested():
    assert set(CHANGED) == {*NEEDS, *SHAPES}
    for knob, value in CHANGED.items():
        assert value != MLPParams.model_fields[knob].default


@pytest.mark.parametrize("knob", CHANGED)
def test_an_idle_knob_is_an_error_that_names_it(knob):
    with pytest.raises(ValidationError, match=f"{knob} does nothing with"):
        MLPParams(**OTHERS, **{knob: CHANGED[knob]})


@pytest.mark.parametrize("knob", LINEAR_TOO)
def test_an_idle_knob_of_a_linear_model_too(knob):
    others = {name: value for name, value in OTHERS.items() if name in LinearParams.model_fields}
    with pytest.raises(ValidationError, match=f"{knob} does nothing with"):
        LinearParams(**others, **{knob: CHANGED[knob]})


@pytest.mark.parametrize(
    ("knob", "other", "value"),
    [(knob, other, value) for knob, (other, values) in NEEDS.items() for value in values],
)
def test_with_what_it_needs_it_is_fine(knob, other, value):
    params = MLPParams(**{**OTHERS, other: value, knob: CHANGED[knob]})
    assert getattr(params, knob) == CHANGED[knob]


@pytest.mark.parametrize("schedule", SCHEDULED)
@pytest.mark.parametrize(
    ("knob", "shape"), [(knob, shape) for knob, shapes in SHAPES.items() for shape in shapes]
)
def test_a_shape_is_fine_with_any_of_the_schedules(knob, shape, schedule):
    others = {**OTHERS, schedule: shape}
    others |= {"weight_decay": 1.0, "dropout": 0.3}
    assert getattr(MLPParams(**others, **{knob: CHANGED[knob]}), knob) == CHANGED[knob]


@pytest.mark.parametrize("knob", CHANGED)
def test_a_default_may_always_be_written_out(knob):
    default = MLPParams.model_fields[knob].default
    assert MLPParams(**OTHERS, **{knob: default}) == MLPParams(**OTHERS)


def test_dropout_is_one_rate_or_one_for_each_layer():
    assert MLPParams(hidden=[8, 4], dropout=0.2).dropouts == [0.2, 0.2]
    assert MLPParams(hidden=[8, 4], dropout=[0.2, 0.0]).dropouts == [0.2, 0.0]
    assert MLPParams(hidden=[], dropout=0.2).dropouts == []
    with pytest.raises(ValidationError, match="1 rates for 2 hidden layers"):
        MLPParams(hidden=[8, 4], dropout=[0.2])


def test_batch_normalization_needs_batches():
    with pytest.raises(ValidationError, match="normalization: batch needs batch_size above 1"):
        MLPParams(normalization="batch", batch_size=1)
    assert MLPParams(normalization="layer", batch_size=1).batch_size == 1


def test_passes_with_dropout_on_need_dropout():
    with pytest.raises(ValidationError, match="mc_dropout needs dropout"):
        MLPParams(hidden=[8, 4], dropout=[0.0, 0.0], mc_dropout=5)
    for knobs in ({"dropout": [0.0, 0.1]}, {"dropout": 0.0, "input_dropout": 0.1}):
        assert MLPParams(hidden=[8, 4], mc_dropout=5, **knobs).mc_dropout == 5


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("epochs", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("weight_decay", -1.0),
        ("dropout", 1.0),
        ("dropout", [0.5, 1.0]),
        ("hidden", [8, 0]),
        ("quantile", 1.0),
        ("gradient_clip", 0.0),
        ("smooth_clip", 0.0),
        ("input_margin", -0.1),
        ("early_stopping", 0),
        ("holdout", 0.0),
        ("bins", 1),
        ("warm_up", 1.0),
        ("label_smoothing", 1.0),
        ("mixup", -0.1),
        ("activation", "rleu"),
        ("optimizer", "lion"),
        ("epochs", "5"),
        ("hidden_layers", [8]),
    ],
)
def test_what_cannot_be_is_an_error(knob, value):
    with pytest.raises(ValidationError, match=knob):
        MLPParams(**{knob: value})


@pytest.mark.parametrize("knob", ["hidden", "activation", "dropout", "normalization", "skip"])
def test_a_linear_model_has_no_hidden_layers_knobs(knob):
    with pytest.raises(ValidationError, match="Extra inputs"):
        LinearParams(**{knob: MLPParams.model_fields[knob].default})


@pytest.mark.parametrize(
    ("knob", "value"), [("normalization", "batch"), ("skip", True), ("activation_noise", 0.1)]
)
def test_knobs_of_hidden_layers_need_some(knob, value):
    with pytest.raises(ValidationError, match=f"{knob} does nothing without hidden layers"):
        MLPParams(hidden=[], **{knob: value})


def check(project, podium, **knobs):
    def change(params):
        params["house-prices"]["models"]["mlp"] = knobs

    project.edit(change)
    return podium("check")


@pytest.mark.parametrize("value", [1.5, "0.3"])
def test_a_wrong_dropout_is_told_once(project, podium, value):
    outcome = check(project, podium, dropout=value)
    assert outcome.code == 2
    assert outcome.err.count("error:") == 1
    assert "house-prices.models.mlp.dropout" in outcome.err


def test_a_rule_of_several_knobs_is_one_line(project, podium):
    outcome = check(project, podium, quantile=0.9)
    assert outcome.code == 2
    assert "quantile does nothing with loss: auto" in outcome.err


@pytest.mark.parametrize(
    "knobs", [{"label_smoothing": 0.1}, {"class_loss": "binary_cross_entropy"}]
)
def test_knobs_of_classes_do_nothing_for_numbers(project, podium, knobs):
    outcome = check(project, podium, **knobs)
    assert outcome.code == 2
    assert f"mlp.{next(iter(knobs))}: does nothing for task 'regression'" in outcome.err
