"""Metrics, targets, files, progress and the training stages' file: the small parts."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from sklearn import metrics as reference

from podium.data.targets import Target
from podium.io import files
from podium.io.errors import PodiumError
from podium.metrics import METRICS
from podium.runtime.progress import reporting
from podium.stages import pipeline
from projects import ROOT

GENERATOR = np.random.default_rng(0)
Y, P = GENERATOR.uniform(1, 9, 50), GENERATOR.uniform(1, 9, 50)
CODES = GENERATOR.integers(0, 3, 60).astype(float)
PROBABILITIES = GENERATOR.dirichlet([1, 1, 1], 60)
LABELS = PROBABILITIES.argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rmse", reference.root_mean_squared_error(Y, P)),
        ("mae", reference.mean_absolute_error(Y, P)),
        ("rmsle", reference.root_mean_squared_log_error(Y, P)),
        ("r2", reference.r2_score(Y, P)),
    ],
)
def test_regression_metrics_are_scikit_learns(name, expected):
    assert METRICS[name](Y, P) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", reference.accuracy_score(CODES, LABELS)),
        ("macro_f1", reference.f1_score(CODES, LABELS, average="macro")),
        ("logloss", reference.log_loss(CODES, PROBABILITIES)),
    ],
)
def test_classification_metrics_are_scikit_learns(name, expected):
    assert METRICS[name](CODES, PROBABILITIES) == pytest.approx(expected)


def test_losses_are_lower_for_better_predictions():
    for metric in METRICS.values():
        if "regression" in metric.tasks:
            assert metric.loss(Y, Y) < metric.loss(Y, P)
        else:
            y = (CODES > 0).astype(float)
            right = np.stack([1 - y, y], axis=1)
            assert metric.loss(y, right) < metric.loss(y, right[:, ::-1])


@pytest.mark.parametrize("transform", ["none", "log", "log1p"])
def test_targets_come_back(transform):
    target = Target("regression", transform)
    assert target.decode(target.encode(Y)) == pytest.approx(Y)


def test_published_files_replace_the_old_ones_only_when_all_went_well(tmp_path):
    folder = tmp_path / "out"
    with files.publish(folder) as scratch:
        (scratch / "a").write_text("1")
        (scratch / "sub").mkdir()
        (scratch / "sub/b").write_text("2")
    with pytest.raises(ValueError, match="halfway"):
        spoil(folder)
    assert (folder / "a").read_text() == "1"
    assert (folder / "sub/b").read_text() == "2"
    with files.publish(folder) as scratch:
        (scratch / "c").write_text("3")
    assert sorted(path.name for path in folder.iterdir()) == ["c"]
    assert list(tmp_path.iterdir()) == [folder]


def spoil(folder: Path) -> None:
    with files.publish(folder) as scratch:
        (scratch / "a").write_text("changed")
        raise ValueError("halfway")


def test_broken_json_is_one_line(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(PodiumError, match="not valid JSON"):
        files.read_json(tmp_path / "x.json")


def show(terminal: bool) -> str:
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=terminal, width=120)
    with reporting("house-prices mlp", console) as reporter:
        reporter.start(100)
        for epoch in range(1, 101):
            reporter.update(epoch, f"fold 1/5  epoch {epoch}/100", loss=1 / epoch)
    return buffer.getvalue()


def test_progress_is_plain_lines_where_there_is_no_terminal():
    text = show(terminal=False)
    assert "\x1b" not in text
    assert text.startswith("house-prices mlp  fold 1/5  epoch 100/100  loss 0.0100")
    assert len(text.splitlines()) == 1


def test_slow_work_says_how_long_is_left(monkeypatch):
    from podium.runtime import progress

    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    lines = show(terminal=False).splitlines()
    assert len(lines) == 100
    assert "s left" in lines[50]


def test_progress_is_a_bar_on_a_terminal():
    text = show(terminal=True)
    assert "━" in text
    assert "epoch 100/100" in text


def test_the_committed_training_stages_are_up_to_date():
    tasks = pipeline.competition_tasks(ROOT / "params.yaml")
    assert (ROOT / pipeline.TRAINING).read_text() == pipeline.training_stages(tasks)


def test_sync_writes_once(project, podium):
    assert podium("sync").out == ""
    project.edit(lambda params: params.update(second=dict(params["house-prices"])))
    assert "brought up to date" in podium("sync").out
    assert "${second.models}" in (project.root / "models/dvc.yaml").read_text()
    assert podium("sync").out == ""


def test_an_unexpected_error_is_no_traceback(project, podium, monkeypatch):
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("podium.stages.report.report", explode)
    outcome = podium("report", "house-prices")
    assert outcome.code == 1
    assert "unexpected RuntimeError: boom" in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 1. TiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"),
    ],
)
def test_too_little_memory_is_no_bug(error, project, podium, monkeypatch):
    def explode(*_: object) -> None:
        raise error

    monkeypatch.setattr("podium.stages.train.train", explode)
    outcome = podium("train", "house-prices", "mlp")
    assert outcome.code == 2
    assert outcome.err.startswith("podium: error: not enough memory: ")
    assert "smaller networks" in outcome.err


def test_the_manifest_has_no_clock(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    first = json.dumps(files.manifest_of(tmp_path, provider="local"))
    assert first == json.dumps(files.manifest_of(tmp_path, provider="local"))
    assert '"bytes": 1' in first


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["submit"], "podium submit: missing argument 'competition'; 'podium submit --help'"),
        (["nonsense"], "podium: no such command 'nonsense'; 'podium --help'"),
        (["train", "a", "b", "c"], "podium train: got unexpected extra argument(s) (c)"),
        (["submit", "a", "--wait", "x"], "podium submit: invalid value for '--wait'"),
        (["submit", "a", "--nope"], "podium submit: no such option: --nope"),
    ],
)
def test_a_misused_command_is_told_in_one_line(words, says, podium):
    outcome = podium(*words)
    assert outcome.code == 2
    assert outcome.err.startswith(f"podium: error: {says}")
    assert len(outcome.err.splitlines()) == 1
    assert outcome.out == ""


@pytest.mark.parametrize("words", [[], ["--help"], ["submit", "--help"]])
def test_help_is_no_error(words, podium):
    outcome = podium(*words)
    assert outcome.code == 0
    assert "Usage: podium" in outcome.out
    assert outcome.err == ""
