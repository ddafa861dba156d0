"""``podium report`` without what it reports."""

from pathlib import Path

import pytest

from podium.data.dataset import Schema
from podium.io import files, paths
from projects import HOUSES


@pytest.mark.parametrize(
    ("trained", "says"),
    [(["ridge"], "model 'mlp' is not trained"), (["ridge", "mlp"], "the models are not blended")],
)
def test_what_is_not_there_is_named(trained, says, project, podium):
    project.keep({HOUSES: ["ridge", "mlp"]})
    facts = ("Id", "SalePrice", "regression", [], "fold", "local", False, "d", "f")
    Path(paths.processed(HOUSES)).mkdir(parents=True)
    Schema(*facts).write(paths.processed(HOUSES))
    for model in trained:
        paths.model(HOUSES, model).mkdir(parents=True)
        files.write_json(paths.model(HOUSES, model) / "metrics.json", {})
    outcome = podium("report", HOUSES)
    (line,) = outcome.err.splitlines()
    assert outcome.code == 2
    assert f"{says}; run 'dvc repro'" in line
