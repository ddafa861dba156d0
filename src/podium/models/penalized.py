"""Linear models with a penalty whose strength is searched inside each fold.

The search uses only the fold's training rows; its validation rows are predicted once.
For classification the same penalties are used with logistic regression.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from podium.config import ElasticNetParams, LassoParams, ModelParams, RidgeParams
from podium.data.dataset import Split
from podium.models.base import Fit, SplitFit

Array = NDArray[np.float64]
History = list[dict[str, float]]
# Fits a linear model on (x, y); returns it with the history and the result of the search.
Search = Callable[[Array, Array], tuple[Any, History, dict[str, float]]]


def fit_ridge(fit: Fit[RidgeParams]) -> list[SplitFit]:
    """Ridge, with alpha chosen by leave-one-out error; L2 logistic regression for classes."""
    params = fit.params
    if fit.target.is_regression:
        return _fit_each(fit, lambda x, y: _search_ridge(x, y, params), "alpha by leave-one-out")
    strengths = sorted(1.0 / alpha for alpha in params.alphas)
    return _fit_classifier(fit, strengths, [0.0], params.inner_folds, 1000)


def fit_lasso(fit: Fit[LassoParams]) -> list[SplitFit]:
    """Lasso, with alpha chosen by inner folds; L1 logistic regression for classes."""
    return _fit_l1(fit, [1.0])


def fit_elastic_net(fit: Fit[ElasticNetParams]) -> list[SplitFit]:
    """Elastic net, with alpha and L1 share chosen by inner folds."""
    return _fit_l1(fit, fit.params.l1_ratios)


def _fit_l1(fit: Fit[LassoParams], l1_ratios: Sequence[float]) -> list[SplitFit]:
    params = fit.params
    if fit.target.is_regression:
        what = f"alpha by {params.inner_folds} inner folds"
        return _fit_each(fit, lambda x, y: _search_l1(x, y, params, l1_ratios), what)
    strengths = list(np.logspace(-3, 2, 12))
    return _fit_classifier(fit, strengths, l1_ratios, params.inner_folds, params.max_iterations)


def _fit_classifier(
    fit: Fit[ModelParams],
    strengths: list[float],
    l1_ratios: Sequence[float],
    inner_folds: int,
    iterations: int,
) -> list[SplitFit]:
    def search(x: Array, y: Array) -> tuple[Any, History, dict[str, float]]:
        return _search_logistic(x, y, strengths, l1_ratios, inner_folds, iterations)

    return _fit_each(fit, search, f"C by {inner_folds} inner folds")


def _fit_each(fit: Fit[ModelParams], search: Search, what: str) -> list[SplitFit]:
    def fit_one(split: Split) -> SplitFit:
        x, test = fit.dataset.dense(split)
        model, history, details = search(x[split.train_rows], fit.y[split.train_rows])
        predict = model.predict if fit.target.is_regression else model.predict_proba
        return SplitFit(
            valid=_two_dimensional(predict(x[split.valid_rows])),
            test=_two_dimensional(predict(test)),
            history=history,
            details={**details, "features": float(x.shape[1])},
            weights={"safetensors": _coefficients(model)},
        )

    return fit.each_split(fit_one, what)


def _two_dimensional(prediction: Array) -> Array:
    return prediction[:, None] if prediction.ndim == 1 else prediction


def _coefficients(model: Any) -> bytes:
    """Coefficients, shape (outputs, features), and intercepts, as safetensors."""
    coefficients = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
    intercept = np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64))
    return bytes(save({"coefficients": np.ascontiguousarray(coefficients), "intercept": intercept}))


def _search_ridge(x: Array, y: Array, params: RidgeParams) -> tuple[Any, History, dict[str, float]]:
    from sklearn.linear_model import RidgeCV

    alphas = sorted(params.alphas, reverse=True)
    model = RidgeCV(alphas=alphas, store_cv_results=True).fit(x, y)
    history = _path(alphas, model.cv_results_.mean(axis=0))
    return model, history, {"alpha": float(model.alpha_)}


def _search_l1(
    x: Array, y: Array, params: LassoParams, l1_ratios: Sequence[float]
) -> tuple[Any, History, dict[str, float]]:
    from sklearn.linear_model import ElasticNetCV

    model = ElasticNetCV(
        l1_ratio=list(l1_ratios),
        eps=params.alpha_ratio,
        alphas=params.alpha_count,
        cv=_inner_folds(params.inner_folds, params.seed),
        max_iter=params.max_iterations,
        tol=1e-3,
        precompute=True,
    )
    with _unconverged_paths():
        model.fit(x, y)
    chosen = list(l1_ratios).index(model.l1_ratio_)
    errors = model.mse_path_.reshape(len(l1_ratios), params.alpha_count, -1)[chosen].mean(axis=-1)
    alphas = np.atleast_2d(model.alphas_)[chosen if len(l1_ratios) > 1 else 0]
    details = {
        "alpha": float(model.alpha_),
        "l1_ratio": float(model.l1_ratio_),
        "non_zero": float(np.count_nonzero(model.coef_)),
    }
    return model, _path(list(alphas), errors), details


def _search_logistic(
    x: Array,
    y: Array,
    strengths: list[float],
    l1_ratios: Sequence[float],
    inner_folds: int,
    iterations: int,
) -> tuple[Any, History, dict[str, float]]:
    from sklearn.linear_model import LogisticRegressionCV

    model = LogisticRegressionCV(
        Cs=strengths,
        l1_ratios=list(l1_ratios),
        solver="lbfgs" if l1_ratios == [0.0] else "saga",
        cv=inner_folds,
        scoring="neg_log_loss",
        max_iter=iterations,
        tol=1e-3,
        random_state=0,
        use_legacy_attributes=False,
    )
    with _unconverged_paths():
        model.fit(x, y)
    losses = -np.asarray(model.scores_).reshape(inner_folds, len(l1_ratios), len(strengths))
    chosen = list(l1_ratios).index(float(model.l1_ratio_))
    alphas = [1.0 / strength for strength in strengths]
    history = _path(alphas, losses.mean(axis=0)[chosen])
    return model, history, {"alpha": 1.0 / float(model.C_), "l1_ratio": float(model.l1_ratio_)}


def _inner_folds(count: int, seed: int) -> Any:
    """Shuffled folds, since the order of rows in many files is meaningful."""
    from sklearn.model_selection import KFold

    return KFold(count, shuffle=True, random_state=seed)


def _path(alphas: Sequence[float], losses: Array) -> History:
    """The search as history: one step per alpha, the strongest first."""
    return [
        {"step": step, "train_loss": np.nan, "valid_loss": float(loss), "alpha": float(alpha)}
        for step, (alpha, loss) in enumerate(zip(alphas, losses, strict=True))
    ]


@contextmanager
def _unconverged_paths() -> Iterator[None]:
    """Hide convergence warnings: the weakest penalties of a path often don't converge."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
