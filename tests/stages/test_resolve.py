"""What each stage depends on: an edit changes exactly the files of the stages that it touches."""

import os
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from podium.config import Competition, ModelParams, load_config
from podium.config.models import MODELS
from podium.stages import resolve
from podium.stages.closure import STAGES
from projects import HOUSES, ROOT, SMALL_IMAGE_MODELS, SMALL_MODELS, Project

COMPETITIONS = ("house-prices", "digit-recognizer")
LINEAR = {f"house-prices/train/{model}.json" for model in ("ridge", "lasso", "elastic_net")}
TREES = {f"{name}/train/lightgbm.json" for name in COMPETITIONS}
IMAGE_NETWORKS = {f"digit-recognizer/train/{model}.json" for model in ("softmax", "mlp", "cnn")}
NETWORKS = {"house-prices/train/mlp.json", *IMAGE_NETWORKS}


@pytest.fixture
def own_sources(project: Project) -> Project:
    """A project with sources of its own, resolved."""
    copy_sources(project.root)
    return project


def copy_sources(root: Path) -> None:
    shutil.rmtree(root / "src")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", root / "src", ignore=ignored)


def resolved(names: tuple[str, ...] = COMPETITIONS) -> dict[str, str]:
    """The files that the stage writes, by their names, in the working folder."""
    for name in names:
        resolve.resolve(name)
    return contents()


def contents() -> dict[str, str]:
    folder = Path("data/resolved")
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.json")
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def matching(*patterns: str) -> set[str]:
    return {name for name in contents() if any(fnmatch(name, pattern) for pattern in patterns)}


def test_there_is_a_file_for_each_stage_and_model(project, podium):
    outcomes = [podium("resolve", name) for name in COMPETITIONS]
    assert [outcome.code for outcome in outcomes] == [0, 0]
    stages = {stage for stage in STAGES if stage != "train"}
    expected = {f"{name}/{stage}.json" for name in COMPETITIONS for stage in stages}
    expected |= {f"house-prices/train/{model}.json" for model in SMALL_MODELS}
    expected |= {f"digit-recognizer/train/{model}.json" for model in SMALL_IMAGE_MODELS}
    assert set(contents()) == expected
    assert resolved() == contents()


@pytest.mark.deep
def test_an_edit_of_code_changes_the_files_of_stages_that_run_it(own_sources):
    before = resolved()
    scored = matching("*/train/*", "*/ensemble.json", "*/report.json")
    touched = {
        "metrics/numbers": scored,
        "data/targets": scored,
        "stages/train": matching("*/train/*"),
        "models/penalized": LINEAR,
        "models/gradient_boosting": TREES,
        "models/networks": NETWORKS,
        "models/table_networks": {"house-prices/train/mlp.json"},
        "nn/trainer": NETWORKS,
        "data/images/decode": {"digit-recognizer/preprocess.json"},
        "data/images/warp": IMAGE_NETWORKS,
        "data/tabular/dense": {"house-prices/train/mlp.json"},
        "data/tabular/summary": {"house-prices/preprocess.json"},
        "data/sources/kaggle": set(),
        "data/sources/mirror": set(),
        "io/kaggle/client": set(),
        "ensemble/blend": matching("*/ensemble.json", "*/report.json"),
        "reporting/page/render": matching("*/report.json"),
        "reporting/plots": matching("*/report.json"),
        "runtime/tracking/writer": set(),
        "io/errors": set(),
        "models/estimators": set(),
        "submissions/send": set(),
    }
    for module, expected in touched.items():
        path = Path(f"src/podium/{module}.py")
        text = path.read_text()
        path.write_text(text + "# edited\n")
        assert changed(before, resolved()) == expected, module
        path.write_text(text)
    assert resolved() == before


@pytest.mark.parametrize(
    ("provider", "module"),
    [("kaggle", "data/sources/kaggle"), ("kaggle", "io/kaggle/worker"),
     ("mirror", "data/sources/mirror"), ("sample", "data/sources/ames")],
)  # fmt: skip
def test_a_download_depends_on_its_providers_code(own_sources, provider, module):
    own_sources.edit(lambda params: params["house-prices"]["source"].update(provider=provider))
    before = resolved(("house-prices",))
    with Path(f"src/podium/{module}.py").open("a") as file:
        file.write("# edited\n")
    assert changed(before, resolved(("house-prices",))) == {"house-prices/download.json"}


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("models", "alpha_ratio: Annotated[float, Field(gt=0, lt=1)] = 1e-3",
         "alpha_ratio: Annotated[float, Field(gt=0, lt=1)] = 2e-3",
         LINEAR - {"house-prices/train/ridge.json"} | {"house-prices/report.json"}),
        ("networks", "momentum: Fraction = 0.9", "momentum: Fraction = 0.8",
         NETWORKS | {f"{name}/report.json" for name in COMPETITIONS}),
        # Every competition says how many folds it has; so nothing uses the default.
        ("schema", "count: int = 5", "count: int = 4", set()),
        ("schema", 'channels: Literal["auto", "grey", "rgb"] = "auto"',
         'channels: Literal["auto", "grey", "rgb"] = "grey"', set()),
        ("schema", "rounds: int = Field(100, ge=1)", "rounds: int = Field(90, ge=1)",
         {f"{name}/{stage}.json" for name in COMPETITIONS for stage in ("ensemble", "report")}),
    ],
)  # fmt: skip
def test_an_edit_of_a_default_changes_the_files_of_what_uses_it(
    own_sources, module, old, new, expected
):
    before = resolved()
    path = Path(f"src/podium/config/{module}.py")
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    code = "from podium.stages.resolve import resolve; [resolve(name) for name in {}]"
    done = subprocess.run(
        [sys.executable, "-c", code.format(COMPETITIONS)],
        env={**os.environ, "PYTHONPATH": str(Path("src").resolve())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert changed(before, contents()) == expected


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda block: block["models"]["mlp"].update(dropout=0.25),
         {"train/mlp.json", "report.json"}),
        # The default itself.
        (lambda block: block["models"]["ridge"].update(inner_folds=5), set()),
        (lambda block: block["models"].update(two={"model": "lasso"}),
         {"train/two.json", "ensemble.json", "report.json"}),
        (lambda block: block["preprocess"].update(clip=9.0), {"preprocess.json"}),
        (lambda block: block.update(features={"A": "LotArea / 2"}), {"preprocess.json"}),
        (lambda block: block["folds"].update(seed=1), {"preprocess.json", "report.json"}),
        (lambda block: block["ensemble"].update(method="mean"), {"ensemble.json", "report.json"}),
        (lambda block: block["ensemble"].update(models=["ridge"]),
         {"ensemble.json", "report.json"}),
        (lambda block: block["ensemble"].update(models=list(SMALL_MODELS)), set()),
        (lambda block: block["source"].update(seed=3), {"download.json"}),
        (lambda block: block["source"].update(files={"sample_submission": None}),
         {"download.json", "preprocess.json", "ensemble.json"}),
    ],
)  # fmt: skip
def test_an_edit_of_params_yaml_changes_the_files_of_what_reads_it(project, edit, expected):
    before = resolved(("house-prices",))
    project.edit(lambda params: edit(params["house-prices"]))
    after = resolved(("house-prices",))
    assert changed(before, after) == {f"house-prices/{name}" for name in expected}


def test_a_knob_of_an_estimator_changes_its_file_and_the_page_and_an_update_its_file(
    project, monkeypatch
):
    svr = {"model": "sklearn.svm.SVR", "C": 3}
    project.edit(lambda params: params["house-prices"]["models"].update(svr=svr))
    before = resolved(("house-prices",))
    project.edit(lambda params: params["house-prices"]["models"]["svr"].update(C=4))
    shown = {"house-prices/train/svr.json", "house-prices/report.json"}
    assert changed(before, after := resolved(("house-prices",))) == shown
    monkeypatch.setattr("podium.config.imported.metadata.version", lambda name: "9.9.9")
    assert changed(after, resolved(("house-prices",))) == {"house-prices/train/svr.json"}
    code = Path("data/resolved/house-prices/train/svr.json").read_text()
    assert "podium.models.imported" in code
    assert "podium.models.boosting" not in code
    assert "podium.models.imported" not in before["house-prices/train/ridge.json"]


def test_code_of_a_model_by_an_estimator_of_ours_is_in_its_file(project):
    project.edit(lambda params: params["house-prices"].update(models={"retrieval": {}}))
    code = resolved(("house-prices",))["house-prices/train/retrieval.json"]
    for module in ("models.retrieval", "models.imported", "nn.retrieval"):
        assert f"podium.{module}" in code


def test_stages_read_no_key_that_they_do_not_depend_on(project, podium, house_files, monkeypatch):
    """Keys that stages read themselves; what is only logged is not looked at."""
    project.use_files(house_files)
    names = list(load_config()["house-prices"].models)
    project.edit(lambda params: [params["house-prices"]["models"].pop(name) for name in names[1:]])
    read: set[str] = set()
    plain = Competition.__getattribute__

    def recorded(self, name):
        if name in Competition.model_fields and "podium/config" not in caller():
            read.add(name)
        return plain(self, name)

    monkeypatch.setattr(Competition, "__getattribute__", recorded)
    for stage in STAGES:
        read.clear()
        words = [stage, "house-prices", *(["ridge"] if stage == "train" else [])]
        assert podium(*words).code == 0
        # Its own checks of the raw files are made again when they are preprocessed.
        checks = {"target_transform", "metric", "preprocess", "submission", "folds"}
        checks = checks if stage == "download" else set()
        assert read - checks - {"name", "models"} <= set(resolve.READS[stage]), stage


def caller() -> str:
    """The file that the reader of an attribute is in."""
    return sys._getframe(2).f_code.co_filename.replace(os.sep, "/")


def test_what_blocks_work_out_is_a_value_too():
    """Code of params.yaml's classes is no dependency; so a stage may use keys and properties."""
    for kind in {spec.params for models in MODELS.values() for spec in models.values()}:
        own = {name for name in dir(kind) if not name.startswith("_")} - set(dir(ModelParams))
        block = kind(channels=[8]) if "channels" in kind.model_fields else kind()
        assert own <= set(kind.model_fields) | set(resolve.properties(block)), kind


def test_without_sources_beside_it_the_installed_package_counts(project, podium):
    """A project of ``podium init``: the same files, with the same hashes."""
    assert podium("resolve", HOUSES).code == 0
    before = {path: path.read_bytes() for path in Path("data/resolved").rglob("*.json")}
    (project.root / "src/podium").unlink()
    assert podium("resolve", HOUSES).code == 0
    assert {path: path.read_bytes() for path in before} == before


def test_local_files_are_linked_as_they_are_read(project, house_files):
    project.use_files(house_files)
    resolved(("house-prices",))
    folder = Path("data/resolved/house-prices/source")
    for name in ("train", "test", "sample_submission"):
        assert (folder / name).resolve() == (house_files / f"{name}.csv").resolve()
    assert not (folder / "labels").is_symlink()
    shutil.make_archive(str(house_files / "all"), "zip", house_files)
    project.use_files(house_files / "all.zip")
    resolved(("house-prices",))
    assert (folder / "train").resolve() == (house_files / "all.zip").resolve()
    assert not (folder / "test").is_symlink()
    project.edit(lambda params: params["house-prices"]["source"].update(provider="sample"))
    resolved(("house-prices",))
    assert not any(link.is_symlink() for link in folder.iterdir())
    assert len(list(folder.iterdir())) == 6


def test_a_packed_table_and_folders_of_images_are_linked(project, tmp_path):
    files = tmp_path / "images"
    for name in ("train", "test"):
        (files / name).mkdir(parents=True)
    (files / "labels.csv").touch()
    (files / "sample_submission.csv.zip").touch()
    source = {"provider": "local", "path": str(files), "files": {
        "train": "train", "test": "test", "labels": "labels.csv"}}  # fmt: skip
    project.edit(lambda params: params["digit-recognizer"].update(source=source))
    resolved(("digit-recognizer",))
    folder = Path("data/resolved/digit-recognizer/source")
    found = {path.name: path.resolve().name for path in folder.iterdir()}
    assert found == {
        "train": "train", "test": "test", "labels": "labels.csv",
        "sample_submission": "sample_submission.csv.zip", "folds": "folds", "extra": "extra",
    }  # fmt: skip


def test_a_file_of_folds_is_linked_for_preprocess_whatever_the_provider(project, tmp_path):
    path, link = tmp_path / "own.csv", Path("data/resolved/house-prices/source/folds")
    path.write_text("Id,fold\n")

    def use_file(params):
        folds = params["house-prices"]["folds"]
        del folds["count"]
        folds.update(scheme="file", path=str(path))

    before = resolved(("house-prices",))
    assert not link.is_symlink()
    project.edit(use_file)
    after = resolved(("house-prices",))
    assert link.resolve() == path.resolve()
    assert changed(before, after) == {"house-prices/preprocess.json", "house-prices/report.json"}


def test_a_local_file_that_is_missing_is_named_and_nothing_is_lost(project, podium, house_files):
    project.use_files(house_files)
    before = resolved(("house-prices",))
    (house_files / "test.csv").unlink()
    outcome = podium("resolve", "house-prices")
    assert outcome.code == 2
    assert "test.csv: file is missing" in outcome.err
    assert contents() == before
    checked = podium("check")
    assert "test.csv: file is missing" in checked.err
    assert checked.out.endswith("params.yaml is valid, but house-prices can't run: see above\n")
    assert "house-prices: local files have gone" in podium("sync").out
    assert not Path("data/resolved/house-prices/source").exists()
