"""The features that house prices ship with: of params.yaml and of the user's own file."""

import shutil

import pandas as pd
from ruamel.yaml import YAML

from projects import HOUSES, ROOT, write_houses

CODE = "src/competitions/house_prices.py"


def test_each_is_there_and_none_has_a_warning(project, podium, tmp_path):
    shipped = YAML().load(ROOT / "params.yaml")[HOUSES]["features"]
    project.use_files(write_houses(tmp_path / "wide", wide=True))
    project.edit(lambda params: params[HOUSES].update(features=shipped))
    shutil.copy(ROOT / CODE, CODE)
    podium("sync")
    for stage in ("resolve", "download", "preprocess"):
        outcome = podium(stage, HOUSES)
        assert outcome.code == 0, outcome.err
    summary = pd.read_csv(f"data/processed/{HOUSES}/summary.csv").set_index("column")
    assert set(shipped) <= set(summary.index)
    assert {"KitchenQual grade", "BsmtQuality"} <= set(summary.index)
