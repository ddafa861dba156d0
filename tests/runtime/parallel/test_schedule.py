"""Which job is next, and which have nothing to do."""

import pytest

from podium.runtime.parallel.plan import Job
from podium.runtime.parallel.schedule import Schedule, State

SECONDS = {"ridge": 1.0, "mlp": 50.0, "lightgbm": 20.0}
MODELS = tuple(SECONDS)
JOBS = [
    Job(("resolve", "preprocess"), frozenset()),
    *(Job((name,), frozenset({"resolve"})) for name in MODELS),
    Job(("ensemble", "report"), frozenset(MODELS)),
]
ALL = frozenset(stage for job in JOBS for stage in job.stages)


def schedule(changed=ALL):
    return Schedule(JOBS, frozenset(changed), SECONDS)


def names(jobs):
    return [job.name for job in jobs]


def test_upstream_first_then_the_longest_then_the_rest():
    found = schedule()
    assert names(found.ready()) == ["resolve"]
    found.end(found.jobs["resolve"], State.RAN)
    assert names(found.ready()) == ["mlp", "lightgbm", "ridge"]
    found.start(found.jobs["mlp"])
    assert names(found.ready()) == ["lightgbm", "ridge"]
    for name in MODELS:
        found.end(found.jobs[name], State.RAN)
    assert names(found.ready()) == ["ensemble"]
    found.end(found.jobs["ensemble"], State.RAN)
    assert found.is_over


def test_what_is_unchanged_does_not_start():
    assert schedule(()).is_over
    found = schedule({"mlp"})
    assert names(found.ready()) == ["mlp"]
    found.end(found.jobs["mlp"], State.RAN)
    # Whether its results are other ones, the blend's own DVC knows.
    assert names(found.ready()) == ["ensemble"]
    assert found.in_question() == []


def test_a_stage_that_changed_nothing_stops_there():
    found = schedule({"mlp"})
    found.end(found.jobs["mlp"], State.UNCHANGED)
    assert found.is_over


def test_after_an_edit_dvc_is_asked_about_the_trainings():
    found = schedule({"resolve"})
    found.end(found.jobs["resolve"], State.RAN)
    asked = found.in_question()
    assert set(names(asked)) == set(MODELS)
    found.answer(asked, frozenset({"lightgbm"}))
    assert names(found.ready()) == ["lightgbm"]
    assert names(found.of(State.UNCHANGED)) == ["ridge", "mlp"]
    assert found.in_question() == []


def test_a_failure_leaves_out_what_needs_it_and_nothing_else():
    found = schedule()
    found.end(found.jobs["resolve"], State.RAN)
    found.end(found.jobs["mlp"], State.FAILED)
    assert names(found.ready()) == ["lightgbm", "ridge"]
    assert names(found.of(State.LEFT_OUT)) == ["ensemble"]


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_slots_are_used_while_there_is_work(slots):
    """Graham's bound: no plan is twice as long as the work and the longest way allow."""
    found, clock, running = schedule(), 0.0, {}
    while not found.is_over:
        for job in found.ready()[: slots - len(running)]:
            found.start(job)
            running[job.name] = clock + sum(SECONDS.get(stage, 0.5) for stage in job.stages)
        name = min(running, key=running.__getitem__)
        clock = running.pop(name)
        found.end(found.jobs[name], State.RAN)
    work = sum(SECONDS.get(stage, 0.5) for stage in ALL)
    assert max(work / slots, 52.0) <= clock <= work / slots + 52.0
    assert slots < 2 or clock == 52.0
