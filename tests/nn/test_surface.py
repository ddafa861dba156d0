"""The loss as a function of weights: what training reports, exact curvature, real optimizers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from nn_help import fit, plain, table
from podium.config import MLPParams
from podium.io.errors import PodiumError
from podium.nn.surface import LossSurface, descend


def linear(**knobs: object) -> MLPParams:
    """A linear model without hidden layers, on targets as they are."""
    rest = {"dropout": 0.0, "weight_decay": 0.0} | knobs
    return MLPParams(
        model="mlp", hidden=[], loss="squared", early_stopping=None, standardize_target=False,
        numeric_embedding="none", input_margin=None, **rest,
    )  # fmt: skip


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return table()


def test_losses_are_those_of_training(data):
    """One step of so small a rate that it moves nothing reports the loss where it started."""
    knobs = {"hidden": [8, 4], "normalization": "layer", "skip": True}
    alone = {"rows": [np.arange(120)], "batch_size": 120, "epochs": 1, "learning_rate": 1e-20}
    fitted = fit(*data, **knobs, **alone)
    surface = LossSurface(*data, plain(**knobs, dropout=0.5, mixup=1.0))
    (loss,) = surface.losses(surface.point(fitted.tensors([0])))
    assert float(loss) == pytest.approx(fitted.outcomes[0].history[0].train_loss, rel=1e-5)


def test_points_keep_names_and_many_are_as_one(data):
    surface = LossSurface(*data, plain(hidden=[8]))
    points = torch.cat([surface.draw(seed) for seed in range(3)])
    assert torch.equal(surface.point(surface.by_name(points)), points)
    assert points.shape == (3, surface.size)
    each = torch.cat([surface.gradients(point[None]) for point in points])
    assert torch.allclose(surface.gradients(points), each, atol=1e-6)


def test_classes_have_a_loss_too(data):
    x, y = data
    surface = LossSurface(x, (y > y.mean()).astype(int), plain(hidden=[4]), classes=2)
    nothing = torch.zeros(1, surface.size)
    assert float(surface.losses(nothing)) == pytest.approx(np.log(2), rel=1e-5)


def test_the_hessian_is_exact_where_the_loss_is_quadratic(data):
    x, y = data
    surface = LossSurface(x, y, linear())
    columns = np.column_stack([x, np.ones(len(x))])
    hessian = surface.hessian(surface.draw(0))
    assert np.allclose(hessian, 2 * columns.T @ columns / len(x), atol=2e-3)


def test_the_hessian_foretells_gradients_nearby(data):
    surface = LossSurface(*data, plain(hidden=[8], activation="tanh"))
    start = surface.draw(1)
    step = 1e-3 * torch.randn(1, surface.size, generator=torch.Generator().manual_seed(0))
    change = surface.gradients(start + step) - surface.gradients(start)
    expected = step @ surface.hessian(start)
    assert (change - expected).norm() < 0.05 * change.norm()


def test_what_does_not_fit_is_said(data):
    surface = LossSurface(*data, plain(hidden=[8]))
    with pytest.raises(PodiumError, match="lack hidden0.weight, hidden0.bias"):
        surface.point({name: value for name, value in fit(*data).tensors([0]).items()
                       if "output" in name})  # fmt: skip
    large = LossSurface(*data, plain(hidden=[400]))
    with pytest.raises(PodiumError, match=r"2,801 weights is too large.*smaller hidden"):
        large.hessian(large.draw(0))


def bowl(points: torch.Tensor) -> torch.Tensor:
    return points * torch.tensor([1.0, 4.0])


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sgd", lambda p: torch.optim.SGD(p, 0.1)),
        ("momentum", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        ("nesterov", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True)),
        ("adagrad", lambda p: torch.optim.Adagrad(p, 0.1)),
        ("rmsprop", lambda p: torch.optim.RMSprop(p, 0.1, alpha=0.999)),
        ("adam", lambda p: torch.optim.Adam(p, 0.1)),
    ],
)
def test_the_way_down_is_that_of_torch(name: str, theirs: Callable) -> None:
    start = torch.tensor([[2.0, 1.0], [-1.0, 3.0]])
    path = descend(linear(optimizer=name, learning_rate=0.1, schedule="constant"), bowl, start, 20)
    assert path.shape == (21, 2, 2)
    for place in range(2):
        point = start[place].clone()
        optimizer = theirs([point])
        for _ in range(20):
            point.grad = bowl(point[None])[0]
            optimizer.step()
        assert torch.allclose(path[-1, place], point, atol=1e-5)


def test_clipping_decay_and_schedule_act():
    far = torch.tensor([[1000.0, 0.0]])
    sgd = {"optimizer": "sgd", "learning_rate": 0.1, "schedule": "constant"}
    clipped = descend(linear(**sgd, gradient_clip=1.0), bowl, far, 1)
    assert torch.allclose(clipped[1], far - torch.tensor([0.1, 0.0]))
    decayed = descend(linear(**sgd, weight_decay=0.5), torch.zeros_like, far, 2)
    assert torch.allclose(decayed[2], far * 0.95**2)
    slower = descend(linear(**sgd | {"schedule": "linear"}), torch.ones_like, far, 10)
    steps = (slower[:-1] - slower[1:])[:, 0, 0]
    assert (steps[1:] < steps[:-1]).all()


def test_a_penalty_moves_the_optimum_where_ridge_has_it(data):
    x, y = data
    surface = LossSurface(x, y, linear())
    decays = surface.point({"output.weight": torch.ones(1, 5), "output.bias": torch.zeros(1, 1)})
    params = linear(optimizer="momentum", learning_rate=0.05, schedule="cosine")

    def gradient(points: torch.Tensor) -> torch.Tensor:
        return surface.gradients(points) + 0.3 * decays * points

    found = descend(params, gradient, surface.draw(0), 400)[-1]
    ridge = Ridge(alpha=0.15 * len(x)).fit(x, y)
    assert surface.by_name(found)["output.weight"].flatten().numpy() == pytest.approx(
        ridge.coef_.ravel(), abs=1e-3
    )
