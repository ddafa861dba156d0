"""``--apply``: the values are there, and every other byte is as it was."""

from pathlib import Path

import pytest

from podium.config import load_config
from podium.io.errors import PodiumError
from podium.stages.tune.apply import apply

HEAD = """\
competitions: [c]   # one

c:
  kind: tabular
  source: {provider: sample, slug: s}
  task: regression
  id: Id
  target: SalePrice
  target_transform: log   # a comment
  metric: rmsle
  folds: {}
  preprocess: {}
  models:   # of the models
"""
TAIL = """\
  # the end of the models
  ensemble: {method: mean}   # done
"""
BLOCK = ("c", "models", "mlp")
VALUES = {"dropout": 0.25, "hidden": [64, 32], "activation": "relu", "weight_decay": 1e-05}


def write(model: str) -> Path:
    path = Path("params.yaml")
    path.write_text(HEAD + model + TAIL)
    return path


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "model",
    [
        "    mlp:\n",
        "    mlp: {}\n",
        "    mlp: null   # nothing\n",
        "    ridge: {}\n    mlp:   # nothing\n    lasso: {}\n",
        "    mlp: {}   # all defaults\n",
        "    mlp: {dropout: 0.5}   # flow\n",
        "    mlp: {dropout: 0.5,   # half\n          epochs: 3}\n",
        "    mlp:\n      dropout: 0.5   # half\n      epochs: 3   # few\n",
        "    mlp:\n      dropout: [0.1, 0.2]\n      hidden:\n        - 8   # eight\n        - 9\n",
        "    mlp:\n      hidden:\n        - 8\n      # between\n      epochs: 3\n",
        "    mlp:\n      search:\n        l1: {range: [0.1, 0.5]}\n      epochs: 3\n    ridge:\n",
        "    mlp:\n      epochs: 3\n      search:\n        dropout: {range: [0.1, 0.5]}   # x\n",
    ],
)
def test_values_are_written_and_all_else_stays(model):
    path = write(model)
    lines = apply(BLOCK, VALUES)
    text = path.read_text()
    params = load_config()["c"].models["mlp"]
    assert {name: getattr(params, name) for name in VALUES} == VALUES
    assert text.startswith(HEAD)
    assert text.endswith(TAIL)
    for comment in ("# all defaults", "# flow", "# half", "# few", "# nothing", "# between", "# x"):
        assert (comment in model) == (comment in text)
    assert any(line.startswith("+") and "dropout: 0.25" in line for line in lines)
    assert lines[-1].startswith("undo: cp .podium/params/params.yaml.")
    Path(lines[-1].split()[2]).replace(path)
    assert path.read_text() == HEAD + model + TAIL


def test_git_has_the_old_text(project):
    project.use_dvc(git=True)
    project.commit("start")
    assert apply(("house-prices", *BLOCK[1:]), VALUES)[-1] == "undo: git checkout params.yaml"
    # What is not committed is not what git would put back.
    again = apply(("house-prices", *BLOCK[1:]), {"dropout": 0.1})
    assert again[-1].startswith("undo: cp ")


def test_a_block_that_another_one_shares_is_not_changed():
    path = write("    mlp: &same {dropout: 0.5}\n    wide: *same\n")
    path.write_text(path.read_text().replace("*same", "{model: mlp, <<: *same}"))
    before = path.read_text()
    try:
        load_config()
    except PodiumError:
        pytest.skip("such a file is no params.yaml")
    with pytest.raises(PodiumError, match="write dropout: 0.25"):
        apply(BLOCK, {"dropout": 0.25})
    assert path.read_text() == before


def test_windows_line_ends_stay():
    path = write("    mlp:\n      epochs: 3\n")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = path.read_bytes().count(b"\r\n")
    apply(BLOCK, {"dropout": 0.25})
    assert path.read_bytes().count(b"\r\n") == before + 1 == path.read_bytes().count(b"\n")
