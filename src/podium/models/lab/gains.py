"""What a configuration gains over another one, and how sure that is."""

import numpy as np
import pandas as pd

from podium.metrics import metric_named
from podium.models.lab.train import Trained


def gains(trained: Trained, baseline: str | None = None, metric: str | None = None) -> pd.DataFrame:
    """A row per configuration, the best first: what it gains over the baseline.

    Columns: ``train`` and ``valid`` are mean scores; ``gain`` is the mean difference of validation
    scores to the baseline's, positive where it is better; ``error`` is the standard error of
    that mean. Differences are paired: each is between members of one seed, which have the same
    training rows. ``wins`` counts the seeds that are better than the baseline's.

    The error is that of seeds and training rows; all are scored on the same validation rows.

    Args:
        trained: the members.
        baseline: a configuration; the first if None.
        metric: another metric than the one of ``trained``.
    """
    scored = trained.metric if metric is None else metric_named(metric)
    scores = trained.scores(metric).set_index(["configuration", "seed"])
    sign = 1.0 if scored.greater_is_better else -1.0
    valid = sign * scores["valid"].unstack("seed")
    differences = valid - valid.loc[baseline or trained.configurations[0]]
    means = scores.groupby("configuration", sort=False).mean()
    table = means.assign(
        gain=differences.mean(axis=1),
        error=differences.std(axis=1) / np.sqrt(trained.seeds),
        wins=(differences > 0).sum(axis=1),
    )
    return table.sort_values("gain", ascending=False, kind="stable")
