"""What is said of a metric that there is not, and the table that is shown."""

import pytest

from podium.config.metric_names import HEADINGS, SYNONYMS, metric_rows, unknown_metric
from podium.metrics import FAMILIES, METRICS, metric_named
from projects import HOUSES, ROOT


@pytest.mark.parametrize(
    ("name", "task", "meant"),
    [
        ("roc_auc", "binary", "auc"),
        ("ROC AUC", "binary", "auc"),
        ("mse", "regression", "rmse"),
        ("rmse_log", "regression", "rmsle"),
        ("neg_root_mean_squared_error", "regression", "rmse"),
        ("log_loss", "multiclass", "logloss"),
        ("neg_log_loss", "binary", "logloss"),
        ("f1_macro", "multiclass", "macro_f1"),
        ("F1", "binary", "f1"),
        ("QWK", "regression", "qwk"),
        ("cohen_kappa_score", "binary", "kappa"),
        ("MAP@5", "multiclass", "map@5"),
        ("acuracy", "binary", "accuracy"),
    ],
)
def test_names_of_other_libraries_are_hints(name, task, meant):
    assert f"did you mean '{meant}'?" in unknown_metric(name, task)


def test_every_synonym_leads_to_a_metric_and_is_none():
    assert all(metric_named(metric) for metric in SYNONYMS.values())
    assert not {*SYNONYMS} & {*METRICS}


@pytest.mark.parametrize("name", ["pinball_1.5", "tweedie_", "map@2.5", "fbeta_x", "map@"])
def test_a_number_that_is_none_is_explained(name):
    task = "regression" if name[0] in "pt" else "binary"
    family = next(one for one in FAMILIES if name.startswith(one.prefix))
    assert f"no metric '{name}'; expected {family.form}" == unknown_metric(name, task)


def test_in_the_project_the_line_is_named(project, podium):
    project.edit(lambda params: params[HOUSES].update(metric="neg_mean_absolute_error"))
    outcome = podium("check")
    assert outcome.code == 2
    assert "house-prices.metric: no metric 'neg_mean_absolute_error'; did you mean 'mae'?" in (
        outcome.err
    )
    project.edit(lambda params: params[HOUSES].update(metric="pinball_0.25"))
    assert podium("check").code == 0
    project.edit(lambda params: params[HOUSES].update(metric="f1"))
    assert "'f1' does not fit task 'regression'; valid: rmse, mae" in podium("check").err


def test_the_command_lists_every_metric_and_those_of_a_task(podium):
    lines = podium("metrics").out.splitlines()
    assert [line.split()[0] for line in lines[1 : len(METRICS) + 1]] == list(METRICS)
    assert all(family.form in lines for family in FAMILIES)
    of_binary = podium("metrics", "--task", "binary").out
    assert "average_precision" in of_binary
    assert "tweedie" not in of_binary
    outcome = podium("metrics", "--task", "regresion")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "did you mean 'regression'?" in outcome.err


def test_the_page_has_the_table():
    text = (ROOT / "docs/metrics.md").read_text()
    rows = [HEADINGS, *((f"`{name}`", *rest) for name, *rest in metric_rows())]
    shown = [f"| {' | '.join(row)} |" for row in rows]
    assert [line for line in text.splitlines() if line in shown] == shown
    for family in FAMILIES:
        first, _, rest = family.form.partition(",")
        assert f"- `{first}`,{rest}" in text
