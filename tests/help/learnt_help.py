"""A small table with numbers, categories, texts and missing values, and its learnt columns."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Ensemble, Folds, Preprocess, Source, TableCompetition
from podium.config.features import Features, typed_feature
from podium.data.folds import assign_folds
from podium.data.tabular.columns import TypedTables
from podium.data.tabular.learnt.make import make_learnt
from podium.data.tabular.learnt.training import Training

ROWS, TEST_ROWS = 90, 30
NUMERIC, CATEGORICAL = ["a", "b", "place"], ["k", "m", "words"]


def table(seed: int = 0, rows: int = ROWS + TEST_ROWS) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    numbers = pd.DataFrame(generator.normal(size=(rows, 3)), columns=NUMERIC)
    numbers.loc[generator.random(rows) < 0.1, "b"] = np.nan
    k = pd.Series(generator.choice(list("xyz"), rows), dtype=object)
    k[generator.random(rows) < 0.1] = np.nan
    some = ["red house", "blue house by the sea", "old red barn", "new"]
    return numbers.assign(
        k=k, m=generator.choice(["p", "q"], rows), words=generator.choice(some, rows)
    )


def tables(seed: int = 0) -> TypedTables:
    whole = table(seed)
    train, test = whole.iloc[:ROWS], whole.iloc[ROWS:].reset_index(drop=True)
    return TypedTables(train, test, NUMERIC, CATEGORICAL)


def target(task: str, seed: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    if task == "regression":
        return generator.normal(size=ROWS)
    return generator.integers(0, {"binary": 2, "multiclass": 3}[task], ROWS).astype(float)


def training(task: str = "regression", y: np.ndarray | None = None, **keys: Any) -> Training:
    y = target(task) if y is None else y
    classes = {"regression": [], "binary": ["no", "yes"], "multiclass": ["a", "b", "c"]}[task]
    folds = assign_folds(Folds(count=3), y)
    return Training(y, classes, folds, None, **keys)


def competition(
    features: Mapping[str, Any], task: str = "regression", auto: bool = False, **keys: Any
) -> TableCompetition:
    made = {}
    for name, value in features.items():
        kind, block = typed_feature(name, value)
        made[name] = kind.model_validate(block)
    block = TableCompetition(
        name="toy", kind="tabular", source=Source(), task=task, id="Id", target="y",
        target_transform="none", metric="rmse", folds=Folds(count=3), models={},
        ensemble=Ensemble(), preprocess=Preprocess(**keys),
    )  # fmt: skip
    own = Features(auto=auto).model_copy(update={"made": made})
    return block.model_copy(update={"features": own})


def learnt(
    features: Mapping[str, Any],
    typed: TypedTables | None = None,
    rows: Training | None = None,
    **keys: Any,
) -> dict[str, pd.DataFrame]:
    """The columns of each split: ``ROWS`` training rows, then ``TEST_ROWS`` test rows."""
    typed, rows = typed or tables(), rows or training(keys.get("task", "regression"))
    return make_learnt(competition(features, **keys), typed, (typed.train, typed.test), rows)
