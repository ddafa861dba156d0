"""The training stages' file is written from params.yaml."""

from podium.stages import pipeline
from projects import ROOT


def test_the_committed_training_stages_are_up_to_date():
    tasks = pipeline.competition_tasks(ROOT / "params.yaml")
    assert (ROOT / pipeline.TRAINING).read_text() == pipeline.training_stages(tasks)


def test_sync_writes_once(project, podium):
    assert podium("sync").out == ""
    project.edit(lambda params: params.update(second=dict(params["house-prices"])))
    assert "brought up to date" in podium("sync").out
    assert "${second.models}" in (project.root / "models/dvc.yaml").read_text()
    assert podium("sync").out == ""
