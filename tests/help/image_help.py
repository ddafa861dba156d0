"""Small images with a pattern for each class, and every image model with knobs that suit them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Folds
from podium.config.models import IMAGE_MODELS
from podium.data.folds import assign_folds
from podium.data.images.dataset import ImageDataset, ImageSchema, fold_moments
from podium.data.targets import Target
from podium.metrics import METRICS
from podium.models import ModelResult, fit_model
from podium.runtime.progress import SILENT, Reporter

CLASSES = ["bar", "column", "corner"]
TRAIN, TEST = 120, 40
KNOBS: dict[str, dict[str, Any]] = {
    "softmax": {"epochs": 8, "batch_size": 30, "learning_rate": 0.01, "device": "cpu"},
    "ridge": {"alphas": [10, 100, 1000], "holdout": 0.2},
    "lightgbm": {"rounds": 12, "min_child_samples": 3, "num_leaves": 4, "feature_fraction": 0.5},
    "mlp": {"epochs": 8, "batch_size": 30, "hidden": [16], "learning_rate": 0.01, "device": "cpu"},
    "cnn": {
        "epochs": 8,
        "batch_size": 15,
        "channels": [4, 8],
        "learning_rate": 0.03,
        "device": "cpu",
    },
}
NETWORKS = ["softmax", "mlp", "cnn"]
# Every way to change an image at random, and mixing; strengths that leave the classes apart.
CHANGES: dict[str, Any] = {
    "shift": 0.1,
    "rotation": 10.0,
    "scale": 0.1,
    "shear": 5.0,
    "elastic": 0.02,
    "horizontal_flip": True,
    "vertical_flip": True,
    "crop_padding": 1,
    "erase": 0.2,
    "erase_probability": 0.5,
    "pixel_noise": 0.02,
    "brightness": 0.1,
    "contrast": 0.1,
}


def patterns(side: int = 8) -> np.ndarray:
    """The classes without noise, shape (3, side, side), 0 is black and 1 white."""
    clean = np.zeros((3, side, side))
    clean[0, side // 4, 1:-1] = 1
    clean[1, 1:-1, side // 4] = 1
    clean[2, side // 2 :, side // 2 :] = 1
    return clean


def drawn(codes: np.ndarray, channels: int = 1, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    """Images of classes, shape (n, 8, 8, channels), uint8, another noise for each number."""
    generator = np.random.default_rng(seed)
    clean = np.repeat(0.2 + 0.5 * patterns()[codes][..., None], channels, axis=3)
    noisy = clean + noise * generator.normal(size=clean.shape)
    return (255 * noisy.clip(0, 1)).astype(np.uint8)


def make_images(channels: int = 1, repeats: int = 1, noise: float = 0.3) -> ImageDataset:
    """120 training and 40 test images of three classes, in four stratified folds."""
    generator = np.random.default_rng(1)
    codes = generator.permutation(np.arange(TRAIN + TEST) % 3)
    y = codes[:TRAIN].astype(np.float64)
    images = drawn(codes, channels, noise)
    folds = assign_folds(Folds(scheme="stratified", count=4, repeats=repeats), y)
    ids = pd.Series(np.arange(TRAIN + TEST), name="Id")
    return image_dataset(images[:TRAIN], images[TRAIN:], y, folds, ids)


def image_dataset(
    train: np.ndarray,
    test: np.ndarray,
    y: np.ndarray,
    folds: np.ndarray,
    ids: "pd.Series[Any] | None" = None,
) -> ImageDataset:
    """Images, class codes and folds as a competition's dataset."""
    if ids is None:
        ids = pd.Series(np.arange(len(train) + len(test)), name="Id")
    task = "multiclass" if len(np.unique(y)) > 2 else "binary"
    names = CLASSES[: int(y.max()) + 1]
    schema = ImageSchema(
        "Id", "label", task, names, "fold", "local", True, "", "", *train.shape[1:]
    )
    rows = len(train)
    test_ids = ids[rows:].reset_index(drop=True)
    moments = fold_moments(train, folds)
    return ImageDataset(y, ids[:rows], test_ids, folds, schema, train, test, moments)


def fit(
    model: str,
    dataset: ImageDataset,
    reporter: Reporter = SILENT,
    scratch: Path | None = None,
    **knobs: Any,
) -> ModelResult:
    params = IMAGE_MODELS[model].params(model=model, **{**KNOBS[model], **knobs})
    target = Target(dataset.schema.task, "none", tuple(dataset.schema.classes))
    return fit_model(params, dataset, target, METRICS["logloss"], reporter, scratch)
