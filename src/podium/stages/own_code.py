"""What ``podium check`` says of users' own code before any stage calls it."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from podium.config import Competition
from podium.io import paths
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.io.usercode import UserCode, load
from podium.io.usercode.load import FUNCTIONS, OWN, takes
from podium.io.usercode.sources import tree_of

# How alike a name must be to one that Podium looks for, to be taken for it.
ALIKE = 0.8
PARAMETERS = {"encoders": 0, "metric": 2, "folds": 1, "sample_weight": 1}
# The functions that params.yaml asks for, and those that images have.
ASKED = {"metric": "metric: own", "folds": "folds: {scheme: own}"}


def code_problems(competition: Competition) -> list[str]:
    """A line for each mistake in the competition's own code that shows without data."""
    code_of: list[UserCode | None] = []
    if failed := _failed(lambda: code_of.append(load(competition.name))):
        return failed
    (code,) = code_of
    if code is None:
        return []
    features = code.get("features")
    wanted = PARAMETERS | {"features": 2 if callable(features) and takes(features, 2) else 1}
    checks = [partial(code.function, name, count) for name, count in wanted.items()]
    lines = [line for check in checks for line in _failed(check)]
    if competition.metric == OWN:
        lines += _failed(lambda: competition.scoring)
    return list(dict.fromkeys(lines))


def all_notes(listed: Iterable[Competition], names: Iterable[str]) -> Iterator[str]:
    """What does nothing in the files of some competitions, and files of none; ``names`` are all."""
    for competition in listed:
        yield from _notes(competition)
    yield from _strange_files(names)


def _notes(competition: Competition) -> Iterator[str]:
    """What in a file without mistakes does nothing: functions that are not asked for, misspelt."""
    code = load(competition.name)
    if code is None:
        return
    asked = {"metric": competition.metric == OWN, "folds": competition.folds.scheme == OWN}
    there = [name for name in FUNCTIONS if callable(code.get(name))]
    for name in there:
        if not asked.get(name, True):
            yield f"{code.path}: {name}() is not used; params.yaml asks for it by '{ASKED[name]}'"
        if competition.kind == "image" and name not in ASKED:
            yield f"{code.path}: {name}() is for tables and is not used"
    text = code.path.read_text(encoding="utf-8")
    for name in (str(node.name) for node in tree_of(code.path).body if hasattr(node, "name")):
        near = _nearest(name, FUNCTIONS)
        if near and near not in there and text.count(name) == 1:
            yield f"{code.path}: {printable(name)}() is not used; Podium calls {FUNCTIONS[near]}"


def _strange_files(names: Iterable[str]) -> Iterator[str]:
    """Files with nearly the name of a competition's, which are not loaded."""
    expected = {paths.user_code(name).name: name for name in names}
    for path in sorted(paths.USER_CODE.glob("*.py")):
        near = _nearest(path.name, expected)
        if path.name not in expected and near and not (paths.USER_CODE / near).is_file():
            own = f"the code of {expected[near]} is expected in {near}"
            yield f"{printable(str(path))}: belongs to no competition of params.yaml; {own}"


def _nearest(name: str, names: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=ALIKE)), None)


def _failed(action: Callable[[], object]) -> list[str]:
    """The error of an action as a line; nothing if it went well."""
    try:
        action()
    except PodiumError as error:
        return [str(error)]
    return []
