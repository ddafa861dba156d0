"""Logistic regression along a path: the same models as scikit-learn's, in less work."""

from functools import partial

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from podium.models.logistic import Lasso, Ridge, Searched, choose


def make(classes, rows=300, one_hot=False):
    generator = np.random.default_rng(classes)
    x = generator.normal(size=(rows, 8)) * np.geomspace(0.3, 3, 8) + 2.0
    if one_hot:
        x = np.hstack([x, np.eye(60)[generator.integers(60, size=rows)]])
    logits = x[:, :4] @ generator.normal(size=(4, classes)) + generator.gumbel(size=(rows, classes))
    return x, (logits - logits.mean(axis=0)).argmax(axis=1)


def slopes(model, x, y):
    """The mean log loss's slope for each coefficient, shape (outputs, features)."""
    p, truth = model.predict_proba(x), np.eye(len(model.classes_))[y]
    slope = (p - truth).T @ x / len(x)
    return slope[1:] if len(model.coef_) == 1 else slope


@pytest.mark.parametrize("one_hot", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_l1_is_at_the_optimum(classes, ratio, one_hot):
    """Coefficients that are not 0: the slope is the penalty's; others: it is below."""
    x, y = make(classes, one_hot=one_hot)
    solver = Lasso(x, y, l1_ratio=ratio, iterations=2000)
    alpha = solver.strongest / 4
    model = solver.fit(alpha)
    slope = slopes(model, x, y) + alpha * (1 - ratio) * model.coef_
    used = model.coef_ != 0
    assert 0 < used.sum() < used.size
    against = -alpha * ratio * np.sign(model.coef_[used])
    assert slope[used] == pytest.approx(against, abs=0.2 * alpha)
    assert np.abs(slope[~used]).max() < 1.2 * alpha * ratio


@pytest.mark.parametrize("classes", [2, 3])
def test_newton_steps_end_where_a_gradient_descent_ends(classes, monkeypatch):
    """On columns that are alike too, and whether it starts at a strong penalty or at this one."""
    x, y = make(classes, one_hot=True)
    x = np.hstack([x, x[:, :3] + 1e-3 * np.random.default_rng(0).normal(size=(len(x), 3))])
    path = Lasso(x, y, l1_ratio=0.8, iterations=300).strongest * np.geomspace(1, 0.02, 8)
    own, straight = (
        Lasso(x, y, l1_ratio=0.8, iterations=300),
        Lasso(x, y, l1_ratio=0.8, iterations=300),
    )
    found = [own.fit(alpha).predict_proba(x) for alpha in path]
    assert straight.fit(path[-1]).predict_proba(x) == pytest.approx(found[-1], abs=1e-3)
    monkeypatch.setattr("podium.models.logistic.MOST_COEFFICIENTS", 0)
    monkeypatch.setattr("podium.models.logistic.L1_TOLERANCE", 1e-4)
    slow = Lasso(x, y, l1_ratio=0.8, iterations=20_000)
    for alpha, one in zip(path, found, strict=True):
        assert one == pytest.approx(slow.fit(alpha).predict_proba(x), abs=1e-3)


def test_newton_steps_are_few_on_columns_that_are_alike(monkeypatch):
    """Where a descent needs hundreds of iterations."""
    x, y = make(2)
    x = np.hstack([x, x + 1e-2 * np.random.default_rng(0).normal(size=x.shape)])
    alpha = Lasso(x, y, l1_ratio=1.0, iterations=1).strongest / 300
    few = Lasso(x, y, l1_ratio=1.0, iterations=15).fit(alpha).predict_proba(x)
    assert few == pytest.approx(
        Lasso(x, y, l1_ratio=1.0, iterations=1000).fit(alpha).predict_proba(x), abs=1e-5
    )
    monkeypatch.setattr("podium.models.logistic.MOST_COEFFICIENTS", 0)
    slow = Lasso(x, y, l1_ratio=1.0, iterations=15).fit(alpha).predict_proba(x)
    assert np.abs(slow - few).max() > 1e-3


@pytest.mark.parametrize("classes", [2, 4])
def test_above_the_strongest_alpha_all_coefficients_are_zero(classes):
    x, y = make(classes)
    strongest = Lasso(x, y, l1_ratio=1.0, iterations=100).strongest
    assert not Lasso(x, y, l1_ratio=1.0, iterations=100).fit(strongest * 1.001).coef_.any()
    assert Lasso(x, y, l1_ratio=1.0, iterations=100).fit(strongest * 0.9).coef_.any()


@pytest.mark.parametrize("classes", [2, 3])
def test_l2_is_the_model_of_scikit_learn(classes):
    x, y = make(classes)
    own = Ridge(x, y)
    for alpha in (100, 10, 1):
        model = own.fit(alpha)
    theirs = LogisticRegression(C=1.0, tol=1e-8, max_iter=5000).fit(x, y)
    assert model.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=0.02)


def test_a_constant_column_stays_at_zero():
    x, y = make(2)
    x[:, 0] = 7.1
    solver = Lasso(x, y, l1_ratio=1.0, iterations=500)
    assert solver.fit(solver.strongest / 50).coef_[0, 0] == 0


@pytest.mark.parametrize("solver", [Ridge, partial(Lasso, l1_ratio=1.0, iterations=300)])
def test_the_search_ends_soon_after_the_best(solver):
    """On noise the strongest penalties win, and the slow weak ones are not tried."""
    x, _ = make(2)
    y = np.random.default_rng(0).integers(2, size=len(x))
    folds = list(StratifiedKFold(4).split(x, y))
    path = np.geomspace(1e4, 1e-4, 41) if solver is Ridge else np.geomspace(0.3, 1e-4, 41)
    found = choose(x, y, None, list(path), folds, solver)
    assert len(found.losses) < 20
    assert found.best in found.losses
    assert {found.best - 1, found.best + 1} - {-1} <= set(found.losses)


def test_a_class_that_an_inner_fold_lacks_is_no_obstacle():
    x, y = make(3, rows=60)
    y[y == 2] = 1
    y[:2] = 2
    folds = [(np.arange(30), np.arange(30, 60)), (np.arange(30, 60), np.arange(30))]
    for solver in (Ridge, partial(Lasso, l1_ratio=1.0, iterations=100)):
        assert np.isfinite(
            list(choose(x, y, None, [1.0, 0.1], folds, solver).losses.values())
        ).all()


def test_of_equal_losses_the_strongest_penalty_is_chosen():
    assert Searched([3.0, 2.0, 1.0], {2: 0.5, 0: 0.5, 1: 0.7}).alpha == 3.0


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("solver", [Ridge, partial(Lasso, l1_ratio=0.5, iterations=3000)])
def test_a_row_of_weight_two_counts_as_two_rows(solver, classes):
    x, y = make(classes)
    times = np.random.default_rng(0).integers(1, 4, size=len(x))
    weight = times / times.mean()
    twice = np.repeat(np.arange(len(x)), times)
    # scikit-learn's penalty is of the sum of losses, Lasso's of their mean.
    alphas = (5.0, 5.0 * times.mean()) if solver is Ridge else (0.02, 0.02)
    weighted, repeated = solver(x, y, weight), solver(x[twice], y[twice])
    a, b = (one.fit(alpha) for one, alpha in zip((weighted, repeated), alphas, strict=True))
    assert a.predict_proba(x) == pytest.approx(b.predict_proba(x), abs=0.01)
    plain = solver(x, y).fit(alphas[0]).predict_proba(x)
    assert np.abs(plain - a.predict_proba(x)).max() > 0.02
