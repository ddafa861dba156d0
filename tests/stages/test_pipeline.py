"""The training stages' file is written from params.yaml."""

from podium.stages import pipeline
from projects import ROOT


def test_the_committed_training_stages_are_up_to_date():
    tasks = pipeline.competition_tasks(ROOT / "params.yaml")
    assert (ROOT / pipeline.TRAINING).read_text() == pipeline.training_stages(tasks)


def test_sync_writes_once(project, podium):
    podium("sync")
    project.edit(lambda params: params.update(second=dict(params["house-prices"])))
    assert podium("sync").out == ""
    project.edit(lambda params: params["competitions"].append("second"))
    assert "brought up to date" in podium("sync").out
    assert "${second.models}" in (project.root / "models/dvc.yaml").read_text()
    assert podium("sync").out == ""


def test_a_competition_that_is_not_listed_has_no_stages_and_no_lines(project, podium):
    podium("sync")
    text = (project.root / "models/dvc.yaml").read_text()
    assert "house-prices.models" in text
    assert "digit-recognizer.models" not in text
    checked = podium("check", "--resolved")
    assert "not listed in competitions: digit-recognizer" in checked.out
    assert "digit-recognizer.models" not in checked.out
    assert podium("resolve", "digit-recognizer").code == 0
