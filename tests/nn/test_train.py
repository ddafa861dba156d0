"""The batched engine: it learns, its knobs do their work, members keep to their own rows."""

import numpy as np
import pytest
import torch

from podium.config import LinearParams, MLPParams
from podium.errors import PodiumError
from podium.nn.network import MemberNetworks
from podium.nn.train import Members, predict_members, train_members

ROWS, FEATURES = 120, 6


def make_members(splits: int = 2, classification: bool = False) -> Members:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, FEATURES)).astype(np.float32)
    y = np.sin(x[:, 0]) + x[:, 1] + 0.05 * generator.normal(size=ROWS)
    fold = np.arange(ROWS) % splits
    targets = (
        torch.from_numpy((y > 0).astype(np.int64)).repeat(splits, 1)
        if classification
        else torch.from_numpy(y.astype(np.float32))[None, :, None].repeat(splits, 1, 1)
    )
    return Members(
        x=torch.from_numpy(x).repeat(splits, 1, 1),
        y=targets,
        split_of=torch.arange(splits),
        train_rows=[np.flatnonzero(fold != split) for split in range(splits)],
        valid_rows=[np.flatnonzero(fold == split) for split in range(splits)],
        seeds=list(range(splits)),
        outputs=2 if classification else 1,
        classification=classification,
    )


def make_network(members: Members, params: MLPParams) -> MemberNetworks:
    return MemberNetworks(
        members.seeds,
        FEATURES,
        params.hidden,
        members.outputs,
        params.activation,
        params.dropout,
        params.input_dropout,
    )


def run(members: Members, **knobs):
    defaults = {"hidden": [16], "epochs": 40, "batch_size": 32, "learning_rate": 0.01}
    params = MLPParams(**{**defaults, "dropout": 0.0, "weight_decay": 0.0, **knobs})
    network = make_network(members, params)
    epochs = list(train_members(network, members, params))
    return network, epochs


def test_losses_fall_on_training_and_validation_rows():
    _, epochs = run(make_members())
    assert len(epochs) == 40
    assert (epochs[-1].train_loss < 0.2 * epochs[0].train_loss).all()
    assert (epochs[-1].valid_loss < 0.5 * epochs[0].valid_loss).all()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_optimizers_and_losses_learn(optimizer, loss):
    _, epochs = run(make_members(), optimizer=optimizer, loss=loss, learning_rate=0.02)
    assert (epochs[-1].valid_loss < epochs[0].valid_loss).all()


def test_classes_are_learnt():
    members = make_members(classification=True)
    network, _ = run(members)
    out = predict_members(network, members.x, members.split_of)
    assert out.shape == (2, ROWS, 2)
    assert (out.argmax(2) == members.y).float().mean() > 0.9


def test_the_same_seed_gives_the_same_weights():
    first, _ = run(make_members(), dropout=0.3)
    second, _ = run(make_members(), dropout=0.3)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_members_never_train_on_their_validation_rows():
    members = make_members()
    spoilt = make_members()
    for member, rows in enumerate(spoilt.valid_rows):
        spoilt.y[member, rows] = 1e3
    one, _ = run(members)
    other, _ = run(spoilt)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


def test_weight_decay_shrinks_the_weights():
    norms = [
        float(
            sum(
                weight.detach().square().sum() for weight in run(make_members(), **knobs)[0].weights
            )
        )
        for knobs in ({"weight_decay": 0.0}, {"weight_decay": 1.0}, {"weight_decay": 10.0})
    ]
    assert norms[0] > norms[1] > norms[2]


def test_dropout_keeps_the_expectation_and_is_off_at_prediction():
    members = make_members()
    params = MLPParams(hidden=[], dropout=0.0, input_dropout=0.5)
    network = make_network(members, params)
    with torch.no_grad():
        network.weights[0].fill_(1.0)
        x = torch.ones(2, 20_000, FEATURES)
        network.train()
        noisy = network(x)
        network.eval()
        still = network(x)
    assert noisy.std() > 1
    assert noisy.mean() == pytest.approx(FEATURES, rel=0.02)
    assert (still == FEATURES).all()


def test_dropout_narrows_the_gap_between_training_and_validation():
    def gap(dropout: float) -> float:
        knobs = {"hidden": [64], "epochs": 150, "dropout": dropout}
        _, epochs = run(make_members(), **knobs)
        return float((epochs[-1].valid_loss - epochs[-1].train_loss).mean())

    assert gap(0.4) < gap(0.0)


def test_huber_is_less_moved_by_outliers_than_squared():
    def error(loss: str) -> float:
        members = make_members()
        clean = members.y.clone()
        for member, rows in enumerate(members.train_rows):
            members.y[member, rows[:6]] += 50
        network, _ = run(members, loss=loss, epochs=60)
        out = predict_members(network, members.x, members.split_of)
        return float((out - clean).abs().median())

    assert error("huber") < error("squared")


def test_cosine_ends_near_zero_and_constant_stays():
    _, cosine = run(make_members(), schedule="cosine")
    _, constant = run(make_members(), schedule="constant")
    assert cosine[-1].learning_rate < 0.05 * cosine[0].learning_rate
    assert constant[-1].learning_rate == constant[0].learning_rate


def test_no_hidden_layer_is_linear_least_squares():
    """The textbook's linear regression converges to the closed form."""
    members = make_members()
    params = LinearParams(epochs=400, learning_rate=0.05, batch_size=1000)
    network = MemberNetworks(members.seeds, FEATURES, [], 1, "relu", 0, 0)
    list(train_members(network, members, params))
    for member, rows in enumerate(members.train_rows):
        x = np.c_[members.x[member, rows].numpy(), np.ones(len(rows))]
        solution = np.linalg.lstsq(x, members.y[member, rows].numpy(), rcond=None)[0]
        weight = network.weights[0][member].detach().numpy()
        assert weight == pytest.approx(solution[:-1], abs=1e-3)


def test_divergence_is_told_with_member_epoch_and_rate():
    knobs = {"optimizer": "sgd", "loss": "squared", "schedule": "constant"}
    with pytest.raises(PodiumError, match=r"diverged.*split .*seed .*epoch .*learning rate 1e\+20"):
        run(make_members(), **knobs, learning_rate=1e20)
