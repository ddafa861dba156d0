"""Task and metric, by the target's values and what the sample submission holds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.metrics import METRICS
from podium.stages.new.block import yaml
from podium.stages.new.columns import is_whole
from podium.stages.new.draft import Draft

# More different numbers are something to predict, not classes.
MOST_CLASSES = 20
# Text with more different values is no set of classes.
MOST_LABELS = 1000
# Classes have so many rows on average.
ROWS_PER_CLASS = 5
SKEWED = 1.0
# The sample submission's distinct values by column.
Asked = Mapping[str, Sequence[str]]
TRANSFORMS = "none | log | log1p: models are trained on this scale"
# Below this share of the rarer class, accuracy says little.
RARE = 0.2


def guess_task(draft: Draft, target: "pd.Series[Any]", sample: pd.DataFrame | None) -> None:
    """Set ``task``, ``target_transform`` and ``metric``.

    Args:
        draft: the block; its target is known.
        target: the target's texts in the training rows.
        sample: the sample submission as text, where there is one.

    Raises:
        PodiumError: the target is constant, or text without classes.
    """
    texts = target.dropna()
    counts = texts.value_counts()
    numbers = pd.Series(pd.to_numeric(counts.index, errors="coerce"), dtype="float64")
    asked = {} if sample is None else _asked(sample)
    _check(draft, counts)
    # Not if they are targets of their own.
    class_columns = len(asked) > 1 and draft["target"] not in asked
    if numbers.isna().any():
        task, why = _by_labels(counts)
    else:
        task, why = _by_numbers(numbers, counts, asked, class_columns)
    if task != "regression" and len(asked) > 1 and not class_columns:
        raise PodiumError(
            f"the sample submission asks for {few(asked)}, of which the training table has "
            f"{printable(draft['target'])} alone, and that is of classes; leave the others out of "
            "the sample submission"
        )
    draft.set("task", task, why)
    draft.set("target_transform", "none", TRANSFORMS if task == "regression" else "")
    if task == "regression":
        _regression_metric(draft, pd.to_numeric(texts))
    else:
        _class_metric(draft, counts, asked)
        _tell_of_classes(draft, counts, asked)


def _check(draft: Draft, counts: "pd.Series[Any]") -> None:
    if len(counts) < 2:
        raise PodiumError(
            f"the target '{printable(draft['target'])}' is the same in every training row, so "
            "there is nothing to learn; are the files the right ones?"
        )


def _by_labels(counts: "pd.Series[Any]") -> tuple[str, str]:
    if len(counts) > MOST_LABELS or len(counts) > counts.sum() / 2:
        raise PodiumError(
            f"the target '{printable(str(counts.index.name))}' holds {len(counts)} different "
            f"texts ({few(counts.index)}); Podium predicts numbers or up to {MOST_LABELS} classes"
        )
    task = "binary" if len(counts) == 2 else "multiclass"
    return task, f"{len(counts)} classes: {_shares(counts)}"


def _by_numbers(
    numbers: "pd.Series[float]", counts: "pd.Series[Any]", asked: Asked, class_columns: bool
) -> tuple[str, str]:
    few_values = len(counts) <= MOST_CLASSES and counts.sum() >= ROWS_PER_CLASS * len(counts)
    placeholders = [text for texts in asked.values() for text in texts if _fraction(text)]
    if len(counts) == 2 and is_whole(numbers):
        return "binary", f"2 values: {_shares(counts)}"
    if class_columns:
        return "multiclass", f"{len(counts)} classes, a column for each: {_shares(counts)}"
    if few_values and is_whole(numbers) and not placeholders:
        return "multiclass", f"{len(counts)} whole numbers: {_shares(counts)}"
    low, high = numbers.min(), numbers.max()
    return "regression", f"{len(counts)} different numbers from {low:g} to {high:g}"


def _regression_metric(draft: Draft, numbers: "pd.Series[float]") -> None:
    draft.set("metric", "rmse", f"a guess; by the competition's page: {_others(draft, 'rmse')}")
    skewed = numbers.min() >= 0 and float(numbers.skew()) > SKEWED
    more = "; the target is skewed: with rmsle set target_transform to log1p" if skewed else ""
    draft.look.append(
        f"metric: files don't tell it; rmse is a guess, others are {_others(draft, 'rmse')}{more}"
    )


def _class_metric(draft: Draft, counts: "pd.Series[Any]", asked: Asked) -> None:
    metric, why = _metric_of(draft["task"], counts, asked)
    draft.set("metric", metric, f"{why}; others: {_others(draft, metric)}")
    draft.look.append(
        f"metric: {metric}, since {why}; the competition's page may name another: "
        f"{_others(draft, metric)}"
    )
    if metric == "accuracy" and asked and not _are_labels(_first(asked), counts):
        draft.set("submission.values", "labels", "the sample's value only fills the place")


def _metric_of(task: str, counts: "pd.Series[Any]", asked: Asked) -> tuple[str, str]:
    """The metric that fits the sample's values, and why."""
    if not asked:
        return "accuracy", "there is no sample submission to go by"
    if len(asked) > 1:
        return "logloss", "the sample submission has a column for each class"
    values = _first(asked)
    rare = counts.min() / counts.sum()
    if task == "binary" and _are_probabilities(values, counts):
        return "auc", "the sample submission holds probabilities"
    if len(values) == 1 and task == "binary" and values[0] in ("0", "0.0") and rare < RARE:
        return "auc", f"the sample submission is 0 throughout, and one class is rare ({rare:.1%})"
    if _are_labels(values, counts):
        return "accuracy", "the sample submission holds labels"
    return "accuracy", "the sample submission has one column"


def _are_probabilities(values: Sequence[str], counts: "pd.Series[Any]") -> bool:
    inside = all(_number(text) is not None and 0 <= float(text) <= 1 for text in values)
    return inside and (any(map(_fraction, values)) or not _are_labels(values, counts))


def _are_labels(values: Sequence[str], counts: "pd.Series[Any]") -> bool:
    known = {_normal(str(label)) for label in counts.index}
    return any(_normal(text) in known for text in values)


def _tell_of_classes(draft: Draft, counts: "pd.Series[Any]", asked: Asked) -> None:
    """Which class a single column of probabilities is of: the second one, if nothing is said."""
    numbers = pd.to_numeric(counts.index, errors="coerce")
    if draft["task"] == "binary" and draft["metric"] == "auc" and len(asked) == 1:
        names = [str(label) for label in counts.index]
        names.sort(key=float if not np.isnan(numbers).any() else str)
        if names != ["0", "1"]:
            draft.look.append(
                f"target: what is submitted is the probability of {printable(names[1])}; if that "
                f"of {printable(names[0])} is asked for, set submission: "
                f"{yaml({'columns': {next(iter(asked)): names[0]}})}"
            )
    if draft["task"] == "multiclass" and len(asked) == 1 and not np.isnan(numbers).any():
        draft.look.append(
            f"task: the target's {len(counts)} whole numbers are taken for classes; if they are "
            "amounts or ranks, set task to regression with a metric of numbers"
        )


def _others(draft: Draft, chosen: str) -> str:
    """The other metrics of the task."""
    names = [one.name for one in METRICS.values() if draft["task"] in one.tasks]
    return few(name for name in names if name != chosen)


def _shares(counts: "pd.Series[Any]") -> str:
    total = counts.sum()
    shown = [f"{printable(str(label))[:40]} {count / total:.0%}" for label, count in counts.items()]
    return few(shown)


def _asked(sample: pd.DataFrame) -> Asked:
    """The distinct values of the sample submission, by column."""
    found = {}
    for name in sample.columns[1:]:
        texts = (str(value).strip() for value in sample[name].dropna().unique())
        found[str(name)] = [text for text in texts if text]
    return found


def _first(asked: Asked) -> Sequence[str]:
    return next(iter(asked.values()))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _fraction(text: str) -> bool:
    number = _number(text)
    return number is not None and number % 1 != 0


def _normal(text: str) -> str:
    """Equal for a number or a boolean however it is spelled."""
    number = _number(text)
    return text.strip().lower() if number is None else repr(number)
