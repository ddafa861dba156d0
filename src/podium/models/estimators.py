"""``MLPRegressor`` and ``MLPClassifier``: the networks of ``podium.nn`` as scikit-learn estimators.

Their hyperparameters are those of ``mlp`` in params.yaml (docs/knobs.md explains each), with the
same names and defaults, except that ``standardize_inputs`` is on, since estimators take raw tables.
Two more follow scikit-learn: ``random_state`` and ``categorical_features``.
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
from podium.config.auto import Shape
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
from podium.nn.auto import without_auto
from podium.nn.predict import Array, pooled

# Replaced by the class itself and by ``random_state``.
_NO_KNOBS = {"model", "seed", "search", "test"}
# scikit-learn needs immutable defaults, so lists become tuples.
KNOBS: dict[str, Any] = {
    name: tuple(field.default) if isinstance(field.default, list) else field.default
    for name, field in MLPParams.model_fields.items()
    if name not in _NO_KNOBS
} | {"standardize_inputs": True, "random_state": None, "categorical_features": None}
# Passes of ``predict_std`` if ``mc_dropout`` is 0.
DEFAULT_PASSES = 50


class _MLP(BaseEstimator):  # type: ignore[misc]
    """The common part of both estimators."""

    def __init__(self, **knobs: Any) -> None:
        for name in knobs:
            if name not in KNOBS:
                near = nearest(name, KNOBS)
                raise TypeError(f"{type(self).__name__} has no knob '{name}'; {near}")
        for name, default in KNOBS.items():
            setattr(self, name, knobs.get(name, default))

    # scikit-learn and editors read the parameters' names and defaults from the signature.
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
            X: an array or a DataFrame, shape (rows, columns): numbers without missing values,
                except in ``categorical_features``, where a missing value is a level of its own.
            y: numbers, shape (rows,) or (rows, outputs), or classes, shape (rows,).
            sample_weight: the weight of each row, shape (rows,); rows of weight 0 are left out.

        Returns:
            The estimator itself.

        Warns:
            ConvergenceWarning: some networks diverged; they are not used to predict.

        Raises:
            ValueError: a parameter or the data is invalid.
            PodiumError: every network diverged.
        """
        params = self._params()
        raw = self._read(X, listed(self.categorical_features), fitting=True)
        targets, classes = self._targets(y)
        params = without_auto(params, Shape(len(targets), self.n_features_in_, classes))
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
        """The uncertainty of predictions: their standard deviation over Monte-Carlo dropout.

        Each network predicts ``passes`` times with dropout on (Gal and Ghahramani 2016); the std
        is over all passes of all networks. The default is ``mc_dropout`` passes, or 50 if it is 0.

        Returns:
            A std for each number of ``predict``, or of ``predict_proba`` for classes.

        Raises:
            ValueError: the table is invalid, or ``passes`` is below 1.
            PodiumError: the networks have no dropout.
        """
        check_is_fitted(self)
        passes = (self._passes or DEFAULT_PASSES) if passes is None else passes
        if passes < 1:
            raise ValueError(f"passes: expected at least 1, found {passes}")
        return self._shaped(self._mean_and_std(X, passes)[1])

    def __sklearn_tags__(self) -> Any:
        """Properties for scikit-learn: the estimator requires targets."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags

    def _targets(self, y: Any) -> tuple[NDArray[Any], int]:
        """Targets for the networks, and the number of classes, 0 for regression."""
        raise NotImplementedError

    def _given(self, y: Any) -> Any:
        """Check that targets were passed; scikit-learn's meta-estimators may pass None.

        Raises:
            ValueError: ``y`` is None.
        """
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None")
        return y

    def _shaped(self, predicted: Array) -> Array:
        """Predictions (rows, outputs) in the shape of the ``y`` passed to ``fit``."""
        return predicted

    def _params(self) -> MLPParams:
        """The hyperparameters, with a seed drawn from ``random_state``.

        Raises:
            ValueError: one line about the first invalid parameter.
        """
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        names = KNOBS.keys() & MLPParams.model_fields.keys()
        values = {name: plain(getattr(self, name)) for name in names}
        try:
            return MLPParams.model_validate({**values, "model": "mlp", "seed": int(seed)})
        except ValidationError as error:
            raise ValueError(_one_line(error)) from None

    def _read(self, X: Any, categorical: Sequence[int | str], fitting: bool) -> Raw:  # noqa: N803
        """Check a table and split it into numbers and the levels of its categorical columns.

        Raises:
            ValueError: the table is invalid, or doesn't have the categorical columns.
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
        """A table with columns of several types; checks the columns' number and names."""
        raw = X
        if not isinstance(X, pd.DataFrame):
            kind = None if isinstance(X, np.ndarray) else object
            raw = check_array(X, dtype=kind, ensure_all_finite=False, estimator=self)
        validate_data(self, X, reset=fitting, skip_check_array=True)
        return pd.DataFrame(raw)

    def _look_back(self) -> None:
        """Set attributes about the training, and warn if networks diverged."""
        outcomes = self.members_.outcomes
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
            message = f"{what}: {divergence(lost[0])}"
            warnings.warn(message, ConvergenceWarning, stacklevel=3)

    def _mean(self, X: Any) -> Array:  # noqa: N803
        """The mean over members, and over passes if ``mc_dropout`` is on: (rows, outputs)."""
        check_is_fitted(self)
        return self._mean_and_std(X, self._passes)[0]

    def _mean_and_std(self, X: Any, passes: int) -> tuple[Array, Array]:  # noqa: N803
        """Mean and std over members that didn't diverge and, if above 0, ``passes``."""
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
    """The regularized multilayer perceptron for regression, with one or several outputs.

    Parameters are keyword arguments: the hyperparameters of ``mlp`` (docs/knobs.md) and

    - ``random_state``: an integer for reproducible results (on the same machine);
    - ``categorical_features``: columns whose values are categories, by index or, in a DataFrame,
      by name. They are one-hot encoded; a level that ``fit`` didn't see becomes all zeros.

    Fitted attributes: ``members_`` (the networks), ``history_`` (one row per member and epoch),
    ``n_iter_`` (the largest number of epochs of a member), ``n_features_in_`` and, from a
    DataFrame, ``feature_names_in_``.

    Raises:
        TypeError: unknown parameter; the message has the nearest name.
    """

    def predict(self, X: Any) -> Array:  # noqa: N803
        """The mean over the networks, shape (rows,), or (rows, outputs) if ``y`` had two axes.

        Raises:
            ValueError: the table is invalid.
        """
        return self._shaped(self._mean(X))

    def __sklearn_tags__(self) -> Any:
        """Properties for scikit-learn: several outputs are supported."""
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
    """The regularized multilayer perceptron for classification.

    Parameters and fitted attributes are those of ``MLPRegressor``, plus ``classes_``: the classes
    in the order of ``predict_proba``'s columns.

    Raises:
        TypeError: unknown parameter; the message has the nearest name.
    """

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The most probable class of each row, shape (rows,).

        Raises:
            ValueError: the table is invalid.
        """
        places = self.predict_proba(X).argmax(axis=1)
        return self.classes_[places]

    def predict_proba(self, X: Any) -> Array:  # noqa: N803
        """The mean over the networks of each class's probability, shape (rows, classes).

        Raises:
            ValueError: the table is invalid.
        """
        return self._mean(X)

    def _targets(self, y: Any) -> tuple[NDArray[Any], int]:
        labels = column_or_1d(self._given(y), warn=True)
        assert_all_finite(labels, input_name="y")
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        return codes, len(self.classes_)


def _one_line(error: ValidationError) -> str:
    """The first parameter that pydantic rejects: its name, what was expected, what was found."""
    problems = error.errors()
    own = [details for details in problems if details["loc"][:1] == problems[0]["loc"][:1]]
    # A parameter of type "number or list" has an error for both; the deepest is the relevant one.
    details = max(own, key=lambda details: len(details["loc"]))
    if not details["loc"]:
        return details["msg"].removeprefix("Value error, ")
    places = [f"[{part}]" for part in details["loc"] if isinstance(part, int)]
    return f"{details['loc'][0]}{''.join(places)}: {explain(details, MLPParams)}"
