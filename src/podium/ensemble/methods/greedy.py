"""Methods ``weighted`` and ``bagged``: greedy selection with replacement (Caruana et al. 2004).

``bagged`` selects among half of the models, ``BAGS`` times, and takes the mean of the weights: what
one selection finds by chance the others don't.

A metric of labels or ranks moves in steps, which weights are easily fitted to by chance, so that
log loss guides instead, of numbers the squared error.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.ensemble.methods.base import LOG_LOSS, RMSE, FitMixer, Problem, Weighted
from podium.metrics import Array
from podium.metrics.decisions import best_by_threshold
from podium.metrics.greedy import bags, select_greedily

# The mean of many selections is fine enough by few picks each.
BAGS, PICKS = 20, 25
# Fits one weight per model.
FitWeights = Callable[[Array, Array], Array]


def ways(problem: Problem) -> Sequence[FitMixer]:
    """By what the selection may be guided."""
    return [_Selection(guided) for guided in _guided(_Greedy(problem))]


def ways_of_bags(problem: Problem) -> Sequence[FitMixer]:
    """The same, of the mean over bags."""
    spec = problem.spec.model_copy(update={"rounds": min(problem.spec.rounds, PICKS)})
    greedy = _Greedy(replace(problem, spec=spec))
    return [_Selection(_Bagged(guided)) for guided in _guided(greedy)]


@dataclass(frozen=True)
class _Bagged:
    """The mean of weights that are fitted on halves of the models."""

    fit: FitWeights

    def __call__(self, predictions: Array, y: Array) -> Array:
        weights = np.zeros(len(predictions))
        for bag in bags(len(predictions), BAGS):
            weights[bag] += self.fit(predictions[bag], y)
        return weights / weights.sum()


@dataclass(frozen=True)
class _Selection:
    """Fits a weighted mean."""

    fit: FitWeights

    def __call__(self, predictions: Array, y: Array) -> Weighted:
        return Weighted(self.fit(predictions, y))


def _guided(greedy: "_Greedy") -> list[FitWeights]:
    metric = greedy.problem.metric
    if not metric.stepwise:
        return [greedy.by_log_loss if metric.name == LOG_LOSS.name else greedy.by_metric]
    if greedy.problem.target.is_regression:
        return [greedy.by_squared_error]
    # Ranks are the more sensitive and by far the slower guide of the two.
    by_metric = [greedy.by_metric] if metric.needs == "labels" else []
    return [greedy.by_log_loss, *by_metric]


@dataclass(frozen=True)
class _Greedy:
    """Weights by greedy selection, guided by a loss."""

    problem: Problem

    def by_metric(self, predictions: Array, y: Array) -> Array:
        """The metric itself, labels by the best threshold; log loss where labels are as good."""
        metric = self.problem.metric

        def loss(mixed: Array) -> float:
            predicted = self.problem.decoded(mixed)
            if not metric.stepwise:
                return metric.loss(y, predicted)
            return metric.as_loss(best_by_threshold(metric, y, predicted))

        def log_loss(mixed: Array) -> float:
            return LOG_LOSS.loss(y, self.problem.decoded(mixed))

        tie = log_loss if metric.stepwise else None
        return select_greedily(predictions, loss, self.problem.spec.rounds, tie)

    def by_log_loss(self, predictions: Array, y: Array) -> Array:
        """The log loss, which needs but the true class's probability of each row."""
        true_class = predictions[:, np.arange(len(y)), y.astype(int)]
        return select_greedily(true_class, _log_loss_of_true_class, self.problem.spec.rounds)

    def by_squared_error(self, predictions: Array, y: Array) -> Array:
        """The RMSE of decoded predictions."""
        return select_greedily(
            predictions,
            lambda mixed: RMSE.loss(y, self.problem.decoded(mixed)),
            self.problem.spec.rounds,
        )


def _log_loss_of_true_class(probabilities: Array) -> float:
    """The log loss from each row's probability of its own class, shape (rows,)."""
    return -float(np.mean(np.log(np.clip(probabilities, 1e-15, 1.0))))
