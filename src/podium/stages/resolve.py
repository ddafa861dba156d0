"""Stage resolve: what each later stage depends on, one small file per stage and model.

DVC can't know which defaults and which source files a stage uses. Here both are worked out: a file
of ``data/resolved/<competition>/`` holds the values that a stage reads, defaults filled in, and the
hash of every source file that can change its result. Each later stage depends on its own file, so
that an edit runs again what it touches. For provider ``local`` there are links to the files that
are read, for DVC to look at.
"""

from collections.abc import Mapping
from contextlib import suppress
from inspect import getattr_static
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

import podium
from podium.config import Competition, ExternalParams, load_config
from podium.config.block import Block
from podium.config.load import ConfigError, located
from podium.data.sources import fetch
from podium.data.sources.local_files import EXTRA, KEYS, files_of
from podium.data.tabular.learnt.wanted import learns
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.runtime.console import say
from podium.stages.closure import PACKAGE, Sources, functions
from podium.stages.estimators_there import estimator_problems
from podium.stages.pipeline import require_stages

SOURCES = Path("src")
# The keys of a competition's block that a stage reads, but for its models.
READS: dict[str, Mapping[str, Any]] = {
    "download": dict.fromkeys(("kind", "task", "id", "target", "classes", "source"), True),
    "preprocess": {
        **dict.fromkeys(("kind", "task", "id", "target", "target_transform", "metric"), True),
        "classes": True,
        "folds": True,
        "preprocess": True,
        "features": True,
        "submission": True,
        "source": {"files"},
    },
    "train": {
        **dict.fromkeys(("kind", "task", "id", "target", "target_transform", "metric"), True),
        "ensemble": {"nested"},
        "report": {"importance"},
    },
    "ensemble": {
        **dict.fromkeys(("kind", "task", "id", "target", "target_transform", "metric"), True),
        "submission": True,
        "source": {"files": {"sample_submission"}},
        "ensemble": {"method", "rounds", "nested", "submit"},
    },
    "report": {
        **dict.fromkeys(("kind", "task", "id", "target", "target_transform", "metric"), True),
        "folds": True,
        "ensemble": {"method", "nested", "rounds", "submit"},
        "source": {"slug"},
    },
}
# The link to the csv of ``folds.path``.
FOLDS = "folds"
NO_FILE = "No file or folder of this machine is read here.\n"


def resolve(name: str) -> None:
    """Write what each stage depends on; cheap, so that it may run at every edit.

    Raises:
        PodiumError: DVC has no stages for the competition yet; or local files are missing; or a
            model's estimator is not there or has other knobs.
    """
    competition = load_config(only=name)[name]
    require_stages(name)
    found = local_files(competition)
    sources = Sources(SOURCES, package_folder())
    training = {
        model: dependencies(sources, competition, "train", model) for model in competition.models
    }
    _check_changed(competition, training)
    with files.publish(paths.resolved(name)) as folder:
        for stage in ("download", "preprocess", "ensemble", "report"):
            files.write_json(folder / f"{stage}.json", dependencies(sources, competition, stage))
        for model, facts in training.items():
            files.write_json(folder / "train" / f"{model}.json", facts)
        _link_files(found, folder / "source")
    say(f"{name}  what each stage depends on: {paths.resolved(name)}")


def package_folder() -> Path:
    """Where Podium's sources are: in the project, if it is a clone, else where it is installed."""
    if (SOURCES / PACKAGE).is_dir():
        return SOURCES
    return Path(podium.__file__).resolve().parents[1]


def _check_changed(competition: Competition, training: Mapping[str, Mapping[str, Any]]) -> None:
    """Look at knobs that only the estimator's package knows before anything is trained.

    That imports packages, and so is left out where a model is as it was when it last was right.

    Raises:
        PodiumError: a class is not there, or a knob is wrong.
    """
    folder = paths.resolved(competition.name) / "train"
    changed = [name for name, facts in training.items() if _before(folder, name) != facts]
    if lines := estimator_problems(competition, changed):
        raise ConfigError(lines)


def _before(folder: Path, model: str) -> Any:
    """What a model depended on when the stage last ran, if that can be read."""
    with suppress(PodiumError):
        return files.read_json(folder / f"{model}.json")
    return None


def dependencies(
    sources: Sources, competition: Competition, stage: str, model: str | None = None
) -> dict[str, Any]:
    """All that can change a stage's result but its data: values, functions, hashes of sources."""
    called = functions(stage, competition, model)
    modules = sources.closure(stage, called)
    facts = {
        "params": _values(competition, stage, model),
        "calls": called,
        "code": {module: sources.hash_of(module) for module in modules},
    }
    refit = model is not None and competition.models[model].tested_by != "folds"
    if refit and competition.kind == "tabular":
        # What is fitted on all rows lies in a folder of its own, so that a first model that asks
        # for it leaves the others as they are. It is made of the raw data, by which the folder
        # ``data/processed`` changes too, and of these.
        facts["preprocess"] = dependencies(sources, competition, "preprocess")
    return facts


def _values(competition: Competition, stage: str, model: str | None) -> dict[str, Any]:
    """What a stage reads of params.yaml, defaults filled in."""
    values = competition.model_dump(mode="json", include=dict(READS[stage]))
    if stage == "preprocess" and learns(competition):
        # Learnt features are made again for the refits of ``full``.
        values |= competition.model_dump(mode="json", include={"ensemble": {"nested"}})
    if stage == "preprocess" and competition.refits and competition.kind == "tabular":
        values["refits"] = True
    if model is not None:
        params = competition.models[model]
        values["model"] = params.model_dump(mode="json") | properties(params)
        if own := predictions_of(competition, model):
            values["predictions"] = {key: files.sha256(path) for key, path in own.items()}
    elif stage == "ensemble":
        values["models"] = competition.blended
    elif stage == "report":
        values["models"] = {
            name: params.model_dump(mode="json") for name, params in competition.models.items()
        }
        values["blended"] = competition.blended
    return values


def properties(block: Block) -> dict[str, Any]:
    """What a block works out from its keys, by name: code that no hash of sources has."""
    kind = type(block)
    names = [
        name
        for name in dir(kind)
        if isinstance(getattr_static(kind, name), property) and not hasattr(Block, name)
    ]
    return {name: to_jsonable_python(getattr(block, name)) for name in names}


def _link_files(found: Mapping[str, Path], folder: Path) -> None:
    """A link to each local file or folder that is read; something else where there is none."""
    folder.mkdir()
    others = [key for key in found if key not in (*KEYS, FOLDS)]
    extra = [] if any(key.startswith(f"{EXTRA}/") for key in others) else [EXTRA]
    for key in (*KEYS, FOLDS, *others, *extra):
        if key in found:
            (folder / key).parent.mkdir(exist_ok=True, parents=True)
            (folder / key).symlink_to(found[key].absolute())
        else:
            files.write_text(folder / key, NO_FILE)


def predictions_of(competition: Competition, model: str) -> dict[str, Path]:
    """The files with a model's predictions from elsewhere, by their keys; none of other models.

    Raises:
        PodiumError: one is missing.
    """
    params = competition.models[model]
    found = params.files if isinstance(params, ExternalParams) else {}
    missing = [
        located(
            (competition.name, "models", model, key),
            f"no file '{printable(path)}'; put the predictions there, or correct the path",
        )
        for key, path in found.items()
        if not Path(path).is_file()
    ]
    if missing:
        raise ConfigError(missing)
    return {key: Path(path) for key, path in found.items()}


def local_files(competition: Competition) -> dict[str, Path]:
    """The files and folders of this machine that are read, by their keys in ``source.files``.

    Those of predictions are ``models/<model>/oof`` and ``models/<model>/test``.

    Raises:
        PodiumError: one is missing.
    """
    given = {
        f"models/{model}/{key}": path
        for model in competition.models
        for key, path in predictions_of(competition, model).items()
    }
    folds = competition.folds.path
    if folds is not None and not Path(folds).is_file():
        keys = competition.name, "folds", "path"
        raise ConfigError([located(keys, f"no file '{printable(folds)}'; give a csv of folds")])
    found = files_of(competition) if competition.source.provider == "local" else {}
    if not all(path.exists() for path in found.values()):
        # What copies the files says best which is missing, and what is there in its place.
        with files.scratch() as folder:
            fetch(competition, folder)
    return found | given | ({} if folds is None else {FOLDS: Path(folds)})


def remove_dead_links() -> list[str]:
    """Let ``resolve`` run again where a local file has gone, at which DVC itself would stop.

    Returns a line about each competition.
    """
    lines = []
    for folder in sorted(paths.resolved("").glob("*/source")):
        if any(not link.exists() for link in folder.rglob("*")):
            files.remove(folder)
            lines.append(f"{folder.parent.name}: local files have gone; 'dvc repro' says which")
    return lines
