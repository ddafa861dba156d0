"""Keeping ``models/dvc.yaml`` in step with the competitions of ``params.yaml``.

DVC can repeat a stage over a list or a mapping, but not over a mapping inside the mapping that a
list names. So each competition has a block of its own that repeats over its models; models come
and go with ``params.yaml`` alone, and a new competition's block is written here.
"""

from collections.abc import Mapping
from pathlib import Path

from podium.config import load_config
from podium.io import files
from podium.io.errors import PodiumError

TRAINING = Path("models/dvc.yaml")

_HEAD = """\
# One training stage for each competition and model: the middle of the pipeline in ../dvc.yaml.
# Written by `podium sync`, with a block for every competition that params.yaml lists. Models are
# added and removed in params.yaml alone.
vars:
  # A competition whose block is gone from params.yaml is one without models.
{defaults}
  - ../params.yaml

stages:
"""

_BLOCK = """\
  {name}:
    foreach: ${{{name}.models}}
    do:
      wdir: ..
      desc: k-fold training, OOF and test predictions
      cmd: sh scripts/podium train {name} ${{key}}
      deps:
        - data/processed/{name}
        - data/resolved/{name}/train/${{key}}.json
      outs:
        - models/{name}/${{key}}/oof.parquet: {{persist: true}}
        - models/{name}/${{key}}/test.parquet: {{persist: true}}
        - models/{name}/${{key}}/history.csv: {{persist: true}}
        - models/{name}/${{key}}/importance.csv: {{persist: true}}
        - models/{name}/${{key}}/partial_dependence.csv: {{persist: true}}
        - models/{name}/${{key}}/pictures: {{persist: true}}
        - models/{name}/${{key}}/weights: {{persist: true}}
        - models/{name}/${{key}}/metrics.json: {{persist: true}}
      plots:
        - models/{name}/${{key}}/curves.csv:
            persist: true
            template: learning_curve
            x: x
            y: loss
            title: "{name}: ${{key}}"
"""


# Of each competition: a small file for each model and the blend, written by the ensemble stage.
_METRICS = """\

metrics:
{metrics}
plots:
{plots}"""

# What `dvc plots` shows of the blend's predictions: of numbers, and of classes.
_NUMBERS = """\
  - "{name}: predicted against actual":
      template: predicted
      x: {{../reports/{name}/plots/predictions.csv: actual}}
      y: {{../reports/{name}/plots/predictions.csv: predicted}}
"""
_CLASSES = """\
  - "{name}: confusion":
      template: confusion_matrix
      x: {{../reports/{name}/plots/predictions.csv: predicted}}
      y: {{../reports/{name}/plots/predictions.csv: actual}}
  - "{name}: reliability":
      template: reliability
      x: {{../reports/{name}/plots/reliability.csv: confidence}}
      y: {{../reports/{name}/plots/reliability.csv: accuracy}}
  - "{name}: F1 by class":
      template: by_class
      x: {{../reports/{name}/plots/scores.csv: f1}}
      y: {{../reports/{name}/plots/scores.csv: class}}
"""


def training_stages(tasks: Mapping[str, str]) -> str:
    """The text of ``models/dvc.yaml`` for competitions, whose tasks come by name."""
    defaults = "\n".join(f"  - {name}: {{models: {{}}}}" for name in tasks)
    stages = "\n".join(_BLOCK.format(name=name) for name in tasks)
    plots = [
        (_NUMBERS if task == "regression" else _CLASSES).format(name=name)
        for name, task in tasks.items()
    ]
    metrics = "".join(f"  - ../reports/{name}/cv\n" for name in tasks)
    shown = _METRICS.format(metrics=metrics, plots="".join(plots))
    return _HEAD.format(defaults=defaults) + stages + shown


def sync(competitions: Mapping[str, str], path: Path = TRAINING) -> bool:
    """Write ``models/dvc.yaml`` if it isn't up to date; returns whether it was written."""
    text = training_stages(competitions)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    files.write_text(path, text)
    return True


def competition_tasks(params: Path = Path("params.yaml")) -> dict[str, str]:
    """The task of each competition that params.yaml lists, by its name.

    Stages of another would be rows without scores in what DVC shows.
    """
    config = load_config(params)
    return {name: config[name].task for name in config.competitions}


def require_stages(competition: str) -> None:
    """Stop if DVC has no training stages for a competition yet, having written them.

    Raises:
        PodiumError: they were missing; the next ``dvc repro`` has them.
    """
    known = TRAINING.is_file() and f"foreach: ${{{competition}.models}}" in TRAINING.read_text(
        encoding="utf-8"
    )
    # By hand a stage of an unlisted competition may run; DVC never asks for one.
    if not known and competition in (tasks := competition_tasks()):
        sync(tasks)
        raise PodiumError(
            f"{competition} is newly listed: its training stages are now in {TRAINING}; "
            "run 'dvc repro' again"
        )
