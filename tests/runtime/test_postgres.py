"""MLflow on a server whose runs are in a real PostgreSQL."""

from collections.abc import Iterator

import pytest

import postgres
from projects import HOUSES
from tracking_help import client, free_port, log_runs, running_server, runs_of

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(bool(postgres.why_not()), reason=postgres.why_not()),
]


@pytest.fixture
def database() -> Iterator[str]:
    pytest.importorskip("psycopg2")
    with postgres.postgres() as url:
        yield url


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    """What the database itself says, without MLflow."""
    connection = postgres.connect(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


def run_pipeline(project, podium, house_files) -> None:
    project.use_files(house_files)
    project.keep({HOUSES: ("ridge", "lasso")})
    stages = (["download"], ["preprocess"], ["train", "ridge"], ["train", "lasso"], ["ensemble"])
    for stage, *model in stages:
        outcome = podium(stage, HOUSES, *model)
        assert outcome.code == 0, outcome.err
        assert "warning: MLflow" not in outcome.err
    assert log_runs() == ""


def check_runs(database: str) -> None:
    """A run for each model and the blend: in MLflow, and in the tables of the database."""
    runs = {run.data.tags["mlflow.runName"].split()[0]: run for run in runs_of(HOUSES)}
    assert set(runs) == {"ridge", "lasso", "blend"}
    for run in runs.values():
        assert run.info.status == "FINISHED"
        assert {"cv", "cv_se", "fold_score"} <= set(run.data.metrics)
    stored = rows(database, "select run_uuid, status from runs")
    assert sorted(stored) == sorted((run.info.run_id, "FINISHED") for run in runs.values())
    blend = runs["blend"].info.run_id
    (points,) = rows(
        database,
        f"select count(*) from metrics where key = 'fold_score' and run_uuid = '{blend}'",
    )
    assert points == (5,)


def test_runs_of_a_server(project, podium, house_files, database, monkeypatch):
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    with running_server(project.root / "server", port, database):
        run_pipeline(project, podium, house_files)
        check_runs(database)
        (ridge,) = [run for run in runs_of(HOUSES) if run.data.tags["mlflow.runName"][0] == "r"]
        names = {item.path for item in client().list_artifacts(ridge.info.run_id)}
        assert {"learning_curve.png", "history.csv"} <= names
    assert not (project.root / "mlflow.db").exists()


def test_runs_without_a_server(project, podium, house_files, database, monkeypatch):
    """The database's own address, in which the password is: it is nowhere in what stays."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    run_pipeline(project, podium, house_files)
    check_runs(database)
    password = database.partition("@")[0].rpartition(":")[2].encode()
    kept = [path for path in project.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if password in path.read_bytes()]
