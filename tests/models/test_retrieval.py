"""``retrieval``: the distance is learnt, a row never sees itself, and nothing is left to chance."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from model_help import fit, make_dataset
from podium.io.errors import PodiumError
from podium.models.retrieval import RetrievalClassifier, RetrievalRegressor
from podium.models.stored import dump_estimator, load_estimator
from podium.nn.retrieval import Recipe, fit_neighbors
from podium.stages.shown_curves import step_name

QUICK = {"hidden": 16, "embedding_size": 8, "epochs": 25, "batch_size": 64}
RECIPE = Recipe(
    **QUICK, dropout=0.2, learning_rate=0.005, weight_decay=0.01, patience=8, holdout=0.2,
    candidates=200,
)  # fmt: skip


def rows(seed: int = 0, count: int = 500):
    """Twelve columns, of which one says the class."""
    x = np.random.default_rng(seed).normal(size=(count, 12)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(int)


def test_what_is_similar_is_learnt():
    """Nearest neighbours by all columns are misled by eleven that say nothing."""
    (x, y), (new, truth) = rows(), rows(1)
    plain = KNeighborsClassifier(15).fit(x, y).score(new, truth)
    learnt = RetrievalClassifier(**QUICK, learning_rate=0.005).fit(x, y).score(new, truth)
    assert learnt > 0.93 > plain + 0.05


def test_of_noise_nothing_is_learnt():
    """Who sees itself while training is sure of its own row, and wrong about all others."""
    x, _ = rows()
    y = np.random.default_rng(2).integers(0, 2, 500)
    found = RetrievalClassifier(**QUICK).fit(x, y).predict_proba(rows(1)[0])
    assert np.abs(found[:, 1] - 0.5).mean() < 0.15


def test_numbers_stay_within_those_seen():
    x, _ = rows()
    y = 3 * x[:, 0] + 1
    model = RetrievalRegressor(**QUICK, learning_rate=0.005).fit(x, y)
    found = model.predict(10 * rows(1)[0])
    assert found.min() >= y.min() - 1e-4
    assert found.max() <= y.max() + 1e-4
    assert model.score(x, y) > 0.7


def test_the_seed_decides_and_the_process_is_left_alone():
    x, y = rows()
    torch.manual_seed(1)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, again, other = (
        RetrievalClassifier(**QUICK, random_state=seed).fit(x, y).predict_proba(x)
        for seed in (0, 0, 1)
    )
    assert (first == again).all()
    assert np.abs(first - other).max() > 1e-3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.filterwarnings("ignore:.*too few to learn")
@pytest.mark.parametrize("count", [2, 3, 5, 9])
@pytest.mark.parametrize("of_classes", [True, False])
def test_few_rows_are_enough(count, of_classes):
    x, y = rows(count=count)
    targets = np.eye(2)[y] if of_classes else x[:, :1]
    found = fit_neighbors(x, targets, RECIPE, of_classes=of_classes, seed=0).predict(x)
    assert np.isfinite(found).all()


def test_chunks_of_rows_change_nothing(monkeypatch):
    x, y = rows()
    model = fit_neighbors(x, np.eye(2)[y], RECIPE, of_classes=True, seed=0)
    whole = model.predict(x)
    monkeypatch.setattr("podium.nn.retrieval.MOST_DISTANCES", 7 * len(x))
    # Distances of many rows at a time are rounded otherwise.
    assert model.predict(x) == pytest.approx(whole, abs=1e-3)


def test_it_stops_early():
    x, _ = rows()
    y = np.random.default_rng(2).integers(0, 2, 500)
    short, long = (
        fit_neighbors(x, np.eye(2)[y], replace(RECIPE, epochs=epochs), of_classes=True, seed=0)
        for epochs in (30, 300)
    )
    assert (short.predict(x) == long.predict(x)).all()


def test_a_training_that_diverges_is_an_error_and_too_few_rows_a_warning():
    x, y = rows()
    with pytest.raises(PodiumError, match="training diverged.*smaller learning_rate"):
        RetrievalClassifier(**QUICK | {"learning_rate": 1e30}).fit(x, y)
    with pytest.warns(UserWarning, match="too few to learn what is similar"):
        RetrievalClassifier(**QUICK, holdout=0.999).fit(x, y)


def test_its_history_has_each_epoch():
    result = fit("retrieval", make_dataset())
    first = result.history.query("fold == 0")
    assert list(first["step"]) == list(range(len(first)))
    assert step_name(result.history) == "epoch"
    assert first["valid_loss"].min() < first["valid_loss"].iloc[0]


def test_it_is_stored_and_read_again():
    x, y = rows()
    model = RetrievalClassifier(**QUICK).fit(x, y)
    again = load_estimator(dump_estimator(model))
    assert (again.predict_proba(x) == model.predict_proba(x)).all()


def test_a_dataset_of_classes_beats_chance():
    dataset = make_dataset("multiclass")
    result = fit("retrieval", dataset)
    assert result.score < 0.8 * np.log(3)


def test_a_history_that_others_have_is_none_of_ours():
    result = fit("odd_estimators.Telling", make_dataset())
    assert set(result.history["step"]) == {0}
