"""Predicting: rows of each member's own, inputs that are made, changed copies, threads."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nn_help import fit, plain, table
from podium.config import ImageMLPParams
from podium.nn import Columns, fit_members
from podium.nn import predict as predicting
from podium.nn.data import Inputs
from podium.nn.predict import pooled

pytestmark = pytest.mark.usefixtures("one_thread")

X, Y = table()
FOLDS = [0, 1, 0, 1]


class Made(Inputs):
    """A table that is made when it is read, another one for each fold; views add noise."""

    def __init__(self, x: np.ndarray = X, factors=(1.0, 3.0), noise: float = 0.5) -> None:
        self.x, self.noise = torch.from_numpy(x), noise
        self.factors = torch.tensor(factors)
        self.columns = Columns(x.shape[1])

    def __len__(self):
        return len(self.x)

    def read(self, rows, tables, step):
        x = self.x[rows] * self.factors[tables][:, None, None]
        if step.views is None:
            return x
        return x + self.noise * step.views.normal(tuple(x.shape), 5000, step.number)

    def fingerprint(self):
        return self.x.numpy().tobytes() + self.factors.numpy().tobytes()


def tables(x: np.ndarray = X) -> list[np.ndarray]:
    """The same, listed."""
    return [x, 3 * x]


# Nothing moves where only ``tta`` is asked for: tests' inputs bring their own noise.
VIEWED = {"pixel_noise": 0.1, "epochs": 5, "hidden": [8], "dropout": 0.2, "device": "cpu"}


def viewed(made: Inputs | None = None, tta: int = 0, **knobs):
    """Members that are trained on changing inputs."""
    params = ImageMLPParams(**{**VIEWED, "tta": tta, **knobs})
    return fit_members(
        made or Made(), Y, [np.arange(100)] * 4, params, seeds=range(4), table_per_member=FOLDS
    )


def of_folds(x, **knobs):
    params = plain(**{"epochs": 4, "hidden": [8], "dropout": 0.2, **knobs})
    rows = [np.arange(20 * m, 20 * m + 60) for m in range(4)]
    return fit_members(x, Y, rows, params, seeds=range(4), table_per_member=FOLDS)


ROWS = [np.array([3, 3, 1]), np.arange(120)[::-1], np.array([7]), np.arange(50, 90)]


# Rows.


@pytest.mark.parametrize("x", [tables(), lambda fold: tables()[fold], Made(noise=0.0)])
def test_rows_of_each_member_are_those_of_the_whole_prediction(x):
    fitted = of_folds(x)
    whole, own = fitted.predict(x), fitted.predict_rows(x, ROWS)
    assert [len(part) for part in own] == [len(rows) for rows in ROWS]
    for part, rows, all_rows in zip(own, ROWS, whole, strict=True):
        assert part.shape == (len(rows), 1)
        assert part == pytest.approx(all_rows[rows], abs=1e-5)


def test_rows_of_a_shared_table():
    fitted = fit(members=2, epochs=3)
    whole, own = fitted.predict(X), fitted.predict_rows(X, ROWS[:2])
    for part, rows, all_rows in zip(own, ROWS, whole, strict=False):
        assert part == pytest.approx(all_rows[rows], abs=1e-5)


def test_no_rows_are_no_predictions():
    fitted = of_folds(Made(noise=0.0))
    own = fitted.predict_rows(Made(noise=0.0), [np.arange(0), *ROWS[1:]])
    assert own[0].shape == (0, 1)
    assert [len(part) for part in own[1:]] == [len(rows) for rows in ROWS[1:]]


def test_passes_with_dropout_for_rows_of_each_member():
    fitted = of_folds(tables())
    means, stds = fitted.std_rows(tables(), ROWS, passes=30)
    for mean, std, rows, whole in zip(means, stds, ROWS, fitted.predict(tables()), strict=True):
        assert mean.shape == std.shape == (len(rows), 1)
        assert (std > 0).all()
        assert np.abs(mean - whole[rows]).mean() < np.abs(std).mean() * 1.5


# Inputs that are made.


@pytest.mark.parametrize("knobs", [{}, {"early_stopping": 1, "epochs": 30, "learning_rate": 0.1}])
def test_made_inputs_train_and_predict_as_a_table_does(knobs):
    """Also when some members have left."""
    made, listed = of_folds(Made(noise=0.0), **knobs), of_folds(tables(), **knobs)
    lengths = {len(outcome.history) for outcome in made.outcomes}
    assert (len(lengths) > 1) == bool(knobs)
    for one, other in zip(made.outcomes, listed.outcomes, strict=True):
        for name, value in one.state.items():
            assert torch.allclose(value, other.state[name], atol=1e-5), name
    assert made.predict(Made(noise=0.0)) == pytest.approx(listed.predict(tables()), abs=1e-5)


def test_made_inputs_change_in_training_and_not_in_validation():
    """Far too much noise to learn anything, and none where rows are predicted."""

    class Counted(Made):
        def read(self, rows, tables, step):
            seen.append((step.training, step.views is not None))
            return super().read(rows, tables, step)

    seen: list[tuple[bool, bool]] = []
    params = ImageMLPParams(**VIEWED)
    made = Counted()
    fitted = fit_members(
        made, Y, [np.arange(80)] * 2, params, valid_rows_per_member=[np.arange(80, 120)] * 2
    )
    fitted.predict(made)
    assert {(True, True), (False, False)} == set(seen)


def test_made_inputs_stop_early_by_rows_as_they_are():
    calm, wild = (
        viewed(Made(noise=noise), early_stopping=2, epochs=12, learning_rate=1e-9, holdout=0.3)
        for noise in (0.0, 500.0)
    )
    # Nothing is learnt, so losses are those of the weights at the start.
    for one, other in zip(calm.outcomes, wild.outcomes, strict=True):
        assert one.history[0].valid_loss == pytest.approx(other.history[0].valid_loss, rel=1e-3)
        assert other.history[0].train_loss > 1.2 * one.history[0].train_loss


# Changed copies.


def test_without_copies_a_prediction_is_the_plain_one():
    fitted = viewed()
    once, twice = fitted.predict(Made()), fitted.predict(Made())
    assert (once == twice).all()
    assert (once == fitted.predict(Made(noise=9.0))).all()


def with_tta(fitted, tta: int):
    """The same members, predicting with other knobs."""
    params = fitted.params.model_copy(update={"tta": tta})
    outcomes = [replace(own, member=replace(own.member, params=params)) for own in fitted.outcomes]
    return replace(fitted, params=params, outcomes=outcomes)


def test_copies_are_averaged_with_the_plain_prediction():
    """Each further copy counts as much as all before: the sums differ by one prediction each."""
    fitted = viewed()
    sums = [(tta + 1) * with_tta(fitted, tta).predict(Made()) for tta in range(4)]
    copies = [after - before for before, after in zip(sums, sums[1:], strict=False)]
    for first, second in [(0, 1), (1, 2), (0, 2)]:
        assert np.abs(copies[first] - copies[second]).max() > 0.01
    # A copy is a prediction of the same rows, nearby, and no more.
    for copy in copies:
        assert np.abs(copy - sums[0]).mean() < 0.5
        assert np.abs(copy - sums[0]).max() > 0.01
        assert np.corrcoef(copy.ravel(), sums[0].ravel())[0, 1] > 0.5


def test_copies_without_noise_change_nothing():
    fitted = viewed()
    averaged = with_tta(fitted, 3).predict(Made(noise=0.0))
    assert averaged == pytest.approx(fitted.predict(Made()), abs=1e-6)


def test_copies_are_the_same_each_time_and_each_members_own(monkeypatch):
    fitted = with_tta(viewed(), 2)
    assert (fitted.predict(Made()) == fitted.predict(Made())).all()
    noise = fitted.predict(Made()) - with_tta(fitted, 0).predict(Made())
    assert len({member.tobytes() for member in noise}) == 4
    alone = replace(fitted, outcomes=fitted.outcomes[2:3])
    assert alone.predict(Made())[0] == pytest.approx(fitted.predict(Made())[2], abs=1e-5)


def test_every_chunk_of_rows_draws_its_own(monkeypatch):
    """Equal rows, and no two copies of them alike, wherever they lie."""
    monkeypatch.setitem(predicting.VIEW_ROWS, "cpu", 16)
    made = Made(np.ones((64, 5), dtype=np.float32))
    members = viewed()
    parts = with_tta(members, 1).predict(made)[0]
    assert len(np.unique(parts.round(9))) > 60
    assert len(np.unique(members.predict(made)[0].round(5))) == 1


def test_more_copies_of_noise_matter_less():
    """The mean over copies comes to rest: 30 of them are nearer to 60 than 2 are."""
    fitted = viewed()
    few, many, most = (with_tta(fitted, tta).predict(Made()) for tta in (2, 30, 60))
    assert np.abs(many - most).mean() < 0.5 * np.abs(few - most).mean()


def test_averages_of_classes_are_probabilities():
    params = ImageMLPParams(**{**VIEWED, "tta": 2})
    codes = (Y > 0).astype(np.int64)
    fitted = fit_members(Made(), codes, [np.arange(100)], params, classes=2)
    assert fitted.predict(Made()).sum(2) == pytest.approx(1.0)


# Threads.


@pytest.mark.parametrize("tta", [0, 2])
def test_threads_do_not_change_predictions(tta):
    fitted = viewed(tta=tta)
    alone = fitted.predict(Made()), fitted.predict_rows(Made(), ROWS)
    torch.set_num_threads(4)
    beside = fitted.predict(Made()), fitted.predict_rows(Made(), ROWS)
    assert torch.get_num_threads() == 4
    assert (alone[0] == beside[0]).all()
    for one, other in zip(alone[1], beside[1], strict=True):
        assert (one == other).all()


# Divergence.


def test_a_diverged_member_predicts_nan_alone():
    y = Y.copy()
    y[:10] = np.inf
    rows = [np.arange(20, 100), np.arange(100), np.arange(20, 90)]
    params = plain(epochs=3, standardize_target=False)
    for x in (Made(noise=0.0), X):
        fitted = fit_members(x, y, rows, params, seeds=range(3))
        whole, own = fitted.predict(x), fitted.predict_rows(x, ROWS[:3])
        for part in (whole, own):
            assert [bool(np.isnan(one).all()) for one in part] == [False, True, False]
            assert np.isfinite(part[0]).all()
            assert np.isfinite(part[2]).all()
        # Also where its numbers are finite: who has diverged is never used.
        outcomes = [replace(own, diverged=own.member.index == 2) for own in fitted.outcomes]
        marked = replace(fitted, outcomes=outcomes)
        for part in (marked.predict(x), marked.predict_rows(x, ROWS[:3])):
            assert np.isnan(part[2]).all()
            assert np.isfinite(part[0]).all()


def test_pooled_std_is_that_of_members_and_passes_together():
    drawn = np.random.default_rng(0).normal(size=(3, 20, 4, 2))
    mean, std = pooled(drawn.mean(1), drawn.std(1))
    together = drawn.reshape(60, 4, 2)
    assert mean == pytest.approx(together.mean(0))
    assert std == pytest.approx(together.std(0))
