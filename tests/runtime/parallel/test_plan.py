"""Jobs of DVC's stages: those that can only follow each other are one."""

from hypothesis import given
from hypothesis import strategies as st

from podium.runtime.parallel.plan import make_jobs

HOUSE = {
    "resolve": [],
    "download": ["resolve"],
    "preprocess": ["resolve", "download"],
    "ridge": ["resolve", "preprocess"],
    "mlp": ["resolve", "preprocess"],
    "ensemble": ["resolve", "preprocess", "ridge", "mlp"],
    "report": ["resolve", "preprocess", "ensemble", "mlp"],
}


def test_trainings_stand_between_what_comes_before_and_after_all():
    jobs = {job.stages: job.after for job in make_jobs(HOUSE)}
    assert jobs == {
        ("resolve", "download", "preprocess"): frozenset(),
        ("ridge",): {"resolve"},
        ("mlp",): {"resolve"},
        ("ensemble", "report"): {"ridge", "mlp"},
    }


def test_one_model_is_one_job():
    after = {name: before for name, before in HOUSE.items() if name != "mlp"}
    after = {name: [one for one in before if one != "mlp"] for name, before in after.items()}
    assert [job.stages for job in make_jobs(after)] == [tuple(after)]


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 9))
    return {
        str(place): [str(one) for one in draw(st.sets(st.integers(0, place - 1)))] if place else []
        for place in range(count)
    }


@given(graphs())
def test_no_job_loses_a_stage_or_an_order(after):
    jobs = make_jobs(after)
    assert sorted(stage for job in jobs for stage in job.stages) == sorted(after)
    done: set[str] = set()
    heads: set[str] = set()
    for job in jobs:
        # Jobs come in an order in which each could run.
        assert job.after <= heads
        for stage in job.stages:
            assert set(after[stage]) <= done
            done.add(stage)
        heads.add(job.name)


def ancestors(after, stage):
    return set(after[stage]).union(*(ancestors(after, one) for one in after[stage]))


@given(graphs())
def test_each_job_comes_after_all_that_its_stages_need(after):
    jobs = {job.name: job for job in make_jobs(after)}

    def reached(job):
        before = set(job.stages)
        return before.union(*(reached(jobs[name]) for name in job.after))

    for job in jobs.values():
        for stage in job.stages:
            assert ancestors(after, stage) <= reached(job)
