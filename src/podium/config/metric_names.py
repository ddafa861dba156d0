"""Names of metrics: other libraries' and Kaggle's in errors; and the table that is shown."""

import re
from collections.abc import Iterable, Iterator

from podium.io.errors import PodiumError
from podium.io.text import nearest, printable
from podium.metrics import FAMILIES, METRICS, Metric

# By the metric: names in scikit-learn, LightGBM, XGBoost, CatBoost, PyTorch and on Kaggle, without
# "neg_", "_score", blanks and signs.
SYNONYMS = {
    name: metric
    for metric, names in {
        "rmse": "mse meansquarederror rootmeansquarederror l2 squarederror regsquarederror",
        "mae": "meanabsoluteerror l1 absoluteerror regressionl1",
        "medae": "medianabsoluteerror mdae",
        "mape": "meanabsolutepercentageerror",
        "smape": "symmetricmeanabsolutepercentageerror",
        "rmsle": "msle meansquaredlogerror rootmeansquaredlogerror meansquaredlogarithmicerror"
        " rmselog logrmse",
        "r2": "rsquared rsquare coefficientofdetermination",
        "poisson": "poissondeviance meanpoissondeviance",
        "gamma": "gammadeviance meangammadeviance",
        "tweedie": "tweediedeviance meantweediedeviance",
        "pinball": "pinballloss meanpinballloss quantile quantileloss",
        "accuracy": "acc categorizationaccuracy microf1 f1micro error merror",
        "balanced_accuracy": "bacc bac balancedacc macrorecall recallmacro",
        "f1": "fscore fmeasure f1binary binaryf1 fbeta1",
        "macro_f1": "f1macro meanf1",
        "weighted_f1": "f1weighted",
        "fbeta_2": "f2",
        "fbeta_0.5": "f05",
        "mcc": "matthewscorrcoef matthewscorrelation matthewscorrelationcoefficient",
        "kappa": "cohenkappa cohenskappa",
        "qwk": "quadraticweightedkappa quadratickappa weightedkappa quadraticcohenkappa",
        "logloss": "crossentropy multilogloss multiclassloss binarylogloss bce logisticloss"
        " mlogloss multiclasslogloss categoricalcrossentropy binarycrossentropy",
        "brier": "brierloss",
        "auc": "rocauc aucroc gini auroc areaunderroc areaundertheroccurve rocaucovr aucovr"
        " aucmu multiclassauc rocaucmacro",
        "auc_ovo": "rocaucovo",
        "average_precision": "ap prauc aucpr auprc averageprecisionmacro",
        "map@3": "map3 mapat3 apk mapk meanaverageprecision",
        "map@5": "map5 mapat5",
    }.items()
    for name in names.split()
}  # fmt: skip


def fitting(task: str) -> list[str]:
    """The metrics that fit a task."""
    return [metric.name for metric in METRICS.values() if task in metric.tasks]


def unknown_metric(name: str, task: str) -> str:
    """An error message: the metric that was meant, how its number is written, or all of the task.

    Matching is by letters and digits alone.
    """
    shown = printable(name)
    for family in FAMILIES:
        if name.startswith(family.prefix):
            return f"no metric '{shown}'; expected {family.form}"
    valid = fitting(task)
    meant = _meant(name, valid)
    hint = f"did you mean '{meant}'?" if meant else nearest(name, valid)
    more = " 'podium metrics' lists all" if hint.endswith("?") else ""
    return f"no metric '{shown}'; {hint}{more}"


def _meant(name: str, valid: Iterable[str]) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", name.lower()[:100]).removeprefix("neg")
    own = {re.sub(r"[^a-z0-9]", "", metric): metric for metric in valid}
    for found in (plain, plain.removesuffix("score")):
        if found in own:
            return own[found]
        if found in SYNONYMS:
            return SYNONYMS[found]
    return None


HEADINGS = ("metric", "title", "tasks", "better", "submitted", "labels")
TASKS = ("regression", "binary", "multiclass")
_FORMS = {family.name: family.form for family in FAMILIES}


def metric_rows(task: str | None = None) -> Iterator[tuple[str, ...]]:
    """The table of metrics, a text for each of ``HEADINGS``, those of one task if it is given.

    Raises:
        PodiumError: there is no such task.
    """
    if task is not None and task not in TASKS:
        raise PodiumError(f"--task: no task '{printable(task)}'; {nearest(task, TASKS)}")
    for metric in METRICS.values():
        if task is None or task in metric.tasks:
            yield (
                metric.name,
                metric.title,
                ", ".join(metric.tasks),
                "higher" if metric.greater_is_better else "lower",
                _submitted(metric),
                _decided_by(metric),
            )


def metric_lines(task: str | None = None) -> Iterator[str]:
    """The table for the terminal, and how names with a number are written.

    Raises:
        PodiumError: there is no such task.
    """
    rows = [HEADINGS, *metric_rows(task)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
    yield ""
    yield from (_FORMS[name] for name, *_ in rows if name in _FORMS)


def _submitted(metric: Metric) -> str:
    if metric.needs == "ranking":
        return "the most probable labels"
    return "whole numbers or labels" if metric.cut_points else metric.needs


def _decided_by(metric: Metric) -> str:
    if metric.cut_points:
        return "tuned cut points"
    if metric.is_tuned:
        return "tuned thresholds"
    return "most probable class" if metric.needs == "labels" else ""
