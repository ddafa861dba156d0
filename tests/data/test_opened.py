"""A competition's data for notebooks are those of the stages, or made without a trace."""

import numpy as np

from podium.config import load_config
from podium.data.opened import open_dataset, raw_files
from podium.io import files, paths
from projects import HOUSES, run_podium


def test_without_stages_nothing_is_written(project, house_files):
    project.use_files(house_files)
    competition = load_config(only=HOUSES)[HOUSES]
    before = sorted(project.root.rglob("*"))
    with raw_files(competition) as (folder, manifest):
        assert (folder / "train.csv").is_file()
        assert manifest["provider"] == "local"
    assert not folder.exists()
    made = open_dataset(competition)
    assert sorted(project.root.rglob("*")) == before

    assert run_podium("download", HOUSES).code == 0
    assert run_podium("preprocess", HOUSES).code == 0
    with raw_files(competition) as (folder, there):
        assert folder == paths.raw(HOUSES)
        assert there == files.read_json(folder / files.MANIFEST)
        assert there["files"] == manifest["files"]
    stored = open_dataset(competition)
    assert np.array_equal(made.y, stored.y)
    assert made.schema == stored.schema
    split = stored.splits[0]
    assert np.array_equal(made.dense(split)[0], stored.dense(split)[0])
