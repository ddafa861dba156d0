"""What a project's stages have left, to compare."""

from pathlib import Path

from podium.io.files import sha256

# Folders of results, and files in there that hold seconds.
RESULTS = ("data", "models", "submissions", "reports")
CLOCK = {"timing.json"}
# These show seconds.
SHOW_CLOCK = {"history.csv", "report.html", "plots"}


def result_hashes(root: Path, without: set[str] = CLOCK) -> dict[str, str]:
    """By file: the hash of what is in it, of all but files and folders of some names."""
    files = [path for top in RESULTS for path in (root / top).rglob("*") if path.is_file()]
    names = {path: path.relative_to(root) for path in files if path.suffix != ".lock"}
    return {str(name): sha256(path) for path, name in names.items() if not without & {*name.parts}}
