"""Raw files from Kaggle, by the official client.

The client runs as a process of its own: imported, it prints help, reads credentials and uses the
network at import time, and ends the whole program when a credential is missing.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.errors import PodiumError
from podium.sources.raw_files import from_zip

# The client waits for a silent server for ever; an hour is enough for any archive.
TIMEOUT_SECONDS = 3600.0


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Download the competition's archive and take its files out.

    Raises:
        PodiumError: no credentials, rules not accepted, no such competition, no network, or an
            archive that is not whole.
    """
    slug = str(competition.source.slug)
    with tempfile.TemporaryDirectory(prefix="podium-kaggle-") as scratch:
        _run_client(["competitions", "download", "-c", slug, "-p", scratch, "-q"], slug)
        archive = Path(scratch) / f"{slug}.zip"
        if not archive.is_file():
            raise PodiumError(
                f"kaggle: the download of '{slug}' left no {slug}.zip; see "
                f"https://www.kaggle.com/competitions/{slug}/data"
            )
        from_zip(archive, folder, competition.source.files)
    return {"synthetic": False}


def _run_client(arguments: list[str], slug: str) -> None:
    program = [sys.executable, "-c", "from kaggle.cli import main; main()"]
    try:
        done = subprocess.run(
            [*program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise PodiumError(
            f"kaggle: no answer within {TIMEOUT_SECONDS:.0f} s; try again later"
        ) from None
    if done.returncode != 0:
        raise PodiumError(f"kaggle: {_explain(done.stdout + done.stderr, slug)}")


def _explain(output: str, slug: str) -> str:
    """What the client's output means, in one line."""
    page = f"https://www.kaggle.com/competitions/{slug}"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "no output"
    if "401" in output or "Authentication required" in output:
        return (
            "not signed in: make an API token at https://www.kaggle.com/settings and put it in "
            "~/.kaggle/ (or set KAGGLE_API_TOKEN)"
        )
    if "403" in output:
        return f"403 for '{slug}': accept the rules at {page}/rules, and check the slug"
    if "404" in output:
        return f"404: no competition '{slug}'; the slug is the last part of its page's address"
    return f"the client failed: {last}"
