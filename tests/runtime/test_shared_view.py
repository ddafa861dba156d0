"""MLflow's page of runs, as a browser that has never seen it shows it."""

import pytest

from browser import fresh_browser
from podium.runtime.tracking import tracked_run
from projects import HOUSES
from tracking_help import free_port, log_runs, running_server

# MLflow's own, in each version so far.
MISSING = "Failed to load resource: the server responded with a status of 404 (Not Found)"


@pytest.mark.deep
def test_a_fresh_browser_shows_the_best_run_first_with_what_matters(project, podium, monkeypatch):
    port = free_port()
    with running_server(project.root / "server", port):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        for name, cv in (("worst", 0.3), ("best", 0.1), ("between", 0.2)):
            with tracked_run(HOUSES, name, {}) as run:
                run.log_params({"dropout": cv, "weight_decay": cv, "learning_rate": cv})
                run.log_metrics({"cv": cv, "cv_se": cv / 10, "fit_seconds": 1.0})
        assert log_runs() == ""
        address = podium("ui").out.partition(": ")[2].strip()
        with fresh_browser() as (page, troubles):
            page.set_viewport_size({"width": 1900, "height": 1000})
            page.goto(address)
            page.get_by_role("link", name="worst").wait_for()
            shown = page.inner_text("main")
            page.goto(f"{address}&compareRunsMode=CHART")
            page.get_by_text("Parallel Coordinates").wait_for()
    places = [shown.index(word) for word in ("best", "between", "worst")]
    assert places == sorted(places)
    for column in ("cv_se", "fit_seconds", "dropout", "weight_decay"):
        assert column in shown
    assert [trouble for trouble in troubles if trouble != MISSING] == []
