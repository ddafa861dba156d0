"""Train against test: rows that are alike can't be told apart; what differs is named."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from podium.data.adversarial import ALIKE, DIFFERENT, FOLDS, compare
from podium.data.images.samples import sample_images
from podium.data.tabular import samples
from podium.data.tabular.samples import sample_rows


def tables(shift=0.0, odd=0.0, rows=(400, 300)):
    """Train and test, whose sizes are shifted and whose share of one kind differs."""
    rng = np.random.default_rng(0)
    train, test = (
        pd.DataFrame(
            {"size[m]": rng.normal(size=count), "kind": rng.choice(["a", "b"], count), "x": 0.5}
        )
        for count in rows
    )
    test["size[m]"] += shift
    test.loc[rng.random(len(test)) < odd, "kind"] = "c"
    return train, test


def dataset(train, test):
    schema = SimpleNamespace(categorical=["kind"])
    return SimpleNamespace(train=train, test=test, schema=schema, columns=train.shape[1])


def test_rows_that_are_alike():
    found = compare(*sample_rows(dataset(*tables())))
    assert len(found.aucs) == FOLDS
    assert abs(found.auc - 0.5) < ALIKE - 0.5
    assert "test rows are like training rows" in found.meaning


@pytest.mark.parametrize(("changed", "name"), [({"shift": 2}, "size[m]"), ({"odd": 0.7}, "kind")])
def test_what_differs_is_named(changed, name):
    found = compare(*sample_rows(dataset(*tables(**changed))))
    assert found.auc > DIFFERENT
    assert found.features["feature"][0] == name
    assert found.features["share of gain"][0] > 0.5
    assert f"differ from training rows ({name}" in found.meaning
    assert found.features["train"][0] != found.features["test"][0]


def test_work_is_bounded_and_repeatable(monkeypatch):
    monkeypatch.setattr(samples, "MOST_ROWS", 120)
    parts = [sample_rows(dataset(*tables(shift=1))) for _ in range(2)]
    assert [len(part) for part in parts[0]] == [120, 120]
    first, again = (compare(*part) for part in parts)
    assert first.aucs == again.aucs


def test_a_handful_of_rows_is_not_compared():
    assert compare(*sample_rows(dataset(*tables(rows=(400, 2 * FOLDS - 1))))) is None


def test_images_are_compared_by_their_brightness():
    rng = np.random.default_rng(0)
    train, test = (rng.integers(0, 200, (count, 28, 20, 1), dtype=np.uint8) for count in (300, 200))
    test[:, :10, :8] += 50
    cells = sample_images(SimpleNamespace(train=train, test=test))
    assert cells[0].to_numpy().mean() == pytest.approx(train.mean(), rel=0.02)
    found = compare(*cells)
    assert found.auc > DIFFERENT
    assert found.features["feature"][0].startswith("brightness from row")
