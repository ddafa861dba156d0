"""``MLPRegressor`` and ``MLPClassifier``: the networks of ``podium.nn`` as scikit-learn estimators.

Their knobs are those of ``mlp`` in params.yaml (docs/mlp.md says what each is for), with the same
names and defaults but for ``standardize_inputs``, which is on: estimators take raw tables. Two more
knobs are scikit-learn's: ``random_state`` and ``categorical_features``.
"""

import inspect
import warnings
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_random_state,
    column_or_1d,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from podium.config import MLPParams
from podium.config.messages import explain
from podium.io.text import nearest
from podium.models.estimator_inputs import (
    Inputs,
    Raw,
    levels,
    listed,
    place,
    plain,
    refuse_text,
    training_rows,
    weights,
)
from podium.nn import FittedMembers, divergence, fit_members
from podium.nn.predict import Array, pooled

# The class stands for the one, ``random_state`` for the other.
_NO_KNOBS = {"model", "seed"}
# scikit-learn wants defaults that can't be changed in place: a list becomes a tuple.
KNOBS: dict[str, Any] = {
    name: tuple(field.default) if isinstance(field.default, list) else field.default
    for name, field in MLPParams.model_fields.items()
    if name not in _NO_KNOBS
} | {"standardize_inputs": True, "random_state": None, "categorical_features": None}
# Passes of Monte-Carlo dropout where the knob is off.
DRAWS = 50


class _MLP(BaseEstimator):  # type: ignore[misc]
    """What both estimators do alike."""

    def __init__(self, **knobs: Any) -> None:
        for name in knobs:
            if name not in KNOBS:
                near = nearest(name, KNOBS)
                raise TypeError(f"{type(self).__name__} has no knob '{name}'; {near}")
        for name, default in KNOBS.items():
            setattr(self, name, knobs.get(name, default))

    # Where scikit-learn reads the knobs' names and defaults, and editors what to show.
    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
        + [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in KNOBS.items()
        ]
    )

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train ``seeds`` networks on all rows; with ``early_stopping`` each holds out its own.

        Args:
            X: an array or a DataFrame, shape (rows, columns): numbers, none of them missing, but
                in ``categorical_features``, where a missing value is a level like any other.
            y: numbers, shape (rows,) or (rows, outputs), or classes, shape (rows,).
            sample_weight: how much each row counts, shape (rows,); those of weight 0 are left out.

        Returns:
            The estimator itself.

        Warns:
            ConvergenceWarning: some networks diverged; the others predict.

        Raises:
            ValueError: a knob's value or the data can't be used.
            PodiumError: every network diverged.
        """
        params = self._params()
        raw = self._read(X, listed(self.categorical_features), fitting=True)
        targets, classes = self._targets(y)
        check_consistent_length(raw.numbers, targets)
        weight = weights(sample_weight, raw.numbers)
        rows = training_rows(len(targets), weight, params)
        self.inputs_ = Inputs.learnt(raw, rows, weight, params.standardize_inputs)
        self._passes = params.mc_dropout
        self.members_ = fit_members(
            self.inputs_.table(raw),
            targets,
            [rows] * params.seeds,
            params,
            classes=classes,
            sample_weight=weight,
            columns=self.inputs_.columns,
        )
        self._look_back()
        return self

    def predict_std(self, X: Any, passes: int | None = None) -> Array:  # noqa: N803
        """How unsure predictions are: their standard deviation over Monte-Carlo dropout.

        Each network predicts ``passes`` times with dropout on (Gal and Ghahramani 2016); the std
        is that of all passes of all networks together. By default there are ``mc_dropout`` passes,
        or 50.

        Returns:
            A std for each number that ``predict`` gives, or ``predict_proba`` for classes.

        Raises:
            ValueError: the table can't be used, or ``passes`` is below 1.
            PodiumError: the networks have no dropout.
        """
        check_is_fitted(self)
        passes = (self._passes or DRAWS) if passes is None else passes
        if passes < 1:
            raise ValueError(f"passes: expected greater than or equal to 1, found {passes}")
        return self._shaped(self._mean_and_std(X, passes)[1])

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told of an estimator: here, that it needs targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _targets(self, y: Any) -> tuple[NDArray[Any], int]:
        """Targets as the networks take them, and how many classes there are, 0 for numbers."""
        raise NotImplementedError

    def _given(self, y: Any) -> Any:
        """Targets that are there; scikit-learn's meta-estimators may pass none.

        Raises:
            ValueError: they aren't.
        """
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None")
        return y

    def _shaped(self, predicted: Array) -> Array:
        """Numbers a row, shape (rows, outputs), in the shape that the caller is used to."""
        return predicted

    def _params(self) -> MLPParams:
        """The knobs, with a seed drawn from ``random_state``.

        Raises:
            ValueError: one line about the first knob whose value can't be used.
        """
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        names = KNOBS.keys() & MLPParams.model_fields.keys()
        values = {name: plain(getattr(self, name)) for name in names}
        try:
            return MLPParams.model_validate({**values, "model": "mlp", "seed": int(seed)})
        except ValidationError as error:
            raise ValueError(_one_line(error)) from None

    def _read(self, X: Any, categorical: Sequence[int | str], fitting: bool) -> Raw:  # noqa: N803
        """A table, checked, as numbers and the levels of its categorical columns.

        Raises:
            ValueError: the table can't be used, or has no such columns.
        """
        if not categorical:
            refuse_text(X)
            numbers = validate_data(self, X, reset=fitting, dtype=np.float64)
            return Raw(numbers, np.empty((len(numbers), 0)), [])
        frame = self._frame(X, fitting)
        names = list(getattr(self, "feature_names_in_", ()))
        categories = sorted({place(it, names, self.n_features_in_) for it in categorical})
        others = frame.iloc[:, [at for at in range(frame.shape[1]) if at not in categories]]
        refuse_text(others if isinstance(X, pd.DataFrame) else None)
        numbers = np.empty((len(frame), 0))
        if others.shape[1]:
            numbers = check_array(others, dtype=np.float64, estimator=self, input_name="X")
        return Raw(numbers, levels(frame.iloc[:, categories]), categories)

    def _frame(self, X: Any, fitting: bool) -> pd.DataFrame:  # noqa: N803
        """A table of columns of several kinds, as wide, and named, as it should be."""
        raw = X
        if not isinstance(X, pd.DataFrame):
            kind = None if isinstance(X, np.ndarray) else object
            raw = check_array(X, dtype=kind, ensure_all_finite=False, estimator=self)
        validate_data(self, X, reset=fitting, skip_check_array=True)
        return pd.DataFrame(raw)

    def _look_back(self) -> None:
        """Attributes about the training, and a warning if networks were lost."""
        outcomes, params = self.members_.outcomes, self.members_.params
        self.history_ = pd.DataFrame(
            [
                {"member": outcome.member.index, **vars(log)}
                for outcome in outcomes
                for log in outcome.history
            ]
        )
        self.n_iter_ = max(len(outcome.history) for outcome in outcomes)
        lost = self.members_.diverged
        if lost:
            what = f"{len(lost)} of {len(outcomes)} networks diverged and are left out"
            message = f"{what}: {divergence(lost[0], params)}"
            warnings.warn(message, ConvergenceWarning, stacklevel=3)

    def _mean(self, X: Any) -> Array:  # noqa: N803
        """The mean over members, and over passes where ``mc_dropout`` is on: (rows, outputs)."""
        check_is_fitted(self)
        return self._mean_and_std(X, self._passes)[0]

    def _mean_and_std(self, X: Any, passes: int) -> tuple[Array, Array]:  # noqa: N803
        """Over members that didn't diverge, and over ``passes`` with dropout on, if any."""
        fitted: FittedMembers = self.members_
        table = self.inputs_.table(self._read(X, self.inputs_.categories, fitting=False))
        if passes:
            mean, std = fitted.predict_std(table, passes)
        else:
            mean = fitted.predict(table)
            std = np.zeros_like(mean)
        usable = [not outcome.diverged for outcome in fitted.outcomes]
        return pooled(mean[usable], std[usable])


class MLPRegressor(RegressorMixin, _MLP):  # type: ignore[misc]
    """The regularized multilayer perceptron for numbers, one or several a row.

    The knobs are keyword arguments, those of ``mlp`` (docs/mlp.md) and

    - ``random_state``: an integer for the same result every time (on the same machine);
    - ``categorical_features``: columns whose values are categories, by place or, in a DataFrame,
      by name. They are one-hot encoded; a level that ``fit`` didn't see counts as none.

    Fitted attributes: ``members_`` (the networks), ``history_`` (a row for each member and epoch),
    ``n_iter_`` (the most epochs that a member trained), ``n_features_in_`` and, from a DataFrame,
    ``feature_names_in_``.

    Raises:
        TypeError: there is no such knob; the message has the nearest.
    """

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The mean over the networks, shape (rows,), or (rows, outputs) if ``y`` was such a table.

        Raises:
            ValueError: the table can't be used.
        """
        return self._shaped(self._mean(X))

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn is told: there may be several targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _targets(self, y: Any) -> tuple[NDArray[Any], int]:
        targets = check_array(
            self._given(y), dtype=np.float64, ensure_2d=False, estimator=self, input_name="y"
        )
        self._flat = targets.ndim == 1
        return targets, 0

    def _shaped(self, predicted: Array) -> Array:
        return predicted[:, 0] if self._flat else predicted


class MLPClassifier(ClassifierMixin, _MLP):  # type: ignore[misc]
    """The regularized multilayer perceptron for classes.

    Knobs and fitted attributes are those of ``MLPRegressor``, and ``classes_`` beside them: the
    classes in the order of ``predict_proba``'s columns.

    Raises:
        TypeError: there is no such knob; the message has the nearest.
    """

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The most probable class of each row, shape (rows,).

        Raises:
            ValueError: the table can't be used.
        """
        places = self.predict_proba(X).argmax(axis=1)
        return self.classes_[places]

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """The mean over the networks of each class's probability, shape (rows, classes).

        Raises:
            ValueError: the table can't be used.
        """
        return self._mean(X)

    def _targets(self, y: Any) -> tuple[NDArray[Any], int]:
        labels = column_or_1d(self._given(y), warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        return codes, len(self.classes_)


def _one_line(error: ValidationError) -> str:
    """The first knob that pydantic found wrong: its name, what was expected, what was found."""
    problems = error.errors()
    own = [details for details in problems if details["loc"][:1] == problems[0]["loc"][:1]]
    # A knob that takes a number or a list has problems as either; the deepest is what was meant.
    details = max(own, key=lambda details: len(details["loc"]))
    if not details["loc"]:
        return details["msg"].removeprefix("Value error, ")
    places = [f"[{part}]" for part in details["loc"] if isinstance(part, int)]
    return f"{details['loc'][0]}{''.join(places)}: {explain(details, MLPParams)}"
