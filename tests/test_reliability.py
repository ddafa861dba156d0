"""Kills, full and read-only disks, two runs at once, the same again: with the real DVC."""

import ctypes
import errno
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import ROOT, SMALL_MODELS, Project
from podium.io import disk

pytestmark = pytest.mark.slow

HOUSES = "house-prices"
STAGES = (
    ["download"],
    ["preprocess"],
    ["train", "ridge"],
    ["train", "mlp"],
    ["ensemble"],
    ["report"],
)
RESULTS = ("data", "models", "submissions", "reports")
KILLS = [sys.executable, str(ROOT / "benchmarks/kills.py")]


def test_after_a_kill_anywhere_the_next_run_has_the_same_bytes():
    """Twenty kills of dvc repro at random moments, two projects at a time; and some on purpose."""
    halves = (
        ["--kills", "10", "--seed", "0", "--aimed", "2"],
        ["--kills", "10", "--seed", "1", "--stage-kills", "2", "--interrupts", "2"],
    )
    with ThreadPoolExecutor(2) as pool:
        tables = list(pool.map(kills, halves))
    print(*tables, sep="\n")
    assert all("\n0 problems" in table for table in tables), tables
    killed = re.findall(r"^ *\d+  dvc +(\S+)", tables[0] + tables[1], re.MULTILINE)
    stages = {"dvc", "download", "preprocess", "ridge", "mlp", "ensemble", "report"}
    assert {name.strip(",") for name in killed} >= stages
    # What DVC was writing was whole before the next run could look at it.
    aimed = re.findall(
        r"^ *\d+  dvc +\w+, (?:models/)?dvc.lock .* (\S+) +yes$", tables[0], re.MULTILINE
    )
    assert aimed == ["-"]
    # A network that was stopped in its training went on.
    assert re.search(r"mlp, training .* yes +- +yes$", tables[0], re.MULTILINE)


def kills(options: list[str]) -> str:
    done = subprocess.run(
        [*KILLS, *options], capture_output=True, text=True, timeout=1800, start_new_session=True
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("cut", ["dvc.lock", "models/dvc.lock", ".dvc/tmp/rwlock"])
def test_what_dvc_refuses_to_read_after_a_kill_is_mended(copy, cut):
    before = hashes(copy)
    os.truncate(copy / cut, 0)
    refused = run(copy, "dvc", "repro")
    assert refused.returncode != 0
    assert Path(cut).name in refused.stderr.lower()
    assert f"{cut}, " in run(copy, "podium", "sync").stdout
    done = run(copy, "dvc", "repro")
    assert done.returncode == 0, done.stderr
    # At most the stage before the last copy of the file has to run again.
    assert "download" not in "".join(re.findall("Running stage.*", done.stdout))
    after = hashes(copy)
    changed = {name for name in before if before[name] != after.get(name)}
    # The report shows seconds.
    assert {name for name in changed if not re.search("report.html|/plots/", name)} == set()


def run(root: Path, *command: str, **options) -> subprocess.CompletedProcess[str]:
    """A command in a project's folder, as a process of its own."""
    hidden = ("MLFLOW_TRACKING_URI", "DVC_ROOT", "DVC_STAGE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= options.pop("env", {})
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=400, **options
    )


def stage(root: Path, words: list[str], **options) -> subprocess.CompletedProcess[str]:
    return run(root, "podium", words[0], HOUSES, *words[1:], **options)


def hashes(root: Path) -> dict[str, str]:
    """By file: what is in it. Seconds differ from run to run."""
    files = [path for top in RESULTS for path in (root / top).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name != "timing.json"
    }


def make_project(root: Path) -> Project:
    """A small project with two quick models, and DVC."""
    root.mkdir()
    project = Project(root)
    project.shrink()

    def change(params):
        models = {name: SMALL_MODELS[name] for name in ("ridge", "mlp")}
        params[HOUSES]["models"] = models

    project.edit(change)
    (root / "src").symlink_to(ROOT / "src")
    assert run(root, "dvc", "init", "--no-scm", "-q", "-f").returncode == 0
    assert run(root, "dvc", "config", "core.analytics", "false").returncode == 0
    return project


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after one ``dvc repro``; tests take copies."""
    root = tmp_path_factory.mktemp("reliability") / "project"
    make_project(root)
    done = run(root, "dvc", "repro")
    assert done.returncode == 0, done.stderr
    return root


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "project", symlinks=True))


def check_refused(done: subprocess.CompletedProcess[str], reason: str) -> None:
    """One line that says what happened and what to do, and exit code 2."""
    assert done.returncode == 2, done.stderr
    lines = [
        line for line in done.stderr.splitlines() if not re.match(r"\d{4}/\d\d/\d\d .* INFO", line)
    ]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("podium: error: ")
    assert re.search(reason, lines[0].lower())
    assert "earlier results are " in lines[0]
    assert "Traceback" not in done.stdout + done.stderr


def small_files() -> None:
    """No file of this process may be larger than 8 KB: what a full disk does, for any user."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))


@pytest.mark.parametrize("words", STAGES, ids=" ".join)
def test_a_file_that_cannot_be_written_loses_nothing(copy, words):
    before = hashes(copy)
    check_refused(stage(copy, words, preexec_fn=small_files), "file too large|input/output")
    assert hashes(copy) == before


def without_override() -> None:
    """Root, too, must keep to permission bits: without its right to pass them over."""
    if os.geteuid() == 0:
        drop_from_bounding_set, cap_dac_override = 24, 1
        assert ctypes.CDLL(None).prctl(drop_from_bounding_set, cap_dac_override) == 0


OUTPUTS = {
    "download": "data/raw", "preprocess": "data/processed", "train": f"models/{HOUSES}",
    "ensemble": f"reports/{HOUSES}", "report": f"reports/{HOUSES}",
}  # fmt: skip


@pytest.mark.parametrize("words", STAGES, ids=" ".join)
def test_a_folder_that_may_not_be_written_loses_nothing(copy, words):
    before = hashes(copy)
    folder = copy / OUTPUTS[words[0]]
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        check_refused(stage(copy, words, preexec_fn=without_override), "permission denied")
    finally:
        for path in folders:
            path.chmod(0o755)
    assert hashes(copy) == before


# The project on a file system of its own: $1 the project, $2 where, $3 the room left in KB, or ro,
# $4 a command, $5 one with room again. In between the results are copied to $2.after.
MOUNTED = """
set -e
mount -t tmpfs -o size=256m tmpfs "$2"
cp -a "$1/." "$2"
cd "$2"
mkdir -p temporary
export TMPDIR="$2/temporary"
used=$(df -k --output=used . | tail -1)
case "$3" in ro) options=ro;; *) options=size=$((used + $3))k;; esac
mount -o "remount,$options" "$2"
code=0
sh -c "$4" || code=$?
mount -o remount,rw,size=256m "$2"
mkdir "$2.after"
cp -a data models submissions reports "$2.after"
ls -A temporary | grep -v torchinductor >&2 || true
[ -z "$5" ] || sh -c "$5" || code=99
exit $code
"""


def can_mount() -> bool:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return (
        bool(shutil.which("unshare"))
        and subprocess.run(command, capture_output=True).returncode == 0
    )


needs_mount = pytest.mark.skipif(
    not can_mount(), reason="no mounts in a user namespace here; the two tests above need none"
)


def mounted(
    root: Path, space: str, command: str, afterwards: str = ""
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run a command where the disk has so much space left; what it did, and what it left."""
    where = root.parent / "disk"
    where.mkdir()
    words = ["unshare", "-rm", "sh", "-c", MOUNTED, "sh", str(root), str(where), space]
    done = run(root, *words, command, afterwards)
    return done, where.with_name("disk.after")


@needs_mount
@pytest.mark.parametrize(
    ("command", "space"),
    [
        ("download house-prices", "0"),
        ("download house-prices", "700"),
        ("preprocess house-prices", "0"),
        ("preprocess house-prices", "250"),
        ("train house-prices ridge", "100"),
        ("train house-prices mlp", "0"),
        ("train house-prices mlp", "250"),
        ("train house-prices mlp", "500"),
        ("ensemble house-prices", "100"),
        ("report house-prices", "0"),
        ("report house-prices", "250"),
    ],
)
def test_a_full_disk_loses_nothing(copy, command, space):
    before = hashes(copy)
    done, after = mounted(copy, space, f"podium {command}")
    if done.returncode:
        check_refused(done, "no space left")
        assert hashes(after) == before
    else:
        # It got by with the space; then what it leaves is whole.
        assert set(hashes(after)) == set(before)


@needs_mount
@pytest.mark.parametrize("words", STAGES, ids=" ".join)
def test_a_read_only_disk_loses_nothing(copy, words):
    before = hashes(copy)
    done, after = mounted(copy, "ro", f"podium {words[0]} {HOUSES} {' '.join(words[1:])}")
    check_refused(done, "read-only")
    assert hashes(after) == before


@needs_mount
def test_a_disk_that_was_full_is_forgotten(copy):
    """DVC's own files, cut off by a full disk, stop the next run no more than a kill does."""
    project = Project.__new__(Project)
    project.root = copy
    project.edit(lambda params: params[HOUSES]["models"]["mlp"].update(dropout=0.4))
    done, _ = mounted(copy, "60", "dvc repro", "rm -r .dvc/cache; podium sync && dvc repro")
    assert done.returncode not in (0, 99), done.stdout + done.stderr
    assert "submissions/house-prices/submission.csv" in done.stdout


def test_two_runs_at_once(copy):
    """The second says who is at it and stops; the first goes on."""
    project = Project.__new__(Project)
    project.root = copy
    project.edit(lambda params: params[HOUSES]["models"]["mlp"].update(epochs=30))
    first = subprocess.Popen(
        ["dvc", "repro"], cwd=copy, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    next(line for line in first.stdout if "podium train house-prices mlp" in line)
    second = run(copy, "dvc", "repro")
    assert second.returncode != 0
    assert re.search(rf"busy, it is being blocked by:\s+\(PID {first.pid}\)", second.stderr)
    assert "Traceback" not in second.stderr
    printed = first.communicate(timeout=300)[0]
    assert first.returncode == 0, printed
    assert run(copy, "dvc", "repro").stdout.count("Running stage") == 0


def fresh_clone(root: Path, home: Path, seed: str) -> dict[str, bytes]:
    """Both competitions in a fresh copy, with another home and another hash seed."""
    root.mkdir(parents=True)
    home.mkdir()
    project = Project(root)
    project.shrink()

    def change(params):
        params["competitions"] = [HOUSES, "digit-recognizer"]
        keep = {HOUSES: ("ridge", "lasso", "lightgbm", "mlp"), "digit-recognizer": ("ridge", "cnn")}
        for competition, names in keep.items():
            models = params[competition]["models"]
            for name in set(models) - set(names):
                del models[name]

    project.edit(change)
    done = run(
        root, sys.executable, "-c", ALL_STAGES, env={"HOME": str(home), "PYTHONHASHSEED": seed}
    )
    assert done.returncode == 0, done.stderr
    return {
        competition: (root / f"submissions/{competition}/submission.csv").read_bytes()
        for competition in (HOUSES, "digit-recognizer")
    }


# All stages in one process: what takes long is to import the libraries.
ALL_STAGES = """
from podium.runtime import environment
environment.prepare()
from podium.config import load_config
from podium.stages import download, ensemble, preprocess, train
config = load_config()
for name in config.competitions:
    download.download(name)
    preprocess.preprocess(name)
    for model in config[name].models:
        train.train(name, model)
    ensemble.ensemble(name)
"""


def test_same_in_same_out(tmp_path):
    first = fresh_clone(tmp_path / "one", tmp_path / "home1", "1")
    second = fresh_clone(tmp_path / "elsewhere/two", tmp_path / "home2", "2")
    assert first == second
    assert all(len(content) > 1000 for content in first.values())


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left", "a.csv"), "a.csv: No space left; free space"),
        (OSError("Error writing. Detail: [errno 28] No space"), "No space; free space"),
        (OSError(errno.EROFS, "Read-only", "a"), "a: Read-only; make it writable"),
        (OSError(errno.EIO, "Input/output error", "a"), "check permissions and free space"),
    ],
)
def test_disk_errors_give_advice(error, advice):
    assert advice in disk.describe(error)
