"""A release: the wheel, installed, makes a project that runs without the clone."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from podium.stages.init.files import shared_files
from projects import GIVEN, HIDDEN, HOUSES, ROOT, Project

pytestmark = pytest.mark.deep

FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
DVC = "#!{python}\nimport sys\nfrom dvc.cli import main\nsys.exit(main())\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built of a copy, since a build leaves files behind."""
    copy = tmp_path_factory.mktemp("source")
    for name in (*FILES, *shared_files(ROOT)):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src/podium", copy / "src/podium", ignore=ignored)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(copy), str(copy))
    (found,) = copy.glob("*.whl")
    return found


def pip(*arguments):
    # Not what runs here: no network, nothing but this package.
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    subprocess.run([*command, "--no-deps", "--no-index", "--quiet"], check=True)


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """An environment with the wheel, which finds the libraries in that of the tests."""
    root = tmp_path_factory.mktemp("env")
    venv.EnvBuilder(symlinks=True).create(root)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(root)}))
    (own / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = root / "bin/python"
    pip("--python", str(python), "install", str(wheel))
    (root / "bin/dvc").write_text(DVC.format(python=python))
    (root / "bin/dvc").chmod(0o755)
    return root


class Installed(Project):
    """A project whose Podium is that of the wheel."""

    def __init__(self, root: Path, environment: Path) -> None:
        super().__init__(root)
        self.environment = environment

    def run(self, *command, **options):
        inherited = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        inherited.pop("PYTHONPATH", None)
        path = f"{self.environment / 'bin'}:{os.environ['PATH']}"
        variables = {**inherited, **GIVEN, "PATH": path, "VIRTUAL_ENV": str(self.environment)}
        return subprocess.run(
            command, cwd=self.root, env=variables, capture_output=True, text=True, timeout=600
        )


def test_the_wheel_has_all_files_of_the_package_and_of_a_project(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = (path for path in (ROOT / "src/podium").rglob("*") if path.is_file())
    own = {str(path.relative_to(ROOT / "src")) for path in package if path.suffix != ".pyc"}
    project = {f"podium/stages/init/project/{path}" for path in shared_files(ROOT)}
    assert own | project == {name for name in names if name.startswith("podium/")}


def test_a_project_of_the_installed_package_runs(environment, tmp_path):
    project = Installed(tmp_path, environment)
    assert "podium init" not in project.must_run("podium", "init")
    package = project.must_run("python", "-c", "import podium; print(podium.__file__)")
    assert package.startswith(str(environment))
    project.keep({HOUSES: ["ridge"]})
    # The shipped features are not needed here, and take their time.
    (tmp_path / "src/competitions/house_prices.py").unlink()
    project.edit(lambda params: params[HOUSES].pop("features"))
    project.edit(lambda params: params[HOUSES]["models"].update(ridge={"alphas": [10]}))

    def repro():
        return re.findall(r"Running stage '([^']+)'", project.must_run("dvc", "repro"))

    stages = [f"{name}@{HOUSES}" for name in ("resolve", "download", "preprocess")]
    training = f"models/dvc.yaml:{HOUSES}@ridge"
    rest = [f"ensemble@{HOUSES}", f"report@{HOUSES}"]
    assert repro() == ["package", *stages, training, *rest]
    assert (tmp_path / f"submissions/{HOUSES}/submission.csv").is_file()
    # Nothing to do: only the stage that asks which package is installed.
    assert repro() == ["package"]
    # An update of one module runs the stages that use it.
    module = Path(package.strip()).parent / "data/sources/ames.py"
    module.write_text(module.read_text() + "# new\n")
    assert repro() == ["package", *stages[:2]]
    project.must_run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
