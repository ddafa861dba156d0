"""The residual network: its gradients, its shapes, its statistics, and what it says of its size."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from nn_help import CPU, bound, check_gradients, normal, training
from podium.config import CNNParams
from podium.io.errors import PodiumError
from podium.nn import Columns, fit_members
from podium.nn import plan as planning
from podium.nn.convolution import KERNEL, ConvNet
from podium.nn.data import Data, Member, Task
from podium.nn.layers import Step
from podium.nn.network import build_network
from podium.nn.parameters import FREE, RUNNING, WEIGHT, Parameters

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = {"channels": [3, 4], "blocks": 1}
# Height, width, channels.
IMAGES = [(8, 8, 1), (8, 8, 3), (3, 5, 1), (7, 4, 3), (1, 1, 1), (1, 1, 3), (1, 6, 2), (2, 1, 1)]


def made(image=(8, 8, 1), members: int = 2, **knobs) -> tuple[ConvNet, Parameters]:
    """The convolutions and their numbers as they start."""
    layer = ConvNet("cnn", CNNParams(**{**SMALL, **knobs}), image)
    return layer, bound(layer, members)


def shaken(image=(8, 8, 1), members: int = 2, **knobs) -> tuple[ConvNet, Parameters]:
    """The same with every trained number moved away from where it starts."""
    layer, parameters = made(image, members, **knobs)
    for number, parameter in enumerate(parameters.specs):
        if parameter.kind != RUNNING:
            parameters.values[parameter.name] += 0.3 * normal(
                *parameters.values[parameter.name].shape, seed=number
            )
    return layer, parameters


def images(image=(8, 8, 1), members: int = 2, rows: int = 6, seed: int = 9) -> Tensor:
    return normal(members, rows, int(np.prod(image)), seed=seed)


def columns(image) -> Columns:
    return Columns(int(np.prod(image)), image=image)


def statistics(parameters: Parameters) -> dict[str, Tensor]:
    running = [spec.name for spec in parameters.specs if spec.kind == RUNNING]
    return {name: parameters.values[name].clone() for name in running}


# What it computes.


class Reference(nn.Module):
    """The same network of torch's own modules, for one member."""

    def __init__(self, parameters: Parameters, member: int, image, channels, blocks: int) -> None:
        super().__init__()
        self.image, self.channels, self.blocks = image, channels, blocks
        self.values = {name: value[member] for name, value in parameters.values.items()}

    def convolution(self, x: Tensor, name: str) -> Tensor:
        kernel = self.values[f"{name}.weight"].permute(0, 3, 1, 2).contiguous()
        layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], KERNEL, padding=1, bias=False)
        layer.weight.data = kernel
        return layer(x)

    def norm(self, x: Tensor, name: str) -> Tensor:
        layer = nn.BatchNorm2d(x.shape[1])
        layer.weight.data = self.values[f"{name}.scale"]
        layer.bias.data = self.values[f"{name}.shift"]
        return layer.train()(x)

    def forward(self, x: Tensor) -> Tensor:
        # Pixels as they are stored, one row after the other, a pixel's channels side by side.
        x = x.reshape(len(x), *self.image).movedim(3, 1).contiguous()
        for stage in range(len(self.channels)):
            name = f"cnn.stage{stage}"
            x = nn.MaxPool2d(2)(self.convolution(x, name))
            x = self.norm(x, name).relu()
            for block in range(self.blocks):
                own = f"{name}.block{block}"
                inner = self.norm(self.convolution(x, f"{own}.first"), f"{own}.first").relu()
                inner = self.norm(self.convolution(inner, f"{own}.second"), f"{own}.second")
                x = (x + inner).relu()
        return x.flatten(2).mean(2)


@pytest.mark.parametrize("image", [(8, 8, 1), (9, 6, 3)])
def test_it_is_the_network_of_torchs_modules(image):
    layer, parameters = shaken(image, blocks=2)
    x = images(image)
    out = layer.forward(x, training())
    assert out.shape == (2, 6, 4)
    for member in range(2):
        expected = Reference(parameters, member, image, SMALL["channels"], 2)(x[member])
        assert torch.allclose(out[member], expected, atol=1e-5)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("image", [(8, 8, 1), (9, 6, 3)])
@pytest.mark.parametrize("is_training", [True, False])
def test_members_as_groups_of_channels_are_each_alone(is_training, image):
    step = training() if is_training else Step()
    x, weights = images(image, 3), normal(3, 6, 4, seed=1)

    def results(way: str) -> list[Tensor]:
        layer, parameters = shaken(image, 3, blocks=2)
        trained = {
            spec.name: parameters.values[spec.name].detach().requires_grad_()
            for spec in parameters.specs
            if spec.kind != RUNNING
        }
        out = getattr(layer, way)(x, parameters.values | trained, step)
        grads = torch.autograd.grad(out, list(trained.values()), weights)
        return [out, *grads, *statistics(parameters).values()]

    for together, alone in zip(results("features"), results("compute"), strict=True):
        assert torch.allclose(together, alone, atol=1e-9)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "silu", "gelu"])
def test_gradients_are_those_of_differences(activation):
    layer, parameters = shaken(activation=activation)
    check_gradients(layer, parameters, images(), training())


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("image", [(3, 5, 3), (1, 6, 2)])
def test_gradients_of_other_shapes(image):
    layer, parameters = shaken(image, blocks=2)
    check_gradients(layer, parameters, images(image), training())


@pytest.mark.usefixtures("double")
def test_gradients_of_a_whole_network_without_those_of_pixels():
    network = build_network(CNNParams(**SMALL), columns((8, 8, 1)), 3)
    parameters = bound(network)
    for number, parameter in enumerate(parameters.specs):
        if parameter.kind != RUNNING:
            parameters.values[parameter.name] += 0.3 * normal(
                *parameters.values[parameter.name].shape, seed=number
            )
    assert not network.wants_input_grad
    check_gradients(network, parameters, images(), training())


def test_a_block_starts_as_the_identity():
    """Its kernels change nothing yet, and however many blocks there are, they do nothing."""
    layer, parameters = made(blocks=1)
    deep, deep_store = made(blocks=3)
    for name, value in parameters.values.items():
        deep_store.values[name].copy_(value)
    x = images()
    out = layer.forward(x, training())
    assert torch.allclose(deep.forward(x, training()), out, atol=1e-6)
    for name, value in deep_store.values.items():
        if "block" in name and name.endswith("weight"):
            value.mul_(5.0)
    assert torch.allclose(deep.forward(x, training()), out, atol=1e-6)
    # And it can leave that place.
    deep.backward(torch.ones_like(out), training())
    scales = [name for name in deep_store.grads if name.endswith("second.scale")]
    assert len(scales) == 6
    assert all(deep_store.grads[name].abs().max() > 0 for name in scales)


def test_it_starts_with_features_of_a_usual_size():
    layer, _ = made((16, 16, 3), channels=[16, 32, 64], blocks=2)
    out = layer.forward(images((16, 16, 3), rows=32), training())
    assert 0.1 < float(out.std()) < 3
    assert (out >= 0).all()


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("channels", [[3], [2, 3, 4, 5]])
def test_tiny_odd_and_narrow_images(image, channels):
    layer, parameters = shaken(image, channels=channels)
    x = images(image)
    out = layer.forward(x, training())
    assert out.shape == (2, 6, channels[-1])
    layer.backward(torch.ones_like(out), training())
    predicted = layer.forward(x, Step())
    for tensor in (out, predicted, *parameters.values.values(), *parameters.grads.values()):
        assert torch.isfinite(tensor).all()


def test_one_image_of_several_pixels_is_a_batch_too():
    layer, parameters = shaken((16, 8, 3), channels=[2, 3, 4])
    assert layer.least_rows == 1
    out = layer.forward(images((16, 8, 3), rows=1), training())
    layer.backward(torch.ones_like(out), training())
    for tensor in (out, *parameters.values.values(), *parameters.grads.values()):
        assert torch.isfinite(tensor).all()


def test_every_channel_counts():
    layer, _ = shaken((8, 8, 3))
    x = images((8, 8, 3))
    out = layer.forward(x, Step())
    for channel in range(3):
        other = x.clone().view(2, 6, 8, 8, 3)
        other[..., channel] += 1.0
        assert (layer.forward(other.view(x.shape), Step()) - out).abs().max() > 0.01


# Running statistics.


def test_running_statistics_move_in_training_alone():
    layer, parameters = made()
    start = statistics(parameters)
    layer.forward(images(), Step())
    assert all(torch.equal(value, start[name]) for name, value in statistics(parameters).items())
    layer.forward(images(), training())
    for name, value in statistics(parameters).items():
        assert not torch.equal(value, start[name]), name


def test_running_statistics_come_to_those_of_the_rows():
    """Then prediction and training say the same."""
    layer, parameters = shaken()
    x = images(rows=50)
    for _ in range(100):
        out = layer.forward(x, training())
    assert torch.allclose(layer.forward(x, Step()), out, atol=0.02)
    entry = torch.nn.functional.conv2d(
        x[1].view(50, 1, 8, 8),
        parameters.values["cnn.stage0.weight"][1].permute(0, 3, 1, 2),
        padding=1,
    )
    pooled = nn.MaxPool2d(2)(entry)
    assert torch.allclose(
        parameters.values["cnn.stage0.mean"][1], pooled.mean((0, 2, 3)), atol=1e-3
    )
    own = pooled.transpose(0, 1).flatten(1).var(1)
    assert torch.allclose(parameters.values["cnn.stage0.variance"][1], own, rtol=1e-3)


def test_an_image_is_predicted_alone_as_beside_others():
    layer, _ = shaken()
    layer.forward(images(), training())
    x = images(seed=4)
    together = layer.forward(x, Step())
    assert torch.allclose(layer.forward(x[:, 2:3], Step()), together[:, 2:3], atol=1e-6)


def test_members_of_a_group_are_what_they_are_alone():
    group, parameters = shaken(members=2)
    x = images(rows=5)
    out = group.forward(x, training())
    group.backward(normal(2, 5, 4), training())
    for member in range(2):
        alone, own = made(members=1)
        starts, _ = shaken(members=2)
        for parameter in own.specs:
            own.values[parameter.name].copy_(starts.values[parameter.name][member : member + 1])
        expected = alone.forward(x[member : member + 1], training())
        alone.backward(normal(2, 5, 4)[member : member + 1], training())
        assert torch.equal(expected[0], out[member])
        for name, value in own.values.items():
            assert torch.equal(value[0], parameters.values[name][member]), name
        for name, grad in own.grads.items():
            assert torch.equal(grad[0], parameters.grads[name][member]), name


# What it says of its size.


def multiplications(layer: ConvNet, image) -> int:
    """Of one image's convolutions, as torch counts them while they run."""
    with FlopCounterMode(display=False) as counter:
        layer.forward(images(image, members=1, rows=2), Step())
    return counter.get_total_flops() // 2 // 2


@pytest.mark.parametrize("image", [(8, 8, 1), (16, 8, 3), (32, 32, 3)])
@pytest.mark.parametrize("knobs", [{}, {"channels": [4, 6, 8], "blocks": 3}, {"channels": [5]}])
def test_row_work_is_the_count_of_multiplications(image, knobs):
    layer, _ = made(image, members=1, **knobs)
    assert layer.row_work == multiplications(layer, image)
    network = build_network(CNNParams(**{**SMALL, **knobs}), columns(image), 3)
    output = network.layers[-1]
    assert network.row_work == layer.row_work + (output.inputs + 1) * 3


@pytest.mark.parametrize("image", [(3, 5, 1), (7, 9, 3), (1, 1, 1), (1, 6, 1), (27, 29, 3)])
def test_row_work_is_about_right_for_odd_sides(image):
    layer, _ = made(image, members=1)
    assert 0.5 < layer.row_work / multiplications(layer, image) <= 4


def test_row_size_grows_with_pixels_channels_and_blocks_not_with_depth():
    def numbers(image=(16, 16, 1), **knobs) -> int:
        return build_network(CNNParams(**{**SMALL, **knobs}), columns(image), 3).row_size

    base = numbers()
    assert base > 16 * 16
    assert numbers((32, 32, 1)) == pytest.approx(4 * base, rel=0.05)
    assert numbers(channels=[6, 8]) == pytest.approx(2 * base - 256, rel=0.01)
    assert numbers(blocks=4) > 1.5 * base
    assert base < numbers(channels=[3, 4, 4]) < 1.2 * base
    # At least what the first stage keeps for the gradients: its input and its two outputs.
    assert base > 256 + 3 * 64 * 2


def test_slots_are_the_kernels_decayed_and_the_rest_not():
    layer, _ = made(channels=[3, 4], blocks=2)
    parameters = {parameter.name: parameter for parameter in layer.parameters()}
    assert len(parameters) == 5 * 2 * (1 + 2 * 2)
    for name, parameter in parameters.items():
        kinds = {"weight": WEIGHT, "scale": FREE, "shift": FREE}
        assert parameter.kind == kinds.get(name.rsplit(".", 1)[1], RUNNING)
    assert parameters["cnn.stage0.weight"].shape == (3, 3, 3, 1)
    assert parameters["cnn.stage1.block1.second.weight"].shape == (4, 3, 3, 4)


def test_each_member_has_a_group_of_its_own():
    table = np.zeros((40, 64), np.float32)
    data = Data(table, torch.zeros(40, 3), columns((8, 8, 1)), Task(True, 3))
    params = CNNParams(**SMALL)
    members = [Member(index, index, np.arange(30), params=params) for index in range(5)]
    plan = planning.make_plan(data, members, CPU)
    assert sorted(len(group) for group in plan.groups) == [1] * 5


def test_on_cuda_members_share_a_group(monkeypatch):
    monkeypatch.setattr(planning, "memory_of", lambda device: 2.0**34)
    table = np.zeros((40, 64), np.float32)
    data = Data(table, torch.zeros(40, 3), columns((8, 8, 1)), Task(True, 3))
    params = CNNParams(**SMALL)
    members = [Member(index, index, np.arange(30), params=params) for index in range(5)]
    plan = planning.make_plan(data, members, torch.device("cuda"))
    assert [len(group) for group in plan.groups] == [5]


# Training.


def bars(rows: int = 60, channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Images of 6 x 6 with a bar that lies or stands somewhere."""
    generator = np.random.default_rng(0)
    codes, place = np.arange(rows) % 2, generator.integers(0, 6, rows)
    x = 0.3 * generator.normal(size=(rows, 6, 6, channels))
    for row, (code, at) in enumerate(zip(codes, place, strict=True)):
        own = x[row] if code else x[row].swapaxes(0, 1)
        own[at] += 1.5
    return x.reshape(rows, -1).astype(np.float32), codes


def trained(knobs, x, codes, members: int = 1, device: str = "cpu"):
    knobs = {**SMALL, **knobs, "device": device}
    params = CNNParams(**{"epochs": 12, "batch_size": 20, "learning_rate": 0.02, **knobs})
    rows = [np.arange(40)] * members
    return fit_members(
        x, codes, rows, params, classes=2, seeds=range(members),
        columns=Columns(x.shape[1], image=(6, 6, x.shape[1] // 36)),
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
def test_bars_anywhere_are_told_apart(channels):
    x, codes = bars(channels=channels)
    predicted = trained({}, x, codes).predict(x)[0]
    assert (predicted.argmax(1) == codes)[40:].mean() >= 0.85


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_cuda_gives_what_the_cpu_gives(mixed_precision):
    x, codes = bars()
    knobs = {"epochs": 4, "mixed_precision": mixed_precision}
    here, there = (trained(knobs, x, codes, 3, device).predict(x) for device in ("cpu", "cuda"))
    assert there == pytest.approx(here, abs=0.1 if mixed_precision else 0.01)


def test_dropout_of_features_draws_and_is_off_at_prediction():
    x, codes = bars()
    plain, dropped = (
        trained({"epochs": 2}, x, codes),
        trained({"epochs": 2, "dropout": 0.5}, x, codes),
    )
    assert np.abs(plain.predict(x) - dropped.predict(x)).max() > 1e-3
    assert (dropped.predict(x) == dropped.predict(x)).all()
    mean, std = dropped.predict_std(x, passes=5)
    assert (std > 0).any()
    assert mean.shape == (1, 60, 2)


def test_one_image_of_one_pixel_at_the_last_stage_is_an_error():
    """It is a single number a channel, which has no std."""
    x, codes = bars()
    knobs = {"epochs": 1, "batch_size": 1}
    assert trained({**knobs, "channels": [2]}, x, codes).outcomes
    with pytest.raises(PodiumError, match="needs 2 rows in every batch"):
        trained({**knobs, "channels": [2, 2, 2]}, x, codes)


@pytest.mark.parametrize("batch_size", [2, 13, 39])
def test_any_batch_size_trains(batch_size):
    x, codes = bars()
    fitted = trained({"epochs": 1, "batch_size": batch_size, "channels": [2, 2, 2]}, x, codes)
    assert np.isfinite(fitted.predict(x)).all()


def test_a_table_is_an_error():
    x, codes = bars()
    for columns in (None, Columns(36)):
        with pytest.raises(PodiumError, match="cnn reads images"):
            fit_members(x, codes, [np.arange(40)], CNNParams(**SMALL), classes=2, columns=columns)
    with pytest.raises(PodiumError, match="cnn reads images"):
        build_network(CNNParams(**SMALL), Columns(36), 2)
