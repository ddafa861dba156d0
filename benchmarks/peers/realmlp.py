"""RealMLP with its tuned defaults (Holzmueller et al. 2024), run by the peers' own environment.

    benchmarks/peers/.venv/pytabkit/bin/python benchmarks/peers/realmlp.py TABLE.npz THREADS EPOCHS

Prints one line of JSON. Every fold is one fit with ``n_cv=4``: four members, trained together,
each on three quarters of the fold's training rows; their mean predicts the fold. The best epoch is
chosen on the other quarter, so the fold's own rows are only scored.
"""

import contextlib
import json
import logging
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MEMBERS = 4


def main(file: str, threads: int, epochs: int) -> None:
    """Read the table, train, print."""
    table = np.load(file)
    folds = range(int(table["fold"].max()) + 1)
    # Lightning talks on both streams; the last line of standard output is ours alone.
    with contextlib.redirect_stdout(sys.stderr):
        fits = [_fit_fold(table, fold, threads, epochs) for fold in folds]
    errors = np.concatenate([errors for _, errors in fits])
    facts = {
        "seconds": sum(seconds for seconds, _ in fits),
        "members": MEMBERS * len(folds),
        "epochs": epochs,
        "oof_rmse": float(np.sqrt(np.mean(errors**2))),
        "versions": {name: version(name) for name in ("pytabkit", "torch")},
    }
    print(json.dumps(facts))


def _fit_fold(table: Any, fold: int, threads: int, epochs: int) -> tuple[float, NDArray[Any]]:
    """Seconds of fitting, and the errors on the fold's rows."""
    from pytabkit import RealMLP_TD_Regressor  # type: ignore[import-not-found]

    train = np.flatnonzero(table["fold"] != fold)
    valid = np.flatnonzero(table["fold"] == fold)
    features = _features(table, train)
    model = RealMLP_TD_Regressor(
        device="cpu",
        random_state=fold,
        n_cv=MEMBERS,
        n_refit=0,
        n_threads=threads,
        n_epochs=epochs,
    )
    started = time.perf_counter()
    model.fit(features.iloc[train], table["y"][train])
    seconds = time.perf_counter() - started
    return seconds, model.predict(features.iloc[valid]) - table["y"][valid]


def _features(table: Any, train: NDArray[np.int64]) -> pd.DataFrame:
    """Numbers, their gaps filled with the training rows' median (it takes no NaN), and categories.

    All the rest of the preprocessing is RealMLP's own.
    """
    numbers = pd.DataFrame(table["numbers"]).add_prefix("number")
    filled = numbers.fillna(numbers.iloc[train].median())
    codes = pd.DataFrame(table["codes"]).add_prefix("category").astype(str).astype("category")
    return pd.concat([filled, codes], axis=1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
