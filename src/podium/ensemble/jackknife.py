"""How sure the difference of two predictions of the same rows is.

The delete-a-group jackknife over rows (Shao and Tu 1995): rows are dealt into groups, the
difference is computed again without each group, and its spread is the standard error. It holds for
any metric that is smooth in the rows, a mean of them or not, and takes but as many scores as there
are groups.
"""

import numpy as np

from podium.metrics import Array, Metric

GROUPS = 20


def difference(metric: Metric, y: Array, first: Array, second: Array) -> tuple[float, float]:
    """By how much the first one's loss is higher, and the standard error of that.

    Args:
        metric: its sign makes it a loss.
        y: the target, shape (n,).
        first: predictions as the metric takes them.
        second: likewise; rows of both are the same.

    Groups on which the metric is undefined are left out; of fewer than two there is no error.
    """
    worse = metric.loss(y, first) - metric.loss(y, second)
    group = np.random.default_rng(0).permutation(len(y)) % min(GROUPS, len(y))
    kept = [group != own for own in range(group.max(initial=0) + 1)]
    found = np.array(
        [metric.loss(y[rows], first[rows]) - metric.loss(y[rows], second[rows]) for rows in kept]
    )
    found = found[np.isfinite(found)]
    if len(found) < 2:
        return worse, float("nan")
    return worse, float(np.sqrt((len(found) - 1) * found.var()))
