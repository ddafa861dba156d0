"""Lets programs that are run by hand import the modules of tests/help: import this one first."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "help"))
