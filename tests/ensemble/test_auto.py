"""``method: auto``: chosen on other rows than those it is scored on, and simple where it may be."""

import numpy as np
import pytest

from blends import FOLDS, KINDS, ROWS, blended, make
from podium.config import Ensemble
from podium.config.blending import methods_of
from podium.data.targets import Target
from podium.ensemble.blend import blend
from podium.ensemble.jackknife import difference
from podium.ensemble.scoring import Scoring
from podium.metrics import METRICS
from projects import HOUSES

SEVERAL = ("mean", "nnls", "weighted", "linear_stack")
LINEAR = Target("regression", "none")


@pytest.mark.parametrize("kind", KINDS)
def test_a_folds_own_target_has_no_part_in_what_is_chosen_for_it(kind):
    y, oof = make(kind, (0.5, 0.8, 1.5))
    spoilt = np.where(FOLDS == 1, np.roll(y, 4), y)
    first, second = (blended("auto", kind, own, oof) for own in (y, spoilt))
    assert first.fold_methods[1] == second.fold_methods[1]
    assert np.array_equal(first.blended.oof[FOLDS == 1], second.blended.oof[FOLDS == 1])
    assert not np.array_equal(first.blended.oof, second.blended.oof)


def test_a_fold_in_time_is_chosen_for_by_earlier_rows_alone():
    y, oof = make("regression", (0.5, 0.8, 1.5))
    target, metric = KINDS["regression"]
    folds = np.arange(ROWS) * 5 // ROWS
    trained = folds[:, None] < np.arange(5)

    def oof_of(own: np.ndarray) -> np.ndarray:
        spec = Ensemble(method="auto", rounds=10, submit="blend")
        found = blend(spec, oof, oof, own, folds, target, METRICS[metric], trained=trained)
        return found.blended.oof

    first, later = (oof_of(own) for own in (y, np.where(folds >= 3, 3 * y, y)))
    assert np.array_equal(first[folds <= 3], later[folds <= 3])
    assert not np.array_equal(first[folds == 4], later[folds == 4])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_submitted_is_never_worse_than_the_best_model(kind):
    """Noise beside a good model, of which no mixture may be better."""
    for seed in range(3):
        y, oof = make(kind, (0.2, 6.0, 6.0), seed)
        target, metric = KINDS[kind]
        spec = Ensemble(method="auto", rounds=10)
        found = blend(spec, oof, oof, y, FOLDS, target, METRICS[metric])
        losses = [METRICS[metric].as_loss(model.score) for model in found.models]
        assert METRICS[metric].as_loss(found.submitted.score) <= min(losses)
        if found.chosen is not None:
            assert found.submitted is found.models[found.chosen]


def test_the_mean_is_chosen_of_equals_and_weights_where_one_model_is_bad():
    asked = {"candidates": list(SEVERAL), "tolerance": 1.0}
    y, alike = make("regression", (0.05,) * 3)
    assert blended("auto", "regression", y, alike, **asked).method == "mean"
    y, mixed = make("regression", (0.5, 0.5, 5.0, 5.0))
    assert blended("auto", "regression", y, mixed, **asked).method != "mean"


def test_tolerance_takes_the_simplest_that_is_worse_by_no_more_standard_errors():
    y, oof = make("regression", (0.5, 0.6, 0.9))
    for tolerance in (0.0, 1.0, 1e9):
        found = blended("auto", "regression", y, oof, candidates=list(SEVERAL), tolerance=tolerance)
        assert [one.name for one in found.candidates] == list(SEVERAL)
        least = min(one.score for one in found.candidates)
        eligible = [
            one.name
            for one in found.candidates
            if one.score == least or one.worse <= tolerance * one.error
        ]
        assert found.method == eligible[0]
    assert found.method == "mean"


def test_on_pure_noise_the_nested_score_is_that_of_fresh_rows():
    """A choice that looked at what it is scored on would be better than on fresh rows."""
    kind = "binary"
    target, name = KINDS[kind]
    gaps = []
    for seed in range(6):
        y, oof = make(kind, (np.inf,) * 5, seed, 2 * ROWS)
        spec = Ensemble(method="auto", rounds=10, submit="blend")
        found = blend(
            spec, oof[:, :ROWS], oof[:, ROWS:], y[:ROWS], FOLDS, target, METRICS[name]
        )  # fmt: skip
        fresh = METRICS[name](y[ROWS:], target.scorable(found.blended.test))
        gaps.append(found.blended.score - fresh)
    assert np.mean(gaps) > -3 * np.std(gaps, ddof=1) / np.sqrt(len(gaps))


def test_candidates_are_tried_in_the_tables_order_and_must_fit_the_metric(project, podium):
    def change(params):
        names = ["linear_stack", "rank_mean", "mean"]
        params[HOUSES]["ensemble"].update(method="auto", candidates=names)

    project.edit(change)
    (line,) = podium("check").err.splitlines()
    assert "ensemble.candidates: 'rank_mean' is for task binary" in line
    assert methods_of("auto", ["linear_stack", "mean"]) == ["mean", "linear_stack"]
    project.edit(lambda params: params[HOUSES]["ensemble"].update(method="mean"))
    (line,) = podium("check").err.splitlines()
    assert "ensemble.candidates: is used by method 'auto' only" in line


def test_a_choice_inside_of_a_fold_follows_what_its_folds_train_on():
    folds = np.repeat(np.arange(6), 2)
    trained = folds[:, None] < np.arange(6)
    inside = Scoring(np.zeros(12), folds, LINEAR, METRICS["rmse"], trained).within(
        np.arange(2, 12), 3
    )
    assert inside.fold_of_row.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    # A part trains on what each of its folds does: the second is folds 3 and 4.
    assert inside.trained[:, 1].tolist() == [True] * 4 + [False] * 6


def test_the_jackknife_error_of_a_mean_is_that_of_paired_differences():
    generator = np.random.default_rng(0)
    y = generator.normal(size=4000)
    first, second = y + generator.normal(size=4000), y + 0.9 * generator.normal(size=4000)
    worse, error = difference(METRICS["mae"], y, first, second)
    paired = np.abs(first - y) - np.abs(second - y)
    assert worse == pytest.approx(paired.mean())
    assert error == pytest.approx(paired.std() / np.sqrt(4000), rel=0.4)
    assert difference(METRICS["mae"], y, first, first) == (0.0, 0.0)


def test_the_jackknife_error_of_a_rank_metric_is_its_spread_over_samples():
    generator = np.random.default_rng(0)
    found = []
    for _ in range(60):
        truth = generator.normal(size=400)
        y = (truth + generator.normal(size=400) > 0).astype(float)
        pair = [truth + noise * generator.normal(size=400) for noise in (1.0, 0.8)]
        both = [np.stack([-one, one], axis=1) for one in pair]
        found.append(difference(METRICS["auc"], y, *both))
    worse, errors = np.array(found).T
    assert np.mean(errors) == pytest.approx(worse.std(ddof=1), rel=0.35)
