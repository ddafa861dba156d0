"""Tables that scikit-learn ships or makes, with no network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Table:
    """Raw numbers (rows, columns), a target (rows,), and how many classes; 0 for regression."""

    x: Array
    y: Array
    classes: int = 0


def shipped_regression(load: Callable[..., Any]) -> Table:
    """One of scikit-learn's tables with a number as target."""
    return Table(*load(return_X_y=True))


def shipped_classes(load: Callable[..., Any]) -> Table:
    """One of scikit-learn's tables with classes as target."""
    x, y = load(return_X_y=True)
    return Table(x, y, len(np.unique(y)))


def friedman() -> Table:
    """Friedman's first function: five of ten columns count, with noise."""
    return Table(*datasets.make_friedman1(n_samples=2000, noise=1.0, random_state=0))


def bent() -> Table:
    """A linear score of 10 of 20 columns, bent by a wave, with noise: no column alone says much."""
    x, score = datasets.make_regression(
        n_samples=2000, n_features=20, n_informative=10, random_state=0
    )
    score = score / score.std()
    noise = np.random.default_rng(0).normal(scale=0.2, size=len(score))
    return Table(x, score + np.sin(3 * score) + noise)


def hard_classes() -> Table:
    """Two classes of three clusters each in 8 of 20 columns, 5 % of the labels drawn anew."""
    x, y = datasets.make_classification(
        n_samples=4000,
        n_features=20,
        n_informative=8,
        n_redundant=4,
        n_clusters_per_class=3,
        class_sep=0.8,
        flip_y=0.05,
        random_state=0,
    )
    return Table(x, y, 2)


def noisy_moons() -> Table:
    """Two moons beside ten columns of noise."""
    x, y = datasets.make_moons(n_samples=2000, noise=0.25, random_state=0)
    noise = np.random.default_rng(0).normal(size=(len(x), 10))
    return Table(np.hstack([x, noise]), y, 2)


TABLES: dict[str, Callable[[], Table]] = {
    "diabetes": lambda: shipped_regression(datasets.load_diabetes),
    "friedman1": friedman,
    "bent regression": bent,
    "breast cancer": lambda: shipped_classes(datasets.load_breast_cancer),
    "wine": lambda: shipped_classes(datasets.load_wine),
    "digits": lambda: shipped_classes(datasets.load_digits),
    "classification": hard_classes,
    "moons": noisy_moons,
}
