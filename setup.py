"""Puts the files that a project begins with into the wheel: ``podium init`` lays them out."""

import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "src"))

from podium.stages.init.files import COPY, shared_files  # noqa: E402


class WithProject(build_py):
    """Copies them beside ``podium.stages.init``; an editable install reads the clone's own."""

    def run(self) -> None:
        """Build the package, then add the files."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / "podium/stages/init" / COPY
        shutil.rmtree(target, ignore_errors=True)
        for path in shared_files(ROOT):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, target / path)


setup(cmdclass={"build_py": WithProject})
