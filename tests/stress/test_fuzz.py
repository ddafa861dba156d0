"""Spoilt and made-up inputs into the real readers: read, or refused in one line, in time."""

import subprocess
import sys

import pytest

from projects import ROOT

pytestmark = pytest.mark.deep

READERS = ["tables", "pixels", "params.yaml", "archives", "image archives", "images"]


@pytest.mark.parametrize("reader", READERS)
def test_no_input_hangs_breaks_or_changes_an_earlier_result(reader, tmp_path, monkeypatch):
    """What ``python tests/stress/fuzz.py`` does with more; a failure leaves its input behind."""
    # The program imports what lies beside it.
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    program = [sys.executable, str(ROOT / "tests/stress/fuzz.py"), "--inputs", "150"]
    done = subprocess.run(
        [*program, "--only", reader, "--keep", str(tmp_path / "failed")],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{reader:<15}{150:>11}" in done.stdout
