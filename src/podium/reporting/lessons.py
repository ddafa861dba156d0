"""Pictures of the notebooks: curves with bands, gains, histograms, boundaries, galleries.

Each draws into given axes, so that a cell says what it shows and nothing of how. Colours are those
of Okabe and Ito, which people with any colour vision tell apart ("Color Universal Design", 2008),
the yellow left out, which is too light on white.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#7F7F7F")
DASHES = ("-", "--", "-.", ":")
BAND = 0.18
# How fine a decision boundary is drawn: points along each side.
GRID = 120


def style() -> None:
    """Sizes, colours and frames for all pictures of a notebook."""
    import matplotlib.pyplot as plt
    from cycler import cycler

    plt.rcParams.update({
        "figure.dpi": 100,
        "figure.constrained_layout.use": True,
        "axes.prop_cycle": cycler(color=COLORS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "legend.frameon": False,
        "image.cmap": "cividis",
    })  # fmt: skip


def curves_with_bands(
    axes: Any,
    table: pd.DataFrame,
    y: str,
    x: str = "epoch",
    by: str = "configuration",
    names: Sequence[str] | None = None,
    **line: Any,
) -> None:
    """The mean over seeds, and a band of one standard deviation around it, for each of ``by``.

    A member that stopped early keeps its last value, so that means don't jump.

    Args:
        axes: where to draw.
        table: a row per seed and ``x``, as ``lab.train(...).curves`` has them.
        y: what is drawn.
        x: against what.
        by: the column that tells curves apart; its values are the legend.
        names: which of them, in this order; all if None.
        line: how lines are drawn, e.g. ``linestyle="--"``.
    """
    for place, name in enumerate(table[by].unique() if names is None else names):
        seeds = table[table[by] == name].pivot_table(y, x, "seed").ffill()
        mean, std = seeds.mean(axis=1), seeds.std(axis=1).fillna(0.0)
        look = {
            "color": COLORS[place % len(COLORS)],
            "linestyle": DASHES[place // len(COLORS) % len(DASHES)],
            "label": name,
        } | line
        axes.plot(mean.index, mean, **look)
        axes.fill_between(
            mean.index, mean - std, mean + std, color=look["color"], alpha=BAND, linewidth=0
        )
    axes.set_xlabel(x)
    axes.set_ylabel(y.replace("_", " "))


def gain_bars(axes: Any, table: pd.DataFrame, title: str = "") -> None:
    """Gains over the baseline with two standard errors; grey where they don't exclude zero.

    ``table``: what ``lab.gains`` returns.
    """
    shown = table[table["error"] > 0][::-1]
    sure = shown["gain"].abs() > 2 * shown["error"]
    colors = np.where(sure, np.where(shown["gain"] > 0, COLORS[0], COLORS[1]), COLORS[7])
    axes.barh(shown.index, shown["gain"], color=colors, height=0.65)
    axes.errorbar(
        shown["gain"], range(len(shown)), xerr=2 * shown["error"], fmt="none", ecolor="black",
        capsize=3, linewidth=1,
    )  # fmt: skip
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("gain over the baseline, ± 2 standard errors")
    axes.set_title(title)


def histograms(
    axes: Any,
    values: Mapping[Any, NDArray[Any]],
    bins: int = 60,
    bounds: tuple[float, float] | None = None,
) -> None:
    """Distributions over each other as outlines, on a logarithmic axis of densities.

    ``bounds``: of the axis; what lies outside is counted at its ends.
    """
    flat = {name: np.asarray(own, dtype=np.float64).ravel() for name, own in values.items()}
    low = min(own.min() for own in flat.values()) if bounds is None else bounds[0]
    high = max(own.max() for own in flat.values()) if bounds is None else bounds[1]
    edges = np.linspace(low, high if high > low else low + 1, bins + 1)
    for place, (name, own) in enumerate(flat.items()):
        axes.hist(
            own.clip(low, high), edges, density=True, histtype="step", linewidth=1.6, label=name,
            color=COLORS[place % len(COLORS)],
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylabel("density")


def quantile_bands(axes: Any, values: Mapping[int, NDArray[Any]], color: str = COLORS[0]) -> None:
    """A distribution over time: the median, and bands of the middle 50 % and 90 %.

    ``values``: numbers by epoch.
    """
    epochs = list(values)
    levels = [5, 25, 50, 75, 95]
    table = np.array([np.percentile(own, levels) for own in values.values()])
    axes.fill_between(epochs, table[:, 0], table[:, 4], color=color, alpha=BAND, linewidth=0)
    axes.fill_between(epochs, table[:, 1], table[:, 3], color=color, alpha=2 * BAND, linewidth=0)
    axes.plot(epochs, table[:, 2], color=color)
    axes.set_xlabel("epoch")


def boundary(
    axes: Any,
    predict: Callable[[NDArray[Any]], NDArray[Any]],
    points: NDArray[Any],
    codes: NDArray[Any],
    margin: float = 0.6,
) -> None:
    """The probability of class 1 over the plane, its 50 % line, and some points of both classes.

    ``predict``: from points (n, 2) to probabilities (n,).
    """
    low, high = points.min(0) - margin, points.max(0) + margin
    sides = [np.linspace(low[axis], high[axis], GRID) for axis in (0, 1)]
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    shares = predict(grid).reshape(GRID, GRID)
    axes.contourf(*sides, shares, levels=np.linspace(0, 1, 11), cmap="PuOr_r", alpha=0.7)
    axes.contour(*sides, shares, levels=[0.5], colors="black", linewidths=1.5)
    # White and black are seen on both colours.
    for code, marker, inside, edge in ((0, "o", "white", "black"), (1, "^", "black", "white")):
        own = points[codes == code]
        axes.scatter(*own.T, s=26, marker=marker, color=inside, edgecolors=edge, linewidths=0.8)
    axes.set_xticks([])
    axes.set_yticks([])


def gallery(
    rows: Mapping[str, NDArray[Any]],
    captions: Mapping[str, Sequence[str]] | None = None,
    size: float = 1.0,
) -> Any:
    """A grid of pictures, a row for each name; returns the figure.

    ``rows``: images (n, height, width) or (n, height, width, 3); ``captions``: a text under each.
    """
    import matplotlib.pyplot as plt

    columns = max(len(own) for own in rows.values())
    height = size * (1.25 if captions else 1.0)
    figure, grid = plt.subplots(
        len(rows), columns, figsize=(size * columns + 1.2, height * len(rows)), squeeze=False
    )
    for line, (name, images) in zip(grid, rows.items(), strict=True):
        for place, axes in enumerate(line):
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
            if place < len(images):
                axes.imshow(images[place], cmap="gray_r", vmin=0, vmax=1)
            if captions and place < len(captions.get(name, ())):
                axes.set_xlabel(captions[name][place], fontsize=8)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure
