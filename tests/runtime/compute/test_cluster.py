"""A real scheduler and real workers: the same results as here, whatever ends in between."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dask_help import Cluster, cluster, end, soon
from podium.config import MLPParams
from podium.io.errors import PodiumError
from podium.nn import fit_members
from podium.runtime import compute
from podium.runtime.compute import cluster as clusters
from podium.runtime.resources import cores
from projects import HOUSES

pytestmark = pytest.mark.deep
HERE = compute.executor


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory):
    """Two workers with nannies, which start them again."""
    with cluster(tmp_path_factory.mktemp("dask")) as made:
        yield made


def small_params() -> MLPParams:
    return MLPParams(hidden=[16], epochs=6, batch_size=32, dropout=0.2)


def predictions(checkpoint: Path | None = None, on_epoch=None) -> np.ndarray:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(300, 8)).astype(np.float32)
    y = np.sin(x[:, 0]) + x[:, 1]
    rows = [np.flatnonzero(np.arange(300) % 5 != fold % 5) for fold in range(8)]
    fitted = fit_members(
        x, y, rows, small_params(), on_epoch=on_epoch, checkpoint=checkpoint,
        valid_rows_per_member=[np.arange(20)] * 8,
    )  # fmt: skip
    return fitted.predict(x)


@pytest.mark.parametrize("model", ["ridge", "lightgbm", "mlp"])
def test_submission_and_oof_have_the_bytes_of_a_local_run(
    two: Cluster, project, podium, house_files, model: str
) -> None:
    project.keep({HOUSES: [model]})
    project.use_files(house_files)
    project.edit(lambda params: params[HOUSES].update(report={"importance": "auto"}))
    for stage in ("resolve", "download", "preprocess"):
        if stage == "resolve":
            podium("sync")
        assert podium(stage, HOUSES).code == 0

    def results() -> dict[str, bytes]:
        trained = podium("train", HOUSES, model)
        assert trained.code == 0, trained.err
        assert "fold" in trained.out
        assert podium("ensemble", HOUSES).code == 0
        files = [
            project.root / f"models/{HOUSES}/{model}/{name}.parquet" for name in ("oof", "test")
        ]
        files.append(project.root / f"submissions/{HOUSES}/submission.csv")
        files.append(project.root / f"models/{HOUSES}/{model}/importance.csv")
        return {path.name: path.read_bytes() for path in files}

    here = results()
    project.edit(lambda params: params.update(compute=two.compute().model_dump()))
    assert results() == here


def test_closures_progress_and_errors_come_back(two: Cluster) -> None:
    seen, offset = [], np.arange(3.0)

    def work(number: int) -> tuple[int, float, int]:
        compute.tell(f"at {number}")
        if number == 7:
            raise ValueError("seven")
        return os.getpid(), float(offset.sum()) + number, cores()

    with HERE(two.compute()) as pool:
        found = dict(pool.each(work, range(6), on_event=lambda *event: seen.append(event)))
        assert [found[number][1] for number in range(6)] == [3.0 + n for n in range(6)]
        assert {own[2] for own in found.values()} == {1}
        assert os.getpid() not in {own[0] for own in found.values()}
        assert sorted(seen) == [(number, f"at {number}") for number in range(6)]
        with pytest.raises(ValueError, match="seven"):
            list(pool.each(work, [7]))
        table = pool.share(np.ones(1000))
        assert [pool.submit(np.sum, table).result(30) for _ in range(3)] == [1000.0] * 3
        with pytest.raises(ValueError, match="seven"):
            pool.submit(work, 7).result(30)


def test_what_a_worker_cannot_load_is_an_error_of_one_line(two: Cluster) -> None:
    class Elsewhere:
        def __reduce__(self):
            return __import__, ("a_package_that_workers_lack",)

    thing = Elsewhere()
    with HERE(two.compute()) as pool:
        work = pool.each(lambda _: thing, [0], names=["fold 1"])
        with pytest.raises(PodiumError, match=r"^fold 1: .* could not start .*that_workers_lack"):
            list(work)


def test_data_travel_once_to_a_worker(two: Cluster) -> None:
    by_process = copies(two, range(8), 0.0)
    assert all(len(made) == 1 for made in by_process.values())


def test_data_stay_where_dask_tidies_up(tmp_path: Path, monkeypatch) -> None:
    """Its active memory manager, which comes every two seconds, drops copies without a task."""
    manager = "DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__"
    monkeypatch.setenv(f"{manager}INTERVAL", "20ms")
    with cluster(tmp_path / "tidy") as tidy:
        by_process = copies(tidy, range(40), 0.1)
    assert len(by_process) == 2
    assert all(len(made) == 1 for made in by_process.values())


def copies(where: Cluster, items: Sequence[int], seconds: float) -> dict[int, set[int]]:
    """The copies of shared data that tasks of so many seconds saw, by process."""

    class Counted:
        """Says in which process it was made from bytes."""

        def __init__(self) -> None:
            self.made: list[int] = []

        def __setstate__(self, state) -> None:
            self.made = [os.getpid(), id(self)]

    data = Counted()

    def work(_: int) -> tuple[int, ...]:
        time.sleep(seconds)
        return tuple(data.made)

    with HERE(where.compute()) as pool:
        found = [own for _, own in pool.each(work, items)]
    return {pid: {made for other, made in found if other == pid} for pid, _ in found}


def test_a_worker_killed_in_a_training_loses_nothing(two: Cluster, tmp_path: Path) -> None:
    with HERE(two.compute()) as pool, compute.using(pool):
        whole = predictions()
        killed = []

        def kill(progress) -> None:
            if not killed and progress.epoch >= 2:
                killed.append(next(iter(pool.client.run(os.getpid).values())))
                os.kill(killed[0], signal.SIGKILL)

        assert np.array_equal(predictions(tmp_path, on_epoch=kill), whole)
        assert killed
    assert np.array_equal(predictions(), whole)
    # Finished groups are on this machine's disk: they are not trained again, here or there.
    epochs = []
    predictions(tmp_path, on_epoch=epochs.append)
    assert all(progress.resumed for progress in epochs)


def test_a_task_that_kills_every_worker_ends_in_an_error(two: Cluster) -> None:
    with HERE(two.compute()) as pool:
        with pytest.raises(PodiumError, match=r"^fold 2: 4 workers ended one after the other"):
            list(pool.each(lambda _: os.kill(os.getpid(), 9), [0], names=["fold 2"]))
        assert soon(lambda: pool.look() == 2)
        # The cluster goes on.
        assert dict(pool.each(lambda number: number, [5])) == {0: 5}


def test_workers_without_a_nanny_that_all_end(tmp_path: Path, monkeypatch) -> None:
    with cluster(tmp_path / "dask", 2, "--no-nanny") as made, HERE(made.compute()) as pool:
        monkeypatch.setattr(clusters, "WORKERS_SECONDS", 6.0)
        work = pool.each(lambda _: os.kill(os.getpid(), 9), [0])
        with pytest.raises(PodiumError, match="all workers ended; .*dask worker tcp://"):
            list(work)


def test_one_slot_works_there_and_not_here(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", 1) as made, HERE(made.compute()) as pool:
        assert pool.slots == 1
        found = {pid for _, pid in pool.each(lambda _: os.getpid(), range(4))}
        assert found == set(pool.client.run(os.getpid).values())
        assert os.getpid() not in found


def test_a_scheduler_that_ends_is_an_error(tmp_path: Path) -> None:
    with cluster(tmp_path / "dask", 1) as made, HERE(made.compute()) as pool:
        work = pool.each(lambda _: time.sleep(0.5), range(100))
        next(work)
        end(made.scheduler)
        started = time.monotonic()
        with pytest.raises(PodiumError, match=r"scheduler at .* is gone|lost with the Dask sched"):
            list(work)
        assert time.monotonic() - started < 60


def test_nobody_at_the_address(tmp_path: Path) -> None:
    made = Cluster(tmp_path)
    end(made.scheduler)
    started = time.monotonic()
    with (
        pytest.raises(PodiumError, match=f"no Dask scheduler answers at {made.address}"),
        HERE(made.compute()),
    ):
        pass
    assert time.monotonic() - started < 15


def test_a_scheduler_without_workers(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(clusters, "WORKERS_SECONDS", 1.0)
    with (
        cluster(tmp_path / "dask", 0) as made,
        pytest.raises(PodiumError, match="has no workers; start some: dask worker tcp://"),
        HERE(made.compute()),
    ):
        pass


def test_another_podium_on_a_worker_is_told_before_work_starts(tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "podium").mkdir(parents=True)
    (other / "podium/__init__.py").write_text('__version__ = "0.0.1"\n')
    with cluster(tmp_path / "dask", 0) as made:
        made.add_workers(1, env={"PYTHONPATH": str(other)})
        with (
            pytest.raises(PodiumError, match="^the worker at .*: podium's sources .*pip install"),
            HERE(made.compute()),
        ):
            pass


LONG = """
import signal, sys, time
# Whoever runs the tests in the background of a shell has it ignored, which children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
from podium.config.compute import Compute
from podium.runtime import compute

def work(number):
    compute.tell("started")
    while True:
        time.sleep(0.05)
        compute.stop_if_cancelled()

with compute.executor(Compute(backend="dask", address=sys.argv[1])) as pool:
    show = lambda number, event: print(event, flush=True)
    for _ in pool.each(work, [0, 1], on_event=show):
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_tasks_end_with_their_parent(two: Cluster, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", LONG, two.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"started\n"
        process.send_signal(number)
        assert process.wait(20) != 0
    finally:
        process.kill()
    with HERE(two.compute()) as pool:
        busy = lambda dask_worker: dask_worker.state.executing_count  # noqa: E731
        assert soon(lambda: not any(pool.client.run(busy).values()))
