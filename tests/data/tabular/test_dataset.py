"""The dataset on disk is the dataset in memory; its transforms are fitted where fit_on says."""

import numpy as np
import pytest

from podium.config import load_config
from podium.data.tabular.dataset import read_dataset, write_dataset
from podium.data.tabular.prepare import make_dataset
from podium.data.tabular.read import read_raw

MANIFEST = {"provider": "local", "synthetic": True, "files": []}


@pytest.fixture
def make(project, house_files):
    project.use_files(house_files)

    def build(**keys):
        project.edit(lambda params: params["house-prices"]["preprocess"].update(keys))
        competition = load_config()["house-prices"]
        return make_dataset(read_raw(house_files, competition), competition, MANIFEST)

    return build


def test_written_and_read_back(make, tmp_path):
    data = make()
    folder = tmp_path / "out"
    folder.mkdir()
    write_dataset(folder, data)
    again = read_dataset(folder)
    assert again.train.equals(data.train)
    assert again.test.equals(data.test)
    assert (again.y == data.y).all()
    assert (again.folds == data.folds).all()
    assert again.transforms == data.transforms
    assert again.schema == data.schema


def test_groups_and_scheme_reach_the_models(make, project, tmp_path):
    """Inner splits need them: written, and read back."""
    folds = {"scheme": "group", "count": 3, "repeats": 1, "seed": 0, "group": "Neighborhood"}
    project.edit(lambda params: params["house-prices"].update(folds=folds))
    data = make()
    write_dataset(tmp_path, data)
    again = read_dataset(tmp_path)
    assert again.schema.scheme == "group"
    assert data.groups is not None
    assert (again.groups == data.groups).all()
    assert (again.folds == data.folds).all()
    for split in again.splits:
        assert not set(again.groups[split.train_rows]) & set(again.groups[split.valid_rows])


def test_splits_cover_every_row_once(make):
    splits = make().splits
    assert len(splits) == 5
    assert sorted(np.concatenate([split.valid_rows for split in splits])) == list(range(80))
    for split in splits:
        assert not set(split.train_rows) & set(split.valid_rows)


def test_transforms_differ_by_fold_only_when_fitted_per_fold(make):
    per_fold = make(fit_on="fold")
    assert {transform.rows for transform in per_fold.transforms.values()} == {64}
    assert per_fold.splits[0].transform != per_fold.splits[1].transform
    for fit_on, rows in (("train", 80), ("train_and_test", 120)):
        shared = make(fit_on=fit_on)
        assert {transform.rows for transform in shared.transforms.values()} == {rows}
        assert shared.splits[0].transform == shared.splits[1].transform


def test_a_fold_is_blind_to_its_validation_rows(make, house_files):
    """The leak test: spoil one fold's validation rows, and its own transform stays as it was."""
    import pandas as pd

    before = make()
    rows = before.splits[0].valid_rows
    table = pd.read_csv(house_files / "train.csv", dtype=str, keep_default_na=False)
    table.loc[rows, "LotArea"] = "9999999"
    table.loc[rows, "Neighborhood"] = "Nowhere"
    table.to_csv(house_files / "train.csv", index=False)
    after = make()
    assert after.splits[0].transform == before.splits[0].transform
    assert after.splits[1].transform != before.splits[1].transform
