"""How fast networks on images train, beside a data loader, and what augmentation costs.

    PODIUM_DIGITS=<folder or zip of the real files> python benchmarks/images.py
        [--data PATH] [--rows 10000] [--epochs 2] [--rounds 5] [--threads N] [--folds N]
        [--models mlp textbook cnn] [--parts races share] [--bfloat16]

On Kaggle's digits, or on random images of 28 x 28 where neither ``--data`` nor the environment
names them. Networks have the sizes that params.yaml's digit recognizer ships; ``textbook`` is an
mlp of 256-256 with dropout (D2L 5.6).

Races: as many networks as cores, as in k-fold, trained by Podium together, and one after the other,
on all cores, by the loop as people write it: ``torch.nn`` modules,
AdamW's fused kernel, a ``DataLoader`` over a ``Dataset`` that changes one image after the other
(Pillow's affine map, scipy's elastic one, both from ``augmentation.py``) in this process or in two
of its own, of which the faster counts. Everybody changes images alike: affine and elastic, nothing
else. Batch size and threads are the same; threads wait without spinning, as those of stages do. The
products are in float32, unless ``--bfloat16`` gives Podium what it ships with, where the CPU has
it. The loop's rate is constant, Podium's follows the schedule that ships, so that losses differ. A
run is all of: making the network, the optimizer and the loader, training.

Share: an epoch with the augmentation that ships (affine and elastic where none ships) beside one
with all of it off; what is saved is augmentation's share.

Contestants take turns, and ratios are those of each round.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from augmentation import ELASTIC, ROTATION, SCALE, SHEAR, SHIFT, transformed
from common import (
    DIGITS,
    REAL_DIGITS,
    ROOT,
    machine,
    project,
    quiet_threads,
    source,
    timed,
    versions,
)
from podium.config import (
    CNNParams,
    ImageMLPParams,
    ImageNetworkParams,
    LayeredParams,
    NetworkParams,
    load_config,
)
from podium.data.images.dataset import Moments
from podium.models.image_inputs import ImageInputs
from podium.nn import fit_members
from rounds import Times, alternate, spread

CLASSES = 10
# Of these digits, white being 1, as everybody writes them.
MEAN, STD = 0.1307, 0.3081
BOTH = {"shift": SHIFT, "rotation": ROTATION, "scale": SCALE, "shear": SHEAR, "elastic": ELASTIC}
PARTS, MODELS = ["races", "share"], ["mlp", "textbook", "cnn"]
TEXTBOOK = {"hidden": [256, 256], "normalization": "none", "dropout": 0.5}
PODIUM, HERE, WORKERS = "podium", "loop, 0 workers", "loop, 2 workers"
ON, OFF = "on", "off"
WARM_UP = 512
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "prelu": nn.PReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "mish": nn.Mish,
}
NORMALIZATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm1d,
    "layer": nn.LayerNorm,
}


@dataclass(frozen=True)
class Task:
    """Images (rows, height, width, channels), uint8, their classes (rows,), and the knobs.

    ``folds`` is how many networks are trained, each on all of the images.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    params: ImageNetworkParams
    folds: int

    def short(self) -> "Task":
        """A few images for one epoch."""
        few = slice(WARM_UP)
        params = changed(self.params, epochs=1)
        return Task(self.images[few], self.labels[few], params, self.folds)


# Trains, and says the mean loss of the last epoch.
Contestant = Callable[[Task], float]


def main() -> None:
    """Measure the parts asked for, and print."""
    options = read_options()
    quiet_threads()
    torch.set_num_threads(options.threads)
    packages = versions("torch", "numpy", "scipy", "pillow")
    print(f"{machine()}; {packages}; {torch.get_num_threads()} threads")
    images, labels = read_digits(options.data, options.rows)
    print(f"{len(images)} images of {images.shape[1]} x {images.shape[2]} x {images.shape[3]}")
    for name in options.models:
        params = changed(shipped(name, options.epochs), mixed_precision=options.bfloat16)
        task = Task(images, labels, params, options.folds)
        for part in options.parts:
            {"races": run_race, "share": run_share}[part](name, task, options.rounds)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="How fast networks on images train.")
    parser.add_argument("--data", help="folder or zip of the real digits")
    parser.add_argument("--rows", type=int, default=10_000, help="images (default 10000)")
    parser.add_argument("--epochs", type=int, default=2, help="of each run (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of torch")
    parser.add_argument("--folds", type=int, default=os.cpu_count() or 1, help="networks")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--bfloat16", action="store_true", help="Podium's products, if it can")
    return parser.parse_args()


def read_digits(path: str | None, rows: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first rows of Kaggle's digits, through Podium's own stages, else random images."""
    if not (path or os.environ.get(REAL_DIGITS)):
        print(f"{REAL_DIGITS} names no files: measuring on random images")
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (rows, 28, 28, 1), dtype=np.uint8)
        return pixels, rng.integers(0, CLASSES, rows)
    from podium.data.images.dataset import read_dataset

    with project(source(path, REAL_DIGITS), DIGITS) as root:
        for stage in ("download", "preprocess"):
            timed(root, "podium", stage, DIGITS)
        data = read_dataset(root / f"data/processed/{DIGITS}")
        return np.array(data.train[:rows]), data.y[:rows].astype(np.int64)


def shipped(name: str, epochs: int) -> ImageNetworkParams:
    """The knobs of a model in params.yaml, on the CPU and for fewer epochs."""
    models = load_config(ROOT / "params.yaml", only=DIGITS)[DIGITS].models
    params = cast(ImageNetworkParams, models.get(name, models["mlp"]))
    own = TEXTBOOK if name == "textbook" else {}
    return changed(params, **own, epochs=epochs, device="cpu")


def changed(params: ImageNetworkParams, **knobs: Any) -> ImageNetworkParams:
    """The same with other knobs, checked."""
    return type(params).model_validate(params.model_dump() | knobs)


def plain(params: ImageNetworkParams, **knobs: float) -> ImageNetworkParams:
    """Nothing that changes images but ``knobs``."""
    own = set(ImageNetworkParams.model_fields) - set(NetworkParams.model_fields)
    off = {name: ImageNetworkParams.model_fields[name].default for name in own}
    return changed(params, **off | knobs)


def run_race(name: str, task: Task, rounds: int) -> None:
    """Podium and the loops in turn; prints images a second."""
    task = replace(task, params=plain(task.params, **BOTH))
    contestants: dict[str, Contestant] = {
        PODIUM: podium,
        HERE: partial(loop, workers=0),
        WORKERS: partial(loop, workers=2),
    }
    times = timed_in_turn(contestants, task, rounds)
    peer = min((HERE, WORKERS), key=times.median)
    images = len(task.images) * task.params.epochs * task.folds
    batch = task.params.batch_size
    print(f"\n{name}: {task.folds} networks, batch {batch}, {rounds} rounds; affine and elastic")
    print(f"  {'':<20}{'images/s':>24}{'seconds / podium':>26}{'last loss':>12}")
    for contestant, seconds in times.seconds.items():
        rates = spread([images / each for each in seconds], digits=0)
        ratios = spread(times.ratios(contestant, PODIUM))
        print(f"  {contestant:<20}{rates:>24}{ratios:>26}{times.results[contestant]:>12.4f}")
    print(f"  podium is {spread(times.ratios(peer, PODIUM))} times as fast as the {peer}")


def run_share(name: str, task: Task, rounds: int) -> None:
    """Podium with and without augmentation in turn; prints the share of it in an epoch."""
    ships = task.params.augments
    tasks = {
        ON: task if ships else replace(task, params=plain(task.params, **BOTH)),
        OFF: replace(task, params=plain(task.params)),
    }
    podium(tasks[ON].short())
    podium(tasks[OFF].short())
    times = alternate({key: partial(podium, own) for key, own in tasks.items()}, rounds)
    what = "as it ships" if ships else "affine and elastic, for none ships"
    print(f"\n{name}: augmentation {what}, {rounds} rounds")
    for key, seconds in times.seconds.items():
        print(f"  {key:<4}{spread([each / task.params.epochs for each in seconds])} s an epoch")
    share = spread([1 - ratio for ratio in times.ratios(OFF, ON)])
    print(f"  share of augmentation in the training step: {share}")


def timed_in_turn(contestants: dict[str, Contestant], task: Task, rounds: int) -> Times[float]:
    """Every contestant once on a few images, which doesn't count, then in turn."""
    alternate({name: partial(run, task.short()) for name, run in contestants.items()}, rounds=1)
    return alternate({name: partial(run, task) for name, run in contestants.items()}, rounds)


def podium(task: Task) -> float:
    """Podium's engine, all networks together."""
    channels = task.images.shape[3]
    split = Moments(np.full(channels, MEAN), np.full(channels, STD))
    inputs = ImageInputs(task.images, [split], task.params)
    rows = [np.arange(len(task.images))] * task.folds
    fitted = fit_members(inputs, task.labels, rows, task.params, classes=CLASSES)
    return fitted.outcomes[0].history[-1].train_loss


def loop(task: Task, workers: int) -> float:
    """One network after the other."""
    return [train_one(task, workers) for _ in range(task.folds)][-1]


def train_one(task: Task, workers: int) -> float:
    """The loop as people write it, with so many processes that change images."""
    params = task.params
    torch.manual_seed(0)
    loader = DataLoader(
        Changed(task),
        batch_size=params.batch_size,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    network = build(params, task.images.shape[1:])
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=params.learning_rate, weight_decay=params.weight_decay, fused=True
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=params.label_smoothing)
    for _ in range(params.epochs):
        total = 0.0
        for x, y in loader:
            loss = criterion(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
    return total / len(task.images)


class Changed(Dataset[tuple[Tensor, int]]):
    """Images, each changed when it is asked for, as (channels, height, width)."""

    def __init__(self, task: Task) -> None:
        self.images, self.labels = task.images, task.labels
        self.rng: np.random.Generator | None = None

    def __len__(self) -> int:
        """How many there are."""
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """An image and its class."""
        # Made late, so that every process has numbers of its own.
        self.rng = self.rng or np.random.default_rng(torch.initial_seed())
        image = transformed(self.images[index].astype(np.float32) / 255, self.rng)
        image = (image - MEAN) / STD
        return torch.from_numpy(image).float().permute(2, 0, 1), int(self.labels[index])


def build(params: ImageNetworkParams, shape: tuple[int, ...]) -> nn.Module:
    """The network of the knobs, as modules."""
    if isinstance(params, CNNParams):
        return convolutions(params, shape[2])
    assert isinstance(params, ImageMLPParams)
    return perceptron(params, int(np.prod(shape)))


def perceptron(params: LayeredParams, inputs: int) -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    widths = [inputs, *params.hidden]
    for (before, after), dropout in zip(pairwise(widths), params.dropouts, strict=True):
        layers.append(nn.Linear(before, after))
        if params.normalization != "none":
            layers.append(NORMALIZATIONS[params.normalization](after))
        layers.append(ACTIVATIONS[params.activation]())
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))


def convolutions(params: CNNParams, inputs: int) -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in pairwise([inputs, *params.channels]):
        layers += [convolution(before, after), nn.MaxPool2d(2), nn.BatchNorm2d(after)]
        layers.append(ACTIVATIONS[params.activation]())
        layers += [Residual(after, params.activation) for _ in range(params.blocks)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(params.dropout)]
    network = nn.Sequential(*layers, nn.Linear(params.channels[-1], CLASSES))
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def convolution(inputs: int, outputs: int) -> nn.Module:
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


class Residual(nn.Module):
    """Two convolutions around which their input goes."""

    def __init__(self, channels: int, activation: str) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            convolution(channels, channels),
            nn.BatchNorm2d(channels),
            ACTIVATIONS[activation](),
            convolution(channels, channels),
            nn.BatchNorm2d(channels),
        )
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return self.activation(x + self.inner(x))


if __name__ == "__main__":
    main()
