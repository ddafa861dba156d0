"""AutoGluon, preset best_quality.

Fitted anew for every fold, each with its share of the time: nothing sees the fold's rows. Or, as
variant ``bagged``, fitted once with all the time, its bags being the folds; then the weights of its
ensemble have seen the rows that they are scored on, which flatters it.
"""

import shutil
from typing import Any

import pandas as pd
from autogluon.tabular import TabularPredictor  # type: ignore[import-not-found]
from job import FOLD, TARGET, Job, run

METRICS = {
    "rmsle": "root_mean_squared_error", "rmse": "root_mean_squared_error", "auc": "roc_auc",
    "mae": "mean_absolute_error", "logloss": "log_loss", "accuracy": "accuracy",
}  # fmt: skip


def fit(job: Job, x: pd.DataFrame, y: Any, valid: pd.DataFrame, seconds: float) -> Any:
    """One fold."""
    predictor = fitted(job, x.assign(**{TARGET: y}), seconds)
    if job.is_regression:
        return predictor.predict(valid)
    return predictor.predict_proba(valid)[list(range(job.classes))]


def fit_all(job: Job, x: pd.DataFrame, y: Any, fold: Any, seconds: float) -> Any:
    """All folds at once."""
    table = x.assign(**{TARGET: y, FOLD: fold})
    predictor = fitted(job, table, seconds, groups=FOLD)
    if job.is_regression:
        return predictor.predict_oof()
    return predictor.predict_proba_oof()[list(range(job.classes))]


def fitted(job: Job, table: pd.DataFrame, seconds: float, groups: str | None = None) -> Any:
    """The predictor.

    Its search for overfitted stacking is off: within a minute a fold it leaves too little time to
    fit anything, and ends with an error. Bags are fitted one after another in this process: on two
    cores the workers of the parallel way take longer to start than their models to fit.
    """
    where = job.folder / "autogluon"
    shutil.rmtree(where, ignore_errors=True)
    metric = METRICS[job.metric]
    predictor = TabularPredictor(
        TARGET, job.task, metric, path=str(where), verbosity=0, groups=groups
    )
    return predictor.fit(
        table,
        presets="best_quality",
        time_limit=seconds,
        num_cpus=job.threads,
        num_gpus=0,
        dynamic_stacking=False,
        ag_args_ensemble={"fold_fitting_strategy": "sequential_local"},
    )


run(fit, fit_all)
