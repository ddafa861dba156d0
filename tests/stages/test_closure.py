"""The source files that a stage depends on are those that it loads when it runs."""

import json
import sys
from pathlib import Path

import pytest

from podium.config import load_config
from podium.data.sources.ames import make_ames
from podium.stages.closure import CONFIG, EXEMPT, EXEMPT_IN, STAGES, Sources, functions, is_exempt
from projects import ROOT, Project, write_csv

# A model of every family that a kind has (both kinds grow the same trees).
FAMILIES = {
    "house-prices": ("ridge", "lightgbm", "mlp", "svr"),
    "digit-recognizer": ("ridge", "mlp"),
    "two": ("ridge",),
}
# One of each kind.
FEATURES = {
    "Area": "GrLivArea / 2",
    "AreaToMean": "Area / (mean(Area) by Street)",
    "ExterQual": ["Po", "Fa", "TA", "Gd", "Ex"],
    "Price": {"target_mean": ["Street"]},
}
# Heavy libraries are imported once; each stage runs in a process forked off, where nothing of ours
# is loaded yet.
EACH_STAGE = """
import json, os, sys
import lightgbm, matplotlib.figure, pandas, pyarrow.parquet, scipy.stats, skops.io, sklearn.linear_model, torch
assert not [name for name in sys.modules if name.startswith("podium")]
for words in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        code = 0
        try:
            sys.argv = ["podium", *words]
            from podium.cli import main
            main()
        except SystemExit as error:
            code = error.code
        with open("-".join(["loaded", *words]), "w") as file:
            json.dump(sorted(name for name in sys.modules if name.startswith("podium")), file)
        sys.stdout.flush()
        os._exit(int(code or 0))
    if os.waitpid(child, 0)[1]:
        sys.exit(" ".join(words))
"""  # noqa: E501


def stages_of(competition: str) -> list[list[str]]:
    """The commands of a competition's stages, without the first word."""
    train = [["train", competition, model] for model in FAMILIES[competition]]
    before = [["download", competition], ["preprocess", competition]]
    return [*before, *train, ["ensemble", competition], ["report", competition]]


COMMANDS = [words for competition in FAMILIES for words in stages_of(competition)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which every stage ran: tables from files of two kinds of target, and images."""
    root = tmp_path_factory.mktemp("closure")
    project = Project.make(root)

    def change(params):
        params["two"] = json.loads(json.dumps(params["house-prices"]))
        params["two"] |= {
            "task": "binary", "target": "CentralAir", "target_transform": "none",
            "metric": "accuracy",
        }  # fmt: skip
        params["house-prices"]["models"]["svr"] = {"model": "sklearn.svm.SVR"}
        params["house-prices"]["features"] = FEATURES
        for name, families in FAMILIES.items():
            models = params[name]["models"]
            params[name]["models"] = {model: models[model] for model in families}
        for name in ("house-prices", "two"):
            files = make_files(root / f"files-{name}", params[name]["target"])
            params[name]["source"].update(provider="local", path=str(files))
            params[name]["preprocess"]["drop"] = ["PoolQC"]

    project.edit(change)
    project.must_run(sys.executable, "-c", EACH_STAGE, json.dumps(COMMANDS))
    return root


def make_files(folder: Path, target: str) -> Path:
    """A small table, to predict prices or two classes."""
    folder.mkdir()
    train, test = make_ames(seed=1, train_rows=80, test_rows=40)
    if target != "SalePrice":
        train, test = train.drop(columns="SalePrice"), test.drop(columns=target)
        train[target] = ["N", "Y"] * 40
    write_csv(train, folder / "train.csv")
    write_csv(test, folder / "test.csv")
    write_csv(test[["Id"]].assign(**{target: train[target][0]}), folder / "sample_submission.csv")
    return folder


@pytest.mark.deep
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_stage_loads_nothing_that_it_does_not_depend_on(ran, words):
    stage, competition = words[0], load_config(ran / "params.yaml")[words[1]]
    called = functions(stage, competition, *words[2:])
    declared = set(Sources(ROOT / "src", ROOT / "src").closure(stage, called))
    loaded = set(json.loads((ran / "-".join(["loaded", *words])).read_text()))
    loaded -= {name for name in loaded if f"{name}.".startswith(f"{CONFIG}.")} | {"podium"}
    assert {name for name in loaded - declared if not is_exempt(name, stage)} == set()
    assert f"podium.stages.{stage}" in loaded & declared


def test_exempt_modules_exist_and_have_a_reason():
    for exempt in (EXEMPT, *EXEMPT_IN.values()):
        for name, reason in exempt.items():
            assert Sources(ROOT / "src", ROOT / "src").path_of(name), name
            assert len(reason.split()) > 2, name


def package(folder: Path, **files: str) -> Sources:
    """A package with a stage ``train`` and modules of one line each."""
    for name, text in files.items():
        path = folder / "podium" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
        (path.parent / "__init__.py").touch()
    return Sources(folder, folder)


@pytest.mark.parametrize(
    "line",
    [
        "from podium.a import x",
        "from podium.a import b",
        "import podium.a.b",
        "from ..a import b",
        "def f():\n    from podium.a.b import x",
        "class K:\n    def f(self):\n        if True:\n            import podium.a.b",
        "try:\n    import podium.a.b\nexcept ImportError:\n    pass",
        "try:\n    pass\nexcept ImportError:\n    import podium.a.b",
        "with f():\n    import podium.a.b",
        "match x:\n    case 1:\n        import podium.a.b",
        "if TYPE_CHECKING:\n    pass\nelse:\n    import podium.a.b",
    ],
)
def test_imports_are_found_wherever_they_stand(tmp_path, line):
    sources = package(tmp_path, stages__train=line, a__b="", c="")
    found = set(sources.closure("train", []))
    assert found - {"podium.a.b"} == {"podium.a", "podium.stages", "podium.stages.train"}
    assert ("podium.a.b" in found) is ("import x" not in line or "podium.a.b" in line)


@pytest.mark.parametrize(
    "line",
    [
        "if TYPE_CHECKING:\n    import podium.a.b",
        "import numpy.a.b",
        "from podium.config import Competition, load_config",
        "from podium.config.schema import Files",
        "import podium",
        "'import podium.a.b'",
    ],
)
def test_what_changes_no_result_is_not_followed(tmp_path, line):
    sources = package(tmp_path, stages__train=line, a__b="", config__schema="import podium.a.b")
    assert sources.closure("train", []) == ["podium.stages", "podium.stages.train"]


def test_constants_and_functions_of_params_yamls_package_are_code(tmp_path):
    for name in ("SIZES", "is_sample"):
        line = f"from podium.config.tables import {name}"
        sources = package(tmp_path, stages__train=line, config__tables="")
        assert "podium.config.tables" in sources.closure("train", [])


def test_a_packages_template_is_code(tmp_path):
    sources = package(tmp_path, stages__train="import podium.page", page__render="")
    assert "podium.page" in sources.closure("train", [])
    before = sources.hash_of("podium.page")
    (tmp_path / "podium/page/page.css").write_text("p {}")
    with_style = Sources(tmp_path, tmp_path).hash_of("podium.page")
    (tmp_path / "podium/page/page.css").write_text("a {}")
    assert len({before, with_style, Sources(tmp_path, tmp_path).hash_of("podium.page")}) == 3


def test_every_stage_is_known():
    commands = {words[0] for words in COMMANDS}
    assert commands == set(STAGES)
