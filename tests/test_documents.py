"""What documents and presets tell people to append to params.yaml is valid there."""

import re

import pytest
from ruamel.yaml import YAML

from conftest import ROOT
from podium.config import ImageCompetition, load_config

PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


@pytest.fixture
def appended(project):
    def append(text):
        path = project.root / "params.yaml"
        path.write_text(path.read_text() + "\n" + text)
        return load_config()

    return append


@pytest.mark.parametrize("preset", PRESETS, ids=[path.stem for path in PRESETS])
def test_presets_can_be_appended(appended, preset):
    names = set(YAML().load(preset))
    assert names <= set(appended(preset.read_text()).blocks)


def test_the_block_of_image_files_can_be_appended(appended):
    text = (ROOT / "docs/images.md").read_text()
    (block,) = re.findall(r"```yaml\n(cifar-10:.*?)```", text, re.DOTALL)
    competition = appended(block)["cifar-10"]
    assert isinstance(competition, ImageCompetition)
    assert competition.source.files.labels == "trainLabels.csv"
    assert {"mlp", "cnn"} <= set(competition.models)
