"""Small data sets for the lab, which need no network: few training rows, some labels wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.io.errors import PodiumError

Rows = NDArray[np.int64]
# The most seeds of an experiment that have training rows of their own; further ones use them again.
DRAWS = 10
# The largest pixel value in scikit-learn's digits.
BRIGHTEST = 16


@dataclass(frozen=True)
class Samples:
    """The data of an experiment.

    ``X`` has shape (rows, columns), or (rows, height, width, channels) and uint8 for images; ``y``
    are numbers, or class codes if there are ``classes``. Each seed is trained on its own ``train``
    rows, so that the spread over seeds is that of data and chance together. All are scored on the
    ``valid`` rows; if these are several, each seed on its own. ``columns`` are the names of a
    table's columns.
    """

    X: NDArray[Any]
    y: NDArray[Any]
    train: Sequence[Rows]
    valid: Rows | Sequence[Rows]
    classes: int = 0
    columns: Sequence[str] = ()

    @property
    def is_images(self) -> bool:
        """Whether the rows are images."""
        return self.X.ndim == 4

    def draw_of(self, seed: int) -> int:
        """Which of ``train`` a seed has."""
        return seed % len(self.train)

    def valid_of(self, seed: int) -> Rows:
        """The rows that a seed is scored on."""
        if isinstance(self.valid, np.ndarray):
            return self.valid
        return self.valid[self.draw_of(seed)]

    def folded(self, count: int = 5, seed: int = 0) -> "Samples":
        """The training rows of the first seed as folds: a seed trains on all but its own fold, and
        is scored on that.

        Wrong labels stay wrong in validation, as in a competition.
        """
        rows = np.random.default_rng(seed).permutation(self.train[0])
        valid = [np.sort(part) for part in np.array_split(rows, count)]
        train = [np.setdiff1d(rows, part) for part in valid]
        return replace(self, train=train, valid=valid)


def draw(
    X: NDArray[Any],  # noqa: N803
    y: NDArray[Any],
    rows: int,
    *,
    valid: int,
    classes: int = 0,
    wrong: float = 0.0,
    seed: int = 0,
    columns: Sequence[str] = (),
) -> Samples:
    """Random validation rows, and for each seed random training rows among the others.

    Args:
        X: the rows, or images.
        y: numbers or class codes.
        rows: training rows of each seed.
        valid: validation rows, whose labels are always right.
        classes: the number of classes; 0 for numbers.
        wrong: the share of other rows that get the label of another class.
        seed: the seed of all that.
        columns: the names of the columns.

    Raises:
        PodiumError: there are fewer rows than that.
    """
    if rows + valid > len(X):
        raise PodiumError(f"lab: {rows} training and {valid} validation rows of {len(X)}")
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(X))
    pool, held = order[valid:], np.sort(order[:valid])
    train = [np.sort(generator.choice(pool, rows, replace=False)) for _ in range(DRAWS)]
    if wrong:
        y = y.copy()
        mistaken = pool[generator.random(len(pool)) < wrong]
        y[mistaken] = (y[mistaken] + generator.integers(1, classes, len(mistaken))) % classes
    return Samples(X, y, train, held, classes, columns)


def digits(rows: int = 300, *, valid: int = 800, wrong: float = 0.0, seed: int = 0) -> Samples:
    """Handwritten digits, 8 x 8 pixels (Alpaydin and Kaynak 1998), as images.

    ``rows``, ``valid``, ``wrong`` and ``seed`` as in ``draw``.
    """
    from sklearn.datasets import load_digits

    given = load_digits()
    pixels = np.rint(given.images * (255 / BRIGHTEST)).astype(np.uint8)[..., None]
    codes = given.target.astype(np.int64)
    return draw(pixels, codes, rows, valid=valid, classes=10, wrong=wrong, seed=seed)


def moons(
    rows: int = 60, *, valid: int = 1000, noise: float = 0.3, wrong: float = 0.0, seed: int = 0
) -> Samples:
    """Two half moons in the plane, a class each; ``noise`` is the std around their lines."""
    from sklearn.datasets import make_moons

    points, codes = make_moons(valid + 20 * rows, noise=noise, random_state=seed)
    return draw(
        points, codes.astype(np.int64), rows, valid=valid, classes=2, wrong=wrong, seed=seed
    )
