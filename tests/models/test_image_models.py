"""Every image model keeps the contract: complete OOF, test predictions, history, weights, no leak;
and a training that was stopped goes on to the same end.
"""

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load

from image_help import CHANGES, KNOBS, NETWORKS, drawn, fit, image_dataset, make_images
from podium.config.models import IMAGE_MODELS
from podium.data.holdout import hold_out
from podium.metrics import METRICS
from podium.models.fit import HISTORY
from podium.models.ridge_classifier import SCALES, ridges
from podium.reporting.curves import mlflow_curves
from podium.runtime.progress import Reporter

CHANCE = np.log(3)
# The longest to train: what holds for every model is seen with it in the deep tests.
CNN = pytest.param("cnn", marks=pytest.mark.deep)
MODELS = [CNN if model == "cnn" else model for model in KNOBS]


def logloss(y: np.ndarray, probabilities: np.ndarray) -> float:
    return METRICS["logloss"](y, probabilities)


def test_every_image_model_is_tested():
    assert set(KNOBS) == set(IMAGE_MODELS)


@pytest.mark.parametrize("model", KNOBS)
def test_classes_are_learnt(model):
    dataset = make_images()
    result = fit(model, dataset)
    assert result.oof.shape == (120, 3)
    assert result.test.shape == (40, 3)
    for probabilities in (result.oof, result.test):
        assert probabilities.sum(axis=1) == pytest.approx(1)
        assert (probabilities >= 0).all()
    assert result.score < 0.55 * CHANCE
    assert (result.oof.argmax(axis=1) == dataset.y).mean() > 0.8
    assert len(result.fold_scores) == 4
    assert list(result.history.columns[: len(HISTORY)]) == HISTORY
    assert set(result.history["fold"]) == {0, 1, 2, 3}
    assert {name.split(".")[0] for name in result.weights} == {f"fold{fold}" for fold in range(4)}
    assert all(name.endswith((".safetensors", ".txt")) for name in result.weights)
    assert [split["features"] for split in result.details] == [64] * 4


@pytest.mark.parametrize("model", MODELS)
def test_colours_two_classes_and_repeats(model):
    whole = make_images(channels=3, repeats=2)
    kept = np.flatnonzero(whole.y < 2)
    dataset = image_dataset(whole.train[kept], whole.test, whole.y[kept], whole.folds[kept])
    result = fit(model, dataset)
    assert result.oof.shape == (len(kept), 2)
    assert result.oof.sum(axis=1) == pytest.approx(1)
    assert (result.oof.argmax(axis=1) == dataset.y).mean() > 0.75
    assert len(result.fold_scores) == 8
    assert any(name.startswith("repeat1-fold0") for name in result.weights)


@pytest.mark.parametrize("model", KNOBS)
def test_a_fold_never_learns_from_the_rows_it_scores(model):
    """Change one fold's labels: what it fitted and predicts stays; the other folds' changes."""
    dataset = make_images()
    rows = dataset.splits[0].valid_rows
    before = fit(model, dataset)
    after = fit(model, replace(dataset, y=spoilt_labels(dataset, rows)))
    for name, content in before.weights.items():
        assert (after.weights[name] == content) == name.startswith("fold0"), name
    others = np.setdiff1d(np.arange(120), rows)
    assert (before.oof[rows] == after.oof[rows]).all()
    assert (before.oof[others] != after.oof[others]).any()


@pytest.mark.parametrize("model", MODELS)
def test_a_fold_never_learns_from_the_pixels_it_scores(model):
    dataset = make_images()
    rows = dataset.splits[0].valid_rows
    before = fit(model, dataset)
    pixels = dataset.train.copy()
    pixels[rows] = 255 - pixels[rows]
    after = fit(model, image_dataset(pixels, dataset.test, dataset.y, dataset.folds))
    for name, content in before.weights.items():
        assert (after.weights[name] == content) == name.startswith("fold0"), name


def spoilt_labels(dataset, rows):
    y = dataset.y.copy()
    y[rows] = (y[rows] + 1) % 3
    return y


@pytest.mark.parametrize(
    ("model", "knobs"),
    [
        *((model, {}) for model in KNOBS if model != "cnn"),
        pytest.param("cnn", {}, marks=pytest.mark.deep),
        ("mlp", {**CHANGES, "cutmix": 1.0, "mixup": 0.2, "tta": 2, "seeds": 2}),
        pytest.param(
            "cnn",
            {**CHANGES, "cutmix": 1.0, "tta": 2, "dropout": 0.2, "seeds": 2},
            marks=pytest.mark.deep,
        ),
    ],
)
def test_twice_the_same(model, knobs):
    fewer = {} if not knobs else {"epochs": 3}
    first, second = (fit(model, make_images(), **knobs, **fewer) for _ in range(2))
    assert first.oof.tobytes() == second.oof.tobytes()
    assert first.test.tobytes() == second.test.tobytes()
    assert first.weights == second.weights


# Ridge.


def test_ridges_are_those_of_scikit_learn():
    from sklearn.linear_model import Ridge

    generator = np.random.default_rng(0)
    x = generator.normal(size=(50, 7)).astype(np.float32) + 3
    y = np.eye(3)[generator.integers(0, 3, 50)]
    for alpha, own in zip([0.5, 20.0], ridges(x, y, [20.0, 0.5]), strict=True):
        expected = Ridge(alpha).fit(x, y)
        assert np.allclose(own.weight.T, expected.coef_, atol=1e-4)
        assert np.allclose(own.intercept, expected.intercept_, atol=1e-4)
        assert np.allclose(own.scores(x), expected.predict(x), atol=1e-4)


def test_stored_ridge_gives_the_test_predictions():
    dataset = make_images()
    result = fit("ridge", dataset)
    shares = [
        shares_of(split, dataset, details["scale"], result)[1]
        for split, details in zip(dataset.splits, result.details, strict=True)
    ]
    assert np.mean(shares, axis=0) == pytest.approx(result.test, abs=1e-4)


def shares_of(split, dataset, scale, result):
    """Probabilities of a fold's validation rows and of test rows, from what is stored."""
    stored = load(result.weights[f"{split.name}.safetensors"])
    train, test = dataset.dense(split)
    both = []
    for x in (train[split.valid_rows], test):
        shares = np.exp(scale * (x @ stored["weight"] + stored["intercept"]))
        both.append(shares / shares.sum(axis=1, keepdims=True))
    return both


def test_calibrated_scores_predict_held_out_rows_better_than_scores_as_they_are():
    dataset = make_images()
    result = fit("ridge", dataset)
    plain = [
        logloss(dataset.y[split.valid_rows], shares_of(split, dataset, 1.0, result)[0])
        for split in dataset.splits
    ]
    assert (np.array(result.fold_scores) < plain).all()
    assert np.mean(result.fold_scores) < 0.7 * np.mean(plain)


def test_ridge_is_less_sure_where_pixels_say_less():
    clear, noisy = (fit("ridge", make_images(noise=noise)) for noise in (0.3, 0.8))
    for more, less in zip(clear.details, noisy.details, strict=True):
        assert SCALES[0] < less["scale"] < more["scale"]
    assert noisy.score < CHANCE


def test_ridge_prefers_a_strong_penalty_on_noise():
    dataset = make_images()
    alphas = {"alphas": [1e5, 1.0, 300.0]}
    y = np.random.default_rng(1).permutation(dataset.y)
    on_signal, on_noise = (
        fit("ridge", dataset, **alphas),
        fit("ridge", replace(dataset, y=y), **alphas),
    )
    assert max(split["alpha"] for split in on_signal.details) <= 300
    assert np.mean([split["alpha"] for split in on_noise.details]) > 300
    assert list(on_signal.history[on_signal.history["fold"] == 0]["alpha"]) == [1, 300, 1e5]
    own = on_signal.history[on_signal.history["fold"] == 0]
    assert own["alpha"][own["valid_loss"].idxmin()] == on_signal.details[0]["alpha"]


# Rows that are held out.


def test_held_out_rows_have_every_class_where_there_are_enough():
    classes = np.repeat([0.0, 1.0, 2.0], [40, 10, 10])
    rows = np.arange(60) * 3
    kept, held = hold_out(rows, 0.2, 0, classes)
    assert sorted([*kept, *held]) == rows.tolist()
    assert np.bincount(classes[held // 3].astype(int)).tolist() == [8, 2, 2]
    assert (hold_out(rows, 0.2, 0, classes)[1] == held).all()
    assert (hold_out(rows, 0.2, 1, classes)[1] != held).any()


COUNTS = [(40, 1), (2, 2, 2), (30, 2, 1, 1), (20, 20), (5,), (2,) * 20, (1,) * 9]


@pytest.mark.parametrize(
    ("counts", "share"),
    [
        (counts, share)
        for counts in COUNTS
        for share in (0.01, 0.1, 0.5, 0.9, 0.97)
        # Something must be kept.
        if np.ceil(share * sum(counts)) < sum(counts)
    ],
)
def test_any_classes_can_be_held_out_and_alike_where_scikit_learn_can(counts, share):
    from sklearn.model_selection import train_test_split

    classes = np.repeat(np.arange(len(counts), dtype=np.float64), counts)
    rows = np.arange(len(classes))
    kept, held = hold_out(rows, share, 3, classes)
    assert sorted([*kept, *held]) == rows.tolist()
    assert len(held) == np.ceil(share * len(rows))
    try:
        alike = train_test_split(rows, test_size=share, random_state=3, stratify=classes)[1]
    except ValueError:
        alike = train_test_split(rows, test_size=share, random_state=3)[1]
    assert (held == alike).all()


def test_numbers_are_held_out_as_they_come():
    from sklearn.model_selection import train_test_split

    rows = np.arange(37)
    expected = train_test_split(rows, test_size=0.2, random_state=5)
    for own, theirs in zip(hold_out(rows, 0.2, 5), expected, strict=True):
        assert (own == theirs).all()


@pytest.mark.parametrize(
    ("model", "knobs"),
    [
        ("ridge", {}),
        ("ridge", {"holdout": 0.01}),
        ("lightgbm", {"patience": 3}),
        ("lightgbm", {"patience": 3, "holdout": 0.01}),
        ("mlp", {"early_stopping": 2}),
    ],
)
def test_a_class_of_one_row_or_a_holdout_of_one_row_is_no_obstacle(model, knobs):
    """One row of a class: the fold that validates it never trains on the class."""
    codes = np.array([0, 1] * 20 + [2])
    folds = (np.arange(41) % 4)[:, None]
    dataset = image_dataset(drawn(codes), drawn(codes[:6]), codes.astype(np.float64), folds)
    result = fit(model, dataset, **knobs)
    assert result.oof.shape == (41, 3)
    assert np.isfinite(result.oof).all()
    assert result.oof.sum(axis=1) == pytest.approx(1)


# Trees.


def test_early_stopping_of_trees_is_blind_to_the_scored_rows():
    dataset = make_images(noise=0.8)
    knobs = {"rounds": 60, "patience": 3, "learning_rate": 0.5}
    before = fit("lightgbm", dataset, **knobs)
    assert all(split["rounds"] < 60 for split in before.details)
    y = spoilt_labels(dataset, dataset.splits[0].valid_rows)
    after = fit("lightgbm", replace(dataset, y=y), **knobs)
    assert after.details[0] == before.details[0]


# Networks.


@pytest.mark.parametrize("model", ["softmax", "mlp", CNN])
def test_curves_of_every_member_are_history_and_those_of_one_reach_mlflow(model):
    dataset = make_images()
    result = fit(model, dataset, epochs=3, seeds=2)
    history = result.history
    assert len(history) == 4 * 2 * 3
    for column in ("train_loss", "valid_loss", "valid_metric", "learning_rate", "seconds"):
        assert (history[column] > 0).all()
    assert history["valid_metric"].to_numpy() == pytest.approx(history["valid_loss"], rel=1e-4)
    curves = mlflow_curves(history)
    own = history[(history["fold"] == 0) & (history["seed"] == 0)]
    for column in ("train_loss", "valid_metric"):
        values = [value for _, value in curves[f"fold0-seed0/{column}"]]
        assert values == pytest.approx(list(own[column]))


@pytest.mark.parametrize("model", NETWORKS)
def test_the_end_of_the_curve_is_the_score_of_the_fold(model):
    """Also with everything on that changes images while training: none is changed at the end."""
    result = fit(model, make_images(), epochs=3, **CHANGES)
    last = result.history[result.history["step"] == 2]
    assert last["valid_metric"].to_numpy() == pytest.approx(result.fold_scores, rel=1e-4)


def test_copies_at_prediction_leave_weights_and_change_predictions():
    plain, averaged = (fit("mlp", make_images(), shift=0.2, tta=tta) for tta in (0, 4))
    for name in plain.weights:
        assert plain.weights[name] == averaged.weights[name]
    assert np.abs(plain.oof - averaged.oof).max() > 0.01
    assert np.abs(plain.test - averaged.test).max() > 0.01


def test_monte_carlo_dropout_adds_a_std_beside_each_prediction():
    result = fit("mlp", make_images(), dropout=0.3, mc_dropout=5)
    assert result.oof_std.shape == result.oof.shape
    assert result.test_std.shape == result.test.shape
    assert (result.oof_std > 0).all()


# Stop and go.

# What a member draws at random while training: images, dropout, the order of rows.
DRAWN = {**CHANGES, "cutmix": 1.0, "mixup": 0.2, "dropout": 0.2, "epochs": 4}


class Stopping(Reporter):
    """As if the process were killed after so many updates."""

    def __init__(self, after: int | None = None) -> None:
        self.after, self.updates, self.resumed = after, 0, 0.0

    def update(self, done, what, loss=None):
        self.updates += 1
        if self.updates == self.after:
            raise KeyboardInterrupt

    def resume(self, done, what):
        self.resumed = done


@pytest.fixture
def every_epoch(monkeypatch):
    """A checkpoint after every epoch."""
    monkeypatch.setattr("podium.nn.training.CHECKPOINT_SECONDS", 0.0)


def same(one, other) -> bool:
    return (
        one.weights == other.weights
        and one.oof.tobytes() == other.oof.tobytes()
        and one.test.tobytes() == other.test.tobytes()
    )


@pytest.mark.usefixtures("every_epoch")
@pytest.mark.parametrize("model", ["mlp", CNN])
@pytest.mark.parametrize("short", [False, True])
def test_a_stopped_training_continues_to_the_same_bits(tmp_path, model, short, monkeypatch):
    """In float32, and in bfloat16 (where the CPU has no such instructions, torch emulates them)."""
    monkeypatch.setattr("podium.nn.device.has_bfloat16", lambda: short)
    monkeypatch.setattr("podium.nn.layers.SHORT_FROM", 1)
    whole = fit(model, make_images(), **DRAWN)
    with pytest.raises(KeyboardInterrupt):
        fit(model, make_images(), Stopping(after=3), tmp_path, **DRAWN)
    heard = Stopping()
    continued = fit(model, make_images(), heard, tmp_path, **DRAWN)
    assert heard.resumed > 0
    assert same(whole, continued)
    columns = ["fold", "step", "train_loss", "valid_loss", "valid_metric"]
    assert continued.history[columns].equals(whole.history[columns])


@pytest.mark.usefixtures("every_epoch")
@pytest.mark.parametrize("model", ["mlp", CNN])
@pytest.mark.parametrize(
    "change",
    [{"shift": 0.2}, {"horizontal_flip": False}, {"cutmix": 0.0}, {"erase_probability": 0.9}],
)
def test_a_checkpoint_of_other_changes_is_not_used(tmp_path, model, change):
    few = {**DRAWN, "epochs": 1}
    fit(model, make_images(), scratch=tmp_path, **few)
    heard = Stopping()
    kept = fit(model, make_images(), heard, tmp_path, **{**few, **change})
    assert heard.resumed == 0
    assert not same(kept, fit(model, make_images(), scratch=tmp_path, **few))


@pytest.mark.deep
@pytest.mark.usefixtures("every_epoch")
def test_a_checkpoint_of_other_images_or_folds_is_not_used(tmp_path):
    dataset = make_images()
    pixels = dataset.train.copy()
    pixels[3, 2, 2] ^= 1
    turned = dataset.folds[::-1].copy()
    moments = {name: replace(own, std=1.01 * own.std) for name, own in dataset.moments.items()}
    others = [
        replace(dataset, train=pixels),
        replace(dataset, moments=moments),
        replace(dataset, y=spoilt_labels(dataset, [5])),
        image_dataset(dataset.train, dataset.test, dataset.y, turned),
    ]
    fit("mlp", dataset, scratch=tmp_path, **DRAWN)
    for other in others:
        heard = Stopping()
        kept = fit("mlp", other, heard, tmp_path, **DRAWN)
        assert heard.resumed == 0
        assert same(kept, fit("mlp", other, **DRAWN))
    heard = Stopping()
    fit("mlp", make_images(), heard, tmp_path, **DRAWN)
    assert heard.resumed == 4 * 4
