"""Reading ``params.yaml``: every error names the file, the line, the key and what to do."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from podium.config.block import Block, ModelParams
from podium.config.check import check_competition
from podium.config.compute import Compute
from podium.config.document import read_document
from podium.config.external import FILE
from podium.config.features import AUTO_KEY, MAX_FEATURES, Features, typed_feature
from podium.config.imported import own_classes, own_path, path_problem
from podium.config.messages import explain
from podium.config.models import MODELS, find_model
from podium.config.names import BLEND
from podium.config.schema import COMPETITIONS, Competition, Config
from podium.config.search import search_problems
from podium.io.errors import PodiumError
from podium.io.text import nearest, one_of, printable, shown

PARAMS = "params.yaml"
# Keys of the file that are no competition.
COMPUTE = "compute"
NO_COMPETITION = ("competitions", COMPUTE)
# Names become folders and arguments of commands.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
# A file with more than this is another file; looking for the nearest key of each takes minutes.
MOST_PROBLEMS = 30
Path_ = tuple[str | int, ...]
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """One thing wrong in params.yaml: the path of keys to it, and what to do."""

    path: Path_
    message: str


class _EnoughError(Exception):
    """There is no point in going on."""


class ConfigError(PodiumError):
    """All that is wrong in params.yaml, a line each, in the order of the file."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)
        more = f" (and {len(lines) - 1} more: 'podium check' lists all)" if len(lines) > 1 else ""
        super().__init__(self.lines[0] + more)


def load_config(path: Path = Path(PARAMS), only: str | None = None) -> Config:
    """Read and validate ``params.yaml``.

    Args:
        path: the file.
        only: validate this competition alone, so that a slip in another block stops no stage of
            this one.

    Raises:
        PodiumError: the file is missing or not YAML, or anything in it is unknown, misspelt,
            missing, of the wrong type or at odds with something else.
    """
    document = read_document(path)
    reader = _Reader(document)
    config = None
    with suppress(_EnoughError):
        config = reader.read(only)
    if reader.problems:
        raise ConfigError([_line(path, document, problem) for problem in reader.sorted_problems()])
    assert config is not None
    return config


def located(keys: Path_, message: str, path: Path = Path(PARAMS)) -> str:
    """A message about the value at ``keys``, with its file, line and key.

    Raises:
        PodiumError: as ``load_config``.
    """
    return _line(path, read_document(path), Problem(keys, message))


def _must_exist(name: str, names: Sequence[str]) -> None:
    """Check a command's argument: no line of params.yaml is to blame for it."""
    if name not in names:
        hint = nearest(name, names)
        raise PodiumError(f"COMPETITION: no competition '{printable(name)}' in {PARAMS}; {hint}")


class _Reader:
    """Turns the parsed document into a Config and collects what is wrong on the way."""

    def __init__(self, document: CommentedMap) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def read(self, only: str | None) -> Config | None:
        listed = self._competitions()
        compute = self._compute()
        names = [name for name in self.document if name not in NO_COMPETITION]
        if only is not None:
            _must_exist(only, names)
            names = [name for name in names if name == only]
        read = {str(name): self._competition(str(name)) for name in names}
        blocks = {name: block for name, block in read.items() if block is not None}
        if self.problems:
            return None
        return Config.model_construct(competitions=listed, blocks=blocks, compute=compute)

    def sorted_problems(self) -> list[Problem]:
        return sorted(self.problems, key=lambda problem: _line_of(self.document, problem.path))

    def _add(self, path: Path_, message: str) -> None:
        self.problems.append(Problem(path, message))
        if len(self.problems) == MOST_PROBLEMS:
            raise _EnoughError

    def _competitions(self) -> list[str]:
        path: Path_ = ("competitions",)
        blocks = [str(name) for name in self.document if name not in NO_COMPETITION]
        if "competitions" not in self.document:
            self._add((), "competitions: missing key; expected a list of competition names")
            return []
        value = self.document["competitions"]
        if not isinstance(value, list) or not value:
            self._add(path, f"expected a list of competition names, found {shown(value)}")
            return []
        for index, name in enumerate(value):
            if name not in blocks:
                self._add((*path, index), f"no block '{name}' in the file; {nearest(name, blocks)}")
            if value.index(name) != index:
                self._add((*path, index), f"'{name}' is listed twice; remove one")
        return [str(name) for name in value]

    def _compute(self) -> Compute:
        """The block ``compute``, which may be left out."""
        raw = _plain(self.document.get(COMPUTE))
        if raw is None:
            return Compute()
        if not isinstance(raw, dict):
            self._add((COMPUTE,), f"expected a block such as backend: local, found {shown(raw)}")
            return Compute()
        read = self._validate(Compute, raw, (COMPUTE,))
        for key, message in read.problems() if read else []:
            self._add((COMPUTE, key), message)
        return read or Compute()

    def _competition(self, name: str) -> Competition | None:
        block = self.document[name]
        if not NAME.fullmatch(name):
            self._add((name,), "a competition's name may hold letters, digits, '-' and '_' only")
        if not isinstance(block, dict):
            self._add(
                (name,),
                f"expected a competition's block, found {shown(block)}; "
                f"{nearest(name, ['competitions'])}",
            )
            return None
        plain = _checkable(_plain(block))
        raw_models = plain.get("models")
        of_kind = str(plain.get("kind"))
        models = self._models(name, raw_models, of_kind) if isinstance(raw_models, dict) else {}
        without = {**plain, "name": name}
        is_table = plain.get("kind") == "tabular"
        features = self._features(name, without.pop("features", {})) if is_table else None
        if isinstance(raw_models, dict):
            without["models"] = {}
        if "name" in plain:
            self._add((name, "name"), "unknown key 'name': the block's own key is the name")
        kind = plain.get("kind")
        block_type = COMPETITIONS.get(kind, Competition) if isinstance(kind, str) else Competition
        competition = self._validate(block_type, without, (name,))
        if competition is None:
            return None
        competition = competition.model_copy(update={"models": models})
        if features is not None:
            competition = competition.model_copy(update={"features": features})
        for path, message in check_competition(competition):
            self._add((name, *path), message)
        return competition

    def _features(self, name: str, raw: Any) -> Features:
        """The block without what is wrong in it."""
        path = (name, "features")
        if not isinstance(raw, dict):
            if raw is not None:
                self._add(path, f"expected columns and what they are made of, found {shown(raw)}")
            return Features()
        if len(raw) > MAX_FEATURES:
            self._add(path, f"holds more than {MAX_FEATURES} features; remove some")
            return Features()
        automatic = {key: value for key, value in raw.items() if key == AUTO_KEY}
        made = {
            key: feature
            for key, value in raw.items()
            if key != AUTO_KEY and (feature := self._feature((*path, key), key, value)) is not None
        }
        read = self._validate(Features, automatic, path)
        return Features() if read is None else read.model_copy(update={"made": made})

    def _feature(self, path: Path_, name: str, value: Any) -> Block | None:
        try:
            kind, block = typed_feature(name, value)
        except ValueError as error:
            self._add(path, str(error))
            return None
        return self._validate(kind, block, path, written=value)

    def _models(self, name: str, raw: dict[Any, Any], kind: str) -> dict[str, ModelParams]:
        models = {}
        if not raw and kind in MODELS:
            self._add((name, "models"), "expected at least one model; " + one_of(MODELS[kind]))
        for key, value in raw.items():
            path = (name, "models", key)
            params = self._model(path, key, {} if value is None else value, kind)
            if params is not None:
                models[key] = params
        return models

    def _model(self, path: Path_, key: str, value: Any, kind: str) -> ModelParams | None:
        if not NAME.fullmatch(key) or key == BLEND:
            self._add(
                path,
                f"a model's name may hold letters, digits, '-' and '_', and '{BLEND}' is taken",
            )
            return None
        if not isinstance(value, dict):
            self._add(path, f"expected the model's block of keys, found {shown(value)}")
            return None
        model = value.get("model", key)
        spec = find_model(kind, model) if isinstance(model, str) else None
        if spec is None and kind == "tabular" and (own := own_path(str(path[0]), str(model))):
            model, spec = own, find_model(kind, own)
        where = (*path, "model") if "model" in value else path
        if spec is None:
            known, is_table = [*MODELS.get(kind, {}), FILE], kind == "tabular"
            known += own_classes(str(path[0])) if is_table else []
            hint = nearest(str(model), known)
            others = ", or an import path such as sklearn.svm.SVR" if is_table else ""
            is_list = hint.startswith("valid")
            self._add(where, f"no model '{model}'; {hint}{others if is_list else ''}")
            return None
        if model not in (*MODELS[kind], FILE) and (problem := path_problem(model)):
            self._add(where, problem)
            return None
        params = self._validate(spec.params, {**value, "model": model}, path)
        if params is not None:
            searched = search_problems(params, params.search)
            for inside, message in (*searched, *params.problems()):
                self._add((*path, *inside), message)
        return params

    def _validate(self, kind: type[T], value: Any, path: Path_, written: Any = None) -> T | None:
        """The value as a block; ``written`` is what params.yaml has, where that is shorter."""
        try:
            return kind.model_validate(value)
        except ValidationError as error:
            for details in error.errors():
                keys = _keys(value if written is None else written, details)
                inside = tuple(part for part in details["loc"] if part in keys)
                where = (*path, *inside)
                # A value that fits no branch of a union is wrong once, not once a branch.
                if not any(problem.path == where for problem in self.problems) or where == path:
                    self._add(where, explain(details, kind))
            return None


def _keys(value: Any, details: ErrorDetails) -> set[Any]:
    """The parts of an error's location that are keys of the file, not names of union branches."""
    keys: set[Any] = set()
    for part in details["loc"]:
        if isinstance(value, Mapping) and (part in value or details["type"] == "missing"):
            keys.add(part)
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            keys.add(part)
            value = value[part] if part < len(value) else None
    return keys


def _checkable(block: dict[str, Any]) -> dict[str, Any]:
    """A competition's block; without what depends on its kind, if there is no such kind."""
    if str(block.get("kind")) in MODELS:
        return block
    return {key: value for key, value in block.items() if key != "preprocess"} | {"models": {}}


def _plain(value: Any) -> Any:
    """ruamel's containers and scalars as Python's own, so that strict validation knows them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _line(path: Path, document: CommentedMap, problem: Problem) -> str:
    # An item of a list is at its own line, under the list's name.
    key = ".".join(printable(part) for part in problem.path if isinstance(part, str))
    return (
        f"{path}:{_line_of(document, problem.path)}: {key + ': ' if key else ''}{problem.message}"
    )


def _line_of(document: CommentedMap, path: Path_) -> int:
    """The line (from 1) of the deepest part of ``path`` that is in the file."""
    line = 0
    node: Any = document
    for part in path:
        try:
            find = node.lc.item if isinstance(node, CommentedSeq) else node.lc.key
            line, node = find(part)[0], node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return line + 1
