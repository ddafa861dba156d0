"""The shipped parameters on Kaggle's own files, where ``PODIUM_HOUSE_PRICES`` names them."""

import json

import pandas as pd
import pytest

from projects import ROOT, Project

pytestmark = pytest.mark.deep

NAME = "house-prices"


def test_the_blend_with_the_shipped_parameters(project: Project, podium, real_house_prices):
    (project.root / "params.yaml").write_text((ROOT / "params.yaml").read_text())

    def change(params):
        params[NAME]["source"].update(provider="local", path=str(real_house_prices))
        # A fraction of the time: means over seeds are a little better, and tested elsewhere.
        for model in ("lightgbm", "mlp"):
            params[NAME]["models"][model]["seeds"] = 1

    project.edit(change)
    models = list(project.params[NAME]["models"])
    train = [["train", NAME, model] for model in models]
    for arguments in (["download", NAME], ["preprocess", NAME], *train, ["ensemble", NAME]):
        outcome = podium(*arguments)
        assert outcome.code == 0, outcome.err
    metrics = json.loads((project.root / f"reports/{NAME}/blend/metrics.json").read_text())
    oof = pd.read_parquet(project.root / f"reports/{NAME}/blend/oof.parquet")
    submission = pd.read_csv(project.root / f"submissions/{NAME}/submission.csv")
    assert len(oof) == 1460
    assert len(submission) == 1459
    assert metrics["cv"] <= 0.1250
    models_cv = [
        json.loads((project.root / f"models/{NAME}/{model}/metrics.json").read_text())["cv"]
        for model in models
    ]
    assert metrics["cv"] < min(models_cv)
