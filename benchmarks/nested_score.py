"""How optimistic the blend's nested score is: on pure noise, against fresh rows.

Weights of a fold are fitted on the other folds' rows, but the models that predicted those rows were
trained with the scored fold's. Seven simple models are trained on noise; each fold is scored with
its weights, and the same mixture of the same models on fresh rows. A single model has such a gap as
well, by chance and without any weights: the mean of the seven models' gaps is what a blend's is
compared with.

    python benchmarks/nested_score.py
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from podium.config import Ensemble
from podium.data.targets import Target
from podium.ensemble.blend import blend
from podium.metrics import METRICS

Array = NDArray[np.float64]
COLUMNS, FOLDS, FRESH = 10, 5, 500
TARGET, METRIC = Target("regression", "none"), METRICS["rmse"]
MODELS: Sequence[Callable[[], Any]] = (
    LinearRegression,
    lambda: Ridge(10.0),
    lambda: Ridge(100.0),
    lambda: KNeighborsRegressor(5),
    lambda: KNeighborsRegressor(20),
    lambda: DecisionTreeRegressor(max_depth=2, random_state=0),
    lambda: DecisionTreeRegressor(max_depth=4, random_state=0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=120)
    seeds = parser.parse_args().seeds
    print(f"nested MSE minus that of fresh rows, noise of variance 1, {seeds} tables")
    for rows in (50, 200):
        gaps = np.array([one_table(rows, seed) for seed in range(seeds)])
        folds, full, single = gaps.T
        shown = {
            "nested: folds": folds,
            "nested: full": full,
            "a single model": single,
            "folds beyond single": folds - single,
            "full beyond single": full - single,
            "folds minus full": folds - full,
        }
        for name, own in shown.items():
            error = own.std() / np.sqrt(seeds)
            print(f"{rows:3d} rows  {name:20s}  {own.mean():+.4f} +- {error:.4f}", flush=True)


def one_table(rows: int, seed: int) -> tuple[float, float, float]:
    """What the cheap and the full nested score and a single model's gain on a table of noise."""
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(rows, COLUMNS)), generator.normal(size=rows)
    fresh_x, fresh_y = generator.normal(size=(FRESH, COLUMNS)), generator.normal(size=FRESH)
    fold_of_row = generator.permutation(rows) % FOLDS
    oof, fresh = predictions(x, y, fold_of_row, range(FOLDS), fresh_x)
    inner = np.stack([inner_oof(x, y, fold_of_row, fold) for fold in range(FOLDS)])
    optimism = []
    for given in (None, inner):
        spec = Ensemble(submit="blend", rounds=50)
        made = blend(spec, oof, fresh[0], y, fold_of_row, TARGET, METRIC, inner=given)
        mixed = np.einsum("fm,fmnk->fnk", made.fold_weights, fresh)
        optimism.append(float(mse(made.blended.oof, y) - mse(mixed, fresh_y).mean()))
    single = [mse(own, y) - mse(of_fresh, fresh_y).mean()
              for own, of_fresh in zip(oof, fresh.swapaxes(0, 1), strict=True)]  # fmt: skip
    return optimism[0], optimism[1], float(np.mean(single))


def inner_oof(x: Array, y: Array, fold_of_row: NDArray[np.int64], left_out: int) -> Array:
    """OOF predictions of all folds but one, by models that never saw that one."""
    kept = fold_of_row != left_out
    others = [fold for fold in range(FOLDS) if fold != left_out]
    oof = np.zeros((len(MODELS), len(x), 1))
    oof[:, kept] = predictions(x[kept], y[kept], fold_of_row[kept], others, x[:1])[0]
    return oof


def predictions(
    x: Array, y: Array, fold_of_row: NDArray[np.int64], folds: Sequence[int], fresh: Array
) -> tuple[Array, Array]:
    """OOF predictions, shape (models, rows, 1), and each fold's of fresh rows, (folds, ...)."""
    oof = np.zeros((len(MODELS), len(x), 1))
    of_fresh = np.zeros((len(folds), len(MODELS), len(fresh), 1))
    for place, fold in enumerate(folds):
        scored = fold_of_row == fold
        for index, make in enumerate(MODELS):
            model = make().fit(x[~scored], y[~scored])
            oof[index, scored, 0] = model.predict(x[scored])
            of_fresh[place, index, :, 0] = model.predict(fresh)
    return oof, of_fresh


def mse(predicted: Array, y: Array) -> Array:
    """Mean squared errors, over rows, less that of predicting 0: what noise adds to all alike."""
    p = predicted[..., 0]
    return np.mean(p**2 - 2 * p * y, axis=-1)


if __name__ == "__main__":
    main()
