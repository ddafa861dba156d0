"""Logistic regression with a penalty chosen along a path, the strongest first.

Each fit starts from the last one. Two solvers have one interface: L-BFGS for L2 (scikit-learn's);
and for penalties with an L1 part proximal Newton steps on the columns that the strong rules keep
(Tibshirani et al. 2012), or, where these are many, an accelerated proximal gradient (FISTA: Beck
and Teboulle 2009; restarts: O'Donoghue and Candès 2015). ``choose`` runs one for each inner fold,
side by side.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from podium.data.inner import Parts
from podium.models.curvature import Curvature, with_ones
from podium.runtime.resources import cores

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
# The path is first tried in strides, then beside the best.
STRIDE = 2
# The search ends when so many penalties in a row are no better, by this share of the loss.
NO_BETTER, MARGIN = 3, 3e-4
# Probabilities are never taken for less, as in the metric.
SMALLEST = 1e-15
# One-hot columns: with fewer values than this share that differ from 0 a sparse matrix is faster.
SPARSE = 0.25
# The largest slope at which L-BFGS ends (scikit-learn's default is 1e-4).
L2_TOLERANCE = 3e-4
# The same for L1, as a share of alpha: of a gradient step, and after Newton steps.
L1_TOLERANCE, NEWTON_TOLERANCE = 0.05, 0.005
# The most coefficients of a Newton step; the share of the slope that a step must take away, else
# the curvature is computed again; and the halvings of a step that is too long.
MOST_COEFFICIENTS, FALLEN, HALVINGS = 300, 0.3, 30
# The most values of the columns that they are made with.
MOST_VALUES = 50_000_000


@dataclass(frozen=True)
class Logistic:
    """A fitted model: coefficients (outputs, features), intercepts (outputs,), and its classes.

    Two classes have one output, the log odds of the second; one class has a row of zeros.
    """

    coef_: Array
    intercept_: Array
    classes_: Codes

    def predict_proba(self, x: Array) -> Array:
        """The probability of each of ``classes_``, shape (rows, classes)."""
        if len(self.classes_) == 1:
            return np.ones((x.shape[0], 1))
        shares = _probabilities(self.coef_ @ x.T + self.intercept_[:, None])
        return (np.vstack([1.0 - shares, shares]) if len(shares) == 1 else shares).T


class Solver(Protocol):
    """Fits one table again and again, with other penalties."""

    def fit(self, alpha: float) -> Logistic:
        """The model with a penalty of this strength, found from the last one."""


# Makes the solver of a table, its classes, and the weights of its rows, their mean 1 (or none).
MakeSolver = Callable[[Array, Codes, Array | None], Solver]


@dataclass(frozen=True)
class Searched:
    """The mean log loss of each penalty that was tried, by its index in the path."""

    path: list[float]
    losses: dict[int, float]

    @property
    def best(self) -> int:
        """The index of the best penalty; the strongest of equals."""
        return min(sorted(self.losses), key=self.losses.__getitem__)

    @property
    def alpha(self) -> float:
        """The best penalty."""
        return self.path[self.best]

    def fit(self, solver: Solver) -> Logistic:
        """The model with the best penalty, found along the path as in the search."""
        with threadpool_limits(1):
            for index in range(0, self.best, STRIDE):
                solver.fit(self.path[index])
            return solver.fit(self.alpha)


def choose(
    x: Array,
    y: Codes,
    weight: Array | None,
    path: Sequence[float],
    folds: Parts,
    make: MakeSolver,
) -> Searched:
    """The log loss of inner folds along the path, up to where it no longer falls.

    Args:
        x: the training rows, shape (rows, features).
        y: their classes, shape (rows,).
        weight: their weights, shape (rows,); None if all count alike.
        path: penalties, the strongest first.
        folds: rows to train on and rows to score, of each inner fold.
        make: makes a solver.
    """

    def weight_of(rows: Codes) -> Array | None:
        return None if weight is None else weight[rows]

    solvers = [make(x[train], y[train], weight_of(train)) for train, _ in folds]
    found = Searched([float(alpha) for alpha in path], {})

    def loss(fold: int, alpha: float) -> float:
        valid = folds[fold][1]
        return _log_loss(solvers[fold].fit(alpha), x[valid], y[valid], weight_of(valid))

    # Matrices are too small for threads within a product: they would wait for one another. The
    # limit of OpenMP is each thread's own.
    workers = ThreadPoolExecutor(min(len(folds), cores()), "", threadpool_limits, (1,))
    with threadpool_limits(1), workers as pool:

        def score(index: int) -> None:
            alphas = [found.path[index]] * len(folds)
            found.losses[index] = float(np.mean(list(pool.map(loss, range(len(folds)), alphas))))

        best, since = np.inf, 0
        for index in range(0, len(path), STRIDE):
            score(index)
            is_better = found.losses[index] < best * (1 - MARGIN)
            best, since = min(best, found.losses[index]), 0 if is_better else since + 1
            if since == NO_BETTER:
                break
        middle = found.best
        for index in (middle - 1, middle + 1):
            if 0 <= index < len(path) and index not in found.losses:
                score(index)
    return found


def _log_loss(model: Logistic, x: Array, y: Codes, weight: Array | None) -> float:
    """The mean log loss; a class that the model does not know has the smallest probability."""
    probabilities = np.full((x.shape[0], 1 + max(y.max(), model.classes_.max())), SMALLEST)
    probabilities[:, model.classes_] = model.predict_proba(x)
    losses = -np.log(np.maximum(probabilities[np.arange(len(y)), y], SMALLEST))
    return float(np.average(losses, weights=weight))


def constant(code: int, features: int) -> Logistic:
    """The model of a table with a single class."""
    return Logistic(np.zeros((1, features)), np.zeros(1), np.array([code], dtype=np.int64))


class Ridge:
    """L2: the sum of log losses plus ``alpha / 2`` times the squared coefficients."""

    def __init__(self, x: Array, y: Codes, weight: Array | None = None) -> None:
        from sklearn.linear_model import LogisticRegression

        self.x, self.y, self.weight = _compact(x), y, weight
        self.model = LogisticRegression(warm_start=True, max_iter=1000, tol=L2_TOLERANCE)

    def fit(self, alpha: float) -> Logistic:
        """As ``Solver``."""
        if (self.y == self.y[0]).all():
            return constant(self.y[0], self.x.shape[1])
        self.model.set_params(C=1.0 / alpha).fit(self.x, self.y, self.weight)
        # A later fit may write into the arrays of this one.
        coefficients, intercept = self.model.coef_.copy(), self.model.intercept_.copy()
        return Logistic(coefficients, intercept, self.model.classes_)


class Lasso:
    """L1, or L1 and L2: the mean log loss plus alpha times the penalty, as in the elastic net.

    The penalty is ``l1_ratio * |w| + (1 - l1_ratio) / 2 * w ** 2``, without the intercept. Columns
    are centred and steps scaled by their variance, so that rare levels converge as fast as others.
    """

    def __init__(
        self,
        x: Array,
        y: Codes,
        weight: Array | None = None,
        *,
        l1_ratio: float,
        iterations: int,
    ) -> None:
        self.classes, codes = np.unique(y, return_inverse=True)
        shares = np.eye(len(self.classes))[:, codes]
        self.y = shares[1:] if len(self.classes) == 2 else shares
        self.weight = 1.0 if weight is None else weight
        self.x, self.mean, self.rows = _compact(x), x.mean(axis=0), len(x)
        self.turned = self.x.T if isinstance(self.x, np.ndarray) else self.x.T.tocsr()
        # Of a constant column only rounding is left, which must not become a large step.
        variance = x.var(axis=0)
        self.scale = np.maximum(variance, 1e-9 * max(variance.max(initial=0.0), 1e-300))
        self.l1_ratio, self.iterations = l1_ratio, iterations
        odds = np.log(np.average(shares, axis=1, weights=weight))
        bias = odds[1:] - odds[:1] if len(self.classes) == 2 else odds
        self.now = _Point(np.zeros((len(bias), x.shape[1])), bias, np.tile(bias[:, None], len(x)))
        self.curvature = 0.25
        self.last_alpha = np.inf
        self.kept: NDArray[np.bool_] = np.zeros(x.shape[1], dtype=bool)
        self.columns: NDArray[np.float32] | None = None
        self.second: Curvature | None = None

    @property
    def strongest(self) -> float:
        """The smallest alpha with which all coefficients are zero."""
        residual = (_probabilities(self.now.logits) - self.y) * self.weight
        return float(np.abs(self._slope(residual / self.rows)).max()) / self.l1_ratio

    def fit(self, alpha: float) -> Logistic:
        """As ``Solver``."""
        if len(self.classes) == 1:
            return constant(self.classes[0], self.x.shape[1])
        if not self._newton(alpha):
            self._descend(alpha)
        now = self.now
        return Logistic(now.weight, now.bias - now.weight @ self.mean, self.classes)

    def _newton(self, alpha: float) -> bool:
        """Newton steps on the columns that may matter; whether they came to an end.

        By the strong rule a column stays out whose slope was far below the last alpha; one that
        turns out to be wanted is added.
        """
        bound = (2 * alpha - min(self.last_alpha, 2 * alpha)) * self.l1_ratio
        wanted, least = self.now.weight.any(axis=0), np.inf
        for _ in range(self.iterations):
            slope, bias_slope = self._slopes(self.now)
            off = _violation(self.now.weight, slope, alpha, self.l1_ratio)
            if max(off.max(initial=0.0), np.abs(bias_slope).max()) <= NEWTON_TOLERANCE * alpha:
                self.last_alpha = alpha
                return True
            wanted = wanted | (np.abs(slope).max(axis=0) >= bound) | (off > 0).any(axis=0)
            bound = np.inf
            if not self._look_at(wanted, stale=off.sum() > FALLEN * least):
                return False
            least = float(off.sum())
            if not self._newton_step(slope, bias_slope, alpha):
                return False
        return False

    def _look_at(self, wanted: NDArray[np.bool_], stale: bool) -> bool:
        """Have the curvature of these columns at this point; False if they are too many."""
        more = wanted & ~self.kept
        if self.second is not None and not stale and not more.any():
            return True
        self.kept = self.kept | wanted
        count = int(self.kept.sum())
        if count * len(self.y) > MOST_COEFFICIENTS or count * self.rows > MOST_VALUES:
            return False
        if self.columns is None or self.columns.shape[1] != self.kept.sum() + 1:
            columns = np.flatnonzero(self.kept)
            self.columns = with_ones(self.x[:, columns], self.mean[columns])
        self.second = Curvature(self.columns, _probabilities(self.now.logits), self.weight)
        return True

    def _newton_step(self, slope: Array, bias_slope: Array, alpha: float) -> bool:
        """Go towards the minimum of the second-order model, as far as the loss falls."""
        assert self.second is not None
        now, kept, ratio = self.now, self.kept, self.l1_ratio
        inside, by_bias = self.second.step(
            now.weight[:, kept], slope[:, kept], bias_slope, alpha, ratio
        )
        by = np.zeros_like(now.weight)
        by[:, kept] = inside - now.weight[:, kept]
        by_logits = self._logits(by, by_bias)
        before, penalty = self._loss(now.logits), _penalty(now.weight, alpha, ratio)
        promised = float(np.sum(slope * by) + bias_slope @ by_bias)
        promised += _penalty(now.weight + by, alpha, ratio) - penalty
        share = 1.0
        for _ in range(HALVINGS):
            new = _Point(
                now.weight + share * by, now.bias + share * by_bias, now.logits + share * by_logits
            )
            found = self._loss(new.logits) + _penalty(new.weight, alpha, ratio)
            if found <= before + penalty + 0.1 * share * promised + 1e-13:
                self.now = new
                return True
            share /= 2
        return False

    def _slopes(self, point: "_Point") -> tuple[Array, Array]:
        """The slope of the loss for coefficients and intercepts."""
        residual = (_probabilities(point.logits) - self.y) * self.weight / self.rows
        return self._slope(residual), residual.sum(axis=1)

    def _descend(self, alpha: float) -> None:
        """Accelerated proximal gradient steps."""
        point, last, momentum = self.now, self.now, 1.0
        for _ in range(self.iterations):
            new = self._step(point, alpha)
            moved = self.scale * np.abs(new.weight - point.weight)
            far = self.curvature * max(moved.max(), np.abs(new.bias - point.bias).max())
            uphill = float(np.sum((point.weight - new.weight) * (new.weight - last.weight))) > 0
            following = 1.0 if uphill else (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            point = new if uphill else new.beyond(last, (momentum - 1) / following)
            last, momentum = new, following
            if far <= L1_TOLERANCE * alpha:
                break
            self.curvature *= 0.95
        self.now, self.last_alpha = last, alpha

    def _step(self, point: "_Point", alpha: float) -> "_Point":
        """A proximal step; the curvature is doubled until the loss is below its bound."""
        slope, bias_slope = self._slopes(point)
        loss = self._loss(point.logits)
        while True:
            steps = 1.0 / (self.curvature * self.scale)
            moved = point.weight - steps * slope
            shrunk = np.sign(moved) * np.maximum(np.abs(moved) - steps * alpha * self.l1_ratio, 0)
            weight = shrunk / (1 + steps * alpha * (1 - self.l1_ratio))
            bias = point.bias - bias_slope / self.curvature
            new = _Point(weight, bias, self._logits(weight, bias))
            by, bias_by = weight - point.weight, bias - point.bias
            bound = loss + float(np.sum(slope * by) + bias_slope @ bias_by)
            bound += self.curvature / 2 * float(np.sum(self.scale * by**2) + bias_by @ bias_by)
            if self._loss(new.logits) <= bound + 1e-12 or self.curvature > 1e6:
                return new
            self.curvature *= 2

    def _logits(self, weight: Array, bias: Array) -> Array:
        """Of all rows, shape (outputs, rows): the long axis last, where sums along it are fast."""
        return np.ascontiguousarray((self.x @ weight.T).T) + (bias - weight @ self.mean)[:, None]

    def _slope(self, residual: Array) -> Array:
        """The slope of the loss for the coefficients of centred columns."""
        slope = (self.turned @ residual.T).T
        return np.asarray(slope - np.outer(residual.sum(axis=1), self.mean))

    def _loss(self, logits: Array) -> float:
        if len(logits) == 1:
            return float(np.mean(self.weight * (np.logaddexp(0.0, logits) - self.y * logits)))
        peak = logits.max(axis=0)
        total = peak + np.log(np.exp(logits - peak).sum(axis=0))
        own = np.sum(self.weight * self.y * logits) / self.rows
        return float(np.mean(self.weight * total) - own)


@dataclass(frozen=True)
class _Point:
    """Weights (outputs, features), intercepts (outputs,), and their logits (outputs, rows)."""

    weight: Array
    bias: Array
    logits: Array

    def beyond(self, last: "_Point", share: float) -> "_Point":
        """The point that is ``share`` of the way from ``last`` beyond this one."""
        return _Point(
            self.weight + share * (self.weight - last.weight),
            self.bias + share * (self.bias - last.bias),
            self.logits + share * (self.logits - last.logits),
        )


def _violation(weight: Array, slope: Array, alpha: float, l1_ratio: float) -> Array:
    """How far each coefficient is from a minimum's conditions, shape (outputs, features)."""
    smooth = slope + alpha * (1 - l1_ratio) * weight
    bound = alpha * l1_ratio
    at_zero = np.maximum(np.abs(smooth) - bound, 0.0)
    return np.where(weight == 0, at_zero, np.abs(smooth + bound * np.sign(weight)))


def _penalty(weight: Array, alpha: float, l1_ratio: float) -> float:
    squares = float(np.sum(weight**2))
    return alpha * (l1_ratio * float(np.abs(weight).sum()) + (1 - l1_ratio) / 2 * squares)


def _probabilities(logits: Array) -> Array:
    """A sigmoid of one output, a softmax of several: shape (outputs, rows)."""
    if len(logits) == 1:
        return 0.5 * (1.0 + np.tanh(0.5 * logits))
    shares = np.exp(logits - logits.max(axis=0))
    return np.asarray(shares / shares.sum(axis=0))


def _compact(x: Array) -> Any:
    """The table, or a sparse copy where most values are 0."""
    from scipy.sparse import csr_array, issparse

    if issparse(x):
        return x
    return csr_array(x) if np.count_nonzero(x) < SPARSE * x.size else x


@contextmanager
def unconverged() -> Iterator[None]:
    """Hide convergence warnings: the weakest penalties of a path often don't converge."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
