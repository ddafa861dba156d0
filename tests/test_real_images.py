"""Kaggle's own digits and a small CIFAR-10, where environment variables name their zips."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from podium.data.images.dataset import read_dataset
from podium.io import files
from projects import ROOT

pytestmark = pytest.mark.deep


def real(variable: str) -> Path:
    place = os.environ.get(variable)
    if not place:
        pytest.skip(f"{variable} doesn't name the folder or zip of the real files")
    return (ROOT / place).resolve()


def test_real_digits(project, podium):
    place = real("PODIUM_DIGITS")

    def change(params):
        block = params["digit-recognizer"]
        block["source"].update(provider="local", path=str(place))
        block["models"] = {"softmax": {"epochs": 2}}

    project.edit(change)
    for stage in (["download"], ["preprocess"]):
        assert podium(*stage, "digit-recognizer").code == 0
    data = read_dataset(project.root / "data/processed/digit-recognizer")
    assert data.train.shape == (42_000, 28, 28, 1)
    assert data.test.shape == (28_000, 28, 28, 1)
    assert isinstance(data.train, np.memmap)
    assert 0.12 < data.splits[0].mean[0] < 0.14
    counts = [np.bincount(data.y[split.valid_rows].astype(int)) for split in data.splits]
    assert np.ptp(np.stack(counts), axis=0).max() <= 1
    assert podium("train", "digit-recognizer", "softmax").code == 0
    metrics = files.read_json(project.root / "models/digit-recognizer/softmax/metrics.json")
    assert metrics["cv"] > 0.9


def test_the_documented_block_on_real_image_files(project, podium):
    place = real("PODIUM_CIFAR")
    text = (ROOT / "docs/images.md").read_text()
    (block,) = re.findall(r"```yaml\n(cifar-10:.*?)```", text, re.DOTALL)

    def change(params):
        params["cifar-10"] = YAML().load(block)["cifar-10"]
        params["cifar-10"]["source"]["path"] = str(place)
        params["cifar-10"]["models"] = {"cnn": {"epochs": 1, "channels": [8, 16, 32]}}

    project.edit(change)
    (project.root / "models/dvc.yaml").unlink()
    assert podium("sync").code == 0
    for stage in (["download"], ["preprocess"]):
        assert podium(*stage, "cifar-10").code == 0
    data = read_dataset(project.root / "data/processed/cifar-10")
    assert data.train.shape[1:] == (32, 32, 3)
    assert len(data.schema.classes) == 10
    assert "frog" in data.schema.classes
    assert podium("train", "cifar-10", "cnn").code == 0
    metrics = files.read_json(project.root / "models/cifar-10/cnn/metrics.json")
    assert metrics["cv"] > 0.2
