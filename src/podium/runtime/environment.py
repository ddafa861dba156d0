"""Defaults of the libraries' environment variables: quiet dependencies."""

import os

# Read by the libraries when they are imported, so this must come first. Values that the user has
# set stay as they are.
DEFAULTS = {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Seven more processes, for work that Podium doesn't have.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # A server that is down should be reported in seconds, not minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # Threads that wait must not spin: with a busy neighbour that makes training many times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    # What lies in the working folder is not imported, by no process that a child starts either.
    "PYTHONSAFEPATH": "1",
    "GIT_PYTHON_REFRESH": "quiet",
}


def prepare() -> None:
    """Set defaults for the libraries: no telemetry, bounded retries, threads that wait quietly."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
