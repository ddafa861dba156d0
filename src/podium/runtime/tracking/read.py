"""The runs of a competition as a table, for notebooks."""

from typing import TYPE_CHECKING

from podium.io.errors import PodiumError
from podium.runtime.tracking.launch import warn_if_not_logged
from podium.runtime.tracking.store import open_store

if TYPE_CHECKING:
    import pandas as pd

MOST_RUNS = 5000
# Seconds to wait for runs that are still in their journals.
WAIT = 30.0


def read_runs(competition: str, most: int = MOST_RUNS) -> "pd.DataFrame":
    """A row per run, the newest first.

    Columns: ``run_id``, ``name``, ``status``, ``start`` (UTC), ``seconds``; then, named as in
    MLflow's own tables, ``metrics.<name>`` (the last value), ``params.<name>`` and ``tags.<name>``,
    NaN where a run has none.

    Raises:
        PodiumError: there are no runs, or MLflow can't be read.
    """
    # Stages, which log runs and read none, need not wait for pandas.
    import pandas as pd

    warn_if_not_logged(WAIT)
    with open_store() as client:
        experiment = client.get_experiment_by_name(competition)
        places = [experiment.experiment_id] if experiment else []
        found = client.search_runs(places, max_results=most) if places else []
    if not found:
        raise PodiumError(f"{competition}: MLflow has no runs of it; run 'dvc repro' first")
    rows = []
    for run in found:
        row = {"run_id": run.info.run_id, "name": run.info.run_name, "status": run.info.status}
        row["start"] = pd.to_datetime(run.info.start_time, unit="ms")
        row["seconds"] = ((run.info.end_time or float("nan")) - run.info.start_time) / 1000
        for kind in ("metrics", "params", "tags"):
            row |= {f"{kind}.{name}": value for name, value in getattr(run.data, kind).items()}
        rows.append(row)
    return pd.DataFrame(rows)
