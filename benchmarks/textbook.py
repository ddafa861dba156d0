"""The textbook's house-price run (Dive into Deep Learning 5.7) beside the loop that it describes.

    PODIUM_HOUSE_PRICES=<folder of the real files> python benchmarks/textbook.py

Prints the average validation log MSE of the preset and of a plain PyTorch loop over the same
matrix, folds and hyperparameters. The book prints 0.18 for its own run.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ruamel.yaml import YAML

from common import ROOT, edit, machine, project, source, timed

NAME = "house-prices-textbook"
FOLDS, EPOCHS, BATCH, RATE = 5, 10, 64, 0.01


def main() -> None:
    """Run both and print the two figures."""
    print(machine())
    raw = source()
    with project(raw) as root:
        add_preset(root, raw)
        timed(root, "podium", "sync")
        for command in (["download"], ["preprocess"], ["train", "linear"]):
            timed(root, "podium", command[0], NAME, *command[1:])
        ours, columns = preset_loss(root), feature_count(root)
        loop = loop_loss(root)
    print(f"feature columns: {columns} (the book: 330)")
    print(f"average validation log MSE: preset {ours:.4f}, plain loop {loop:.4f} (the book: 0.18)")


def add_preset(root: Path, raw: dict[str, str]) -> None:
    """Add the preset's block to params.yaml, on the same files."""
    block = YAML().load(ROOT / "presets/house-prices-textbook.yaml")[NAME]
    block["source"].update(raw)
    edit(root, lambda params: params.update({NAME: block}))


def preset_loss(root: Path) -> float:
    """The mean over folds of the mean squared error of log prices."""
    oof = pd.read_parquet(root / f"models/{NAME}/linear/oof.parquet")
    errors = np.log(oof["prediction"] / oof["true_SalePrice"]) ** 2
    return float(errors.groupby(oof["fold"]).mean().mean())


def feature_count(root: Path) -> int:
    """Columns of the matrix."""
    return matrix(root)[0].shape[1]


def matrix(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """The preset's matrix and the log prices."""
    from podium.data.tabular.dataset import read_dataset

    data = read_dataset(root / f"data/processed/{NAME}")
    return data.splits[0].transform.dense(data.train), np.log(data.y)


def loop_loss(root: Path) -> float:
    """The same run as people write it: one fold after the other, a linear layer, plain SGD."""
    torch.manual_seed(0)
    x, y = (torch.from_numpy(array).float() for array in matrix(root))
    size = len(x) // FOLDS
    losses = []
    for fold in range(FOLDS):
        valid = torch.arange(fold * size, (fold + 1) * size)
        train = torch.ones(len(x), dtype=torch.bool).index_fill(0, valid, False).nonzero()[:, 0]
        losses.append(fit_one(x, y, train, valid))
    return float(np.mean(losses))


def fit_one(x: torch.Tensor, y: torch.Tensor, train: torch.Tensor, valid: torch.Tensor) -> float:
    """One fold's validation log MSE after the last epoch."""
    model = torch.nn.Linear(x.shape[1], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for rows in train[torch.randperm(len(train))].split(BATCH):
            loss = torch.nn.functional.mse_loss(model(x[rows])[:, 0], y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return float(torch.nn.functional.mse_loss(model(x[valid])[:, 0], y[valid]))


if __name__ == "__main__":
    main()
