"""What documents tell people to write is valid: params.yaml, presets, Python."""

import ast
import re
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from documents import PAGES, blocks, name, text_of
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


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_code_in_pages_can_be_read(path):
    for block in blocks(text_of(path), "python"):
        ast.parse(block)
    yaml = YAML(typ="safe")
    yaml.allow_duplicate_keys = True  # one choice below another
    for block in blocks(text_of(path), "yaml"):
        list(yaml.load_all(block))


@pytest.mark.deep
def test_the_examples_of_networks_run(tmp_path):
    code = "\n".join(blocks(text_of(ROOT / "docs/mlp.md"), "python"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # Comments say the shapes that are printed.
    shapes = re.findall(r"print\(.*shape\)  # (\([\d, ]+\))", code)
    assert shapes == re.findall(r"^\(.*\)$", done.stdout, re.MULTILINE)
