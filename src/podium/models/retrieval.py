"""``retrieval``: a mean of similar training rows' targets, by a distance that a network learns.

The estimators have scikit-learn's interface, so that the model is fitted, averaged over seeds and
stored as one that is named by its import path.
"""

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from podium.config.imported import RetrievalParams
from podium.models.base import Array, Fit, SplitFit
from podium.models.imported import fit_imported

# No class is given less: rows that are near need not have all classes.
LEAST_PROBABILITY = 1e-4


def fit_retrieval(fit: Fit[RetrievalParams]) -> list[SplitFit]:
    """Fit it on each fold's training rows."""
    # Of its own, so that this file is among the code that a stage of it depends on.
    return fit_imported(fit)


class _Retrieval(BaseEstimator):  # type: ignore[misc]
    """What both have in common; the knobs are those of ``RetrievalParams``."""

    of_classes: ClassVar[bool]

    def __init__(
        self,
        hidden: int = 128,
        embedding_size: int = 64,
        dropout: float = 0.2,
        learning_rate: float = 0.002,
        weight_decay: float = 0.01,
        epochs: int = 150,
        patience: int = 16,
        holdout: float = 0.15,
        batch_size: int = 128,
        candidates: int = 2000,
        random_state: int = 0,
        n_jobs: int = 1,
    ) -> None:
        self.hidden = hidden
        self.embedding_size = embedding_size
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.patience = patience
        self.holdout = holdout
        self.batch_size = batch_size
        self.candidates = candidates
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _fit(self, x: Any, targets: Array) -> Self:
        from podium.nn.device import threads_of
        from podium.nn.retrieval import Recipe, fit_neighbors

        recipe = Recipe(**{name: getattr(self, name) for name in Recipe.__dataclass_fields__})
        with threads_of(self.n_jobs):
            found = fit_neighbors(
                np.asarray(x), targets, recipe, of_classes=self.of_classes, seed=self.random_state
            )
        self.state_, self.embedded_, self.targets_ = found.state, found.embedded, found.targets
        self.podium_history_ = [
            {"step": epoch, "train_loss": train, "valid_loss": held, "epoch": epoch + 1}
            for epoch, (train, held) in enumerate(found.history)
        ]
        return self

    def _predict(self, x: Any) -> Array:
        from podium.nn.device import threads_of
        from podium.nn.retrieval import Neighbors

        with threads_of(self.n_jobs):
            return Neighbors(self.state_, self.embedded_, self.targets_).predict(np.asarray(x))


class RetrievalRegressor(RegressorMixin, _Retrieval):  # type: ignore[misc]
    """Of numbers, by the squared error."""

    of_classes = False

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on standardized columns, shape (rows, columns), and a target of size 1."""
        return self._fit(X, np.asarray(y, dtype=float).reshape(-1, 1))

    def predict(self, X: Any) -> Array:  # noqa: N803
        """A number for each row."""
        return self._predict(X)[:, 0].astype(float)


class RetrievalClassifier(ClassifierMixin, _Retrieval):  # type: ignore[misc]
    """Of classes, by the log loss."""

    of_classes = True

    def fit(self, X: Any, y: Any) -> Self:  # noqa: N803
        """Train on standardized columns, shape (rows, columns), and a class for each row."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        return self._fit(X, np.eye(len(self.classes_))[codes])

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """Each class's probability, shape (rows, classes)."""
        found = np.maximum(self._predict(X).astype(float), LEAST_PROBABILITY)
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The most likely class of each row."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])
