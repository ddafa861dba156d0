"""Statistics of class predictions: confusion, scores per class, calibration, worst rows.

Everywhere ``y`` is the true class codes 0..k-1, shape (n,); ``probabilities`` the predictions,
shape (n, k); ``classes`` the k class names in code order. The predicted class is the most probable
one. Every row needs a prediction: leave out rows that no fold validated.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[Any]
WORST = 25
BINS = 15


def labels(y: Array, probabilities: Array, classes: Sequence[str]) -> pd.DataFrame:
    """The class names of every row: columns actual, predicted.

    DVC's template ``confusion`` counts the rows itself.
    """
    names = np.array(classes, dtype=object)
    predicted = probabilities.argmax(axis=1)
    return pd.DataFrame({"actual": names[y.astype(int)], "predicted": names[predicted]})


def confusion(y: Array, probabilities: Array, classes: Sequence[str]) -> pd.DataFrame:
    """Counts of rows by true class (index) and predicted class (columns): shape (k, k)."""
    from sklearn.metrics import confusion_matrix

    codes = np.arange(len(classes))
    counts = confusion_matrix(y.astype(int), probabilities.argmax(axis=1), labels=codes)
    return pd.DataFrame(
        counts,
        index=pd.Index(classes, name="actual", dtype=object),
        columns=pd.Index(classes, name="predicted", dtype=object),
    )


def class_scores(y: Array, probabilities: Array, classes: Sequence[str]) -> pd.DataFrame:
    """One row per class, in code order.

    Columns: class, rows (of that class), precision, recall, f1, mean_probability (of the class,
    over its rows), confused_with (the class its rows were most often mistaken for, empty if there
    were no mistakes) and confused_rows (how often). A division by zero gives 0, e.g. the precision
    of a class that was never predicted.
    """
    from sklearn.metrics import precision_recall_fscore_support

    y = y.astype(int)
    codes = np.arange(len(classes))
    precision, recall, f1, rows = precision_recall_fscore_support(
        y, probabilities.argmax(axis=1), labels=codes, zero_division=0
    )
    mistakes = confusion(y, probabilities, classes).to_numpy(copy=True)
    np.fill_diagonal(mistakes, 0)
    most = mistakes.max(axis=1)
    names = np.array(classes, dtype=object)
    return pd.DataFrame(
        {
            "class": names,
            "rows": rows,
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "mean_probability": mean_probability(y, probabilities),
            "confused_with": np.where(most > 0, names[mistakes.argmax(axis=1)], ""),
            "confused_rows": most,
        }
    )


def mean_probability(y: Array, probabilities: Array) -> Array:
    """The mean probability of each class over its rows, shape (k,); 0 for a class of no rows."""
    y, classes = y.astype(int), probabilities.shape[1]
    sums = np.bincount(y, weights=_of_class(probabilities, y), minlength=classes)
    return sums / np.maximum(np.bincount(y, minlength=classes), 1)


def reliability(y: Array, probabilities: Array, bins: int = BINS) -> pd.DataFrame:
    """Accuracy by confidence (the predicted class's probability).

    Bins have equal width and hold low < confidence <= high (Guo et al. 2017, "On Calibration of
    Modern Neural Networks"). One row per non-empty bin: low, high, confidence (the mean), accuracy,
    rows.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == y
    # Inner edges only: through rounding, a probability may be slightly above 1.
    own = np.digitize(confidence, edges[1:-1], right=True)
    rows = np.bincount(own, minlength=bins)
    filled = np.flatnonzero(rows)
    counts = rows[filled]
    return pd.DataFrame(
        {
            "low": edges[filled],
            "high": edges[filled + 1],
            "confidence": np.bincount(own, confidence, bins)[filled] / counts,
            "accuracy": np.bincount(own, right, bins)[filled] / counts,
            "rows": counts,
        }
    )


def ece(bins: pd.DataFrame) -> float:
    """Expected calibration error of a ``reliability`` table.

    The gap between confidence and accuracy, averaged over rows (Naeini et al. 2015; Guo et al.
    2017). It measures only calibration: constant predictions can have an error of 0.
    """
    gaps = (bins["confidence"] - bins["accuracy"]).abs()
    return float((gaps * bins["rows"]).sum() / bins["rows"].sum())


def worst(
    y: Array,
    probabilities: Array,
    ids: "pd.Series[Any] | Array",
    classes: Sequence[str],
    count: int = WORST,
) -> pd.DataFrame:
    """The rows with the lowest predicted probability of their true class, the worst first.

    Columns: id, row (its index in ``y``), actual, predicted, probability_of_actual and
    probability_of_predicted. Ties keep their order.
    """
    y = y.astype(int)
    of_actual = _of_class(probabilities, y)
    rows = np.argsort(of_actual, kind="stable")[:count]
    named = labels(y[rows], probabilities[rows], classes)
    named.insert(0, "id", np.asarray(ids)[rows])
    named.insert(1, "row", rows)
    named["probability_of_actual"] = of_actual[rows]
    named["probability_of_predicted"] = probabilities[rows].max(axis=1)
    return named


def _of_class(probabilities: Array, codes: Array) -> Array:
    """Each row's probability of one class: shape (n,)."""
    return probabilities[np.arange(len(codes)), codes]
