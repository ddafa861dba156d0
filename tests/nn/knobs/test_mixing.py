"""Mixup: convex pairs of a member's own real rows."""

import numpy as np
import pytest
import torch

from nn_help import fit, normal
from podium.nn.knobs.mixing import Mixup

X, Y = normal(3, 8, 4), normal(3, 8, 2, seed=1)
COUNTS = torch.tensor([8, 8, 5])


def mixed(alpha: float = 0.5, seeds=(4, 5, 6), step: int = 0, x=X, y=Y, counts=COUNTS):
    return Mixup([alpha] * len(seeds), seeds)(x, y, counts, step)


def share_of(x: torch.Tensor, mixed_x: torch.Tensor, partner: torch.Tensor) -> torch.Tensor:
    """Each number's share of its own row."""
    return (mixed_x - partner) / (x - partner)


def partners(values: torch.Tensor) -> torch.Tensor:
    """The row behind each, of the first ``COUNTS``."""
    own = [row[(torch.arange(8) + 1) % count] for row, count in zip(values, COUNTS, strict=True)]
    return torch.stack(own)


def test_rows_are_convex_pairs_with_one_share_for_inputs_and_targets():
    x, y = mixed()
    for member, count in enumerate(COUNTS):
        shares = [
            share_of(whole, new, partners(whole))[member, :count].flatten()
            for whole, new in ((X, x), (Y, y))
        ]
        together = torch.cat(shares)
        assert torch.allclose(together, together[0].expand_as(together), atol=1e-3)
        assert 0 < together[0] < 1
        # Of their own row and of another.
        assert not torch.allclose(x[member], X[member])


def test_partners_are_real_rows_of_the_same_member():
    """Spoil all else: the mixed rows don't change."""
    clean_x, clean_y = mixed()
    x, y = X.clone(), Y.clone()
    x[:2], y[:2] = 1e6, 1e6
    x[2, 5:], y[2, 5:] = -1e6, -1e6
    other_x, other_y = mixed(x=x, y=y)
    assert torch.equal(other_x[2, :5], clean_x[2, :5])
    assert torch.equal(other_y[2, :5], clean_y[2, :5])


def test_a_member_mixes_the_same_alone_and_beside_others():
    x, y = mixed()
    alone_x, alone_y = mixed(seeds=(5,), x=X[1:2], y=Y[1:2], counts=COUNTS[1:2])
    assert torch.equal(alone_x[0], x[1])
    assert torch.equal(alone_y[0], y[1])


def test_shares_differ_between_members_and_steps_and_follow_the_beta_distribution():
    def shares(alpha: float) -> np.ndarray:
        drawn = [
            share_of(X, mixed(alpha, step=step)[0], partners(X))[:, 0, 0] for step in range(300)
        ]
        return torch.stack(drawn).numpy()

    for alpha in (0.2, 1.0, 5.0):
        drawn = shares(alpha)
        assert len(np.unique(drawn.round(7))) > 0.7 * drawn.size
        assert abs(np.corrcoef(drawn.T)[np.triu_indices(3, 1)]).max() < 0.25
        assert drawn.mean() == pytest.approx(0.5, abs=0.05)
        # The variance of Beta(a, a).
        assert drawn.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.15)


def test_one_row_is_its_own_partner():
    x, y = mixed(x=X[:, :1], y=Y[:, :1], counts=torch.ones(3, dtype=torch.int64))
    assert torch.allclose(x, X[:, :1])
    assert torch.allclose(y, Y[:, :1])


def test_mixup_makes_a_classifier_less_sure():
    codes = np.arange(80) % 2
    x = np.random.default_rng(0).normal(size=(80, 6)).astype(np.float32)
    x[:, 0] += 4 * codes

    def sureness(**knobs) -> float:
        return float(fit(x, codes, classes=2, epochs=60, **knobs).predict(x).max(2).mean())

    assert sureness() > 0.99
    assert sureness(mixup=1.0) < 0.96


def test_mixup_is_off_at_prediction_and_learns():
    fitted = fit(mixup=0.2, epochs=60)
    x = normal(10, 5).numpy()
    assert (fitted.predict(x) == fitted.predict(x)).all()
    history = fitted.outcomes[0].history
    assert history[-1].train_loss < 0.3 * history[0].train_loss
