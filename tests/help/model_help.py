"""A small table with a signal, and every model with knobs that suit it."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from podium.config import Folds, Preprocess
from podium.config.folds import SCHEMES
from podium.config.models import TABLE_MODELS, model_spec
from podium.data.dataset import Rows, fold_splits
from podium.data.folds import assign_folds, target_bins, trained_rows
from podium.data.tabular.dataset import TableDataset, TableSchema, transform_name
from podium.data.tabular.transform import fit_transform_on
from podium.data.targets import Target
from podium.metrics import metric_named
from podium.models import fit_model
from podium.runtime.progress import SILENT, Reporter

KNOBS = {
    "ridge": {"alphas": [0.1, 1, 10]},
    "lasso": {"alpha_count": 6, "inner_folds": 2},
    "elastic_net": {"alpha_count": 6, "inner_folds": 2, "l1_ratios": [0.5, 0.9]},
    "lightgbm": {"rounds": 150, "patience": 10, "learning_rate": 0.2, "seeds": 1},
    "mlp": {"epochs": 30, "hidden": [16], "seeds": 2, "learning_rate": 0.01},
    "mlp_ensemble": {
        "configurations": [
            {},
            {"normalization": "layer"},
            {"dropout": 0.1},
            {"activation": "relu"},
        ],
        "hidden": [16],
        "epochs": 30,
        "learning_rate": 0.01,
        "numeric_embedding": "none",
        "early_stopping": None,
    },
    "linear": {"epochs": 20, "learning_rate": 0.05},
    "retrieval": {"epochs": 20, "hidden": 16, "embedding_size": 8, "batch_size": 32, "seeds": 1},
    "catboost": {"iterations": 60, "patience": 5, "learning_rate": 0.2, "depth": 4},
    "xgboost": {"n_estimators": 150, "patience": 10, "learning_rate": 0.2},
}
# The models whose packages are installed.
INSTALLED = [
    name for name, spec in TABLE_MODELS.items() if not spec.package or find_spec(spec.package)
]
NUMERIC, CATEGORICAL = ["a", "b", "c"], ["k"]


def make_dataset(task: str = "regression", repeats: int = 1) -> TableDataset:
    generator = np.random.default_rng(0)
    rows = 240
    table = pd.DataFrame(generator.normal(size=(rows, 3)), columns=NUMERIC)
    table["k"] = generator.choice(["x", "y", "z"], rows)
    signal = table["a"] + 0.5 * table["b"] ** 2 + (table["k"] == "x")
    y = signal.to_numpy() + 0.1 * generator.normal(size=rows)
    if task != "regression":
        classes = {"binary": 2, "multiclass": 3}[task]
        y = pd.qcut(y, classes, labels=False).astype(float)
    train, test = table.iloc[:200], table.iloc[200:].reset_index(drop=True)
    y = y[:200]
    folds = assign_folds(Folds(count=4, repeats=repeats), y)
    transforms = {
        transform_name(repeat, fold): fit_transform_on(
            train[folds[:, repeat] != fold], NUMERIC, CATEGORICAL, Preprocess()
        )
        for repeat in range(repeats)
        for fold in range(4)
    }
    names = [] if task == "regression" else ["low", "mid", "top"][: int(y.max()) + 1]
    schema = TableSchema(
        "Id", "y", task, names, "fold", "local", True, "", "", NUMERIC, CATEGORICAL
    )
    ids = pd.Series(np.arange(240), name="Id")
    return TableDataset(y, ids[:200], ids[200:], folds, schema, train, test, transforms)


# Names that files have and that libraries don't take, or take for one another.
HEADERS = ["Unnamed: 0", "", 'a,b:"c"[d]{e}', "a b", "a_b", "c0", "é"]


def with_headers(dataset: TableDataset) -> TableDataset:
    """The dataset with a column of noise for each of ``HEADERS``."""
    noise = np.random.default_rng(0).normal(size=(240, len(HEADERS)))
    more = [dict(zip(HEADERS, rows.T, strict=True)) for rows in (noise[:200], noise[200:])]
    first = next(iter(dataset.transforms.values())).numeric["a"]
    transforms = {
        key: replace(one, numeric=one.numeric | dict.fromkeys(HEADERS, first))
        for key, one in dataset.transforms.items()
    }
    train, test = dataset.train.assign(**more[0]), dataset.test.assign(**more[1])
    return replace(dataset, train=train, test=test, transforms=transforms)


def with_folds(dataset: TableDataset, folds: np.ndarray, **changes) -> TableDataset:
    """The dataset with other folds, of shape (rows,), and the transforms of these."""
    transforms = {
        transform_name(0, fold): fit_transform_on(
            dataset.train[folds != fold], NUMERIC, CATEGORICAL, Preprocess()
        )
        for fold in range(int(folds.max()) + 1)
    }
    return replace(dataset, folds=folds[:, None], transforms=transforms, **changes)


def with_scheme(dataset: TableDataset, spec: Folds, times: Rows | None = None) -> TableDataset:
    """The dataset with folds of a scheme, and the transforms of what each trains on."""
    is_binned = SCHEMES[spec.scheme].stratifies and dataset.schema.task == "regression"
    y = target_bins(dataset.y, spec.count) if is_binned else dataset.y
    folds = assign_folds(spec, y, None, times)
    trained = trained_rows(spec, len(y), times)
    transforms = {
        transform_name(split.repeat, split.fold): fit_transform_on(
            dataset.train.iloc[split.train_rows], NUMERIC, CATEGORICAL, Preprocess()
        )
        for split in fold_splits(folds, trained)
    }
    schema = replace(dataset.schema, scheme=spec.scheme, gap=spec.gap)
    return replace(
        dataset, folds=folds, trained=trained, times=times, transforms=transforms, schema=schema
    )


def fit(
    model: str,
    dataset: TableDataset,
    reporter: Reporter = SILENT,
    transform: str = "none",
    metric: str | None = None,
    explain: bool = False,
    scratch: Path | None = None,
    **knobs,
):
    params = model_spec("tabular", model).params(model=model, **{**KNOBS.get(model, {}), **knobs})
    schema = dataset.schema
    target = Target(schema.task, transform, tuple(schema.classes))
    scoring = metric_named(metric or ("rmse" if target.is_regression else "logloss"))
    return fit_model(params, dataset, target, scoring, reporter, scratch, explain)
