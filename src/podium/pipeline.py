"""Keeping ``models/dvc.yaml`` in step with the competitions of ``params.yaml``.

DVC can repeat a stage over a list or a mapping, but not over a mapping inside the mapping that a
list names. So each competition has a block of its own that repeats over its models; models come
and go with ``params.yaml`` alone, and a new competition's block is written here.
"""

from collections.abc import Iterable
from pathlib import Path

from podium import files
from podium.config import load_config
from podium.errors import PodiumError

TRAINING = Path("models/dvc.yaml")

_HEAD = """\
# One training stage for each competition and model: the middle of the pipeline in ../dvc.yaml.
# Written by `podium sync`, with a block for every competition in params.yaml. Models are added
# and removed in params.yaml alone.
vars:
  # A competition that params.yaml no longer has is one without models.
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
      cmd: podium train {name} ${{key}}
      params:
        - {name}.kind
        - {name}.task
        - {name}.target_transform
        - {name}.metric
        - {name}.models.${{key}}
      deps:
        - data/processed/{name}
        - src/podium/models
        - src/podium/nn
        - src/podium/stages/train.py
      outs:
        - models/{name}/${{key}}/oof.parquet: {{persist: true}}
        - models/{name}/${{key}}/test.parquet: {{persist: true}}
        - models/{name}/${{key}}/history.csv: {{persist: true}}
        - models/{name}/${{key}}/weights: {{persist: true}}
      metrics:
        - models/{name}/${{key}}/metrics.json: {{cache: false, persist: true}}
      plots:
        - models/{name}/${{key}}/curves.csv:
            cache: false
            persist: true
            template: learning_curve
            x: step
            y: loss
            title: {name} ${{key}}, mean loss over folds
"""


def training_stages(competitions: Iterable[str]) -> str:
    """The text of ``models/dvc.yaml`` for these competitions."""
    names = list(competitions)
    defaults = "\n".join(f"  - {name}: {{models: {{}}}}" for name in names)
    return _HEAD.format(defaults=defaults) + "\n".join(_BLOCK.format(name=name) for name in names)


def sync(competitions: Iterable[str], path: Path = TRAINING) -> bool:
    """Write ``models/dvc.yaml`` if it isn't up to date; returns whether it was written."""
    text = training_stages(competitions)
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    files.write_text(path, text)
    return True


def competition_names(params: Path = Path("params.yaml")) -> list[str]:
    """The names of all competition blocks in params.yaml."""
    return list(load_config(params).blocks)


def require_stages(competition: str) -> None:
    """Stop if DVC has no training stages for a competition yet, having written them.

    Raises:
        PodiumError: they were missing; the next ``dvc repro`` has them.
    """
    known = TRAINING.is_file() and f"foreach: ${{{competition}.models}}" in TRAINING.read_text(
        encoding="utf-8"
    )
    if not known:
        sync(competition_names())
        raise PodiumError(
            f"{competition} is a new competition: its training stages are now in {TRAINING}; "
            "run 'dvc repro' again"
        )
