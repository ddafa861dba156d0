"""A small table with two targets, the block that predicts them, and its dataset."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Ensemble, Folds, Preprocess, Source, TableCompetition
from podium.config.features import Features, typed_feature
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.prepare import make_dataset
from podium.data.tabular.read import RawTables

ROWS, TEST_ROWS = 90, 20
MANIFEST = {"provider": "local", "synthetic": False, "files": {}}


def table(task: str = "regression", seed: int = 0) -> pd.DataFrame:
    """All rows with the targets ``y`` and ``z``, numbers above 0 or labels of two kinds."""
    rng = np.random.default_rng(seed)
    count = ROWS + TEST_ROWS
    x, k = rng.normal(size=count), rng.choice(list("abc"), count)
    y, z = x + (k == "a") + rng.normal(size=count), -x + rng.normal(size=count)
    if task == "regression":
        y, z = np.exp(y), np.exp(z) * 10
    else:
        y, z = np.where(y > 0, "yes", "no"), (z > 0).astype(int)
    return pd.DataFrame({"id": range(count), "x": x, "k": k, "y": y, "z": z})


def block(
    target: str | Sequence[str] = ("y", "z"),
    task: str = "regression",
    features: dict[str, Any] | None = None,
    nested: str = "folds",
    **keys: Any,
) -> TableCompetition:
    made = {}
    for name, value in (features or {}).items():
        kind, given = typed_feature(name, value)
        made[name] = kind.model_validate(given)
    metric = "rmse" if task == "regression" else "auc"
    values: dict[str, Any] = {
        "name": "toy", "kind": "tabular", "source": Source(), "task": task, "id": "id",
        "target": target if isinstance(target, str) else list(target), "target_transform": "none",
        "metric": metric, "folds": Folds(count=3), "models": {},
        "ensemble": Ensemble(nested=nested), "preprocess": Preprocess(),
    }  # fmt: skip
    own = Features().model_copy(update={"made": made})
    return TableCompetition(**values | keys).model_copy(update={"features": own})


def dataset(competition: TableCompetition, whole: pd.DataFrame) -> TableDataset:
    """What preprocessing makes of the first ``ROWS`` rows, and of the others as test rows."""
    texts = whole.astype(str)
    others = [name for name in ("y", "z") if name not in competition.targets]
    train = texts.iloc[:ROWS].drop(columns=others)
    test = texts.iloc[ROWS:].drop(columns=["y", "z"]).reset_index(drop=True)
    return make_dataset(RawTables(train, test, test[["id"]]), competition, MANIFEST)
