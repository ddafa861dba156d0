"""Implicit members: against a plain loop in PyTorch, and as members beside others."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nn_help import CPU, check_gradients, fit, normal, plain, table, training
from podium import MLPClassifier, MLPRegressor
from podium.config import MLPParams
from podium.nn import Columns, fit_members
from podium.nn.data import Task
from podium.nn.knobs.implicit import first_factors, mean_of_losses
from podium.nn.knobs.losses import squared
from podium.nn.layers import Step
from podium.nn.network import build_network, embedded_features
from podium.nn.parameters import RUNNING, Parameters
from podium.nn.rng import Rng

pytestmark = pytest.mark.usefixtures("one_thread")

VARIANTS = ("full", "mini", "packed")
COLUMNS = Columns(3, 1, (3, 2))
COUNT, ROWS, STEPS = 4, 32, 12
X, Y = table(ROWS)
# Members whose batches are not equally large have rows that only fill up.
UNEQUAL = [np.arange(100), np.arange(7, 104)]


def network_of(params, members: int = 2, outputs: int = 2):
    network = build_network(params, COLUMNS, outputs)
    parameters = Parameters(network.parameters(), members, CPU)
    parameters.draw(range(members))
    network.bind(parameters.values, parameters.grads)
    return network, parameters


def by_hand(weights: dict[str, Tensor], x: Tensor, hidden: int) -> Tensor:
    """One network of TabM as its paper has it: (rows, features) to (rows, implicit members, 1)."""
    x = x[:, None]
    for layer in range(hidden):
        own = {name.split(".")[1]: w for name, w in weights.items() if f"hidden{layer}." in name}
        if "input_adapter" in own:
            x = x * own["input_adapter"][:, 0]
        if own["weight"].dim() == 2:
            x = x @ own["weight"]
        else:
            x = torch.einsum("bki,kio->bko", x.expand(-1, COUNT, -1), own["weight"])
        if "output_adapter" in own:
            x = x * own["output_adapter"][:, 0]
        bias = own["bias"]
        x = functional.silu(x + (bias[:, 0] if bias.dim() == 3 else bias[0]))
    heads, biases = weights["output.weight"], weights["output.bias"]
    return torch.einsum("bki,kio->bko", x, heads) + biases[:, 0]


def trained_by_hand(weights: dict[str, Tensor], classes: int) -> Tensor:
    """The predictions after some steps of Adam on all rows: the mean of losses is minimized."""
    for weight in weights.values():
        weight.requires_grad_()
    optimizer = torch.optim.Adam(weights.values(), lr=0.02)
    x, codes = torch.from_numpy(X), torch.from_numpy((Y > 0).astype(np.int64))
    y = torch.from_numpy(Y)
    y = (y - y.mean()) / y.std(correction=0)
    for _ in range(STEPS):
        out = by_hand(weights, x, hidden=2)
        if classes:
            losses = functional.cross_entropy(
                out.flatten(0, 1), codes.repeat_interleave(COUNT), reduction="none"
            )
        else:
            losses = (out[:, :, 0] - y[:, None]).square()
        optimizer.zero_grad()
        losses.mean().backward()
        optimizer.step()
    out = by_hand(weights, x, hidden=2).detach()
    if classes:
        return out.softmax(2).mean(1)
    return out.mean(1) * float(np.std(Y)) + float(np.mean(Y))


@pytest.mark.parametrize("classes", [0, 2])
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_training_is_that_of_a_plain_loop(variant, classes):
    """Same initial weights, same steps; beside another member, of which nothing is seen."""
    knobs = {
        "hidden": [8, 6], "batch_size": ROWS, "implicit_members": COUNT,
        "implicit_variant": variant, "zero_last": False,
    }  # fmt: skip
    y = (Y > 0).astype(np.int64) if classes else Y
    more = {"classes": classes, "seeds": [3, 5]}
    network = build_network(plain(**knobs), Columns(X.shape[1]), max(classes, 1))
    own = Parameters(network.parameters(), 1, CPU)
    own.draw([3])
    weights = {name: value[0].clone() for name, value in own.values.items()}
    theirs = trained_by_hand(weights, classes)
    ours = fit(X, y, rows=[np.arange(ROWS)] * 2, epochs=STEPS, **knobs, **more).predict(X)[0]
    assert ours == pytest.approx(theirs.numpy(), abs=2e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_one_implicit_member_is_a_plain_network(variant):
    names = {p.name for p in build_network(plain(), COLUMNS, 1).parameters()}
    off = plain(implicit_members=1)
    assert {p.name for p in build_network(off, COLUMNS, 1).parameters()} == names
    on = plain(implicit_members=2, implicit_variant=variant)
    shapes = {p.name: p.shape for p in build_network(on, COLUMNS, 1).parameters()}
    assert ("hidden0.input_adapter" in shapes) == (variant != "packed")
    assert shapes["output.weight"] == (2, 16, 1)
    assert shapes["hidden0.weight"] == ((2, 9, 16) if variant == "packed" else (9, 16))
    assert shapes["hidden0.bias"] == ((1, 16) if variant == "mini" else (2, 1, 16))


EVERYTHING = {
    "plain": {},
    "skip, periodic, dropout": {
        "skip": True, "numeric_embedding": "periodic", "embedding_size": 2, "dropout": 0.3,
        "activation_noise": 0.1, "input_dropout": 0.1,
    },
    "batch, prelu, piecewise": {
        "normalization": "batch", "activation": "prelu", "skip": True, "hidden": [9, 9],
        "numeric_embedding": "piecewise_linear", "embedding_size": 2, "bins": 4,
    },
    "layer, categories": {"normalization": "layer", "category_embedding": 2, "input_scale": True},
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("knobs", EVERYTHING.values(), ids=EVERYTHING)
def test_gradients(knobs, variant, double):
    params = plain(
        **{"hidden": [6, 5], "activation": "gelu", **knobs},
        implicit_members=3, implicit_variant=variant,
    )  # fmt: skip
    network, parameters = network_of(params)
    for number, spec in enumerate(parameters.specs):
        if spec.kind != RUNNING:
            parameters.values[spec.name] += 0.3 * normal(2, *spec.shape, seed=number)
    x = torch.cat([normal(2, 8, 4), torch.eye(3)[torch.arange(8) % 3].expand(2, 8, 3),
                   torch.eye(2)[torch.arange(8) % 2].expand(2, 8, 2)], dim=2)  # fmt: skip
    for member in range(2):
        network.fit(member, x[member], torch.ones(8))
    real = torch.ones(2, 8, 1)
    real[1, -1] = 0.0
    # The gradient of a category's embedding is masked; test_inputs.py has it.
    parameters.grads.pop("categories.weight", None)
    check_gradients(network, parameters, x, training(real=real, number=3))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "knobs",
    [
        {"dropout": 0.3, "input_dropout": 0.1, "activation_noise": 0.1, "mixup": 0.3},
        {"normalization": "batch", "averaging": "ema", "weight_noise": 0.1, "skip": True},
        {"numeric_embedding": "piecewise_linear", "loss": "huber", "gradient_clip": 0.5},
        {"numeric_embedding": "periodic", "loss": "quantile", "early_stopping": 3, "l1": 1e-4},
    ],
)
def test_a_member_is_the_same_alone_and_beside_others(knobs, variant):
    x, y = table()
    rows, params = UNEQUAL, {"implicit_members": 3, "implicit_variant": variant, "epochs": 4}
    together = fit(x, y, rows=rows, seeds=[7, 8], **params, **knobs).predict(x)
    for member in range(2):
        alone = fit(x, y, rows=[rows[member]], seeds=[7 + member], **params, **knobs).predict(x)
        assert alone[0] == pytest.approx(together[member], abs=2e-4)


def test_rates_of_their_own():
    """Members of one group, each with its own dropout and schedule of it."""
    x, y = table()
    knobs = {"epochs": 4, "implicit_members": 3, "hidden": [16, 8]}
    params = [
        plain(dropout=rate, dropout_schedule=schedule, activation_noise=noise, **knobs)
        for rate, schedule, noise in ((0.1, "cosine", 0.0), (0.5, "constant", 0.3))
    ]
    rows = [np.arange(100)] * 2
    together = fit_members(x, y, rows, params, seeds=[1, 2]).predict(x)
    for member in range(2):
        alone = fit_members(x, y, rows[:1], params[member], seeds=[1 + member]).predict(x)[0]
        assert alone == pytest.approx(together[member], abs=1e-4)


def test_implicit_members_have_random_numbers_of_their_own():
    rng = Rng([1, 2], CPU)
    drawn = rng.spread(3).uniform((6, 50, 4), 5, 7).flatten(1)
    assert len(torch.unique(drawn, dim=0)) == 6
    assert float(torch.corrcoef(drawn).fill_diagonal_(0.0).abs().max()) < 0.3
    # Those of a member don't depend on which others are there.
    assert torch.equal(drawn[3:], Rng([2], CPU).spread(3).uniform((3, 50, 4), 5, 7).flatten(1))


def test_factors_of_a_feature_start_alike():
    features = embedded_features(COLUMNS, plain(numeric_embedding="periodic", embedding_size=2))
    assert features == [0, 1, 2, 0, 0, 1, 1, 2, 2, 3, 4, 4, 4, 5, 5]
    embedded = plain(category_embedding=2)
    assert embedded_features(COLUMNS, embedded) == [0, 1, 2, 3, 4, 4, 5, 5]
    for params in (plain(), embedded, plain(numeric_embedding="piecewise_linear")):
        (weight,) = (
            p for p in build_network(params, COLUMNS, 1).parameters() if p.name == "hidden0.weight"
        )
        assert weight.shape[0] == len(embedded_features(COLUMNS, params))
    signs = first_factors(500, features, normal=False)(torch.Generator().manual_seed(0))
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    assert abs(float(signs.mean())) < 0.1
    factors = first_factors(500, features, normal=True)(torch.Generator().manual_seed(0))
    assert float(factors.std()) == pytest.approx(1.0, abs=0.05)
    for drawn in (signs, factors):
        assert torch.equal(drawn[..., 0], drawn[..., 4])
        assert not torch.equal(drawn[..., 0], drawn[..., 1])


def test_the_loss_is_the_mean_of_losses():
    """Two outputs on either side of the target: their mean is right, and neither is."""
    out, y = torch.tensor([[[1.0], [-1.0]]]), torch.zeros(1, 1, 1)
    value, grad = mean_of_losses(squared, 2)(out, y)
    assert value.tolist() == [[1.0]]
    assert grad.flatten().tolist() == [1.0, -1.0]


@pytest.mark.parametrize(
    "task", [Task(False, 2), Task(True, 3), Task(True, 2, True), Task(True, 3, True)]
)
def test_predictions_are_the_mean_of_predictions(task):
    out, target = normal(2, 3 * 5, task.width), torch.tensor([[1.0, 2.0], [3.0, 0.5]])
    target = target[:, :, None].expand(-1, -1, task.width)
    each = task.predictions(out, target).unflatten(1, (3, 5))
    predicted = task.predictions(out, target, 3)
    assert torch.allclose(predicted, each.mean(1))
    # And so is what early stopping watches, where classes are alternatives.
    if not (task.sigmoid and task.width > 1):
        mean = task.mean_outputs(out, 3)
        assert torch.allclose(task.predictions(mean, target), predicted, atol=1e-6)


def test_early_stopping_watches_the_mean():
    x, y = table()
    fitted = fit(x, y, early_stopping=30, implicit_members=4, epochs=8)
    outcome = fitted.outcomes[0]
    stop = outcome.member.stop
    error = (fitted.predict(x)[0, stop, 0] - y[stop]) / float(outcome.target[1])
    assert outcome.history[outcome.best_epoch].valid_loss == pytest.approx(
        float(np.mean(error**2)), rel=1e-4
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_of_rows(variant):
    """A row of weight 2 is a row that is there twice."""
    x, y = table(40)
    knobs = {"implicit_members": 3, "implicit_variant": variant, "batch_size": 100, "epochs": 5}
    weight = np.ones(40)
    weight[:10] = 2.0
    heavy = fit(x, y, sample_weight=weight, **knobs).predict(x)
    twice = np.concatenate([np.arange(40), np.arange(10)])
    assert fit(x, y, rows=[twice], **knobs).predict(x) == pytest.approx(heavy, abs=1e-4)


def test_monte_carlo_dropout():
    x, y = table()
    fitted = fit(x, y, implicit_members=3, dropout=0.3, epochs=3)
    mean, std = fitted.predict_std(x, 20)
    assert (std > 0).all()
    assert np.abs(mean - fitted.predict(x)).mean() < 3 * std.mean()


def test_a_stopped_training_continues_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("podium.nn.training.CHECKPOINT_SECONDS", 0.0)
    x, y = table()
    params = plain(implicit_members=3, dropout=0.3, early_stopping=5, averaging="ema", epochs=4)
    rows = [np.arange(100)] * 2

    def stop(progress):
        if progress.epoch == 2:
            raise KeyboardInterrupt

    whole = fit_members(x, y, rows, params).predict(x)
    with pytest.raises(KeyboardInterrupt):
        fit_members(x, y, rows, params, checkpoint=tmp_path, on_epoch=stop)
    epochs = []
    again = fit_members(x, y, rows, params, checkpoint=tmp_path, on_epoch=epochs.append)
    assert epochs[0].resumed
    assert np.array_equal(again.predict(x), whole)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("variant", VARIANTS)
def test_cuda_gives_what_the_cpu_gives(variant):
    x, y = table()
    knobs = {
        "implicit_members": 3, "implicit_variant": variant, "normalization": "batch",
        "dropout": 0.2, "epochs": 5, "mixed_precision": False, "rows": UNEQUAL,
    }  # fmt: skip
    here, there = (fit(x, y, device=device, **knobs).predict(x) for device in ("cpu", "cuda"))
    assert there == pytest.approx(here, abs=1e-3)


def test_estimators_have_them():
    x, y = table(60)
    knobs = {"hidden": [8], "epochs": 3, "seeds": 2, "implicit_members": 3}
    assert MLPRegressor(**knobs).fit(x, y).predict(x).shape == (60,)
    classifier = MLPClassifier(implicit_variant="mini", **knobs).fit(x, y > 0)
    assert classifier.predict_proba(x).sum(axis=1) == pytest.approx(1.0)
    assert classifier.predict_std(x).shape == (60, 2)


def test_the_average_is_better_than_each():
    """What it is for: on a noisy target, the mean predicts better than its parts."""
    x, y = table(60, noise=1.0)
    fresh, clean = table(400, noise=0.0, seed=1)
    fitted = fit(x, y, implicit_members=16, epochs=60, hidden=[32])
    outcome = fitted.outcomes[0]
    network = build_network(outcome.member.params, Columns(x.shape[1]), 1)
    network.bind({name: value[None] for name, value in outcome.state.items()}, {})
    out = network.forward(torch.from_numpy(fresh)[None], Step()).unflatten(1, (16, -1))[0, ..., 0]
    each = out * float(outcome.target[1]) + float(outcome.target[0])
    losses = ((each.numpy() - clean) ** 2).mean(1)
    mean = np.mean((fitted.predict(fresh)[0, :, 0] - clean) ** 2)
    assert mean < 0.95 * losses.mean()


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"implicit_variant": "packed"}, "implicit_variant does nothing without implicit_members"),
        ({"implicit_members": 4, "hidden": []}, "implicit_members does nothing without hidden"),
        ({"implicit_members": 0}, "greater than or equal to 1"),
    ],
)
def test_what_does_not_go_together(knobs, words):
    with pytest.raises(ValueError, match=words):
        MLPParams(**knobs)


def test_a_row_takes_as_much_memory_as_its_copies():
    one = build_network(plain(), COLUMNS, 1)
    many = build_network(plain(implicit_members=8, implicit_variant="packed"), COLUMNS, 1)
    # All but the inputs, which are spread once.
    assert many.row_size == 8 * one.row_size
    assert many.row_work == 8 * one.row_work
    sizes = [sum(p.size for p in network.parameters()) for network in (one, many)]
    assert sizes[1] == 8 * sizes[0]
