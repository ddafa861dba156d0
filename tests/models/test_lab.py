"""The lab trains what the engine trains, and its tables and observers tell the truth about it."""

import numpy as np
import pytest

from podium import lab
from podium.io.errors import PodiumError

SMALL = {"hidden": [8], "epochs": 4}
DROPOUT = {"dropout": 0.3}


@pytest.fixture(scope="module")
def moons():
    return lab.moons(40, valid=60)


@pytest.fixture(scope="module")
def digits():
    return lab.digits(60, valid=40, wrong=0.5)


def final(trained, configuration):
    return trained.weights(configuration)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(value, other[name], rtol=1e-4, atol=1e-5)


def test_a_member_is_trained_as_its_configuration_alone(moons):
    several = {"none": {}, "dropout": DROPOUT, "norm": {"normalization": "batch"}}
    together = lab.train(several, moons, seeds=2, common=SMALL)
    alone = lab.train({"dropout": DROPOUT}, moons, seeds=2, common=SMALL)
    assert_same(final(together, "dropout"), final(alone, "dropout"))
    assert not np.allclose(
        final(together, "dropout")["output.weight"], final(together, "none")["output.weight"]
    )


def test_images_are_changed_for_the_configurations_that_say_so(digits):
    moved, turned = {"shift": 0.2}, {"rotation": 30.0}
    together = lab.train({"none": {}, "shift": moved, "turn": turned}, digits, 2, common=SMALL)
    for name, knobs in (("none", {}), ("shift", moved), ("turn", turned)):
        alone = lab.train({name: knobs}, digits, 2, common=SMALL)
        assert_same(final(together, name), final(alone, name))
    weights = [final(together, name)["output.weight"] for name in together.configurations]
    assert not np.allclose(weights[0], weights[1])
    assert not np.allclose(weights[1], weights[2])


def test_a_configuration_gains_nothing_over_itself(moons):
    trained = lab.train({"none": {}, "again": {}, "dropout": DROPOUT}, moons, 3, common=SMALL)
    table = lab.gains(trained, "none", metric="logloss")
    np.testing.assert_allclose(table.loc[["none", "again"], ["gain", "error"]], 0, atol=1e-6)
    assert table.loc["none", "wins"] == 0
    other = lab.gains(trained, "dropout", metric="logloss")
    assert other.loc["none", "gain"] == pytest.approx(-table.loc["dropout", "gain"])
    assert table.loc["dropout", "error"] > 0


def test_gains_are_positive_where_it_is_better(moons):
    trained = lab.train({"none": {}, "longer": {"epochs": 40}}, moons, 2, common=SMALL)
    for metric, sign in (("accuracy", 1), ("logloss", -1)):
        table = lab.gains(trained, metric=metric)
        better = sign * (table.loc["longer", "valid"] - table.loc["none", "valid"])
        assert table.loc["longer", "gain"] == pytest.approx(better, abs=1e-12)
    assert better > 0
    assert table.index[0] == "longer"


def test_curves_have_every_epoch_and_end_at_the_scores(moons):
    trained = lab.train({"none": {}, "longer": {"epochs": 6}}, moons, seeds=2, common=SMALL)
    counts = trained.curves.groupby("configuration")["epoch"].agg(["min", "max", "count"])
    assert counts.loc["none"].tolist() == [1, 4, 8]
    assert counts.loc["longer"].tolist() == [1, 6, 12]
    last = trained.curves.groupby(["configuration", "seed"])["score"].last()
    scores = trained.scores().set_index(["configuration", "seed"])["valid"]
    np.testing.assert_allclose(last.sort_index(), scores.sort_index())


def test_an_observer_sees_every_epoch_and_the_weights_that_predict(moons):
    recorder = lab.Recorder(rows=moons.valid[:7], weights=True)
    trained = lab.train({"none": {}, "x": DROPOUT}, moons, 2, common=SMALL, observe=recorder)
    table = recorder.table(trained)
    for _, own in table.groupby(["configuration", "seed"]):
        assert sorted(own["epoch"].unique()) == [0, 1, 2, 3, 4]
    norms = table[table["quantity"] == "gradient norm"]
    assert (norms.loc[norms["epoch"] == 0, "value"] == 0).all()
    assert (norms.loc[norms["epoch"] > 0, "value"] > 0).all()
    path = recorder.path(trained, "x", "output.weight", seed=1)
    np.testing.assert_allclose(path[4], final(trained, "x")["output.weight"][1], rtol=1e-6)
    logits = recorder.activations(trained, "x", "output", seed=1)[4]
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    predicted = trained.predict(moons.X[moons.valid[:7]])["x"][1]
    np.testing.assert_allclose(shares, predicted, rtol=1e-4)


def test_an_observer_changes_nothing(moons):
    kept = {"normalization": "batch", "early_stopping": 1, "averaging": "ema"}
    seen = lab.Recorder(rows=moons.valid[:7])
    watched = lab.train({"x": kept}, moons, 2, common=SMALL, observe=seen)
    assert_same(final(watched, "x"), final(lab.train({"x": kept}, moons, 2, common=SMALL), "x"))


def test_validation_labels_are_right(digits):
    given = lab.digits(60, valid=40)
    np.testing.assert_array_equal(given.valid, digits.valid)
    wrong = given.y != digits.y
    assert not wrong[digits.valid].any()
    assert 0.4 < wrong[np.setdiff1d(np.arange(len(wrong)), digits.valid)].mean() < 0.6
    assert all(len(np.intersect1d(rows, digits.valid)) == 0 for rows in digits.train)


def test_a_slip_is_an_error_that_names_the_configuration(moons):
    with pytest.raises(PodiumError, match="configuration 'x': dropuot: .*'dropout'"):
        lab.train({"x": {"dropuot": 0.1}}, moons)
    with pytest.raises(PodiumError, match="100 validation rows of 50"):
        lab.draw(moons.X[:50], moons.y[:50], 10, valid=100)


def test_houses_need_a_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PodiumError, match=r"no params\.yaml"):
        lab.houses()


def test_short_is_for_tests(monkeypatch):
    monkeypatch.delenv("PODIUM_NOTEBOOK_SHORT", raising=False)
    assert lab.short(5, 2) == 5
    monkeypatch.setenv("PODIUM_NOTEBOOK_SHORT", "1")
    assert lab.short(5, 2) == 2


def test_augmented_images_are_those_of_a_training(digits):
    images = digits.X[:5]
    plain = images[..., 0] / 255
    np.testing.assert_allclose(lab.augmented(images), plain, atol=1e-6)
    turned = lab.augmented(images, rotation=30)
    assert turned.shape == (5, 8, 8)
    assert np.abs(turned - plain).max() > 0.1
    assert not np.array_equal(turned, lab.augmented(images, seed=1, rotation=30))
    # Each pixel of a mixture lies between those of the image and of the next one.
    following = np.roll(plain, -1, axis=0)
    for knobs in ({"mixup": 1.0}, {"cutmix": 1.0}):
        mixed = lab.augmented(images, **knobs)
        assert (mixed <= np.maximum(plain, following) + 1e-6).all()
        assert (mixed >= np.minimum(plain, following) - 1e-6).all()
        assert not np.allclose(mixed, plain)
    with pytest.raises(PodiumError, match="'rotaton'; did you mean 'rotation'"):
        lab.augmented(images, rotaton=1)


def test_folds_validate_every_row_once(digits):
    folded = digits.folded(4)
    np.testing.assert_array_equal(np.sort(np.concatenate(folded.valid)), digits.train[0])
    trained = lab.train({"none": {}}, folded, seeds=4, common=SMALL)
    for outcome, valid in zip(trained.fitted.outcomes, folded.valid, strict=True):
        np.testing.assert_array_equal(outcome.member.valid, valid)
        assert not np.intersect1d(outcome.member.train, valid).size


def test_labels_are_mixed_as_images_are(digits):
    rows = [np.flatnonzero(digits.y == code)[0] for code in (3, 8)]
    given = digits.X[rows], digits.y[rows], 10
    plain, shares = lab.augmented_with_labels(*given)
    assert shares.argmax(1).tolist() == [3, 8]
    mixed, both = lab.augmented_with_labels(*given, mixup=1.0)
    assert 0 < both[0, 3] < 1
    np.testing.assert_allclose(mixed[0], both[0, 3] * plain[0] + both[0, 8] * plain[1], atol=1e-5)


def test_skip_connections_let_a_deep_network_learn(moons):
    """Twenty narrow layers (He et al. 2016): batch normalization in both."""
    depth = {"hidden": [8] * 20, "epochs": 20, "normalization": "batch"}
    trained = lab.train({"plain": {}, "skip": {"skip": True}}, moons, seeds=3, common=depth)
    table = lab.gains(trained)
    assert table.loc["skip", "train"] > 0.8
    assert table.loc["skip", "gain"] > 0.1
    assert table.loc["skip", "wins"] == 3
