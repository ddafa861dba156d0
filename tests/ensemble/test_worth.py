"""What each model is worth to the blend."""

import numpy as np
import pytest

from blends import FOLDS, KINDS, ROWS, blended, make
from podium.config import Ensemble
from podium.ensemble.worth import worth
from podium.metrics import METRICS
from podium.stages.common import cv_scores


def of(kind: str, y: np.ndarray, oof: np.ndarray, **spec: object):
    target, metric = KINDS[kind]
    return worth(
        Ensemble(**{"method": "weighted", "rounds": 20, **spec}),
        oof,
        y,
        FOLDS,
        target,
        METRICS[metric],
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_model_is_worth_something_and_noise_nothing(kind):
    y, oof = make(kind, (0.1, 4.0, 6.0))
    good, _, noise = of(kind, y, oof)
    assert good.without > 2 * good.error > 0
    assert abs(noise.without) < good.without / 4


def test_it_is_the_difference_of_two_nested_scores():
    y, oof = make("regression", (0.4, 0.5, 0.9))
    whole = blended("weighted", "regression", y, oof).blended.score
    for place, one in enumerate(of("regression", y, oof)):
        rest = np.delete(oof, place, axis=0)
        without = blended("weighted", "regression", y, rest).blended.score
        assert one.without == pytest.approx(without - whole)


def test_one_of_two_copies_is_worth_nothing():
    y, oof = make("regression", (0.4, 0.8))
    found = of("regression", y, np.concatenate([oof, oof[:1]]), method="nnls")
    assert found[0].without == pytest.approx(0, abs=1e-9)
    assert found[2].without == pytest.approx(0, abs=1e-9)


def test_a_single_model_has_no_rest():
    y, oof = make("regression", (0.4,))
    assert of("regression", y, oof) == []


def test_rows_that_are_never_validated_have_no_part():
    y, oof = make("regression", (0.4, 0.8))
    target, metric = KINDS["regression"]
    never = np.arange(ROWS) < 40
    spoilt = np.where(never[None, :, None], np.nan, oof)
    whole = worth(
        Ensemble(rounds=20), spoilt, y, np.where(never, -1, FOLDS), target, METRICS[metric]
    )
    rest = worth(
        Ensemble(rounds=20), oof[:, ~never], y[~never], FOLDS[~never], target, METRICS[metric]
    )
    assert whole == rest


def test_repeats_are_no_further_rows_in_a_standard_error():
    once = cv_scores(1.0, [1.0, 2.0, 4.0])
    twice = cv_scores(1.0, [1.0, 2.0, 4.0] * 2, repeats=2)
    assert twice["cv_se"] == once["cv_se"]
    # Repeats differ: the variance is the mean of theirs; an undefined fold is left out.
    mixed = cv_scores(1.0, [1.0, 2.0, 4.0, 2.0, 2.0, float("nan")], repeats=2)
    assert mixed["cv_se"] == pytest.approx(once["cv_se"] / np.sqrt(2), rel=1e-4)
    assert "cv_se" not in cv_scores(1.0, [1.0, 2.0], repeats=2)
