"""Linear models with a penalty whose strength is searched inside each fold.

The search uses only the fold's training rows; its validation rows are predicted once.
For classification the same penalties are used with logistic regression.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save

from podium.config import ElasticNetParams, LassoParams, ModelParams, RidgeParams
from podium.data.dataset import Rows, Split
from podium.data.inner import Inner, Parts
from podium.data.tabular.blocks import Blocks
from podium.data.tabular.dataset import TableDataset, TableSplit
from podium.models.base import Fit, Predict, SplitFit, timed
from podium.models.logistic import Lasso, Logistic, Ridge, Searched, choose, constant, unconverged
from podium.models.many_rows import LargePart, search_classes, search_ridge

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
History = list[dict[str, float]]
# A linear model, the search as history, and what it found.
Fitted = tuple[Any, History, dict[str, float]]


@dataclass(frozen=True)
class Part:
    """A fold's training rows: inputs, targets, weights (None: all alike), and how they are split.

    Shapes (rows, features), (rows,), (rows,).
    """

    x: Array
    y: Array
    weight: Array | None
    inner: Inner


# Fits a linear model on rows, tuned by inner splits.
Search = Callable[[Part], Fitted]


def fit_ridge(fit: Fit[RidgeParams]) -> list[SplitFit]:
    """Ridge, with alpha chosen by leave-one-out error; L2 logistic regression for classes.

    Leaving out one row says little where rows of a group, or neighbours in time, are alike: with
    such folds alpha is chosen by inner folds, as it is for classes.
    """
    params = fit.params
    search = _search_ridge if fit.target.is_regression else _search_l2

    def fit_one(split: Split) -> SplitFit:
        large = LargePart.of(fit, split)
        if large is None:
            return _fit_split(fit, split, lambda part: search(part, params))
        return _fit_large(fit, split, large)

    return fit.each_split(fit_one, "alpha")


def fit_lasso(fit: Fit[LassoParams]) -> list[SplitFit]:
    """Lasso, with alpha chosen by inner folds; L1 logistic regression for classes."""
    return _fit_l1(fit, [1.0])


def fit_elastic_net(fit: Fit[ElasticNetParams]) -> list[SplitFit]:
    """Elastic net, with alpha and L1 share chosen by inner folds."""
    return _fit_l1(fit, fit.params.l1_ratios)


def _fit_l1(fit: Fit[LassoParams], ratios: Sequence[float]) -> list[SplitFit]:
    params = fit.params
    search = _search_l1 if fit.target.is_regression else _search_l1_classes
    what = f"alpha by {params.inner_folds} inner folds"
    return _fit_each(fit, lambda part: search(part, params, ratios), what)


def _fit_each(fit: Fit[ModelParams], search: Search, what: str) -> list[SplitFit]:
    return fit.each_split(lambda split: _fit_split(fit, split, search), what)


def _fit_split(fit: Fit[Any], split: Split, search: Search) -> SplitFit:
    x, test = fit.dataset.dense(split)
    rows = split.train_rows
    part = Part(x[rows], fit.y[rows], fit.weights(rows), fit.inner(split))
    model, history, details = search(part)
    outputs = fit.target.outputs
    valid = _predicted(model, x[split.valid_rows], outputs)
    of_test, spent = timed(lambda: _predicted(model, test, outputs))
    return SplitFit(
        valid=valid,
        test=of_test,
        history=history,
        details={**details, "features": float(x.shape[1])},
        weights={"safetensors": _coefficients(model)},
        predict_seconds=spent,
        predict=_predict(model, split, outputs),
    )


def _fit_large(fit: Fit[RidgeParams], split: Split, part: LargePart) -> SplitFit:
    """The same of a table of which one matrix is never made."""
    model: Any
    if fit.target.is_regression:
        model, alphas, errors = search_ridge(part, fit.params)
        history, alpha = _path(alphas, errors), alphas[int(np.argmin(errors))]
    else:
        model, found = search_classes(part, fit.params)
        history = [] if found is None else _history(found)
        alpha = max(fit.params.alphas) if found is None else found.alpha
    dataset, outputs = cast(TableDataset, fit.dataset), fit.target.outputs

    def predicted(blocks: Blocks, rows: Rows) -> Array:
        return np.concatenate([_predicted(model, x, outputs) for _, x in blocks.of(rows)])

    test = dataset.blocks(split, "test")
    valid = predicted(part.blocks, split.valid_rows)
    of_test, spent = timed(lambda: predicted(test, np.arange(len(test))))
    return SplitFit(
        valid=valid,
        test=of_test,
        history=history,
        details={"alpha": float(alpha), "features": float(part.blocks.features)},
        weights={"safetensors": _coefficients(model)},
        predict_seconds=spent,
        predict=_predict(model, split, outputs),
    )


def _predict(model: Any, split: Split, outputs: int) -> Predict:
    """The model as a function of a table."""
    transform = cast(TableSplit, split).transform

    def predict(table: pd.DataFrame) -> Array:
        return _predicted(model, transform.dense(table), outputs)

    return predict


def _predicted(model: Any, x: Array, outputs: int) -> Array:
    """Predictions, shape (rows, outputs): 0 for a class that was not in the training rows."""
    if not isinstance(model, Logistic):
        return np.asarray(model.predict(x)).reshape(len(x), -1)
    probabilities = np.zeros((len(x), outputs))
    probabilities[:, model.classes_] = model.predict_proba(x)
    return probabilities


def _coefficients(model: Any) -> bytes:
    """Coefficients, shape (outputs, features), and intercepts, as safetensors.

    Of classes: with the codes of those that outputs are for; two classes have one output.
    """
    tensors = {
        "coefficients": np.ascontiguousarray(np.atleast_2d(model.coef_), dtype=np.float64),
        "intercept": np.atleast_1d(np.asarray(model.intercept_, dtype=np.float64)),
    }
    if isinstance(model, Logistic):
        tensors["classes"] = model.classes_.astype(np.int64)
    return bytes(save(tensors))


def _search_ridge(part: Part, params: RidgeParams) -> Fitted:
    from sklearn.linear_model import Ridge as RidgeRegression
    from sklearn.linear_model import RidgeCV

    alphas = sorted(params.alphas, reverse=True)
    x, y, weight = part.x, part.y, part.weight
    part.inner.check()
    if part.inner.is_shuffled:
        model = RidgeCV(alphas=alphas, store_cv_results=True).fit(x, y, sample_weight=weight)
        return model, _path(alphas, model.cv_results_.mean(axis=0)), {"alpha": float(model.alpha_)}
    errors = _ridge_errors(part, alphas, part.inner.folds(params.inner_folds))
    alpha = float(alphas[int(np.argmin(errors))])
    model = RidgeRegression(alpha=alpha).fit(x, y, sample_weight=weight)
    return model, _path(alphas, errors), {"alpha": alpha}


def _ridge_errors(part: Part, alphas: Sequence[float], folds: Parts) -> Array:
    """The mean squared error of inner folds for each alpha, by one decomposition a fold."""
    x, y, weight = part.x, part.y, part.weight
    errors = np.zeros(len(alphas))
    for train, valid in folds:
        own, held = (None if weight is None else weight[rows] for rows in (train, valid))
        root = np.ones(1) if own is None else np.sqrt(own)
        mean, level = np.average(x[train], axis=0, weights=own), np.average(y[train], weights=own)
        left, values, right = np.linalg.svd((x[train] - mean) * root[:, None], full_matrices=False)
        turned, new = left.T @ (root * (y[train] - level)), (x[valid] - mean) @ right.T
        for index, alpha in enumerate(alphas):
            predicted = level + new @ (turned * values / (values**2 + alpha))
            error = np.average((predicted - y[valid]) ** 2, weights=held)
            errors[index] += error / len(folds)
    return errors


def _search_l1(part: Part, params: LassoParams, l1_ratios: Sequence[float]) -> Fitted:
    from sklearn.linear_model import ElasticNetCV

    model = ElasticNetCV(
        l1_ratio=list(l1_ratios),
        eps=params.alpha_ratio,
        alphas=params.alpha_count,
        cv=part.inner.folds(params.inner_folds),
        max_iter=params.max_iterations,
        tol=1e-3,
        precompute=True,
    )
    with unconverged():
        model.fit(part.x, part.y, sample_weight=part.weight)
    chosen = list(l1_ratios).index(model.l1_ratio_)
    errors = model.mse_path_.reshape(len(l1_ratios), params.alpha_count, -1)[chosen].mean(axis=-1)
    alphas = np.atleast_2d(model.alphas_)[chosen if len(l1_ratios) > 1 else 0]
    details = {
        "alpha": float(model.alpha_),
        "l1_ratio": float(model.l1_ratio_),
        "non_zero": float(np.count_nonzero(model.coef_)),
    }
    return model, _path(list(alphas), errors), details


def _search_l2(part: Part, params: RidgeParams) -> Fitted:
    """L2 logistic regression: alpha is 1 / C of scikit-learn."""
    x, weight, inner = part.x, part.weight, part.inner
    codes, alphas = part.y.astype(np.int64), sorted(params.alphas, reverse=True)
    if (codes == codes[0]).all():
        return constant(codes[0], x.shape[1]), [], {"alpha": float(alphas[0])}
    with unconverged():
        found = choose(x, codes, weight, alphas, inner.folds(params.inner_folds), Ridge)
        model = found.fit(Ridge(x, codes, weight))
    return model, _history(found), {"alpha": found.alpha}


def _search_l1_classes(part: Part, params: LassoParams, l1_ratios: Sequence[float]) -> Fitted:
    """L1 logistic regression; alphas as in the elastic net for numbers, of the mean log loss."""
    x, weight, inner = part.x, part.weight, part.inner
    codes = part.y.astype(np.int64)
    if (codes == codes[0]).all():
        details = {"alpha": 0.0, "l1_ratio": float(l1_ratios[0]), "non_zero": 0.0}
        return constant(codes[0], x.shape[1]), [], details
    folds, tried = inner.folds(params.inner_folds), []
    for ratio in l1_ratios:
        make = partial(Lasso, l1_ratio=ratio, iterations=params.max_iterations)
        strongest = make(x, codes, weight).strongest
        path = np.geomspace(1.0, params.alpha_ratio, params.alpha_count) * strongest
        tried.append((make, choose(x, codes, weight, list(path), folds, make)))
    chosen = int(np.argmin([min(found.losses.values()) for _, found in tried]))
    make, found = tried[chosen]
    model = found.fit(make(x, codes, weight))
    details = {"alpha": found.alpha, "l1_ratio": float(l1_ratios[chosen])}
    details["non_zero"] = float(np.count_nonzero(model.coef_))
    return model, _history(found), details


def _history(found: Searched) -> History:
    """The search as history: a step is the same alpha in every fold of ridge."""
    tried = sorted(found.losses)
    rows = _path([found.path[index] for index in tried], [found.losses[index] for index in tried])
    return [{**row, "step": index} for index, row in zip(tried, rows, strict=True)]


def _path(alphas: Sequence[float], losses: Sequence[float] | Array) -> History:
    """The search as history: one step per alpha, the strongest first."""
    return [
        {"step": step, "train_loss": np.nan, "valid_loss": float(loss), "alpha": float(alpha)}
        for step, (alpha, loss) in enumerate(zip(alphas, losses, strict=True))
    ]
