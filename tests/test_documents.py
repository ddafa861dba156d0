"""What documents and presets tell people to append to params.yaml is valid there."""

import re
import subprocess

import pytest
from ruamel.yaml import YAML

from podium.config import ImageCompetition, load_config
from projects import ROOT

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


def test_the_edit_of_the_first_submission_is_one(project):
    text = (ROOT / "docs/kaggle.md").read_text()
    (block,) = re.findall(r"```bash\n(make env.*?)```", text, re.DOTALL)
    (line,) = [line for line in block.splitlines() if line.startswith("python -c")]
    subprocess.run(["bash", "-c", line], check=True)
    blocks = load_config().blocks
    assert blocks["house-prices"].source.provider == "kaggle"
    assert blocks["digit-recognizer"].source.provider == "sample"
    assert len(block.splitlines()) == 10
