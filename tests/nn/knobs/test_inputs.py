"""What happens to inputs: standardizing, clipping, scaling, embeddings."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from nn_help import CPU, bound, check_gradients, fit, normal, plain, table, training
from podium.config import MLPParams
from podium.io.errors import PodiumError
from podium.nn.knobs.inputs import CategoryEmbedding, Columns, Periodic, PiecewiseLinear
from podium.nn.knobs.scaling import InputMargin, InputScale, SmoothClip, Standardize
from podium.nn.layers import Step
from podium.nn.network import build_network
from podium.nn.parameters import Parameters

X = normal(2, 30, 3)


def one_hot(codes: np.ndarray, levels: int) -> np.ndarray:
    return np.eye(levels, dtype=np.float32)[codes]


def inputs_of(params, columns: Columns, members: int = 1):
    """The layer in front of the first matrix, its parameters, and its network."""
    network = build_network(params, columns, 1)
    parameters = Parameters(network.parameters(), members, CPU)
    parameters.draw(range(members))
    network.bind(parameters.values, parameters.grads)
    return network.layers[0], parameters, network


def test_standardize_takes_each_members_own_training_rows():
    x, y = table(features=3)
    x = 100 * x + 7
    rows = [np.arange(50), np.arange(40, 120)]
    fitted = fit(x, y, rows=rows, standardize_inputs=True, epochs=1)
    for member, own in enumerate(rows):
        state = fitted.outcomes[member].state
        assert state["numbers.mean"][0].numpy() == pytest.approx(x[own].mean(0), abs=1e-3)
        assert 1 / state["numbers.scale"][0].numpy() == pytest.approx(x[own].std(0), rel=1e-4)


def test_rows_of_others_are_not_looked_at():
    x, y = table()
    spoilt = x.copy()
    spoilt[100:] = 1e6
    knobs = {
        "rows": [np.arange(100)],
        "standardize_inputs": True,
        "numeric_embedding": "piecewise_linear",
        "epochs": 2,
    }
    clean, other = (fit(table, y, **knobs).outcomes[0].state for table in (x, spoilt))
    assert all(torch.equal(value, other[name]) for name, value in clean.items())


def test_standardize_weighs_rows():
    x, y = table(features=2)
    weight = (np.arange(120) < 60).astype(float)
    state = fit(x, y, standardize_inputs=True, sample_weight=weight, epochs=1).outcomes[0].state
    assert state["numbers.mean"][0].numpy() == pytest.approx(x[:60].mean(0), abs=1e-5)
    assert 1 / state["numbers.scale"][0].numpy() == pytest.approx(x[:60].std(0), rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1000.1, 123456.7])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_column_of_one_number_is_neutral(value, weighted):
    layer = Standardize("n", 1)
    parameters = bound(layer, members=1)
    weight = normal(999).exp() if weighted else torch.ones(999)
    layer.fit(0, torch.full((999, 1), value), weight / weight.mean())
    assert parameters.values["n.scale"].item() == 0
    for other in (value, value + 1, 1e9):
        assert layer.forward(torch.full((1, 1, 1), other), Step()).item() == 0


UNITS = [2.0**-24, 1e-13, 2.0**-110, 2.0**100]
WILDER = [1e-300, 1e-40, 1e300, 1e307]


@pytest.mark.parametrize("unit", [*UNITS, *WILDER])
@pytest.mark.parametrize("embedding", ["none", "piecewise_linear"])
def test_standardized_numbers_have_no_unit(unit, embedding):
    """In float32 as far as it goes, beyond it in float64."""
    x, y = table()
    knobs = {"standardize_inputs": True, "numeric_embedding": embedding, "epochs": 3}
    knobs |= {"input_margin": 0.5, "rows": [np.arange(100)]}
    usual = fit(x, y, **knobs).predict(x)
    scaled = x.astype(np.float64) * unit
    if unit in UNITS:
        scaled = scaled.astype(np.float32)
    for tables in (scaled, [scaled]):
        given = fit(tables, y, **knobs)
        assert given.predict(tables) == pytest.approx(usual, abs=1e-4)
    assert given.predict(lambda number: scaled) == pytest.approx(usual, abs=1e-4)


def test_numbers_too_large_for_float32_are_one_line():
    x, y = table()
    for wild in (1e300 * x.astype(np.float64), np.where(x > 2, np.nan, x)):
        with pytest.raises(PodiumError, match=r"column \d of the networks' inputs has numbers"):
            fit(wild, y, input_margin=0.5)


def margin_of(*rows: float, margin: float = 0.5) -> InputMargin:
    """The layer for a column with these training rows."""
    layer = InputMargin("range", 1, margin)
    bound(layer, members=1)
    layer.fit(0, torch.tensor(rows)[:, None], torch.ones(len(rows)))
    return layer


def passed(layer: InputMargin, *numbers: float) -> list[float]:
    return layer.forward(torch.tensor(numbers)[None, :, None], Step()).flatten().tolist()


def test_numbers_within_the_training_range_are_left_as_they_are():
    x = normal(50)
    layer = margin_of(*x.tolist())
    assert passed(layer, *x.tolist()) == x.tolist()


def test_numbers_beyond_the_range_are_squeezed_smoothly_within_half_of_it():
    layer = margin_of(-1.0, 3.0)
    beyond = passed(layer, *np.linspace(3, 30, 271).tolist())
    assert (np.diff(beyond) > 0).all()
    assert np.diff(beyond)[0] == pytest.approx(0.1, rel=0.01)
    assert 4.9 < beyond[-1] < 5
    infinity = float("inf")
    assert passed(layer, 1e30, infinity, -infinity) == pytest.approx([5, 5, -3])
    assert passed(margin_of(-1.0, 3.0, margin=0.0), 7.0, -9.0) == [3, -1]


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30])
def test_a_constant_column_stays_constant(value):
    layer = margin_of(value, value, value)
    held = passed(layer, value)
    assert passed(layer, -value, value + 1, 1e38, -1e38) == held * 4


def test_rows_without_weight_are_not_in_the_range():
    layer = InputMargin("range", 1, 0.0)
    bound(layer, members=1)
    layer.fit(0, torch.tensor([[1.0], [2.0], [9.0]]), torch.tensor([1.5, 1.5, 0.0]))
    assert passed(layer, 0.0, 9.0) == [1, 2]


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("embedding", ["none", "periodic", "piecewise_linear"])
def test_a_wild_number_is_bounded_by_default(standardize, embedding):
    """So is a column that a member's training rows don't have."""
    x, y = table()
    x[:100, 3] = 0
    wild = x.copy()
    wild[100:110, 0], wild[110:, 3] = 1e6, -1e6
    knobs = {"standardize_inputs": standardize, "numeric_embedding": embedding, "epochs": 10}
    knobs |= {"rows": [np.arange(100)], "hidden": [16], "loss": "squared"}
    assert MLPParams().input_margin == 0.5
    default = MLPParams.model_fields["input_margin"].default
    tame, free = (fit(x, y, input_margin=margin, **knobs) for margin in (default, None))
    for name, value in free.outcomes[0].state.items():
        assert torch.equal(value, tame.outcomes[0].state[name])
    predicted = tame.predict(wild)[0, :, 0]
    assert predicted[:100] == pytest.approx(free.predict(x)[0, :100, 0], abs=1e-6)
    assert np.abs(predicted - y.mean()).max() < 8 * y.std()
    neutral = x.copy()
    neutral[:, 3] = 0
    assert predicted[110:] == pytest.approx(tame.predict(neutral)[0, 110:, 0], abs=1e-6)


def test_wild_units_are_learnt_once_standardized():
    x, y = table()
    x = x * np.array([1e-3, 1e4, 1, 1, 1], np.float32) + np.array([0, 1e4, 0, 0, 0], np.float32)
    loss = {
        on: fit(x, y, standardize_inputs=on).outcomes[0].history[-1].train_loss
        for on in (True, False)
    }
    assert loss[True] < 0.1
    assert loss[False] > 5 * loss[True]


def test_smooth_clip_is_near_the_identity_inside_and_within_its_bound_outside():
    clip = SmoothClip(3.0)
    small = torch.linspace(-0.3, 0.3, 31)[None, :, None]
    assert torch.allclose(clip.compute(small, {}, Step()), small, rtol=0.006, atol=0)
    infinite = torch.tensor([-1e38, 1e38, float("inf")])[None, :, None]
    assert clip.compute(infinite, {}, Step()).flatten().tolist() == pytest.approx([-3, 3, 3])
    wide = torch.linspace(-1e4, 1e4, 1001)[None, :, None]
    out = clip.compute(wide, {}, Step())
    assert out.abs().max() <= 3 + 1e-6
    assert out.max() == pytest.approx(3, abs=1e-3)
    grown = torch.linspace(-20, 20, 401)[None, :, None]
    out = clip.compute(grown, {}, Step()).flatten()
    assert (out.diff() > 0).all()
    assert torch.allclose(out, -out.flip(0), atol=1e-6)


def test_an_outlier_among_the_inputs_pulls_less_with_smooth_clip():
    x, y = table()
    far = x[:1].copy()
    far[0, 1] = 1e3

    def jump(**knobs) -> float:
        predicted = fit(x, y, **knobs).predict(np.concatenate([x, far]))[0, :, 0]
        return float(abs(predicted[-1]) / np.abs(predicted[:-1]).max())

    assert jump(smooth_clip=3.0) < 3
    assert jump() > 30


def test_clipping_and_standardizing_need_no_gradient():
    layer, _, network = inputs_of(plain(smooth_clip=2.0, standardize_inputs=True), Columns(3))
    assert not layer.is_trained
    step = training(1)
    network.backward(network.forward(X[:1], step), step)


def test_input_scale_starts_at_one_and_learns_to_quieten_noise():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(100, 12)).astype(np.float32)
    y = 2 * x[:, 0] + 2 * x[:, 1]
    y += 0.3 * generator.normal(size=100).astype(np.float32)
    assert (bound(InputScale("s", 3)).values["s"] == 1).all()
    fitted = fit(x, y, input_scale=True, members=3, epochs=80, learning_rate=0.01)
    for outcome in fitted.outcomes:
        scale = outcome.state["input.scale"][0].abs()
        assert scale[:2].mean() > 1.2 * scale[2:].mean()


def test_input_scale_has_a_right_gradient(double):
    layer = InputScale("s", 3)
    check_gradients(layer, bound(layer), X.double(), training())


def periodic(scale: float = 0.5) -> Periodic:
    return Periodic("p", 3, 4, scale)


def test_periodic_encodes_sines_and_cosines_beside_the_number():
    layer = periodic()
    parameters = bound(layer)
    out = layer.forward(X, Step())
    assert out.shape == (2, 30, layer.out_width)
    assert torch.equal(out[..., :3], X)
    for member in range(2):
        frequency = parameters.values["p.frequency"][member]
        for number in range(3):
            angle = 2 * torch.pi * X[member, :, number, None] * frequency[number]
            encoded = torch.cat([angle.sin(), angle.cos()], dim=1)
            vector = (encoded @ parameters.values["p.weight"][member, number]).relu()
            place = 3 + 4 * number
            assert torch.allclose(out[member, :, place : place + 4], vector, atol=1e-5)


def test_frequencies_are_drawn_with_their_scale():
    def std(scale: float) -> float:
        frequency = bound(Periodic("p", 40, 40, scale)).values["p.frequency"]
        return float(frequency.std())

    assert std(0.1) == pytest.approx(0.1, rel=0.05)
    assert std(5.0) == pytest.approx(5.0, rel=0.05)


@pytest.mark.parametrize("make", [periodic, lambda: PiecewiseLinear("p", 3, 4, 5)])
def test_embeddings_have_right_gradients(make, double):
    layer = make()
    parameters = bound(layer)
    x = X.double()
    for member in range(2):
        layer.fit(member, x[member], torch.ones(30))
    parameters.values["p.bias"].copy_(0.3 * normal(2, 1, 3, 4))
    # Differences across a bin's edge would not be derivatives: the weights' are checked alone.
    layer.first()
    check_gradients(layer, parameters, x, training())


def test_periodic_fits_what_swings_faster_than_a_plain_network_can_follow():
    x = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    y = np.sin(2 * np.pi * 5 * x[:, 0])

    def loss(**knobs) -> float:
        outcome = fit(x, y, hidden=[32], epochs=60, **knobs).outcomes[0]
        return outcome.history[-1].train_loss

    assert loss(numeric_embedding="periodic", frequency_scale=3.0, embedding_size=16) < 0.1
    assert loss() > 0.6
    # Frequencies far too low leave it as it was.
    assert loss(numeric_embedding="periodic", frequency_scale=0.01, embedding_size=16) > 0.6


def test_piecewise_linear_edges_are_quantiles_and_the_code_is_between_zero_and_one():
    layer = PiecewiseLinear("p", 3, 4, 8)
    parameters = bound(layer)
    for member in range(2):
        layer.fit(member, X[member], torch.ones(30))
        wanted = np.quantile(X[member].numpy(), np.linspace(0, 1, 9), axis=0).T
        assert parameters.values["p.edges"][member].numpy() == pytest.approx(wanted, abs=1e-5)
    wide = torch.linspace(-9, 9, 181)[None, :, None].expand(2, -1, 3)
    code = layer.encode(wide, parameters.values)
    assert code.shape == (2, 181, 3, 8)
    assert code.min() == 0
    assert code.max() == 1
    # Bins fill up one after the other.
    assert (code.diff(dim=1) >= 0).all()
    assert (code.diff(dim=3) <= 0).all()
    assert (code[:, 0] == 0).all()
    assert (code[:, -1] == 1).all()
    inside = (code > 0) & (code < 1)
    assert inside.sum(3).max() == 1


def test_a_number_in_the_middle_of_a_bin_fills_half_of_it():
    layer = PiecewiseLinear("p", 1, 2, 2)
    parameters = bound(layer, members=1)
    layer.fit(0, torch.tensor([[0.0], [1.0], [5.0]]), torch.ones(3))
    code = layer.encode(torch.tensor([[[0.5], [3.0]]]), parameters.values)
    assert code.flatten().tolist() == [0.5, 0.0, 1.0, 0.5]


def test_edges_are_those_of_the_standardized_numbers():
    x, y = table()
    knobs = {"numeric_embedding": "piecewise_linear", "bins": 4, "epochs": 1}
    state = fit(50 * x + 9, y, standardize_inputs=True, **knobs).outcomes[0].state
    normed = (x - x.mean(0)) / x.std(0)
    wanted = np.quantile(normed, np.linspace(0, 1, 5), axis=0).T
    assert state["piecewise.edges"].numpy() == pytest.approx(wanted, abs=1e-3)


def test_rows_without_weight_move_no_edge():
    layer = PiecewiseLinear("p", 3, 4, 8)
    parameters = bound(layer)
    weight = (torch.arange(30) < 20) * 1.5
    layer.fit(0, X[0], weight)
    layer.fit(1, X[0, :20], torch.ones(20))
    assert torch.equal(parameters.values["p.edges"][0], parameters.values["p.edges"][1])


def test_a_column_of_few_values_has_finite_codes_and_gradients():
    x, y = table()
    x[:, 0] = x[:, 0] > 0
    x[:, 2] = 3.0
    fitted = fit(x, y, numeric_embedding="piecewise_linear", epochs=3)
    assert np.isfinite(fitted.predict(x)).all()


def test_piecewise_linear_fits_jumps_better_than_a_plain_network():
    x = np.linspace(-1, 1, 200, dtype=np.float32)[:, None]
    y = np.floor(4 * x[:, 0]) % 2

    def loss(**knobs) -> float:
        return fit(x, y, epochs=60, **knobs).outcomes[0].history[-1].train_loss

    knobs = {"numeric_embedding": "piecewise_linear", "bins": 32, "embedding_size": 16}
    assert loss(**knobs) < 0.5 * loss()


LEVELS = (3, 4)
BLOCKS = torch.block_diag(torch.ones(3, 2), torch.ones(4, 2)) > 0


def levels(count: int = 40) -> tuple[np.ndarray, torch.Tensor]:
    codes = np.random.default_rng(0).integers(0, LEVELS, size=(count, 2))
    hot = np.concatenate([one_hot(codes[:, 0], 3), one_hot(codes[:, 1], 4)], axis=1)
    return codes, torch.from_numpy(hot)


def test_the_same_level_has_the_same_vector_and_it_is_a_row_of_its_block():
    layer = CategoryEmbedding("c", LEVELS, 2)
    parameters = bound(layer)
    codes, hot = levels()
    out = layer.forward(hot.expand(2, -1, -1), Step())
    for member in range(2):
        weight = parameters.values["c.weight"][member]
        first = functional.embedding(torch.from_numpy(codes[:, 0]), weight[:3, :2])
        second = functional.embedding(torch.from_numpy(codes[:, 1]), weight[3:, 2:])
        assert torch.equal(out[member], torch.cat([first, second], dim=1))
    assert (parameters.values["c.weight"][:, BLOCKS] != 0).all()
    assert not torch.equal(out[0], out[1])


def test_the_gradient_of_a_level_is_that_of_its_rows(double):
    layer = CategoryEmbedding("c", LEVELS, 2)
    parameters = bound(layer)
    codes, hot = levels()
    grad = normal(2, 40, 4, seed=6)
    layer.forward(hot.double().expand(2, -1, -1), training())
    layer.backward(grad, training())
    for member in range(2):
        own = parameters.grads["c.weight"][member]
        for category, (first, start) in enumerate(((0, 0), (3, 2))):
            for level in range(LEVELS[category]):
                rows = torch.from_numpy(codes[:, category] == level)
                wanted = grad[member, rows, start : start + 2].sum(0)
                assert torch.allclose(own[first + level, start : start + 2], wanted)
        assert (own[~BLOCKS] == 0).all()


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "rmsprop", "adamw"])
def test_nothing_outside_the_blocks_ever_becomes_other_than_zero(optimizer):
    codes, hot = levels(120)
    x = np.concatenate([table()[0], hot.numpy()], axis=1)
    y = (codes[:, 0] == 1) + 0.5 * (codes[:, 1] == 2)
    knobs = {
        "optimizer": optimizer,
        "category_embedding": 2,
        "columns": Columns(5, 0, LEVELS),
        "weight_noise": 0.3,
        "weight_decay": 0.1,
        "l1": 1e-3,
        "l2": 1e-3,
        "dropout": 0.2,
        "input_noise": 0.1,
        "mixup": 0.3,
        "averaging": "ema",
        "early_stopping": 5,
        "learning_rate": 0.01,
        "epochs": 8,
    }
    fitted = fit(x, y, members=2, **knobs)
    for outcome in fitted.outcomes:
        weight = outcome.state["categories.weight"]
        assert (weight[~BLOCKS] == 0).all()
        assert (weight[BLOCKS] != 0).all()


def test_categories_are_learnt_through_their_vectors():
    codes, hot = levels(120)
    y = np.array([0.0, 2.0, -1.0])[codes[:, 0]] + np.array([0.0, 0.0, 1.0, -3.0])[codes[:, 1]]
    fitted = fit(hot.numpy(), y, category_embedding=2, columns=Columns(0, 0, LEVELS), epochs=60)
    assert fitted.outcomes[0].history[-1].train_loss < 0.02


def test_columns_go_to_their_own_part():
    """Numbers are embedded, plain columns pass as they are, categories become vectors."""
    columns = Columns(2, 2, LEVELS)
    knobs = {"numeric_embedding": "periodic", "embedding_size": 4, "category_embedding": 2}
    layer, parameters, network = inputs_of(plain(standardize_inputs=True, **knobs), columns)
    _, hot = levels(20)
    x = torch.cat([normal(20, 2), torch.ones(20, 1), torch.zeros(20, 1), hot], dim=1)[None]
    network.fit(0, x[0], torch.ones(20))
    out = layer.forward(x, Step())
    assert out.shape[2] == 2 * 5 + 2 + 2 * 2
    assert torch.equal(out[..., 10:12], x[..., 2:4])
    normed = (x[..., :2] - x[..., :2].mean(1)) / x[..., :2].std(1, correction=0)
    assert torch.allclose(out[..., :2], normed, atol=1e-5)
    vectors = hot @ parameters.values["categories.weight"][0]
    assert torch.allclose(out[0, :, 12:], vectors, atol=1e-6)


def test_categories_without_an_embedding_stay_one_hot():
    columns = Columns(2, 0, LEVELS)
    layer, _, _ = inputs_of(plain(smooth_clip=3.0), columns)
    _, hot = levels(20)
    x = torch.cat([5 * normal(20, 2), hot], dim=1)[None]
    assert torch.equal(layer.forward(x, Step())[..., 2:], x[..., 2:])


def test_a_table_without_numbers_has_no_layers_for_them():
    params = plain(standardize_inputs=True, smooth_clip=3.0, numeric_embedding="periodic")
    names = {parameter.name for parameter in build_network(params, Columns(0, 3), 1).parameters()}
    assert names == {"hidden0.weight", "hidden0.bias", "output.weight", "output.bias"}


def test_columns_are_counted():
    assert Columns(2, 3, (4, 5)).total == 14
