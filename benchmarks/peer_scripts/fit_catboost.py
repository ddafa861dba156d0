"""CatBoost with its defaults; the loss is the metric's where that is the absolute error."""

import time
from typing import Any

import pandas as pd
from catboost import CatBoostClassifier, CatBoostRegressor
from job import Job, run, texts


class _Deadline:
    """Ends the boosting when the time is over."""

    def __init__(self, seconds: float) -> None:
        self.end = time.monotonic() + seconds

    def after_iteration(self, info: Any) -> bool:
        return time.monotonic() < self.end


def fit(job: Job, x: pd.DataFrame, y: Any, valid: pd.DataFrame, seconds: float) -> Any:
    """One fold."""
    names, (x, valid) = texts(x, valid)
    options: dict[str, Any] = {
        "cat_features": names, "thread_count": job.threads, "random_seed": 0, "verbose": False,
        "train_dir": str(job.folder), "allow_writing_files": False,
    }  # fmt: skip
    if job.is_regression:
        loss = "MAE" if job.metric == "mae" else "RMSE"
        model = CatBoostRegressor(loss_function=loss, **options)
    else:
        model = CatBoostClassifier(**options)
    model.fit(x, y, callbacks=[_Deadline(seconds)])
    return model.predict(valid) if job.is_regression else model.predict_proba(valid)


run(fit)
