"""Full and read-only disks, files and folders that can't be written: nothing is lost."""

import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from projects import HOUSES, Project
from results import result_hashes

pytestmark = pytest.mark.deep

STAGES = (
    ["download"],
    ["preprocess"],
    ["train", "ridge"],
    ["train", "mlp"],
    ["ensemble"],
    ["report"],
)
# A network writes what other models write, and takes the longest to get there.
BUT_NETWORKS = tuple(words for words in STAGES if "mlp" not in words)


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
    before = result_hashes(copy.root)
    check_refused(
        copy.run("podium", words[0], HOUSES, *words[1:], preexec_fn=small_files),
        "file too large|input/output",
    )
    assert result_hashes(copy.root) == before


def without_override() -> None:
    """Root, too, must keep to permission bits: without its right to pass them over."""
    if os.geteuid() == 0:
        drop_from_bounding_set, cap_dac_override = 24, 1
        assert ctypes.CDLL(None).prctl(drop_from_bounding_set, cap_dac_override) == 0


OUTPUTS = {
    "download": "data/raw", "preprocess": "data/processed", "train": f"models/{HOUSES}",
    "ensemble": f"reports/{HOUSES}", "report": f"reports/{HOUSES}",
}  # fmt: skip


@pytest.mark.parametrize("words", BUT_NETWORKS, ids=" ".join)
def test_a_folder_that_may_not_be_written_loses_nothing(copy, words):
    before = result_hashes(copy.root)
    folder = copy.root / OUTPUTS[words[0]]
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    try:
        check_refused(
            copy.run("podium", words[0], HOUSES, *words[1:], preexec_fn=without_override),
            "permission denied",
        )
    finally:
        for path in folders:
            path.chmod(0o755)
    assert result_hashes(copy.root) == before


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
    project: Project, space: str, command: str, afterwards: str = ""
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run a command where the disk has so much space left; what it did, and what it left."""
    where = project.root.parent / "disk"
    where.mkdir()
    words = ["unshare", "-rm", "sh", "-c", MOUNTED, "sh", str(project.root), str(where), space]
    done = project.run(*words, command, afterwards)
    return done, where.with_name("disk.after")


@needs_mount
@pytest.mark.parametrize(
    ("command", "space"),
    [
        ("download house-prices", "0"),
        ("download house-prices", "700"),
        ("preprocess house-prices", "250"),
        ("train house-prices ridge", "100"),
        ("train house-prices mlp", "250"),
        ("ensemble house-prices", "100"),
        ("report house-prices", "250"),
    ],
)
def test_a_full_disk_loses_nothing(copy, command, space):
    before = result_hashes(copy.root)
    done, after = mounted(copy, space, f"podium {command}")
    if done.returncode:
        check_refused(done, "no space left")
        assert result_hashes(after) == before
    else:
        # It got by with the space; then what it leaves is whole.
        assert set(result_hashes(after)) == set(before)


@needs_mount
@pytest.mark.parametrize("words", BUT_NETWORKS, ids=" ".join)
def test_a_read_only_disk_loses_nothing(copy, words):
    before = result_hashes(copy.root)
    done, after = mounted(copy, "ro", f"podium {words[0]} {HOUSES} {' '.join(words[1:])}")
    check_refused(done, "read-only")
    assert result_hashes(after) == before


@needs_mount
def test_a_disk_that_was_full_is_forgotten(copy):
    """DVC's own files, cut off by a full disk, stop the next run no more than a kill does."""
    copy.edit(lambda params: params[HOUSES]["models"]["mlp"].update(dropout=0.4))
    done, _ = mounted(copy, "60", "dvc repro", "rm -r .dvc/cache; podium sync && dvc repro")
    assert done.returncode not in (0, 99), done.stdout + done.stderr
    assert "submissions/house-prices/submission.csv" in done.stdout
