"""Environment of all tests. Libraries read it when they are imported: this module comes first."""

import os

# Tests run beside each other, one process a core. Tests of threads set their own.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# No process per test that imports MLflow. Tests that read runs call tracking_help.log_runs.
os.environ.setdefault("PODIUM_WRITER", "0")
