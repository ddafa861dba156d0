"""Stages in lock files have one order, whenever they were done."""

import pytest

from podium.io.errors import PodiumError
from podium.runtime.parallel import lock_order

ORDER = ["resolve@a", "report@a", "models/dvc.yaml:a@ridge", "models/dvc.yaml:a@mlp"]


def block(name):
    return f"  {name}:\n    cmd: run {name}\n    deps:\n    - path: data/{name}\n      size: 1\n"


def lock_file(*names):
    return "schema: '2.0'\nstages:\n" + "".join(map(block, names))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    return tmp_path


def test_new_stages_have_the_given_order(folder):
    with lock_order.kept(ORDER):
        (folder / "dvc.lock").write_text(lock_file("report@a", "resolve@a"))
        (folder / "models/dvc.lock").write_text(lock_file("a@mlp", "a@ridge"))
    assert (folder / "dvc.lock").read_text() == lock_file("resolve@a", "report@a")
    assert (folder / "models/dvc.lock").read_text() == lock_file("a@ridge", "a@mlp")


def test_listed_ones_stay_where_they_are_and_unknown_ones_are_last(folder):
    path = folder / "models/dvc.lock"
    path.write_text(lock_file("a@mlp", "gone@one"))
    with lock_order.kept(ORDER):
        path.write_text(lock_file("a@mlp", "gone@one", "other@one", "a@ridge"))
    assert path.read_text() == lock_file("a@mlp", "gone@one", "a@ridge", "other@one")


def test_a_killed_run_is_made_good_by_the_next(folder):
    path = folder / "models/dvc.lock"
    # What a run has noted when it is killed.
    lock_order._note()
    path.write_text(lock_file("a@mlp"))
    with lock_order.kept(ORDER):
        path.write_text(lock_file("a@mlp", "a@ridge"))
    assert path.read_text() == lock_file("a@ridge", "a@mlp")
    with lock_order.kept(ORDER[:3]):
        pass
    assert path.read_text() == lock_file("a@ridge", "a@mlp")


def test_so_is_one_that_fails(folder):
    path = folder / "models/dvc.lock"
    with pytest.raises(PodiumError, match="failed"), lock_order.kept(ORDER):  # noqa: PT012
        path.write_text(lock_file("a@mlp"))
        raise PodiumError("a stage failed")
    with lock_order.kept(ORDER):
        path.write_text(lock_file("a@mlp", "a@ridge"))
    assert path.read_text() == lock_file("a@ridge", "a@mlp")


def test_a_file_in_order_is_not_written(folder):
    path = folder / "dvc.lock"
    path.write_text(lock_file("resolve@a"))
    before = path.stat().st_ino
    with lock_order.kept(ORDER):
        pass
    assert path.stat().st_ino == before
    assert not lock_order.BEFORE.exists()


def test_a_file_that_a_kill_has_cut_stays(folder):
    path = folder / "dvc.lock"
    cut = lock_file("report@a", "resolve@a")[:-3]
    with lock_order.kept(ORDER):
        path.write_text(cut)
    assert path.read_text() == cut
