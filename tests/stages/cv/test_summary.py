"""Which seeds, and what is made of their scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare, rankdata

from podium.config import Folds
from podium.metrics import METRICS
from podium.stages.cv.seeds import seeds_of, with_seed
from podium.stages.cv.summary import kendalls_w, summarize
from several_help import block

RMSE, AUC = METRICS["rmse"], METRICS["auc"]


@pytest.mark.parametrize(
    ("text", "repeats", "seeds"),
    [
        ("3", 1, [7, 8, 9]),
        # Repeats take the seeds that follow: none is dealt twice.
        ("3", 2, [7, 9, 11]),
        ("0,5,0", 2, [0, 5]),
        ("4,", 1, [4]),
    ],
)
def test_a_number_of_seeds_or_a_list(text, repeats, seeds):
    competition = block(folds=Folds(seed=7, repeats=repeats))
    assert seeds_of(competition, text) == seeds
    assert [with_seed(competition, seed).folds.seed for seed in seeds] == seeds
    assert competition.folds.seed == 7


@given(st.integers(3, 6), st.integers(2, 8), st.integers(0, 99))
def test_kendalls_w_is_friedmans_statistic_on_a_scale_from_0_to_1(models, seeds, seed):
    # Few values, so that some are equal.
    scores = np.random.default_rng(seed).integers(0, 4, size=(models, seeds))
    ranks = rankdata(scores, axis=0)
    found = kendalls_w(ranks)
    if found is None:
        assert (ranks == ranks[0]).all()
    else:
        expected = friedmanchisquare(*scores).statistic / (seeds * (models - 1))
        assert found == pytest.approx(expected)
        assert 0 <= found <= 1 + 1e-9


def test_seeds_that_rank_alike_agree_and_opposite_ones_do_not():
    assert kendalls_w(np.array([[1.0, 1.0], [2.0, 2.0]])) == 1
    assert kendalls_w(np.array([[1.0, 2.0], [2.0, 1.0]])) == 0
    assert kendalls_w(np.array([[1.0], [2.0]])) is None


@pytest.mark.parametrize(("metric", "sign"), [(RMSE, 1.0), (AUC, -1.0)])
def test_the_best_is_first_whatever_the_metrics_direction(metric, sign):
    losses = {"a": [0.3, 0.5, 0.4], "blend": [0.2, 0.4, 0.39], "b": [0.6, 0.1, 0.6]}
    scores = {name: [sign * loss + 1 for loss in own] for name, own in losses.items()}
    found = summarize(scores, [0, 1, 2], metric)
    assert [row.name for row in found.rows] == ["blend", "a", "b"]
    blend = found.rows[0]
    assert blend.ranks.tolist() == [1, 2, 1]
    assert blend.rank_shares(3) == pytest.approx([2 / 3, 1 / 3, 0])
    assert found.over_best_model.other == "a"
    assert found.over_best_model.better == 3
    assert found.over_best_model.mean == pytest.approx((0.1 + 0.1 + 0.01) / 3)
    # On seed 1 model b is better than the blend.
    assert found.over_each_best.better == 2
    assert found.over_each_best.mean == pytest.approx((0.1 - 0.3 + 0.01) / 3)


def test_one_seed_has_no_spread_and_undefined_scores_are_last():
    found = summarize({"a": [float("nan")], "b": [0.5]}, [0], RMSE)
    assert found.agreement is None
    assert [row.std for row in found.rows] == [None, None]
    by_name = {row.name: row for row in found.rows}
    assert by_name["a"].ranks == [2]
