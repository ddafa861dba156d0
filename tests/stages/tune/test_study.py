"""The stored study: batches that are no copies, what it remembers, and what it refuses."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from podium.config.models import RidgeParams
from podium.config.search import read_search
from podium.config.space import make_space
from podium.io.errors import PodiumError
from podium.models.trials import TrialFit
from podium.stages.tune.samplers import SAMPLERS, make_sampler
from tune_help import PROGRAM, complete, loss, opened, space

WANTED = [
    # Those of PyTorch take long to import.
    pytest.param(name, marks=pytest.mark.deep) if name in ("gp", "botorch") else name
    for name in SAMPLERS
]


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("sampler", WANTED)
def test_a_batch_is_no_copies_of_one_point(sampler):
    if sampler == "botorch":
        pytest.importorskip("botorch")
    study = opened(sampler=sampler)
    if sampler == "grid":
        study.queue(study.space.grid())
        study.only_queued = True
    for _ in range(2):
        asked = study.ask(12)
        assert len({str(one.values) for one in asked}) == len(asked)
        assert len(asked) == (12 if sampler != "grid" or not study.finished() else 6)
        rates = [one.values["learning_rate"] for one in asked]
        drops = [one.values["dropout"] for one in asked]
        # One of them has next to no effect on the loss, the other has a known best.
        assert max(rates) > 1.5 * min(rates) or max(drops) > min(drops) + 0.05
        for one in asked:
            study.tell(one, complete(loss(one.values)))


@pytest.mark.parametrize(
    ("sampler", "trials"), [("tpe", 60), pytest.param("gp", 18, marks=pytest.mark.deep)]
)
def test_a_model_of_the_scores_finds_the_valley_sooner_than_chance(sampler, trials):
    def valley(trial: optuna.Trial) -> float:
        x, y = trial.suggest_float("x", 0, 1) - 0.3, trial.suggest_float("y", 0, 1) - 0.8
        return x**2 + y**2 + 0.5 * x * y

    def found(name: str) -> float:
        studies = [optuna.create_study(sampler=make_sampler(name, seed)) for seed in range(3)]
        for study in studies:
            study.optimize(valley, n_trials=trials)
        return sum(study.best_value for study in studies)

    assert found(sampler) < 0.5 * found("random")


def test_a_space_that_is_used_up_ends_the_search():
    study = opened(made=space({"optimizer": {"choices": ["adamw", "sgd"]}}))
    asked = study.ask(9)
    assert sorted(one.values["optimizer"] for one in asked) == ["adamw", "sgd"]
    assert not study.ask(1)


@pytest.mark.parametrize(("metric", "best"), [("rmse", 1.0), ("r2", 3.0)])
def test_the_best_by_the_metric(metric, best):
    study = opened(metric=metric)
    for score in (2.0, 1.0, 3.0):
        study.tell(study.ask(1)[0], complete(score))
    assert study.best().score == best


def test_how_trials_end():
    study = opened()
    asked = study.ask(4)
    study.tell(asked[0], complete(1.0, (3.0, 2.0)))
    study.tell(asked[1], TrialFit(None, [], 1.0, "pruned", [5.0]))
    study.tell(asked[2], TrialFit(None, [], 1.0, "failed", [], "diverged"))
    study.tell(asked[3], TrialFit(None, [], 1.0, "out_of_time", []))
    assert [one.state for one in study.finished()] == ["complete", "pruned"]
    assert study.finished()[0].curve == [3.0, 2.0]
    # What had no time comes first when the search goes on; what failed is not tried again.
    assert opened().ask(1)[0].values == asked[3].values


def penalties():
    made = make_space(RidgeParams(model="ridge"), read_search({"alphas": {"range": [0.1, 100]}}))
    return opened(made=made)


def test_a_configuration_that_no_point_says_keeps_its_values():
    """A list of penalties is not the one penalty whose place it takes."""
    study, own = penalties(), {"alphas": [0.5, 5.0, 50.0]}
    study.queue_current(own)
    study.queue_current(own)
    assert study.queued == 1
    (asked,) = study.ask(1)
    assert asked.values == own
    study.tell(asked, TrialFit(None, [], 1.0, "out_of_time"))
    (asked,) = penalties().ask(1)
    assert asked.values == own
    study.tell(asked, complete(1.0))
    # Nothing to do for the same one; another one is another trial, also at the same point.
    study.queue_current(own)
    assert study.queued == 0
    other = {"alphas": study.space.values(asked.point)["alphas"]}
    study.queue_current(other)
    (asked,) = study.ask(1)
    assert asked.values == other
    assert penalties().best().values == own
    assert penalties().of_values(own).score == 1.0
    assert penalties().of_values(other) is None


def test_what_was_seen_of_a_pruned_trial_is_what_the_sampler_learns():
    study = opened()
    curve, folds, nothing, diverged = study.ask(4)
    study.tell(curve, TrialFit(None, [], 1.0, "pruned", [6.0, 5.0, 4.0]))
    study.tell(folds, TrialFit(None, [2.0, 4.0], 1.0, "pruned", [6.0, 5.0, 4.0]))
    study.tell(nothing, TrialFit(None, [], 1.0, "pruned"))
    study.tell(diverged, TrialFit(None, [float("nan")], 1.0, "pruned", [1.0]))
    seen = [trial.intermediate_values for trial in study.study.trials]
    assert seen == [{3: 4.0}, {2: 3.0}, {}, {}]
    assert [one.state for one in study.finished()] == ["pruned", "pruned"]
    assert study.finished()[1].fold_scores == [2.0, 4.0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"about": {"data": "other"}}, "made with other data"),
        ({"about": {"folds": "o", "data": "o"}}, "made with other data and folds"),
        ({"made": space({"dropout": {"range": [0.0, 0.8]}})}, "made with other space"),
    ],
)
def test_another_study_is_refused(change, words):
    opened()
    with pytest.raises(PodiumError, match=f"{words}.*--study"):
        opened(**change)
    assert opened()


@pytest.mark.parametrize(
    ("storage", "words"),
    [
        ("nonsense", "can't be used"),
        ("sqlite:////no/such/folder/x.db", "can't be used"),
        ("postgresql://me:secret@127.0.0.1:1/none", "can't be used"),
    ],
)
def test_a_storage_that_is_none(storage, words):
    with pytest.raises(PodiumError, match=words) as caught:
        opened(storage)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_botorch_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "botorch", None)
    with pytest.raises(PodiumError, match=r"pip install .* '\.\[botorch\]'"):
        opened(sampler="botorch")


@pytest.mark.parametrize(
    "storage",
    ["journal:///study.log", pytest.param("sqlite:///study.db", marks=pytest.mark.deep)],
)
def test_killed_and_continued(storage):
    program = (
        f"{PROGRAM}import time\n"
        f"study = t.opened({storage!r})\n"
        "study.tell(study.ask(1)[0], t.complete(1.0))\n"
        "print([one.values for one in study.ask(3)], flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    running = process.stdout.readline()
    study = opened(storage)
    assert study.take_over() == 0, "its process lives"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert study.take_over() == 3
    assert study.take_over() == 0
    assert [one.score for one in study.finished()] == [1.0]
    assert str([one.values for one in study.ask(3)]) == running.strip()


def test_a_line_that_a_kill_has_cut_off():
    study = opened()
    study.tell(study.ask(1)[0], complete(1.0))
    with Path("study.log").open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    again = opened()
    again.tell(again.ask(1)[0], complete(2.0))
    assert [one.score for one in opened().finished()] == [1.0, 2.0]


def test_trials_of_another_machine_are_lost_when_its_time_is_over(monkeypatch):
    study = opened()
    (asked,) = study.ask(1)
    monkeypatch.setattr("podium.runtime.processes.machine", lambda: "elsewhere")
    assert opened().take_over() == 0
    asked.trial.set_user_attr("podium.until", time.time() - 1000)
    assert opened().take_over() == 1


@pytest.mark.deep
def test_two_processes_share_a_study():
    opened()
    program = (
        f"{PROGRAM}import time\n"
        "study = t.opened()\n"
        "for _ in range(6):\n"
        "    (one,) = study.ask(1)\n"
        "    study.tell(one, t.complete(t.loss(one.values)))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    found = opened().finished()
    assert len(found) == 12
    assert len({str(one.values) for one in found}) == 12
