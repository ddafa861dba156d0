"""``podium check`` looks at users' own code without running a stage."""

import shutil
from pathlib import Path

import pytest

from projects import ROOT, write_houses

FILE = "src/competitions/house_prices.py"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def features():\n    pass\n", ":1: features: expected features(table) or features(table, "
         "files), found features()"),
        ("x = 1\ndef encoders(y):\n    pass\n",
         ":2: encoders: expected encoders(), found encoders(y)"),
        ("import nosuchpackage\n", ":1: ModuleNotFoundError: No module named 'nosuchpackage'"),
        ("sample_weight = 3\n", ":1: sample_weight: expected a function sample_weight(train)"),
    ],
)  # fmt: skip
def test_a_mistake_is_an_error(own_code, podium, text, said):
    own_code(text)
    outcome = podium("check")
    assert outcome.code == 2
    assert f"podium: error: {FILE}{said}" in outcome.err


def test_a_file_that_is_no_python_is_one_line(own_code, podium):
    own_code("def features(table)\n    return table\n")
    outcome = podium("check")
    assert outcome.code == 2
    assert outcome.err == f"podium: error: {FILE}:1: SyntaxError: expected ':'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def metric(y, p):\n    pass\n",
         "metric() is not used; params.yaml asks for it by 'metric: own'"),
        ("def folds(train):\n    pass\n", "asks for it by 'folds: {scheme: own}'"),
        ("def feature(table):\n    pass\n",
         "feature() is not used; Podium calls features(table) or features(table, files)"),
        ("def sample_weights(train):\n    pass\n", "Podium calls sample_weight(train)"),
    ],
)  # fmt: skip
def test_what_does_nothing_is_a_warning(own_code, podium, text, said):
    own_code(text)
    outcome = podium("check")
    assert outcome.code == 0, outcome.err
    assert f"podium: warning: {FILE}: " in outcome.err
    assert said in outcome.err


def test_a_file_of_nearly_a_competitions_name_is_a_warning(houses, podium):
    Path("src/competitions/house-prices.py").touch()
    outcome = podium("check")
    assert outcome.code == 0, outcome.err
    assert "the code of house-prices is expected in house_prices.py" in outcome.err


def test_the_shipped_example_is_right_and_makes_columns(houses, podium, tmp_path):
    houses.use_files(write_houses(tmp_path / "wide", wide=True))
    podium("download", "house-prices")
    shutil.copyfile(ROOT / FILE, FILE)
    outcome = podium("check")
    assert (outcome.code, outcome.err) == (0, "")
    before = podium("preprocess", "house-prices")
    assert before.code == 0, before.err
    assert "BsmtQuality" in Path("data/processed/house-prices/summary.csv").read_text()
