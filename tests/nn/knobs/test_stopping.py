"""Early stopping: the best epoch's weights, members on their own, held-out rows."""

import numpy as np
import pytest
import torch

from nn_help import CPU, fit, plain, table, trainer, weights_of
from podium.nn.knobs.stopping import EarlyStopping
from podium.nn.parameters import WEIGHT, Parameter, Parameters

PATIENCE = 4


def scripted(losses: list[list[float]], patience: int):
    """What a keeper says and keeps when members have these losses, epoch after epoch."""
    parameters = [
        Parameter("a", (2, 3), WEIGHT, lambda _: torch.zeros(2, 3)),
        Parameter("b", (1, 3), WEIGHT, lambda _: torch.zeros(1, 3)),
    ]
    parameters = Parameters(parameters, len(losses[0]), CPU)
    keeper = EarlyStopping([patience] * parameters.members, parameters)
    said = []
    for epoch, loss in enumerate(losses):
        parameters.flat[WEIGHT].fill_(epoch)
        said.append(keeper.after_epoch(epoch, np.array(loss), parameters, parameters.flat).tolist())
    return keeper, said, parameters.views(keeper.flats)


def test_waits_for_its_patience_and_keeps_each_members_best():
    losses = [[5, 5, 1], [4, 4, 2], [6, 3, 2], [6, 2, 2], [3, 1, 2]]
    keeper, said, best = scripted(losses, patience=2)
    assert said == [
        [False, False, False],
        [False, False, False],
        [False, False, True],
        [True, False, True],
        [False, False, True],
    ]
    assert keeper.epoch.tolist() == [4, 4, 0]
    for value in best.values():
        assert value.flatten(1).unique(dim=1).flatten().tolist() == [4, 4, 0]


def test_equal_is_not_better_and_nothing_finite_is_never_best():
    inf, nan = float("inf"), float("nan")
    keeper, said, _ = scripted([[1, inf, nan], [1, inf, nan], [1, inf, 3]], patience=2)
    assert keeper.epoch.tolist() == [0, 0, 2]
    assert said[-1] == [True, True, False]


# Targets of noise: the sooner a member stops the better.
X, _ = table(rows=160, features=12)
Y = np.random.default_rng(1).normal(size=160).astype(np.float32) + X[:, 0]
TRAIN = [np.arange(start, start + 80) for start in (0, 20, 40, 60)]
STOP = [np.setdiff1d(np.arange(160), own)[:40] for own in TRAIN]


def followed(members=range(4), **knobs):
    """A trainer run to its end; after each epoch each member's weights and stopping loss."""
    params = plain(**{"hidden": [32], "epochs": 40, "early_stopping": PATIENCE, **knobs})
    members = list(members)
    made = trainer(
        params, X, Y, [TRAIN[m] for m in members], stop=[STOP[m] for m in members], seeds=members
    )
    seen = {member.index: [] for member in made.members}
    while made.members:
        here = [member.index for member in made.members]
        own_stop = [member.stop for member in made.members]
        clean_retire = made._retire_finished

        def spy(diverged, ended, here=here, own_stop=own_stop, retire=clean_retire):
            loss, _ = made._evaluate(own_stop)
            now = weights_of(made)
            for place, index in enumerate(here):
                state = {name: value[place] for name, value in now.items()}
                seen[index].append((float(loss[place]), state))
            retire(diverged, ended)

        made._retire_finished = spy
        made.run_epoch()
        made._retire_finished = clean_retire
    return sorted(made.outcomes, key=lambda outcome: outcome.member.index), seen


def same(state: dict, other: dict) -> bool:
    return all(torch.equal(value, other[name]) for name, value in state.items())


def test_members_stop_after_their_patience_each_at_its_own_epoch_with_its_best_weights():
    outcomes, seen = followed()
    lengths = set()
    for outcome in outcomes:
        losses = [loss for loss, _ in seen[outcome.member.index]]
        best = int(np.argmin(losses))
        assert outcome.best_epoch == best
        assert len(outcome.history) == len(losses) == best + 1 + PATIENCE
        assert same(outcome.state, seen[outcome.member.index][best][1])
        assert not same(outcome.state, seen[outcome.member.index][-1][1])
        lengths.add(len(losses))
    assert len(lengths) > 1
    assert max(lengths) < 40


def test_without_best_weights_the_last_ones_predict():
    outcomes, seen = followed(best_weights=False)
    for outcome in outcomes:
        assert len(outcome.history) == outcome.best_epoch + 1 + PATIENCE
        assert same(outcome.state, seen[outcome.member.index][-1][1])


def test_more_patience_stops_later():
    def epochs(patience: int) -> list[int]:
        return [len(outcome.history) for outcome in followed(early_stopping=patience)[0]]

    assert np.less(epochs(1), epochs(8)).all()


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_who_stays_does_not_notice_who_leaves(optimizer):
    knobs = {
        "optimizer": optimizer,
        "dropout": 0.2,
        "mixup": 0.3,
        "averaging": "ema",
        "normalization": "layer",
    }
    together, _ = followed(**knobs)
    lengths = [len(outcome.history) for outcome in together]
    longest = int(np.argmax(lengths))
    assert min(lengths) < lengths[longest]
    (alone,), _ = followed([longest], **knobs)
    assert alone.best_epoch == together[longest].best_epoch
    for name, value in alone.state.items():
        assert torch.allclose(value, together[longest].state[name], atol=1e-4), name


def test_enough_patience_trains_to_the_end_and_still_keeps_the_best():
    outcomes, seen = followed([0], epochs=12, early_stopping=50)
    losses = [loss for loss, _ in seen[0]]
    assert len(outcomes[0].history) == 12
    assert same(outcomes[0].state, seen[0][int(np.argmin(losses))][1])


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_held_out_rows_are_a_share_of_the_training_rows_and_are_not_trained_on(share):
    rows = [np.arange(100), np.arange(60, 160)]
    fitted = fit(X, Y, rows=rows, early_stopping=2, holdout=share, epochs=3)
    held = []
    for outcome, own in zip(fitted.outcomes, rows, strict=True):
        member = outcome.member
        assert len(member.stop) == round(share * len(own))
        assert sorted([*member.train, *member.stop]) == own.tolist()
        held.append(set(member.stop.tolist()))
    assert held[0] != held[1]


def test_early_stopping_overfits_less():
    def error(**knobs) -> float:
        rows = [np.arange(100)] * 3
        fitted = fit(X, Y, rows=rows, hidden=[64], epochs=60, learning_rate=0.01, **knobs)
        return float(np.square(fitted.predict(X[100:])[:, :, 0] - Y[100:]).mean())

    assert error(early_stopping=5, holdout=0.25) < 0.85 * error()


def test_without_early_stopping_no_row_is_held_out():
    member = fit(X, Y, epochs=1).outcomes[0].member
    assert len(member.train) == 160
    assert len(member.stop) == 0
    assert fit(X, Y, epochs=1).outcomes[0].best_epoch is None
