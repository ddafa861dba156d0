"""The pipeline under the real DVC: what an edit touches, metrics, plots, experiments."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from browser import fresh_browser
from finished import QUICK, QUICK_IMAGES, made_finished, repro
from projects import DIGITS, HOUSES, Project, write_houses


def fails(project: Project, *command: str) -> str:
    """A command that has to fail; what it printed."""
    done = project.run(*command)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def finished(shared: Path) -> Project:
    return made_finished(shared)


@pytest.fixture
def copy(finished: Project, tmp_path: Path) -> Project:
    """The finished project's copy, for one test to change."""
    return finished.copy(tmp_path / "project")


def test_results_are_where_they_should_be(finished):
    root = finished.root
    for model in QUICK:
        names = {path.name for path in (root / "models/house-prices" / model).iterdir()}
        assert {
            "oof.parquet", "test.parquet", "metrics.json", "history.csv", "curves.csv", "pictures",
            "weights", "importance.csv", "partial_dependence.csv",
        } <= names  # fmt: skip
    submission = pd.read_csv(root / "submissions/house-prices/submission.csv")
    sample = pd.read_csv(root / "data/raw/house-prices/sample_submission.csv")
    assert submission["Id"].equals(sample["Id"])
    assert (submission["SalePrice"] > 0).all()
    page = (root / "reports/house-prices/report.html").read_text()
    assert "synthetic" in page
    assert not re.search(r"(src|href)=.?https?:", page)


def test_of_results_git_sees_the_lock_files_alone(finished):
    """What differs between machines is not committed: a fresh clone stays clean when it runs."""
    tracked = finished.must_run("git", "ls-files").splitlines()
    made = ("models/", "reports/", "data/", "mlflow", "mlartifacts", "submissions")
    results = {name for name in tracked if name.startswith(made) or name.endswith(".lock")}
    assert results == {"dvc.lock", "models/dvc.lock", "models/dvc.yaml"}
    assert finished.must_run("git", "status", "--porcelain") == ""


def test_nothing_runs_twice(copy):
    assert repro(copy) == []


def test_images_go_the_same_way(finished):
    root = finished.root
    submission = pd.read_csv(root / "submissions/digit-recognizer/submission.csv")
    sample = pd.read_csv(root / "data/raw/digit-recognizer/sample_submission.csv")
    assert list(submission.columns) == list(sample.columns) == ["ImageId", "Label"]
    assert (submission["ImageId"] == sample["ImageId"]).all()
    assert set(submission["Label"]) == set(range(10))
    scores = pd.read_csv(root / "reports/digit-recognizer/blend/scores.csv").set_index("model")
    assert scores.loc["blend", "cv"] > 0.9
    tables = {path.stem for path in (root / "reports/digit-recognizer/plots").glob("*.csv")}
    assert {"confusion", "reliability", "scores", "worst", "predictions"} <= tables
    page = (root / "reports/digit-recognizer/report.html").read_text()
    assert "25 worst-predicted" in page
    assert page.count('src="data:image/png') == 25


# (competition, what is edited in its block, the stages that run again)
EDITS = {
    "a model": (
        HOUSES,
        lambda block: block["models"]["mlp"].update(dropout=0.25),
        [
            "resolve@house-prices", "models/dvc.yaml:house-prices@mlp", "ensemble@house-prices",
            "report@house-prices",
        ],
    ),
    "a model of images": (
        DIGITS,
        lambda block: block["models"]["cnn"].update(rotation=5),
        [
            "resolve@digit-recognizer", "models/dvc.yaml:digit-recognizer@cnn",
            "ensemble@digit-recognizer", "report@digit-recognizer",
        ],
    ),
    "the ensemble": (
        HOUSES,
        lambda block: block["ensemble"].update(method="mean"),
        ["resolve@house-prices", "ensemble@house-prices", "report@house-prices"],
    ),
}  # fmt: skip


@pytest.mark.deep
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_reruns_what_it_touches(edit, copy):
    competition, change, stages = EDITS[edit]
    kept = copy.root / f"models/{competition}/ridge/oof.parquet"
    before = kept.stat().st_mtime_ns
    copy.edit(lambda params: change(params[competition]))
    assert repro(copy) == stages
    assert kept.stat().st_mtime_ns == before


@pytest.mark.deep
def test_a_new_model_needs_params_yaml_alone(copy):
    copy.edit(lambda params: params[HOUSES]["models"].update(ridge2={"model": "ridge"}))
    assert repro(copy) == [
        "resolve@house-prices", "models/dvc.yaml:house-prices@ridge2", "ensemble@house-prices",
        "report@house-prices",
    ]  # fmt: skip
    copy.edit(lambda params: params[HOUSES]["models"].pop("ridge2"))
    assert repro(copy)[-2:] == ["ensemble@house-prices", "report@house-prices"]
    scores = pd.read_csv(copy.root / "reports/house-prices/blend/scores.csv")
    assert "ridge2" not in set(scores["model"])


@pytest.mark.parametrize(
    ("module", "trained"),
    [
        pytest.param("models/penalized", ["lasso", "ridge"], marks=pytest.mark.deep),
        pytest.param("runtime/guard", [], marks=pytest.mark.deep),
    ],
)
def test_an_edit_of_code_reruns_what_it_can_change(copy, module, trained):
    """The results are the same bytes, so that nothing after them runs."""
    with (copy.root / f"src/podium/{module}.py").open("a") as file:
        file.write("# edited\n")
    stages = repro(copy)
    assert sorted(stages) == sorted(
        ["resolve@house-prices", "resolve@digit-recognizer"]
        + [f"models/dvc.yaml:house-prices@{model}" for model in trained]
    )
    assert repro(copy) == []


@pytest.mark.deep
def test_params_are_shown_by_dvc(copy):
    copy.edit(lambda params: params[HOUSES]["models"]["lasso"].update(alpha_count=6))
    changed = json.loads(copy.must_run("dvc", "params", "diff", "--json"))
    assert changed["params.yaml"]["house-prices.models.lasso.alpha_count"]["new"] == 6
    assert repro(copy)[:2] == ["resolve@house-prices", "models/dvc.yaml:house-prices@lasso"]


@pytest.mark.deep
def test_local_files_that_change_are_noticed(copy, tmp_path):
    # The shipped features need all columns.
    house_files = write_houses(tmp_path / "wide", wide=True)
    copy.use_files(house_files)
    until = f"preprocess@{HOUSES}"
    assert until in repro(copy, until)
    assert repro(copy, until) == []
    train = house_files / "train.csv"
    table = pd.read_csv(train, dtype=str, keep_default_na=False)
    table.iloc[:-1].to_csv(train, index=False)
    assert until in repro(copy, until)


@pytest.mark.deep
def test_local_files_that_are_gone_are_named(copy, house_files):
    text = (copy.root / "params.yaml").read_text()
    copy.use_files(house_files)
    download = f"download@{HOUSES}"
    repro(copy, download)
    train = house_files / "train.csv"
    train.unlink()
    assert "source/train" in fails(copy, "dvc", "repro")
    assert "train.csv: file is missing" in copy.must_run("podium", "check")
    assert "house-prices: local files have gone" in copy.must_run("podium", "sync")
    output = fails(copy, "dvc", "repro")
    assert "podium: error: " in output
    assert "train.csv: file is missing" in output
    # Back again: the links go where DVC stops no more.
    (copy.root / "params.yaml").write_text(text)
    assert download in repro(copy, download)


@pytest.mark.deep
def test_after_a_local_file_has_gone_another_provider_needs_no_repair(copy, house_files):
    text = (copy.root / "params.yaml").read_text()
    copy.use_files(house_files)
    download = f"download@{HOUSES}"
    repro(copy, download)
    shutil.rmtree(house_files)
    (copy.root / "params.yaml").write_text(text)
    assert repro(copy, download) == ["resolve@house-prices", download]


@pytest.mark.deep
def test_metrics_of_models_and_blend_fit_a_terminal(copy):
    shown = json.loads(copy.must_run("dvc", "metrics", "show", "--json"))
    found = {path: facts["data"] for path, facts in shown[""]["data"].items()}
    assert set(found) == {
        f"reports/{competition}/cv/{name}.json"
        for competition, models in ((HOUSES, QUICK), (DIGITS, QUICK_IMAGES))
        for name in (*models, "blend")
    }
    assert all(facts["cv"] > 0 for facts in found.values())
    copy.edit(lambda params: params[HOUSES]["ensemble"].update(method="mean"))
    copy.must_run("dvc", "repro")
    changed = copy.must_run("dvc", "metrics", "diff")
    assert "cv/blend.json" in changed
    assert "cv/ridge.json" not in changed
    differing = copy.must_run("podium", "exp")
    assert f"{HOUSES} blend" in differing
    assert f"{HOUSES}.ensemble.method" in differing
    assert "ridge" not in differing
    shown = copy.must_run("dvc", "metrics", "show") + changed + differing
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.deep
def test_plots_need_no_network_and_show_each_curve_once(copy, tmp_path):
    copy.must_run("dvc", "plots", "show", "-o", str(tmp_path / "of a fresh clone"))
    copy.must_run("podium", "sync")
    copy.must_run("dvc", "plots", "show", "-o", str(tmp_path / "plots"))
    titles = [f"{HOUSES}: {name}" for name in (*QUICK, "predicted against actual")]
    titles += [f"{DIGITS}: {name}" for name in (*QUICK_IMAGES, "confusion", "reliability")]
    with fresh_browser(offline=True) as (page, troubles):
        page.goto((tmp_path / "plots/index.html").as_uri())
        page.wait_for_function("document.querySelectorAll('main svg.marks').length == 11")
        height = page.evaluate("document.documentElement.scrollHeight")
    assert troubles == []
    assert height < 3000
    text = (tmp_path / "plots/index.html").read_text()
    for title in titles:
        assert text.count(f'"{title}"') == 1
    assert '"x_name": "log10 of alpha"' in text
    assert '"x_name": "epoch"' in text


@pytest.mark.deep
def test_experiments_override_params(copy):
    output = copy.must_run("dvc", "exp", "run", "-S", "house-prices.models.mlp.epochs=2")
    assert "Running stage 'models/dvc.yaml:house-prices@mlp'" in output
    assert copy.params[HOUSES]["models"]["mlp"]["epochs"] == 2


def only_second(params):
    """A competition of its own, which alone is listed."""
    params["second"] = dict(params[HOUSES])
    params["second"]["models"] = {"ridge": {"alphas": [10]}}
    params["competitions"] = ["second"]


@pytest.mark.deep
def test_an_experiment_on_an_uncommitted_competition_trains_what_it_changes(copy):
    copy.edit(only_second)
    copy.must_run("podium", "repro")
    output = copy.must_run("dvc", "exp", "run", "--temp", "-S", "second.ensemble.method=mean")
    ran = re.findall(r"Running stage '([^']+)'", output)
    assert ran == ["resolve@second", "ensemble@second", "report@second"]


@pytest.mark.deep
def test_a_failing_stage_leaves_the_earlier_submission(copy):
    submission = copy.root / "submissions/house-prices/submission.csv"
    raw = copy.root / "data/raw/house-prices/train.csv"
    before = submission.read_bytes(), raw.read_bytes()
    copy.use_files(copy.root / "nowhere")
    output = fails(copy, "dvc", "repro")
    assert ": house-prices.source.path: no folder or zip" in output
    assert (submission.read_bytes(), raw.read_bytes()) == before


@pytest.mark.deep
def test_a_new_competition_is_a_block(copy):
    copy.edit(only_second)
    output = fails(copy, "dvc", "repro")
    assert "second is newly listed" in output
    assert "run 'dvc repro' again" in output
    stages = repro(copy)
    assert [name for name in stages if "house-prices" in name] == []
    assert len(stages) == 6
    assert (copy.root / "submissions/second/submission.csv").is_file()
