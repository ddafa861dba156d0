"""What training members together gains on a GPU.

    python benchmarks/gpu.py [--device cuda] [--members 20] [--epochs N] [--images 3072]

Tables: an mlp of 256-128 with dropout on made-up numbers of two sizes, beside the loop as people
write it: one ``torch.nn`` module after the other, the table on the device, fused AdamW. The loop
trains four members and is scaled up.

Images: the cnn of ``presets/digit-recognizer-gpu.yaml`` on random images of 28 x 28, 15 members
together beside one alone. The first epoch doesn't count.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from ruamel.yaml import YAML
from torch import nn
from torch.nn import functional

from common import ROOT
from images import CLASSES, MEAN, STD
from podium.config import CNNParams, MLPParams
from podium.data.images.dataset import Moments
from podium.models.image_inputs import ImageInputs
from podium.nn import fit_members

HIDDEN, DROPOUT, RATE, DECAY = (256, 128), 0.3, 1e-3, 0.1
# Rows, columns, batch size.
TABLES = [(1460, 278, 64), (100_000, 100, 1024)]
LOOP_MEMBERS, CNN_MEMBERS = 4, 15
PRESET = "digit-recognizer-gpu"

Table = tuple[NDArray[np.float32], NDArray[np.float64]]


def main() -> None:
    """Measure tables, then images, and print."""
    options = read_options()
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    print(f"{name}, PyTorch {torch.__version__}")
    for rows, columns, batch in TABLES:
        for mixed in (False, True):
            run_table(options, made_up(rows, columns), batch, mixed)
    run_images(options)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="What training members together gains.")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--members", type=int, default=20, help="of the mlp (default 20)")
    parser.add_argument("--epochs", type=int, default=4, help="of the mlp (default 4)")
    parser.add_argument("--images", type=int, default=3072, help="per member (default 3072)")
    return parser.parse_args()


def made_up(rows: int, columns: int) -> Table:
    """A table of normal numbers, and a target that two of them decide."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(rows, columns)).astype(np.float32)
    return x, np.sin(x[:, 0].astype(np.float64)) + x[:, 1]


def run_table(options: argparse.Namespace, table: Table, batch: int, mixed: bool) -> None:
    """Podium and the loop, each once to warm up and once measured; prints rows per second."""
    x, y = table
    members = [np.flatnonzero(np.arange(len(x)) % 5 != m % 5) for m in range(options.members)]
    params = MLPParams.model_validate(
        {
            "hidden": list(HIDDEN), "dropout": DROPOUT, "activation": "silu", "loss": "squared",
            "epochs": options.epochs, "batch_size": batch, "learning_rate": RATE,
            "weight_decay": DECAY, "schedule": "constant", "numeric_embedding": "none",
            "averaging": "none", "early_stopping": None, "device": options.device,
            "mixed_precision": mixed,
        }
    )  # fmt: skip
    few = members[:LOOP_MEMBERS]
    podium = seconds(options, lambda: fit_members(x, y, members, params))
    alone = seconds(options, lambda: loop(options, table, few, batch, mixed))
    alone *= len(members) / len(few)
    seen = sum(map(len, members)) * options.epochs
    print(
        f"mlp on {len(x):,} x {x.shape[1]}, batch {batch}, {'bfloat16' if mixed else 'float32'}, "
        f"{len(members)} members: podium {seen / podium:,.0f} rows/s, loop {seen / alone:,.0f}, "
        f"{alone / podium:.1f} times"
    )


def seconds(options: argparse.Namespace, run: Callable[[], object]) -> float:
    """The seconds of the second of two runs."""
    took = 0.0
    for _ in range(2):
        started = time.perf_counter()
        run()
        if options.device == "cuda":
            torch.cuda.synchronize()
        took = time.perf_counter() - started
    return took


def loop(
    options: argparse.Namespace,
    table: Table,
    members: list[NDArray[np.int64]],
    batch: int,
    mixed: bool,
) -> None:
    """One network after the other."""
    x = torch.from_numpy(table[0]).to(options.device)
    y = torch.from_numpy(table[1]).float().to(options.device)[:, None]
    for seed, rows in enumerate(members):
        torch.manual_seed(seed)
        network = perceptron(x.shape[1]).to(options.device)
        optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY, fused=True)
        own = torch.from_numpy(rows).to(options.device)
        for _ in range(options.epochs):
            order = own[torch.randperm(len(own), device=options.device)]
            for part in order.split(batch):
                with torch.autocast(options.device, torch.bfloat16, enabled=mixed):
                    loss = functional.mse_loss(network(x[part]).float(), y[part])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()


def perceptron(columns: int) -> nn.Module:
    """The mlp as modules."""
    layers: list[nn.Module] = []
    before = columns
    for width in HIDDEN:
        layers += [nn.Linear(before, width), nn.SiLU(), nn.Dropout(DROPOUT)]
        before = width
    return nn.Sequential(*layers, nn.Linear(before, 1))


def run_images(options: argparse.Namespace) -> None:
    """The preset's cnn: one member, then all; prints images per second."""
    yaml, path = YAML(typ="safe"), ROOT / f"presets/{PRESET}.yaml"
    knobs = yaml.load(path.read_text(encoding="utf-8"))[PRESET]["models"]["cnn"]
    params = CNNParams.model_validate({**knobs, "epochs": 3, "device": options.device})
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (options.images, 28, 28, 1), dtype=np.uint8)
    split = Moments(np.array([MEAN]), np.array([STD]))
    inputs = ImageInputs(images, [split], params)
    codes = generator.integers(0, CLASSES, len(images))
    rates = {}
    for members in (1, CNN_MEMBERS):
        rows = [np.arange(len(images))] * members
        fitted = fit_members(inputs, codes, rows, params, classes=CLASSES)
        last = [outcome.history[-1].seconds for outcome in fitted.outcomes]
        # Members of a group share an epoch's seconds; on a CPU groups take turns on the cores.
        rates[members] = members * len(images) / max(last)
    alone, together = rates.values()
    print(
        f"cnn {params.channels}, batch {params.batch_size}: one member {alone:,.0f} images/s, "
        f"{CNN_MEMBERS} together {together:,.0f}, {together / alone:.1f} times"
    )


if __name__ == "__main__":
    main()
