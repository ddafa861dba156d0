"""A competition's own code is loaded by path; mistakes in it are one line with file and line."""

import sys
from pathlib import Path

import pytest

from podium.io.errors import PodiumError
from podium.io.usercode import load

FOLDER = Path("src/competitions")
FILE = FOLDER / "house_prices.py"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    FOLDER.mkdir(parents=True)
    return FOLDER


def write(text: str, name: str = "house_prices") -> None:
    (FOLDER / f"{name}.py").write_text(text)


def error_of(action, *arguments) -> str:
    with pytest.raises(PodiumError) as caught:
        action(*arguments)
    return str(caught.value)


def test_a_competition_without_a_file_has_no_code():
    assert load("house-prices") is None


def test_dashes_of_the_name_are_underscores_of_the_file():
    write("A = 1\n")
    code = load("house-prices")
    assert code is not None
    assert (code.path, code.get("A"), code.get("B")) == (FILE, 1, None)


def test_a_file_runs_once_and_again_after_an_edit():
    write("values = []\n")
    load("house-prices").get("values").append(1)
    assert load("house-prices").get("values") == [1]
    # As long as before, and in the same second.
    write("values = {}\n")
    assert load("house-prices").get("values") == {}
    assert not list(FOLDER.rglob("*.pyc"))


@pytest.mark.parametrize("line", ["from .shared import A", "from competitions.shared import A"])
def test_a_file_imports_others_beside_it_whatever_else_has_their_name(tmp_path, monkeypatch, line):
    other = tmp_path / "elsewhere"
    (other / "competitions").mkdir(parents=True)
    (other / "competitions" / "shared.py").write_text("A = 'elsewhere'\n")
    monkeypatch.syspath_prepend(other)
    write("A = 'beside'\n", "shared")
    write(f"{line}\n")
    assert load("house-prices").get("A") == "beside"
    write("A = 'edited'\n", "shared")
    assert load("house-prices").get("A") == "edited"


def test_nothing_is_imported_from_the_working_folder(tmp_path):
    write("import helper\n")
    Path("helper.py").touch()
    assert "No module named 'helper'" in error_of(load, "house-prices")
    assert str(tmp_path) not in sys.path


def test_two_competitions_have_their_own():
    write("A = 1\n")
    write("A = 2\n", "titanic")
    first, second = load("house-prices"), load("titanic")
    assert (first.get("A"), second.get("A")) == (1, 2)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("A = 1\nB = A +\n", 2, "SyntaxError: invalid syntax"),
        ("A = 1\n\nB = 1 / 0\n", 3, "ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)\n", 2, "ended the program; remove the exit"),
        ("import pandas as pd\npd.read_csv('no\\nsuch')\n", 2, "FileNotFoundError"),
        ("def f():\n    raise ValueError\n\nf()\n", 2, "ValueError"),
    ],
)
def test_a_mistake_is_one_line_with_the_files_line(text, line, said):
    write(text)
    message = error_of(load, "house-prices")
    assert message.startswith(f"{FILE}:{line}: {said}")
    assert "\n" not in message
    # It is no half-loaded module the next time.
    assert error_of(load, "house-prices") == message


def test_a_mistake_in_a_file_beside_it_has_that_files_line():
    write("A = 1\nraise ValueError('no')\n", "shared")
    write("\n\nfrom .shared import A\n")
    assert error_of(load, "house-prices") == f"{FOLDER / 'shared.py'}:2: ValueError: no"


def test_a_failure_in_a_call_has_the_innermost_line_of_the_file():
    write("import json\n\ndef metric(y, p):\n    return inner(y)\n\ndef inner(y):\n"
          "    return json.loads(y)\n")  # fmt: skip
    code = load("house-prices")
    with pytest.raises(PodiumError) as caught, code.blamed("metric"):
        code.get("metric")("{", 1)
    assert str(caught.value).startswith(f"{FILE}:7: metric: JSONDecodeError: ")


def test_a_missing_column_has_the_nearest_name():
    write("def features(table):\n    return table['LotAre']\n")
    code = load("house-prices")
    with pytest.raises(PodiumError) as caught, code.blamed("features", known=["LotArea", "Id"]):
        code.get("features")({"LotArea": 1})
    assert str(caught.value) == f"{FILE}:2: features: KeyError: 'LotAre'; did you mean 'LotArea'?"


def test_a_class_is_blamed_at_its_first_line():
    write("import numpy\n\n\nclass Own:\n    A = 1\n")
    code = load("house-prices")
    assert error_of(code.fail, "Own", "predicts NaN") == f"{FILE}:4: Own: predicts NaN"


def test_short_memory_stays_what_it_is():
    write("def metric(y, p):\n    raise MemoryError\n")
    code = load("house-prices")
    with pytest.raises(MemoryError), code.blamed("metric"):
        code.get("metric")(1, 2)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\nmetric = 3\n", 1, "metric: expected a function metric(y, p)"),
        ("\n\ndef metric(y):\n    pass\n", 3, "metric: expected metric(y, p), found metric(y)"),
        ("class metric:\n    pass\n", 1, "metric: expected a function metric(y, p)"),
    ],
)
def test_something_else_than_the_function_is_said(text, line, said):
    write(text)
    code = load("house-prices")
    assert error_of(code.function, "metric", 2) == f"{FILE}:{line}: {said}"


def test_more_parameters_with_defaults_are_fine():
    write("def metric(y, p, *, power=2):\n    return power\n")
    assert load("house-prices").function("metric", 2)(1, 2) == 2
