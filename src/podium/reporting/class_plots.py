"""Plots of class predictions as PNG files, drawn from the tables of ``classes``.

Each plot stays readable, at about the same size, from 2 classes to several hundred: if there is not
enough room, the best classes are left out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.reporting.classes import WORST, ece
from podium.reporting.plots import BLUE, GREY, ORANGE, canvas, figure

MOST_COUNTS = 20
MOST_NAMES = 30
NAME_LENGTH = 24
SHEET_COLUMNS = 5


def confusion_matrix(table: pd.DataFrame, path: Path, model: str) -> None:
    """Heat map of a ``classes.confusion`` table: rows are true classes, columns predicted ones.

    Colours are shares of the row. Errors have a separate scale, because a good model's few errors
    would be invisible on the diagonal's scale.
    """
    k, counts = len(table), table.to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(8.5, 4.2 + 0.25 * k)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    title = f"{model}: confusion of {k} classes, {accuracy:.1%} right"
    with figure(path, title, (side, 0.9 * side)) as axes:
        errors = _heat(axes, shares)
        bar = axes.figure.colorbar(errors, ax=axes, shrink=0.6, aspect=30, format="{x:.1%}")
        bar.set_label("errors: share of the true class's rows")
        bar.outline.set_visible(False)
        if k <= MOST_COUNTS:
            _write_counts(axes, counts, shares / _tops(shares))
        _name_classes(axes, [_short(name, 16) for name in table.index])
        places = "" if k <= MOST_NAMES else " (index in the list of classes)"
        axes.set_xlabel(f"predicted{places}")
        axes.set_ylabel(f"true{places}")


def _tops(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share with the darkest colour: 1 on the diagonal, the largest error elsewhere."""
    diagonal = np.eye(len(shares), dtype=bool)
    largest = max(float(shares.max(initial=0.0, where=~diagonal)), 0.01)
    return np.where(diagonal, 1.0, largest)


def _heat(axes: Any, shares: NDArray[np.float64]) -> Any:
    """Draw the diagonal in blue and errors in orange; returns the image of the errors."""
    diagonal = np.eye(len(shares), dtype=bool)
    tops = _tops(shares)
    look = {"interpolation": "nearest", "vmin": 0.0}
    right = np.ma.masked_where(~diagonal, shares)
    axes.imshow(right, cmap=_fade(BLUE), vmax=1.0, **look)
    wrong = np.ma.masked_where(diagonal, shares)
    axes.spines[:].set_visible(False)
    return axes.imshow(wrong, cmap=_fade(ORANGE), vmax=tops[~diagonal].max(initial=0.01), **look)


def _fade(color: str) -> Any:
    """A colour map from nearly white to a colour, with a visible jump above zero."""
    from matplotlib.colors import LinearSegmentedColormap, to_rgb

    full = np.array(to_rgb(color))
    steps = np.concatenate([[0.03], np.linspace(0.18, 1.0, 255)])[:, None]
    return LinearSegmentedColormap.from_list("fade", list(1.0 - steps * (1.0 - full)), N=256)


def _write_counts(axes: Any, counts: NDArray[np.int64], depth: NDArray[np.float64]) -> None:
    """Write the count into every non-empty cell, in white on dark colours."""
    size = 10 if len(counts) <= 10 else 7
    for row, column in zip(*np.nonzero(counts), strict=True):
        color = "white" if depth[row, column] > 0.6 else "#1c2430"
        text = str(counts[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=color)


def _name_classes(axes: Any, names: list[str]) -> None:
    """Label both axes with class names, or with class codes if there are too many."""
    axes.tick_params(length=0)
    if len(names) > MOST_NAMES:
        axes.tick_params(labelsize=8)
        return
    size = 9 if len(names) <= 12 else 7
    slanted = max(map(len, names)) > 3
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set_xticks(range(len(names)), names, fontsize=size, rotation=90 if slanted else 0)


def reliability_diagram(bins: pd.DataFrame, path: Path, model: str) -> None:
    """Plot a ``classes.reliability`` table: accuracy by confidence, above a histogram of rows.

    Points below the diagonal are over-confident.
    """
    with canvas(path, (5.6, 5.2)) as empty:
        top, below = empty.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        low = float(bins["low"].min())
        top.set_title(f"{model}: calibration, ECE {ece(bins):.4f}")
        top.plot([low, 1], [low, 1], color=GREY, linewidth=1, label="calibrated")
        top.vlines(bins["confidence"], bins["accuracy"], bins["confidence"], color=ORANGE, lw=3,
                   alpha=0.5, label="gap")  # fmt: skip
        top.plot(bins["confidence"], bins["accuracy"], "o-", color=BLUE, label="predictions")
        top.set(xlim=(low, 1.01), ylim=(-0.02, 1.02), ylabel="accuracy")
        top.legend(frameon=False)
        widths = bins["high"] - bins["low"]
        below.bar(bins["low"], bins["rows"], widths, align="edge", color=BLUE, edgecolor="white")
        below.set(xlabel="confidence: probability of the predicted class", ylabel="rows")
        for axes in (top, below):
            axes.spines[["top", "right"]].set_visible(False)


def class_scores(table: pd.DataFrame, path: Path, model: str) -> None:
    """Recall and precision per class of a ``classes.class_scores`` table, the worst on top."""
    rows = table.sort_values("f1", kind="stable").head(MOST_NAMES)
    title = f"{model}: recall and precision by class"
    if len(rows) < len(table):
        title += f",\nthe {len(rows)} of {len(table)} with the lowest F1"
    places = np.arange(len(rows))
    with figure(path, title, (6.4, 1.6 + 0.24 * len(rows))) as axes:
        axes.hlines(places, rows["recall"], rows["precision"], color=GREY, linewidth=1.5, zorder=1)
        axes.scatter(rows["recall"], places, color=BLUE, s=32, label="recall")
        axes.scatter(rows["precision"], places, color=ORANGE, s=32, label="precision", marker="D")
        named = zip(rows["class"], rows["rows"], strict=True)
        axes.set_yticks(places, [f"{_short(name, NAME_LENGTH)} ({n})" for name, n in named])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="x", color="#e3e6ea")
        axes.set_axisbelow(True)
        axes.set_xlabel("share (in brackets: rows of the class)")
        axes.figure.legend(frameon=False, ncols=2, loc="outside lower center")


# Pictures of predicted classes, by file name: each is drawn for every model, for the blend, and on
# the page. Its function takes a table, the file to write, and the model's name; the table is the
# one of that name in ``stages.class_report.ClassReport``.
ClassPlot = Callable[[pd.DataFrame, Path, str], None]
CLASS_PLOTS: dict[str, tuple[ClassPlot, str]] = {
    "confusion": (confusion_matrix, "confusion"),
    "reliability": (reliability_diagram, "reliability"),
    "classes": (class_scores, "scores"),
}


def contact_sheet(images: NDArray[np.uint8], rows: pd.DataFrame, path: Path, title: str) -> None:
    """The images of a ``classes.worst`` table.

    Args:
        images: the image of each row, shape (n, height, width, 1 or 3); only 25 are shown.
        rows: the table; classes and probabilities are written above each image, its id below.
        path: the file to write.
        title: the title of the plot.
    """
    shown = rows.head(WORST)
    lines = -(-len(shown) // SHEET_COLUMNS)
    shape = images.shape[1] / images.shape[2]
    size = (1.75 * SHEET_COLUMNS, (1.6 * min(shape, 2.0) + 0.65) * lines + 0.5)
    with canvas(path, size) as empty:
        empty.suptitle(title)
        for place, row in enumerate(shown.to_dict("records")):
            axes = empty.add_subplot(lines, SHEET_COLUMNS, place + 1)
            _picture(axes, images[place])
            right = row["actual"] == row["predicted"]
            axes.set_title(_caption(row), fontsize=7.5, color=BLUE if right else ORANGE)
            axes.set_xlabel(_short(str(row["id"]), NAME_LENGTH), fontsize=6.5, color=GREY)


def _picture(axes: Any, image: NDArray[np.uint8]) -> None:
    """Draw one image without rescaling its grey values."""
    if image.shape[-1] == 1:
        axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=255)
    else:
        axes.imshow(image)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _caption(row: dict[Any, Any]) -> str:
    """The true class and the predicted one, each with its probability."""
    true = f"{_short(row['actual'], 18)} ({_number(row['probability_of_actual'])})"
    predicted = f"{_short(row['predicted'], 18)} ({_number(row['probability_of_predicted'])})"
    return f"{true}\n→ {predicted}"


def _number(probability: float) -> str:
    return "<0.01" if probability < 0.01 else f"{probability:.2f}"


def _short(name: str, length: int) -> str:
    """A name on one line, shortened in the middle, with dollar signs escaped for matplotlib."""
    text = " ".join(str(name).split())
    if len(text) > length:
        head = (length - 1) // 2
        text = f"{text[:head]}…{text[head + 1 - length :]}"
    return text.replace("$", r"\$")
