"""Stage package: which Podium is installed, for projects that were made by ``podium init``.

A clone has the sources beside it, and its stages depend on them.
"""

from pathlib import Path

import podium
from podium.io import files, paths
from podium.runtime.console import say

FOLDER = Path(podium.__file__).resolve().parent


def package() -> None:
    """Write the version, and a hash of all files: equal packages write equal bytes."""
    found = (path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".pyc")
    hashes = {path.relative_to(FOLDER).as_posix(): files.sha256(path) for path in found}
    lines = [f"{name} {hashes[name]}" for name in sorted(hashes)]
    facts = {"podium": podium.__version__, "sha256": files.digest("\n".join(lines).encode())}
    files.write_json(paths.PACKAGE, facts)
    say(f"podium {podium.__version__}")
