"""A large table that networks read a batch at a time is the table of the folds' matrices."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from model_help import fit, make_dataset
from podium.config import Preprocess
from podium.data.tabular.dataset import TableDataset, transform_name
from podium.data.tabular.dense import DenseTables, Layout
from podium.data.tabular.transform import fit_transform_on
from podium.models import table_networks
from podium.models.table_inputs import TableInputs
from podium.nn import Columns
from podium.nn.layers import Step


def odd_dataset(spec: Preprocess) -> TableDataset:
    """Missing values, a skewed column, levels that a fold lacks, one category of ids."""
    dataset = make_dataset()
    random = np.random.default_rng(1)
    for table in (dataset.train, dataset.test):
        table["b"] = table["b"].where(random.random(len(table)) > 0.2)
        table["c"] = np.exp(3 * table["c"])
        table["k"] = table["k"].where(random.random(len(table)) > 0.1)
        table["id"] = [f"row {place}" for place in range(len(table))]
    dataset.train.loc[dataset.splits[1].valid_rows[0], "k"] = "rare"
    columns = dataset.schema.numeric, [*dataset.schema.categorical, "id"]
    transforms = {
        transform_name(0, split.fold): fit_transform_on(
            dataset.train.iloc[split.train_rows], *columns, spec
        )
        for split in dataset.splits
    }
    return replace(dataset, transforms=transforms)


@pytest.mark.parametrize(
    "spec", [Preprocess(), Preprocess(min_count=1, clip=2.0, na_indicators="categorical")]
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_batches_are_rows_of_the_folds_matrices(spec: Preprocess, part: str) -> None:
    dataset = odd_dataset(spec)
    layouts = [Layout.of(split.transform) for split in dataset.splits]
    widest = Layout.widest(layouts)
    dense = DenseTables(dataset, part, widest)  # type: ignore[arg-type]
    table = dataset.train if part == "train" else dataset.test
    columns = Columns(widest.numeric, widest.flags, widest.categories)
    inputs = TableInputs(table, dataset.splits, widest, columns)
    assert inputs.fingerprint() == inputs.fingerprint()
    rows = torch.arange(len(table)).flip(0)
    folds = torch.tensor([2, 0, 1, 3])
    batch = inputs.read(rows.expand(4, -1), folds, Step())
    for place, fold in enumerate(folds.tolist()):
        expected = dense(fold)[rows.numpy()]
        assert np.abs(batch[place].numpy() - expected).max() < 1e-5
        numbers = inputs.numbers_of(rows, fold).numpy()
        assert np.abs(numbers - expected[:, : numbers.shape[1]]).max() < 1e-5


@pytest.mark.parametrize("model", ["mlp", "linear"])
def test_a_network_of_many_rows_predicts_what_one_of_matrices_does(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = odd_dataset(Preprocess())
    whole = fit(model, dataset, device="cpu")
    monkeypatch.setattr(table_networks, "KEPT_BYTES", 0)
    in_batches = fit(model, dataset, device="cpu")
    assert np.abs(whole.oof - in_batches.oof).max() < 0.02 * dataset.y.std()
    assert np.abs(whole.test - in_batches.test).max() < 0.02 * dataset.y.std()
