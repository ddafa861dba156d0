"""Losses: values and gradients against torch's own, and what each of them fits."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch.nn import functional

from nn_help import CPU, coefficients, fit, fit_linear, normal, plain
from podium.config.networks import ClassLoss, Loss
from podium.nn.knobs import losses
from podium.nn.knobs.losses import class_loss, regression_loss, smooth_labels

OUT, Y = 2 * normal(2, 9, 3), normal(2, 9, 3, seed=1)
SHARES = normal(2, 9, 3, seed=2).softmax(2)


def pinball(out, y):
    return torch.maximum(0.8 * (y - out), 0.2 * (out - y))


# Each loss and torch's own, before the mean over outputs.
LOSSES = {
    "squared": (losses.squared, lambda out, y: (out - y).square()),
    "absolute": (losses.absolute, lambda out, y: (out - y).abs()),
    "huber": (
        losses.huber(0.7),
        lambda out, y: functional.huber_loss(out, y, reduction="none", delta=0.7),
    ),
    "quantile": (losses.quantile(0.8), pinball),
    "cross_entropy": (
        losses.cross_entropy,
        # torch's is a row's; the mean over three equal columns is the same.
        lambda out, y: functional.cross_entropy(
            out.flatten(0, 1), y.flatten(0, 1), reduction="none"
        ).view(2, 9, 1),
    ),
    "binary_cross_entropy": (
        losses.binary_cross_entropy,
        lambda out, y: functional.binary_cross_entropy(out.sigmoid(), y, reduction="none"),
    ),
}


def test_every_name_has_a_test():
    assert set(LOSSES) == {*get_args(Loss), *get_args(ClassLoss)}


@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_are_those_of_autograd(name, double):
    ours, theirs = LOSSES[name]
    y = (SHARES if "entropy" in name else Y).double()
    y = y / y.sum(2, keepdim=True) if "entropy" in name else y
    leaf = OUT.double().requires_grad_()
    expected = theirs(leaf, y).mean(2)
    value, grad = ours(OUT.double(), y.clone())
    assert value.shape == (2, 9)
    assert torch.allclose(value, expected.detach(), atol=1e-12)
    assert torch.allclose(grad, torch.autograd.grad(expected.sum(), leaf)[0], atol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_neither_outputs_nor_targets_are_changed(name):
    out, y = OUT.clone(), SHARES.clone()
    LOSSES[name][0](out, y)
    assert torch.equal(out, OUT)
    assert torch.equal(y, SHARES)


def test_logits_far_out_stay_finite():
    far = torch.tensor([[[1e4, -1e4, 0.0]]])
    for name in ("cross_entropy", "binary_cross_entropy"):
        value, grad = LOSSES[name][0](far, torch.tensor([[[0.0, 1.0, 0.0]]]))
        assert torch.isfinite(value).all()
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize("name", get_args(Loss))
def test_the_knob_names_the_loss_of_numbers(name):
    knobs = {"huber": {"huber_delta": 0.7}, "quantile": {"quantile": 0.8}}.get(name, {})
    value, _ = regression_loss([plain(loss=name, **knobs)], CPU)(OUT.clone(), Y.clone())
    assert torch.equal(value, LOSSES[name][0](OUT.clone(), Y.clone())[0])


@pytest.mark.parametrize("name", get_args(ClassLoss))
def test_the_knob_names_the_loss_of_classes(name):
    value, _ = class_loss(plain(class_loss=name))(OUT.clone(), SHARES.clone())
    assert torch.equal(value, LOSSES[name][0](OUT.clone(), SHARES.clone())[0])


# Skewed: mean, median and quantiles lie apart.
SKEWED = np.exp(np.random.default_rng(0).normal(size=201)).astype(np.float32)


def constant(loss: str, **knobs) -> float:
    """The number that fits the skewed ones best: there are no inputs to speak of."""
    knobs = {"epochs": 300, "learning_rate": 0.1, "schedule": "linear", "loss": loss, **knobs}
    zeros = np.zeros((len(SKEWED), 1), np.float32)
    return float(fit_linear(zeros, SKEWED, **knobs).predict(zeros)[0, 0, 0])


def test_squared_fits_the_mean_and_absolute_the_median():
    assert constant("squared") == pytest.approx(SKEWED.mean(), abs=0.01)
    assert constant("absolute") == pytest.approx(np.median(SKEWED), abs=0.03)


def test_huber_lies_between_and_nears_either_with_its_delta():
    narrow, middle, wide = (constant("huber", huber_delta=d) for d in (0.05, 1.0, 50.0))
    assert np.median(SKEWED) < middle < SKEWED.mean()
    assert narrow < middle < wide
    assert wide == pytest.approx(SKEWED.mean(), abs=0.01)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_quantile_leaves_that_share_below(share):
    fitted = constant("quantile", quantile=share, learning_rate=0.5)
    assert (fitted > SKEWED).mean() == pytest.approx(share, abs=0.02)


def test_outliers_move_huber_and_absolute_less_than_squared():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 1)).astype(np.float32)
    y = 2 * x[:, 0]
    y[x[:, 0].argsort()[-5:]] -= 60
    error = {
        loss: abs(coefficients(fit_linear(x, y, loss=loss, epochs=200))[0] - 2)
        for loss in ("squared", "huber", "absolute")
    }
    assert error["squared"] > 3
    assert error["huber"] < 0.2 * error["squared"]
    assert error["absolute"] < 0.2 * error["squared"]


@pytest.mark.parametrize("loss", get_args(Loss))
@pytest.mark.parametrize("outputs", [1, 3])
def test_every_loss_learns_every_output(loss, outputs):
    x = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    y = np.stack([x[:, 0], -x[:, 1], x[:, 0] * x[:, 2]], axis=1)[:, :outputs]
    predicted = fit(x, y, loss=loss, epochs=60, standardize_target=True).predict(x)[0]
    assert predicted.shape == y.shape
    for output in range(outputs):
        assert np.corrcoef(predicted[:, output], y[:, output])[0, 1] > 0.9


def separable(classes: int = 2) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    codes = np.arange(90) % classes
    return (6 * np.eye(classes)[codes] + generator.normal(size=(90, classes))).astype(
        np.float32
    ), codes


def confidence(class_loss: str = "cross_entropy", classes: int = 2, **knobs) -> np.ndarray:
    """Each row's probability of its class."""
    x, codes = separable(classes)
    fitted = fit(x, codes, classes=classes, class_loss=class_loss, epochs=80, **knobs)
    probabilities = fitted.predict(x)[0]
    assert probabilities.sum(1) == pytest.approx(1)
    assert probabilities.min() >= 0
    return probabilities[np.arange(len(codes)), codes]


@pytest.mark.parametrize("class_loss", get_args(ClassLoss))
@pytest.mark.parametrize("classes", [2, 3])
def test_label_smoothing_caps_confidence_where_it_says(class_loss, classes):
    smoothing = 0.3
    wanted = 1 - smoothing + smoothing / classes
    if class_loss == "binary_cross_entropy" and classes > 2:
        # Each class for itself, scaled to sum to 1.
        wanted /= wanted + (classes - 1) * smoothing / classes
    capped = confidence(class_loss, classes, label_smoothing=smoothing)
    assert np.median(capped) == pytest.approx(wanted, abs=0.03)
    assert np.median(confidence(class_loss, classes)) > 0.98


def test_smooth_labels_keep_their_sum():
    x, y = normal(1, 4, 2), torch.eye(4)[None]
    same, smooth = smooth_labels(0.2, x, y, torch.tensor([4]), 0)
    assert same is x
    assert torch.allclose(smooth.sum(2), torch.ones(1, 4))
    assert torch.allclose(smooth[0].diagonal(), torch.full((4,), 0.85))
    _, one = smooth_labels(0.2, x, torch.tensor([[[0.0], [1.0]]]), torch.tensor([2]), 0)
    assert one.flatten().tolist() == pytest.approx([0.1, 0.9])


def test_label_smoothing_leaves_numbers_alone():
    x, y = separable()
    state, other = (
        fit(x, y.astype(np.float32), epochs=2, label_smoothing=smoothing).outcomes[0].state
        for smoothing in (0.0, 0.4)
    )
    assert all(torch.equal(value, other[name]) for name, value in state.items())


def test_binary_cross_entropy_of_two_classes_has_one_logit_and_fits_their_share():
    zeros, codes = np.zeros((80, 1), np.float32), (np.arange(80) % 4 == 0).astype(np.int64)
    shares = {}
    for name in get_args(ClassLoss):
        fitted = fit_linear(zeros, codes, classes=2, class_loss=name, epochs=200, learning_rate=1.0)
        shares[name] = fitted.predict(zeros)[0, 0]
        width = fitted.outcomes[0].state["output.bias"].numel()
        assert width == (1 if name == "binary_cross_entropy" else 2)
    for share in shares.values():
        assert share == pytest.approx([0.75, 0.25], abs=1e-3)


def test_the_target_is_standardized_over_the_members_own_rows():
    x = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    y = 1e4 + 1e3 * x[:, 0]
    rows = [np.arange(40), np.arange(30, 60)]
    fitted = fit(x, y, rows=rows, epochs=60)
    for member, own in enumerate(rows):
        shift, scale = fitted.outcomes[member].target[:, 0].tolist()
        assert shift == pytest.approx(y[own].mean(), rel=1e-5)
        assert scale == pytest.approx(y[own].std(), rel=1e-4)
        assert np.abs(fitted.predict(x)[member, own, 0] - y[own]).mean() < 200
    raw = fit(x, y, epochs=1, standardize_target=False).outcomes[0].target
    assert raw.flatten().tolist() == [0, 1]
