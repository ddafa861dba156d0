"""Two runs at once in one project."""

import re
import subprocess

import pytest

from projects import HOUSES

pytestmark = pytest.mark.deep


def test_two_runs_at_once(copy):
    """The second says who is at it and stops; the first goes on."""
    copy.edit(lambda params: params[HOUSES]["models"]["mlp"].update(epochs=30))
    first = subprocess.Popen(
        ["dvc", "repro"], cwd=copy.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    next(line for line in first.stdout if "podium train house-prices mlp" in line)
    second = copy.run("dvc", "repro")
    assert second.returncode != 0
    assert re.search(rf"busy, it is being blocked by:\s+\(PID {first.pid}\)", second.stderr)
    assert "Traceback" not in second.stderr
    printed = first.communicate(timeout=300)[0]
    assert first.returncode == 0, printed
    assert copy.run("dvc", "repro").stdout.count("Running stage") == 0
