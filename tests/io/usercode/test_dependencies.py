"""A competition's own code is a dependency of that competition's stages that call it."""

from pathlib import Path

import pytest

from podium.stages import resolve

FOLDER = Path("src/competitions")
OWN = "house-prices"
OTHER = "other"


@pytest.fixture
def two(houses):
    """Two competitions of the same files."""
    block = dict(houses.params[OWN])
    houses.edit(lambda params: params.update({OTHER: block}))
    return houses


def resolved() -> dict[str, str]:
    for name in (OWN, OTHER):
        resolve.resolve(name)
    folder = Path("data/resolved")
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.json")
    }


def changed(before: dict[str, str]) -> set[str]:
    after = resolved()
    return {name for name in before | after if before.get(name) != after.get(name)}


PREPROCESS = {f"{OWN}/preprocess.json"}
SCORED = {f"{OWN}/train/ridge.json", f"{OWN}/ensemble.json", f"{OWN}/report.json"}


def write(text: str, name: str = "house_prices") -> None:
    (FOLDER / f"{name}.py").write_text(text)


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize(
    "name",
    [
        "features",
        pytest.param("encoders", marks=pytest.mark.deep),
        pytest.param("sample_weight", marks=pytest.mark.deep),
    ],
)
def test_an_edit_runs_preprocess_of_that_competition(two, name):
    before = resolved()
    write(f"def {name}(x):\n    return x\n")
    assert changed(before) == PREPROCESS
    before = resolved()
    write(f"def {name}(x):\n    return x + 1\n")
    assert changed(before) == PREPROCESS
    (FOLDER / "house_prices.py").unlink()
    assert changed(before) == PREPROCESS


@pytest.mark.usefixtures("pipeline")
def test_an_edit_of_a_metric_runs_what_scores_by_it(two):
    write("def metric(y, p):\n    return 1.0\n\nmetric.greater_is_better = True\n")
    before = resolved()
    write("def metric(y, p):\n    return 2.0\n\nmetric.greater_is_better = True\n")
    # params.yaml asks for another metric.
    assert changed(before) == set()
    two.edit(lambda params: params[OWN].update(metric="own"))
    before = resolved()
    write("def metric(y, p):\n    return 3.0\n\nmetric.greater_is_better = True\n")
    assert changed(before) == SCORED


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("line", ["from .shared import f", "from competitions import shared",
                                  "import competitions.shared"])  # fmt: skip
def test_what_it_imports_beside_it_is_a_dependency_too(two, line):
    write("def f(): pass\n", "shared")
    write(f"{line}\n\ndef features(table):\n    return table\n")
    write("def features(table):\n    return table\n", "other")
    before = resolved()
    write("def f(): return 1\n", "shared")
    assert changed(before) == PREPROCESS


@pytest.mark.usefixtures("pipeline")
def test_podiums_code_that_it_imports_is_a_dependency(two):
    write("from podium import MLPRegressor\n\ndef features(table):\n    return table\n")
    resolved()
    assert "podium.nn.trainer" in Path(f"data/resolved/{OWN}/preprocess.json").read_text()
    assert "podium.nn.trainer" not in Path(f"data/resolved/{OTHER}/preprocess.json").read_text()


@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize("text", ["def features(:\n", "from .shared import f\n"])
def test_no_python_is_one_line(two, podium, text):
    write("def f(:\n", "shared")
    write(text + "\ndef features(table):\n    return table\n")
    outcome = podium("resolve", OWN)
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert ".py:1: SyntaxError: " in outcome.err


@pytest.mark.usefixtures("pipeline")
def test_extra_files_are_linked(two, house_files):
    (house_files / "places.csv").write_text("a\n1\n")
    two.edit(lambda params: params[OWN]["source"].update(files={"extra": ["places.csv"]}))
    resolved()
    folder = Path(f"data/resolved/{OWN}/source")
    assert (folder / "extra/places").resolve() == (house_files / "places.csv").resolve()
    assert (Path(f"data/resolved/{OTHER}/source") / "extra").is_file()
