"""``podium init`` as a list of steps: look, lay out the files, make it a git repository."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from podium.io import paths
from podium.io.errors import PodiumError, warn
from podium.io.text import counted, printable
from podium.runtime.console import say
from podium.stages.init.files import OWN, folder, shared_files

# What may be in the folder already: it is no part of a project.
NOT_IN_THE_WAY = {".git", ".venv", "venv", ".idea", ".vscode", ".DS_Store"}
SHOWN = 3
# Empty at first; git keeps no empty folder.
EMPTY = ("data", "submissions")
# In a clone the first stage depends on the sources that lie beside it; here, on which package is
# installed, which a stage that always runs writes down.
SOURCES = "      - src/podium\n"
PACKAGE = f"""\
stages:
  # Which Podium is installed: this runs always, in less than a second. After an update `resolve`
  # runs, and then the stages whose code has changed.
  package:
    desc: which Podium is installed
    cmd: sh scripts/podium package
    always_changed: true
    outs:
      - {paths.PACKAGE}: {{cache: false, persist: true}}

"""


def init(where: str) -> None:
    """Lay out a project.

    Args:
        where: an empty folder, or one to be made.

    Raises:
        PodiumError: something is in the way; nothing is changed then.
    """
    root = Path(where).expanduser()
    _check_empty(root)
    root.mkdir(parents=True, exist_ok=True)
    # Whole or not at all: a full disk leaves no half project.
    with tempfile.TemporaryDirectory(prefix=".podium-init-", dir=root) as scratch:
        count = _lay_out(Path(scratch))
        for entry in sorted(Path(scratch).iterdir()):
            entry.replace(root / entry.name)
    _use_git(root)
    here = root.resolve() == Path.cwd()
    say(f"{printable(where)}: a project of {counted(count, 'file')}, with a sample of data")
    step = "" if here else f"'cd {printable(where)}', "
    say(f"next: {step}'podium check', 'dvc repro', 'podium ui'")


def _check_empty(root: Path) -> None:
    """Raises: PodiumError: it is no folder, or not empty."""
    shown = printable(str(root))
    if root.exists() and not root.is_dir():
        raise PodiumError(f"{shown}: is a file; give an empty folder")
    if not root.is_dir():
        return
    names = sorted(path.name for path in root.iterdir() if path.name not in NOT_IN_THE_WAY)
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        raise PodiumError(
            f"{shown}: {', '.join(map(printable, names[:SHOWN]))}{more} in the way; nothing was "
            "changed: give an empty folder, or the name of a new one ('podium init NAME')"
        )


def _lay_out(root: Path) -> int:
    """Write all files; how many there are."""
    source = folder()
    pairs = [(source / path, path) for path in shared_files(source)]
    own = (path for path in sorted(OWN.rglob("*")) if path.is_file())
    pairs += [(path, path.relative_to(OWN)) for path in own if path.suffix != ".pyc"]
    for path, name in pairs:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, root / name)
    (root / "scripts/podium").chmod(0o755)
    for empty in EMPTY:
        (root / empty).mkdir(exist_ok=True)
        (root / empty / ".gitkeep").touch()
    pipeline = root / "dvc.yaml"
    pipeline.write_text(for_package(pipeline.read_text(encoding="utf-8")), encoding="utf-8")
    return len(pairs)


def for_package(text: str) -> str:
    """The clone's ``dvc.yaml``, where stages depend on the installed package."""
    assert text.count(SOURCES) == 1, "dvc.yaml: resolve depends on src/podium"
    return text.replace(SOURCES, f"      - {paths.PACKAGE}\n").replace("stages:\n", PACKAGE, 1)


def _use_git(root: Path) -> None:
    """A git repository, unless the folder is in one; without git, DVC does without it."""
    if shutil.which("git") is None:
        with (root / ".dvc/config").open("a", encoding="utf-8") as file:
            file.write("    no_scm = true\n")
        warn("git is not installed: DVC keeps no history of results")
        return
    inside = ["git", "rev-parse", "--is-inside-work-tree"]
    if subprocess.run(inside, cwd=root, capture_output=True, check=False).returncode != 0:
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=False)
