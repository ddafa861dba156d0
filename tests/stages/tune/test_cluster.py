"""Trials on a real Dask cluster: the scores of a search on this machine."""

import pandas as pd
import pytest

from dask_help import cluster
from podium.runtime import compute
from projects import HOUSES, run_podium

pytestmark = pytest.mark.deep


@pytest.mark.parametrize("model", ["ridge", "mlp"])
def test_a_search_on_a_cluster_scores_as_here(model, project, podium, house_files, tmp_path):
    project.keep({HOUSES: [model]})
    project.use_files(house_files)
    podium("sync")
    for stage in ("resolve", "download", "preprocess"):
        assert podium(stage, HOUSES).code == 0

    def scores(study: str) -> pd.Series:
        words = ("--trials", "4", "--batch", "4", "--pruner", "none", "--sampler", "random")
        outcome = run_podium("tune", HOUSES, model, *words, "--study", study)
        assert outcome.code == 0, outcome.err
        table = pd.read_csv(f"reports/{HOUSES}/tune/{study}/trials.csv")
        return table.sort_values("trial")["score"]

    here = scores("here")
    assert len(here.dropna()) == 4
    with cluster(tmp_path) as made:
        project.edit(lambda params: params.update(compute=made.compute().model_dump()))
        there = scores("there")
    assert list(there) == pytest.approx(list(here), rel=1e-6)
    assert compute.current().is_remote is False
