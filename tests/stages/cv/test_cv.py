"""``podium cv``, the real command on a small project after all stages."""

import json
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from podium.config.names import BLEND
from podium.io.files import sha256
from podium.stages.cv import fits
from projects import DIGITS, HIDDEN, HOUSES, SMALL_MODELS, run_podium
from tracking_help import journals

OTHERS = [name for name in SMALL_MODELS if name not in ("ridge", "lasso")]
RESULTS = ("params.yaml", "dvc.yaml", "data", "models", "submissions", "reports")


@pytest.fixture
def houses(finished, tmp_path, monkeypatch):
    """A copy for one test, the working folder; nothing waits for MLflow."""
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PODIUM_WRITER", "0")
    monkeypatch.setattr("podium.runtime.tracking.run.END_SECONDS", 0)
    copy = finished.copy(tmp_path / "project")
    monkeypatch.chdir(copy.root)
    return copy


@pytest.fixture
def fitted(monkeypatch):
    """The seeds and models that are fitted, in order."""
    done, fit = [], fits.fit

    def counting(competition, model, *arguments):
        done.append((competition.folds.seed, model))
        return fit(competition, model, *arguments)

    monkeypatch.setattr(fits, "fit", counting)
    return done


def cv(*words, name=HOUSES):
    outcome = run_podium("cv", name, *words)
    assert outcome.code == 0, outcome.err
    return outcome


def hashes():
    """Of all files of the workspace's results."""
    found = [path for name in RESULTS for path in [Path(name), *Path(name).rglob("*")]]
    return {str(path): sha256(path) for path in found if path.is_file()}


def cv_of(path):
    return json.loads(Path(path).read_text())["cv"]


def test_the_seed_of_params_yaml_has_the_pipelines_scores_and_nothing_changes(houses, fitted):
    before = hashes()
    outcome = cv("--seeds", "2", "--out", "cv.json")
    assert hashes() == before
    assert fitted == [(seed, model) for seed in (0, 1) for model in SMALL_MODELS]
    found = json.loads(Path("cv.json").read_text())
    scores = {row["model"]: row["cv"] for row in found["rows"]}
    assert found["seeds"] == [0, 1]
    assert scores.keys() == {*SMALL_MODELS, BLEND}
    blend = json.loads(Path(f"reports/{HOUSES}/blend/metrics.json").read_text())
    assert scores[BLEND][0] == blend.get("blend", blend)["cv"]
    for model in SMALL_MODELS:
        assert scores[model][0] == cv_of(f"models/{HOUSES}/{model}/metrics.json")
        assert scores[model][1] != scores[model][0]
        assert f"seed 1  {model}  rmsle {scores[model][1]:.5f}\n" in outcome.out
        (oof,) = Path(f".podium/cv/{HOUSES}/seed0").glob(f"{model}-*/oof.parquet")
        pd.testing.assert_frame_equal(
            pd.read_parquet(oof), pd.read_parquet(f"models/{HOUSES}/{model}/oof.parquet")
        )


def test_only_what_is_missing_is_fitted(houses, fitted):
    some = ("--models", "ridge,lasso")
    cv("--seeds", "0,4", *some)
    assert fitted == [(0, "ridge"), (0, "lasso"), (4, "ridge"), (4, "lasso")]
    fitted.clear()
    outcome = cv("--seeds", "4,0,7", *some)
    assert fitted == [(7, "ridge"), (7, "lasso")]
    assert "2 models x 3 fold seeds: 4 of 6 fits are there" in outcome.out
    fitted.clear()
    alphas = houses.params[HOUSES]["models"]["ridge"]["alphas"]
    houses.edit(lambda p: p[HOUSES]["models"]["ridge"].update(alphas=[5]))
    cv("--seeds", "0,4", *some)
    assert fitted == [(0, "ridge"), (4, "ridge")]
    fitted.clear()
    # What is taken back is still there.
    houses.edit(lambda p: p[HOUSES]["models"]["ridge"].update(alphas=list(alphas)))
    # The blend alone depends on this.
    houses.edit(lambda p: p[HOUSES]["ensemble"].update(method="mean"))
    cv("--seeds", "0,4", *some)
    assert fitted == []
    assert len(list(Path(f".podium/cv/{HOUSES}/seed0").glob("blend-*"))) == 3
    houses.edit(lambda p: p[HOUSES]["preprocess"].update(clip=1.0))
    cv("--seeds", "0,", *some)
    assert fitted == [(0, "ridge"), (0, "lasso")]


def test_a_run_that_was_stopped_goes_on(houses, fitted, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    words = ("--seeds", "2", "--models", "ridge,lasso")
    with monkeypatch.context() as patched:
        patched.setattr(fits, "write_predictions", stop)
        outcome = run_podium("cv", HOUSES, *words)
    assert outcome.code == 130
    assert "the same command goes on from there" in outcome.err
    cv("--seeds", "0,", "--models", "ridge")
    (folder,) = Path(f".podium/cv/{HOUSES}/seed0").glob("ridge-*")
    # As if killed between two of the files.
    (folder / "metrics.json").unlink()
    fitted.clear()
    cv(*words)
    assert fitted == [(seed, model) for seed in (0, 1) for model in ("ridge", "lasso")]


@pytest.mark.deep
def test_a_killed_run_leaves_what_was_finished_and_the_next_has_the_same_scores(houses, tmp_path):
    words = ("cv", HOUSES, "--seeds", "2", "--models", "ridge,mlp", "--out", "cv.csv")
    houses.edit(lambda p: p[HOUSES]["models"]["mlp"].update(epochs=150))
    whole = houses.copy(tmp_path / "whole")
    whole.must_run("podium", *words)
    kept = Path(f".podium/cv/{HOUSES}/seed0")
    process = subprocess.Popen(["podium", *words], stdout=subprocess.DEVNULL, cwd=houses.root)
    while not list(kept.glob("ridge-*/test.parquet")):
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    process.kill()
    process.wait()
    assert not Path("cv.csv").exists()
    out = houses.must_run("podium", *words)
    assert "0 of 4 fits are there" not in out
    assert Path("cv.csv").read_text() == (whole.root / "cv.csv").read_text()


def test_one_run_in_mlflow_which_the_list_of_runs_leaves_out(houses):
    before = journals()
    cv("--seeds", "3", "--models", "ridge,lasso", "--out", "cv.csv")
    (journal,) = set(journals()) - set(before)
    events = [json.loads(line) for line in (journal / "events.jsonl").read_text().splitlines()]
    text = json.dumps(events)
    assert '"podium.stage": "cv"' in text
    assert '"FINISHED"' in text
    # What has no such metric is not listed ("podium.stages.runs").
    assert '["cv", ' not in text
    table = pd.read_csv("cv.csv", index_col="model")
    for model in ("ridge", "lasso", BLEND):
        row, own = table.loc[model], table.loc[model, ["seed_0", "seed_1", "seed_2"]].astype(float)
        assert row["mean"] == pytest.approx(own.mean(), abs=1e-6)
        assert row["std"] == pytest.approx(own.std(), abs=1e-6)
        assert row["se"] == pytest.approx(own.std() / 3**0.5, abs=1e-6)
        assert json.dumps([f"mean.{model}", row["mean"], 0]) in text
        assert json.dumps([f"cv.{model}", row["seed_2"], 2]) in text


@pytest.mark.parametrize(
    ("words", "change", "says"),
    [
        (["--seeds", "none"], {}, "--seeds: 'none' is neither how many seeds (10), at least"),
        (["--seeds", "0"], {}, "--seeds: '0' is neither"),
        (["--seeds", "1,-2"], {}, "--seeds: '1,-2' is neither"),
        (["--models", "ridge,laso"], {}, "no model 'laso' in house-prices; did you mean 'lasso'"),
        (["--out", "cv.txt"], {}, "--out: 'cv.txt' must end in .csv or .json"),
        (["--out", "none/cv.csv"], {}, "--out: no folder 'none'"),
        ([], {"scheme": "contiguous"}, "folds of scheme 'contiguous' don't depend on a seed"),
    ],
)
def test_mistakes_are_one_line(words, change, says, houses, fitted):
    houses.edit(lambda params: params[HOUSES]["folds"].update(change))
    outcome = run_podium("cv", HOUSES, *words)
    assert outcome.code == 2
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert fitted == []


def test_predictions_from_files_are_left_out(houses, fitted):
    where = f"models/{HOUSES}/ridge"
    block = {"model": "file", "oof": f"{where}/oof.parquet", "test": f"{where}/test.parquet"}
    houses.edit(lambda params: params[HOUSES]["models"].update(elsewhere=block))
    houses.edit(lambda params: [params[HOUSES]["models"].pop(name) for name in OTHERS])
    outcome = cv("--seeds", "1,")
    assert fitted == [(1, "ridge"), (1, "lasso")]
    assert "left out, since predictions from files are of their own folds alone: elsewhere" in (
        outcome.out
    )
    outcome = run_podium("cv", HOUSES, "--models", "ridge,elsewhere")
    assert outcome.code == 2
    assert "name other models with --models" in outcome.err


def test_without_raw_files_the_error_says_what_to_run(project, podium):
    outcome = podium("cv", HOUSES)
    assert outcome.code == 2
    assert f"run 'podium download {HOUSES}' first" in outcome.err
    assert "--seeds: '0' is neither" in podium("cv", HOUSES, "--seeds", "0").err


def test_images(project, podium, fitted):
    project.keep({DIGITS: ["softmax", "ridge"]})
    assert podium("download", DIGITS).code == 0
    outcome = cv("--seeds", "2", name=DIGITS)
    assert len(fitted) == 4
    assert "on 2 fold seeds, higher is better" in outcome.out
    assert "blend against" in outcome.out
