"""RealMLP-TD and TabM-D of pytabkit: its tuned and its plain defaults."""

import contextlib
import logging
import sys
import time
from typing import Any

import pandas as pd
import pytabkit  # type: ignore[import-not-found]
from job import Job, run, texts

# Epochs that are timed first, and the share of the time that is used.
PILOTS, SAFE = (1, 3), 0.9
# Validation metrics of its own names, by which it picks the best epoch.
METRICS = {"mae": "mae", "accuracy": "class_error", "auc": "1-auc_ovr", "logloss": "cross_entropy"}


def fit(job: Job, x: pd.DataFrame, y: Any, valid: pd.DataFrame, seconds: float) -> Any:
    """One fold; gaps are filled by the training rows' medians, since networks take no NaN."""
    names, (x, valid) = texts(x, valid)
    medians = x.drop(columns=names).median()
    x, valid = x.fillna(medians), valid.fillna(medians)
    kind = "Regressor" if job.is_regression else "Classifier"
    options: dict[str, Any] = {"device": "cpu", "random_state": 0, "n_threads": job.threads}
    if job.metric in METRICS:
        options["val_metric_name"] = METRICS[job.metric]
    if job.variant == "RealMLP_TD" and job.metric == "logloss":
        # Its documentation's advice for this metric.
        options["use_ls"] = False
    make = getattr(pytabkit, f"{job.variant}_{kind}")
    with contextlib.redirect_stdout(sys.stderr):
        if job.variant == "TabM_D":
            options["n_epochs"] = epochs_within(make, options, (x, y, names), seconds)
        model = make(**options)
        model.fit(x, y, cat_col_names=names, time_to_fit_in_seconds=int(max(seconds, 1)))
        return model.predict(valid) if job.is_regression else model.predict_proba(valid)


def epochs_within(make: Any, options: dict[str, Any], data: tuple[Any, ...], seconds: float) -> int:
    """How many epochs fit into a time: TabM's class takes no limit, so a first few are timed.

    It may stop earlier, by its own patience.
    """
    x, y, names = data
    taken, end = [], time.monotonic() + SAFE * seconds
    for epochs in PILOTS:
        started = time.monotonic()
        make(**options, n_epochs=epochs).fit(x, y, cat_col_names=names)
        taken.append(time.monotonic() - started)
    an_epoch = max(taken[1] - taken[0], 0.1 * taken[0]) / (PILOTS[1] - PILOTS[0])
    return max(1, int((end - time.monotonic()) / an_epoch))


logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
run(fit)
