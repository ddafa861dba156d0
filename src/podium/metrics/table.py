"""The table of metrics, and the families whose names hold a number: ``pinball_0.9``."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from podium.metrics import classes, numbers
from podium.metrics.metric import TINY, Array, Metric

REGRESSION, BINARY, MULTICLASS = ("regression",), ("binary",), ("multiclass",)
CLASSIFICATION = ("binary", "multiclass")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Family:
    """Metrics that differ in a number: the name is ``prefix`` and the number.

    The bare name, ``prefix`` without its last character, is the one of ``default``. ``low`` and
    ``high`` bound the number, ``exclusive`` without the bounds themselves; ``what`` is its name.
    """

    prefix: str
    what: str
    default: float
    low: float
    high: float
    make: Callable[[str, float], Metric]
    exclusive: bool = False
    whole: bool = False

    @property
    def name(self) -> str:
        """The bare name."""
        return self.prefix[:-1]

    @property
    def form(self) -> str:
        """How a member is written, in words."""
        kind = "a whole number" if self.whole else "a number"
        bounds = "between" if self.exclusive else "from"
        joined = "and" if self.exclusive else "to"
        return (
            f"{self.prefix}<{self.what}>, {kind} {bounds} {self.low:g} {joined} {self.high:g} "
            f"({self.name} is {self.prefix}{self.default:g})"
        )

    def takes(self, number: float) -> bool:
        """Whether there is such a member."""
        inside = self.low <= number <= self.high
        is_bound = self.exclusive and number in (self.low, self.high)
        return inside and not is_bound and (not self.whole or number % 1 == 0)


def _labels(name: str, title: str, of_counts: classes.OfCounts, tasks: tuple[str, ...]) -> Metric:
    """A metric of labels whose thresholds are tuned."""
    function = partial(classes.by_counts, of_counts)
    return Metric(name, title, function, tasks, "labels", True, stepwise=True, of_counts=of_counts)


def _deviance(name: str, title: str, power: float, parameter: float | None = None) -> Metric:
    """From gamma's power on, a target of 0 is impossible."""
    return Metric(
        name, title, partial(numbers.tweedie, power), REGRESSION, "values",
        minimum=TINY if power >= 2 else 0.0, positive=True, parameter=parameter,
    )  # fmt: skip


def _tweedie(name: str, power: float) -> Metric:
    return _deviance(name, f"Tweedie deviance, power {power:g}", power, power)


def _pinball(name: str, alpha: float) -> Metric:
    function = partial(numbers.pinball, alpha)
    title = f"pinball loss, quantile {alpha:g}"
    return Metric(name, title, function, REGRESSION, "values", parameter=alpha)


def _f_beta(name: str, beta: float) -> Metric:
    return _labels(name, f"F{beta:g}", partial(classes.f_beta_of, beta), BINARY)


def _map_at(name: str, count: float) -> Metric:
    function: Callable[[Array, Array], float] = partial(classes.map_at, int(count))
    return Metric(
        name, f"MAP@{count:g}", function, MULTICLASS, "ranking", True, stepwise=True,
        parameter=count,
    )  # fmt: skip


FAMILIES = (
    Family("tweedie_", "power", 1.5, 1.0, 3.0, _tweedie),
    Family("pinball_", "quantile", 0.5, 0.0, 1.0, _pinball, exclusive=True),
    Family("fbeta_", "beta", 2.0, 0.0, 100.0, _f_beta, exclusive=True),
    Family("map@", "count", 3.0, 1.0, 100.0, _map_at, whole=True),
)


def _values(
    name: str,
    title: str,
    function: Callable[[Array, Array], float],
    greater_is_better: bool = False,
    minimum: float | None = None,
) -> Metric:
    """A metric of numbers."""
    return Metric(name, title, function, REGRESSION, "values", greater_is_better, minimum)


def _probabilities(
    name: str,
    title: str,
    function: Callable[[Array, Array], float],
    tasks: tuple[str, ...] = CLASSIFICATION,
    by_rank: bool = True,
) -> Metric:
    """A metric of probabilities: of their ranks, or of their values."""
    return Metric(name, title, function, tasks, "probabilities", by_rank, stepwise=by_rank)


# By name; of each family the default.
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        _values("rmse", "RMSE", numbers.rmse),
        _values("mae", "MAE", numbers.mae),
        _values("medae", "median absolute error", numbers.medae),
        _values("mape", "MAPE", numbers.mape),
        _values("smape", "SMAPE", numbers.smape),
        _values("rmsle", "RMSLE", numbers.rmsle, minimum=0.0),
        _values("r2", "R²", numbers.r2, greater_is_better=True),
        _deviance("poisson", "Poisson deviance", 1.0),
        _deviance("gamma", "gamma deviance", 2.0),
        Metric("accuracy", "accuracy", classes.accuracy, CLASSIFICATION, "labels", True,
               stepwise=True),
        _labels("balanced_accuracy", "balanced accuracy", classes.balanced_accuracy_of,
                CLASSIFICATION),
        _labels("f1", "F1", partial(classes.f_beta_of, 1.0), BINARY),
        _labels("macro_f1", "macro F1", classes.macro_f1_of, CLASSIFICATION),
        _labels("weighted_f1", "weighted F1", classes.weighted_f1_of, CLASSIFICATION),
        _labels("mcc", "Matthews correlation", classes.mcc_of, CLASSIFICATION),
        _labels("kappa", "Cohen's kappa", classes.kappa_of, CLASSIFICATION),
        Metric("qwk", "quadratic weighted kappa", classes.qwk, ("regression", "multiclass"),
               "labels", True, stepwise=True, cut_points=True),
        _probabilities("logloss", "log loss", classes.logloss, by_rank=False),
        _probabilities("brier", "Brier score", classes.brier, by_rank=False),
        _probabilities("auc", "ROC AUC", classes.auc),
        _probabilities("auc_ovo", "ROC AUC, one against one", classes.auc_ovo, MULTICLASS),
        _probabilities("average_precision", "average precision", classes.average_precision),
        *(family.make(family.name, family.default) for family in FAMILIES),
    )
}  # fmt: skip


def metric_named(name: str) -> Metric:
    """The metric of a name, with or without a number in it.

    Raises:
        KeyError: there is none.
    """
    for family in FAMILIES:
        number = name.removeprefix(family.prefix)
        is_member = number != name and _NUMBER.fullmatch(number)
        if is_member and family.takes(float(number)):
            return family.make(name, float(number))
    return METRICS[name]
