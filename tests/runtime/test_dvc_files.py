"""DVC's own files after a kill: what is broken is mended, what is whole is left alone."""

import json
import os
from pathlib import Path

import psutil
import pytest

from dvc_help import content, write_dvc_files
from podium.runtime import dvc_files

pytestmark = pytest.mark.deep


@pytest.fixture
def dvc_folder(project):
    """A project with DVC's files."""
    write_dvc_files(project)
    return project


def test_what_is_whole_is_left_alone(dvc_folder):
    me = {"pid": os.getpid(), "cmd": psutil.Process().cmdline()[-1]}
    dvc_files.RWLOCK.write_text(json.dumps({"write": {"/x": me}, "read": {"/y": [me]}}))
    before = content()
    assert dvc_files.repair() == []
    assert content() == before


@pytest.mark.parametrize("size", [0, 4096])
@pytest.mark.parametrize("path", dvc_files.LOCK_FILES, ids=str)
def test_a_lock_file_cut_off_is_what_the_last_stage_found(
    dvc_folder, podium, monkeypatch, path, size
):
    before = content()
    monkeypatch.setenv("DVC_STAGE", "train")
    dvc_files.keep_lock_files()
    os.truncate(path, size)
    # A stage that starts now must not copy the damaged file.
    dvc_files.keep_lock_files()
    monkeypatch.delenv("DVC_STAGE")
    outcome = podium("sync")
    assert (
        f"{path} was cut off by a kill; restored to its state before the last stage" in outcome.out
    )
    assert content() == before


@pytest.mark.parametrize("path", dvc_files.LOCK_FILES, ids=str)
def test_a_lock_file_cut_off_at_the_end_of_a_line_is_mended_where_dvc_refuses_it(
    dvc_folder, monkeypatch, path
):
    monkeypatch.setenv("DVC_STAGE", "train")
    dvc_files.keep_lock_files()
    before = path.read_bytes()
    # A stage's name and nothing below it.
    path.write_bytes(before[: before.index(b"    cmd:")])
    assert len(dvc_files.repair()) == 1
    assert path.read_bytes() == before


def test_a_lock_file_that_no_stage_has_seen_is_removed(dvc_folder):
    os.truncate("dvc.lock", 0)
    assert dvc_files.repair() == [
        "dvc.lock was cut off by a kill; removed it: its stages run again"
    ]
    assert not Path("dvc.lock").exists()


@pytest.mark.parametrize(
    "left",
    ["", '{"write": {"/x": {"pi', json.dumps({"write": {"/x": {"pid": 1, "cmd": "dvc repro"}}})],
    ids=["empty", "cut", "another program has the number"],
)
def test_a_list_that_stops_dvc_is_removed(dvc_folder, left):
    dvc_files.RWLOCK.write_text(left)
    assert dvc_files.repair() == [".dvc/tmp/rwlock was left by a killed DVC; removed it"]
    assert not dvc_files.RWLOCK.exists()


def test_while_a_dvc_writes_nothing_is_mended(dvc_folder, monkeypatch):
    import zc.lockfile

    monkeypatch.setattr(dvc_files, "HELD_SECONDS", 0.1)
    dvc_files.RWLOCK.write_text("")
    held = zc.lockfile.LockFile(".dvc/tmp/rwlock.lock")
    assert dvc_files.repair() == []
    held.close()
    assert len(dvc_files.repair()) == 1


def test_whole_files_are_looked_at_without_a_lock(dvc_folder, monkeypatch):
    """The next DVC may start at this moment, and waits for three seconds only."""

    def taken(*args, **keys):
        raise AssertionError("a lock is taken")

    monkeypatch.setattr("filelock.FileLock", taken)
    assert dvc_files.repair() == []
