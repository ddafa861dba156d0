"""The lab: small experiments that show what a knob does, on the engine that competitions use.

``from podium import lab``. A notebook says what it trains in a few lines, and gets tables::

    data = lab.digits(rows=300, wrong=0.2)
    trained = lab.train({"none": {}, "dropout": {"dropout": 0.5}}, data, seeds=5)
    lab.gains(trained)

All configurations and seeds are members of one program, as folds and seeds are in a competition.
"""

from podium.models.lab.augment import augmented, augmented_with_labels
from podium.models.lab.gains import gains
from podium.models.lab.record import Recorder
from podium.models.lab.samples import Samples, digits, draw, moons
from podium.models.lab.tables import house_dataset, houses
from podium.models.lab.train import PLAIN, Trained, short, train
from podium.reporting.lessons import (
    COLORS,
    boundary,
    curves_with_bands,
    gain_bars,
    gallery,
    histograms,
    quantile_bands,
    style,
)

__all__ = [
    "COLORS",
    "PLAIN",
    "Recorder",
    "Samples",
    "Trained",
    "augmented",
    "augmented_with_labels",
    "boundary",
    "curves_with_bands",
    "digits",
    "draw",
    "gain_bars",
    "gains",
    "gallery",
    "histograms",
    "house_dataset",
    "houses",
    "moons",
    "quantile_bands",
    "short",
    "style",
    "train",
]
