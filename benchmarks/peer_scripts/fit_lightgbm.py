"""LightGBM with its defaults: a hundred trees of 31 leaves."""

import time
from typing import Any

import pandas as pd
from job import Job, run
from lightgbm import LGBMClassifier, LGBMRegressor
from lightgbm.callback import EarlyStopException


def fit(job: Job, x: pd.DataFrame, y: Any, valid: pd.DataFrame, seconds: float) -> Any:
    """One fold."""
    end = time.monotonic() + seconds

    def deadline(state: Any) -> None:
        if time.monotonic() > end:
            raise EarlyStopException(state.iteration, [])

    options: dict[str, Any] = {"n_jobs": job.threads, "random_state": 0, "verbosity": -1}
    if job.is_regression:
        model = LGBMRegressor(objective="mae" if job.metric == "mae" else "regression", **options)
    else:
        model = LGBMClassifier(**options)
    model.fit(x, y, callbacks=[deadline])
    return model.predict(valid) if job.is_regression else model.predict_proba(valid)


run(fit)
