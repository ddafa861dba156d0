"""``podium init``: a project in an empty folder; tests/test_wheel.py runs one."""

import shutil
import subprocess

import pytest
from ruamel.yaml import YAML

from podium.stages.init import files
from projects import ROOT


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_empty_folder_gets_a_project(folder, podium):
    outcome = podium("init", "house")
    assert outcome.code == 0, outcome.err
    assert "next: 'cd house'" in outcome.out
    house = folder / "house"
    for name in files.shared_files(ROOT):
        same = (house / name).read_bytes() == (ROOT / name).read_bytes()
        assert same == (str(name) != "dvc.yaml"), name
    for name in ("README.md", "tests/test_project.py", "data", "submissions", ".git"):
        assert (house / name).exists(), name
    assert (house / "scripts/podium").stat().st_mode & 0o111
    assert not list(house.glob(".podium-init*"))


def test_its_stages_depend_on_the_installed_package(folder, podium):
    """All else is as in the clone."""
    podium("init")
    yaml = YAML(typ="safe")
    here, clone = (yaml.load(root / "dvc.yaml")["stages"] for root in (folder, ROOT))
    package = here.pop("package")
    assert package["always_changed"]
    (out,) = package["outs"][0]
    assert clone["resolve"]["deps"] == ["src/podium", "src/competitions"]
    assert here["resolve"]["deps"] == [out, "src/competitions"]
    del here["resolve"]["deps"], clone["resolve"]["deps"]
    assert here == clone


def test_the_package_stage_writes_the_same_bytes_again(folder, podium):
    assert podium("package").code == 0
    written = folder / "data/resolved/package.json"
    before = written.read_bytes()
    assert podium("package").code == 0
    assert written.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("house", "house: 1, 2, 3 and 1 more in the way; nothing was changed"),
        ("house/1", "house/1: is a file"),
        ("house/1/a", "house/1/a: "),
    ],
)
def test_what_is_in_the_way_is_left_alone(folder, podium, name, says):
    (folder / "house").mkdir()
    for number in range(1, 5):
        (folder / f"house/{number}").write_text("mine")
    outcome = podium("init", name)
    assert outcome.code == 2
    assert outcome.err.startswith(f"podium: error: {says}")
    assert outcome.err.count("\n") == 1
    assert sorted(path.name for path in (folder / "house").iterdir()) == ["1", "2", "3", "4"]


def test_an_environment_and_a_repository_are_not_in_the_way(folder, podium):
    subprocess.run(["git", "init", "-q"], check=True)
    (folder / ".venv").mkdir()
    (folder / ".git/description").write_text("mine")
    assert podium("init").code == 0
    assert (folder / ".git/description").read_text() == "mine"
    assert (folder / "params.yaml").is_file()


def test_a_folder_of_a_repository_stays_in_it(folder, podium):
    subprocess.run(["git", "init", "-q"], check=True)
    assert podium("init", "house").code == 0
    assert not (folder / "house/.git").exists()


def test_without_git_dvc_does_without_it(folder, podium, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    outcome = podium("init")
    assert "git is not installed" in outcome.err
    assert (folder / ".dvc/config").read_text().endswith("    no_scm = true\n")
