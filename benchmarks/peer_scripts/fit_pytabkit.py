"""RealMLP-TD and TabM-D of pytabkit: its tuned and its plain defaults."""

import contextlib
import logging
import sys
from typing import Any

import pandas as pd
import pytabkit  # type: ignore[import-not-found]
from job import Job, run, texts

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
    model = getattr(pytabkit, f"{job.variant}_{kind}")(**options)
    with contextlib.redirect_stdout(sys.stderr):
        model.fit(x, y, cat_col_names=names, time_to_fit_in_seconds=int(max(seconds, 1)))
        return model.predict(valid) if job.is_regression else model.predict_proba(valid)


logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
run(fit)
