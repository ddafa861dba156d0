"""A portfolio of networks by the real commands: what it leaves behind."""

import json

import pandas as pd
import pytest

from projects import HOUSES
from tracking_help import client, log_runs, runs_of

KNOBS = {"configurations": 3, "epochs": 3, "hidden": [8]}


def test_a_portfolio_is_one_model(project, podium, house_files):
    project.use_files(house_files)
    project.edit(lambda params: params[HOUSES].update(models={"mlp_ensemble": KNOBS}))
    for command, *model in (["download"], ["preprocess"], ["train", "mlp_ensemble"], ["ensemble"]):
        outcome = podium(command, HOUSES, *model)
        assert outcome.code == 0, outcome.err
    folder = project.root / f"models/{HOUSES}/mlp_ensemble"
    told = json.loads((folder / "metrics.json").read_text())["configurations"]
    assert sum(one["weight"] for one in told) == pytest.approx(1, abs=1e-4)
    assert all(one["knobs"]["hidden"] == [8] for one in told)
    assert [one["weight"] for one in told] == sorted((one["weight"] for one in told), reverse=True)
    log_runs()
    run = next(
        run
        for run in runs_of(HOUSES)
        if "podium.model" in run.data.tags and run.data.params["model"] != "blend"
    )
    assert run.data.params["model"] == "mlp_ensemble"
    found = client().download_artifacts(run.info.run_id, "configurations.csv")
    table = pd.read_csv(found)
    assert len(table) == 5 * 3
    assert table.groupby("fold")["weight"].sum().to_numpy() == pytest.approx(1, abs=1e-4)
    networks = list((folder / "weights").glob("fold0.configuration*.safetensors"))
    assert len(networks) == (table.query("fold == 0")["weight"] > 0).sum() > 0
