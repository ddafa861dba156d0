"""Gradient-boosted trees by LightGBM (Ke et al. 2017), on raw numbers and native categories."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import LightGBMParams
from podium.models.base import Fit, SplitFit
from podium.tabular.dataset import Split
from podium.targets import Target

Array = NDArray[np.float64]


def fit_lightgbm(fit: Fit) -> list[SplitFit]:
    """Find the number of rounds on a held-out part of the training rows, then fit all of them."""
    return fit.each_split(lambda split: _fit_split(fit, split), "trees")


def _fit_split(fit: Fit, split: Split) -> SplitFit:
    params: LightGBMParams = fit.params
    table = split.transform.native(fit.dataset.train)
    test = split.transform.native(fit.dataset.test)
    x, y = table.iloc[split.train_rows], fit.y[split.train_rows]
    options = _options(params, fit.target)
    rounds, history = _find_rounds(x, y, params, options, fit.target)
    boosters = [
        _train(x, y, {**options, "seed": params.seed + index}, rounds)
        for index in range(params.seeds)
    ]
    return SplitFit(
        valid=_predict(boosters, table.iloc[split.valid_rows], fit.target),
        test=_predict(boosters, test, fit.target),
        history=history,
        details={"rounds": float(rounds), "features": float(table.shape[1])},
        weights={
            f"seed{params.seed + index}.txt": booster.model_to_string().encode()
            for index, booster in enumerate(boosters)
        },
    )


def _options(params: LightGBMParams, target: Target) -> dict[str, Any]:
    objectives = {"regression": "regression", "binary": "binary", "multiclass": "multiclass"}
    options = params.model_dump(
        include={
            "learning_rate", "num_leaves", "min_child_samples", "feature_fraction",
            "bagging_fraction", "lambda_l1", "lambda_l2", "cat_smooth",
        }
    )  # fmt: skip
    options |= {
        "objective": objectives[target.task],
        "bagging_freq": 1,
        "seed": params.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    if target.task == "multiclass":
        options["num_class"] = target.outputs
    return options


def _find_rounds(
    x: pd.DataFrame, y: Array, params: LightGBMParams, options: dict[str, Any], target: Target
) -> tuple[int, list[dict[str, float]]]:
    """Early stopping on ``holdout`` of the given rows; none of the fold's scored rows is seen."""
    import lightgbm
    from sklearn.model_selection import train_test_split

    classes = None if target.is_regression else y
    kept, held = train_test_split(
        np.arange(len(y)), test_size=params.holdout, random_state=params.seed, stratify=classes
    )
    train = lightgbm.Dataset(x.iloc[kept], y[kept])
    valid = lightgbm.Dataset(x.iloc[held], y[held], reference=train)
    curves: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        options,
        train,
        num_boost_round=params.max_rounds,
        valid_sets=[train, valid],
        valid_names=["train", "valid"],
        callbacks=[
            lightgbm.early_stopping(params.patience, verbose=False),
            lightgbm.record_evaluation(curves),
        ],
    )
    return max(1, booster.best_iteration), _history(curves)


def _history(curves: dict[str, dict[str, list[float]]]) -> list[dict[str, float]]:
    (train,), (valid,) = curves["train"].values(), curves["valid"].values()
    return [
        {"step": step, "train_loss": train[step], "valid_loss": valid[step]}
        for step in range(len(valid))
    ]


def _train(x: pd.DataFrame, y: Array, options: dict[str, Any], rounds: int) -> Any:
    import lightgbm

    return lightgbm.train(options, lightgbm.Dataset(x, y), num_boost_round=rounds)


def _predict(boosters: list[Any], x: pd.DataFrame, target: Target) -> Array:
    """The mean of the boosters, shape (rows, outputs)."""
    mean = np.mean([booster.predict(x) for booster in boosters], axis=0)
    if target.task == "binary":
        return np.stack([1.0 - mean, mean], axis=1)
    return np.asarray(mean[:, None] if mean.ndim == 1 else mean)
