"""House prices for the lab, prepared by the pipeline: the synthetic sample, which needs no network.

Both read the block ``house-prices`` of the nearest ``params.yaml``, here or above.
"""

from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import numpy as np

from podium.config import TableCompetition, load_config
from podium.data.sources import fetch
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.features.row_wise import with_features
from podium.data.tabular.prepare import make_dataset
from podium.data.tabular.read import read_raw
from podium.data.targets import Target
from podium.io.paths import enter_project
from podium.models.lab.samples import Samples, draw

HOUSES = "house-prices"


def house_dataset(rows: int | None = None) -> tuple[TableDataset, Target, TableCompetition]:
    """The sample's dataset, its target and its competition, as the stages of a run have them.

    ``rows``: the first so many training rows; all if None.

    Raises:
        PodiumError: there is no params.yaml above.
    """
    with chdir("."), TemporaryDirectory() as scratch:
        enter_project()
        competition = cast(TableCompetition, load_config(only=HOUSES)[HOUSES])
        source = competition.source.model_copy(update={"provider": "sample", "path": None})
        competition = competition.model_copy(update={"source": source})
        facts = fetch(competition, Path(scratch))
        raw = read_raw(Path(scratch), competition)
        raw.train.drop(raw.train.index[rows:] if rows else [], inplace=True)
        raw, _ = with_features(raw, competition)
        dataset = make_dataset(raw, competition, {**facts, "provider": "sample", "files": [rows]})
    return dataset, Target(competition.task, competition.target_transform), competition


def houses(rows: int = 200, *, valid: int = 600, seed: int = 0) -> Samples:
    """The sample as a matrix: standardized numbers, one-hot categories, and the log of the price,
    standardized as well.

    ``rows``, ``valid`` and ``seed`` as in ``draw``. The matrix is that of the first fold.
    """
    dataset, target, _ = house_dataset()
    split = dataset.splits[0]
    matrix = dataset.dense(split)[0].astype(np.float64)
    price = target.encode(dataset.y)
    price = (price - price.mean()) / price.std()
    names = list(split.transform.feature_names)
    return draw(matrix, price, rows, valid=valid, seed=seed, columns=names)
