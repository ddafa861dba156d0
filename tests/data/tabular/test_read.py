"""Targets that the transform or the metric can't take."""

import pandas as pd
import pytest

from podium.config import TableCompetition, load_config
from podium.data.tabular.read import read_target
from podium.io.errors import PodiumError


@pytest.mark.parametrize(
    ("transform", "metric", "least", "says"),
    [
        ("log", "rmsle", "0.1", "'0' is not positive, and target_transform is log"),
        ("log1p", "rmse", "0", "'-1' is negative, which log1p can't take"),
        ("none", "rmsle", "0", "'-1' is negative, which rmsle can't take"),
        ("none", "rmse", "-9", None),
    ],
)
def test_the_least_target(transform, metric, least, says, project):
    keys = {"target_transform": transform, "metric": metric}
    project.edit(lambda params: params["house-prices"].update(keys))
    competition = load_config(only="house-prices")["house-prices"]
    assert isinstance(competition, TableCompetition)
    y, classes = read_target(pd.DataFrame({"SalePrice": ["5", least]}), competition)
    assert (y.tolist(), classes) == ([5.0, float(least)], [])
    if says:
        bad = pd.DataFrame({"SalePrice": ["5", says.split("'")[1]]})
        with pytest.raises(PodiumError, match=rf"train.csv:3: SalePrice {says}"):
            read_target(bad, competition)
