"""What the peers' scripts share: a table from a file, fits fold by fold, OOF predictions to a file.

    <environment>/bin/python benchmarks/peer_scripts/fit_<peer>.py FOLDER

FOLDER has ``job.json`` and ``train.parquet``: features, ``__target__`` (class codes for classes)
and ``__fold__``. ``oof.parquet`` is written there: ``p0``, or ``p0 p1 ...`` for classes.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

TARGET, FOLD = "__target__", "__fold__"


@dataclass(frozen=True)
class Job:
    """A task, its metric by Podium's name, and the threads that a peer may use.

    ``variant`` is which of a package's models it is; ``folder`` is for the peer's own files.
    """

    task: str
    metric: str
    threads: int
    seconds: float
    classes: int
    variant: str
    folder: Path

    @property
    def is_regression(self) -> bool:
        """Whether numbers are predicted."""
        return self.task == "regression"


# Fits on some rows within some seconds, and predicts others: shape (rows,) or (rows, classes).
FitFold = Callable[[Job, pd.DataFrame, Any, pd.DataFrame, float], Any]


# The same for all folds at once: rows, target and fold of all.
FitAll = Callable[[Job, pd.DataFrame, Any, Any, float], Any]


def run(fit_fold: FitFold, fit_all: FitAll | None = None) -> None:
    """Fit every fold, each with an equal share of the time that is left, and write all OOF.

    The variant ``bagged`` is fitted at once by ``fit_all``.
    """
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    started = time.monotonic()
    job = Job(**json.loads((folder / "job.json").read_text()), folder=folder)
    table = pd.read_parquet(folder / "train.parquet")
    y, fold = table.pop(TARGET).to_numpy(), table.pop(FOLD).to_numpy()
    # RMSLE is the RMSE of this.
    logs = job.metric == "rmsle"
    known = np.log1p(y) if logs else y if job.is_regression else y.astype(int)
    oof = np.full((len(y), job.classes or 1), np.nan)
    if fit_all is not None and job.variant == "bagged":
        oof[:] = _columns(fit_all(job, table, known, fold, job.seconds), len(y))
    else:
        folds = int(fold.max()) + 1
        for number in range(folds):
            train, valid = fold != number, fold == number
            left = job.seconds - (time.monotonic() - started)
            share = max(left, 1.0) / (folds - number)
            found = fit_fold(job, table[train], known[train], table[valid], share)
            oof[valid] = _columns(found, int(valid.sum()))
    if logs:
        oof = np.expm1(oof)
    names = [f"p{place}" for place in range(oof.shape[1])]
    pd.DataFrame(oof, columns=names).to_parquet(folder / "oof.parquet", index=False)


def _columns(found: Any, rows: int) -> Any:
    return np.asarray(found, dtype=float).reshape(rows, -1)


def texts(*tables: pd.DataFrame) -> tuple[list[str], list[pd.DataFrame]]:
    """The columns that are no numbers, and the tables with these as text, gaps a level."""
    first = tables[0]
    names = [str(name) for name in first if not pd.api.types.is_numeric_dtype(first[name])]
    changed = []
    for table in tables:
        own = {name: table[name].astype(object).fillna("missing").astype(str) for name in names}
        changed.append(table.assign(**own))
    return names, changed
