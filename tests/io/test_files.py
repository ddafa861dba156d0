"""Results take their place when they are whole, and not before."""

import json
import shutil
from pathlib import Path

import pytest

from podium.io import files
from podium.io.errors import PodiumError


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


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_lacks_is_one_line_and_the_earlier_file_stays(tmp_path, number):
    path = tmp_path / "metrics.json"
    files.write_json(path, {"cv": 0.5})
    with pytest.raises(PodiumError, match="metrics.json: .* is NaN or infinite; look for"):
        files.write_json(path, {"cv": 0.4, "folds": [0.1, number]})
    assert files.read_json(path) == {"cv": 0.5}
    assert [one.name for one in tmp_path.iterdir()] == ["metrics.json"]


def test_the_manifest_has_no_clock(tmp_path):
    (tmp_path / "a.csv").write_text("x")
    first = json.dumps(files.manifest_of(tmp_path, provider="local"))
    assert first == json.dumps(files.manifest_of(tmp_path, provider="local"))
    assert '"bytes": 1' in first


def test_scratch_of_killed_processes_is_removed_and_nothing_else(tmp_path):
    folder = tmp_path / "ridge"
    for name in (".ridge.abcd1234", ".ridge2.abcd1234", ".ridge.abc", "ridge.abcd1234"):
        (tmp_path / name).mkdir()
    with files.publish(folder) as scratch:
        (scratch / "a").write_text("a")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"ridge", ".ridge2.abcd1234", ".ridge.abc", "ridge.abcd1234"}


def test_a_checkpoint_goes_after_the_results_are_there(tmp_path, monkeypatch):
    folder = tmp_path / "mlp"
    (folder / "checkpoint").mkdir(parents=True)
    (folder / "weights").mkdir()
    (folder / "weights/old").touch()
    seen = []

    def remove(path):
        seen.append((path.name, (folder / "a").exists()))
        shutil.rmtree(path)

    monkeypatch.setattr(files, "remove", remove)
    with files.publish(folder) as scratch:
        (scratch / "a").touch()
        (scratch / "weights").mkdir()
    assert seen[-1] == ("checkpoint", True)
    assert {path.name for path in folder.rglob("*")} == {"a", "weights"}
