"""What ``podium check`` looks at, and prints."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

from podium.io.errors import PodiumError, warn
from podium.runtime.console import say

if TYPE_CHECKING:
    from podium.config import Competition, Config


def check(resolved: bool = False) -> None:
    """Read params.yaml, look at the data where they are there, and print what was found.

    Raises:
        PodiumError: the last of the errors; the others are printed.
    """
    from podium.config import load_config
    from podium.config.load import ConfigError
    from podium.stages.own_code import all_notes

    try:
        config = load_config()
    except ConfigError as error:
        _raise_last(error.lines)
    listed = {name: config[name] for name in config.competitions}
    for line in _described(config):
        say(line)
    looked = {name: _look(block) for name, block in config.blocks.items()}
    if problems := [line for found in looked.values() for line in found.problems]:
        _raise_last(list(dict.fromkeys(problems)))
    for note in all_notes(listed.values(), config.blocks):
        warn(note)
    if resolved:
        _print_resolved(listed.values())
    if unseen := [name for name in listed if looked[name].has_no_data]:
        say(f"{', '.join(unseen)}: columns were not checked, since the data are not here yet")
    stuck = ", ".join(name for name in listed if looked[name].is_stuck)
    say("params.yaml is valid" + (f", but {stuck} can't run: see above" if stuck else ""))


@dataclass(frozen=True)
class _Looked:
    """What was found about a competition; it is stuck where its files can't be read."""

    problems: list[str]
    has_no_data: bool = False
    is_stuck: bool = False


def _described(config: "Config") -> Iterator[str]:
    """A line for each competition, and one for those that are not listed."""
    for name in config.competitions:
        competition = config[name]
        yield (
            f"{name}: {competition.kind} {competition.task}, {competition.metric}, "
            f"{_folds(competition)}, models: {', '.join(competition.models)}"
        )
    if others := [name for name in config.blocks if name not in config.competitions]:
        yield f"not listed in competitions: {', '.join(others)}"


def _print_resolved(competitions: "Iterable[Competition]") -> None:
    from podium.stages.resolved_params import resolved_lines

    for competition in competitions:
        for line in resolved_lines(competition):
            print(line)


def _folds(competition: "Competition") -> str:
    """How many folds there are, where params.yaml says it."""
    from podium.config.folds import SCHEMES

    folds = competition.folds
    given = SCHEMES[folds.scheme].is_given
    return f"folds of scheme {folds.scheme}" if given else f"{folds.count} folds"


def _raise_last(lines: Sequence[str]) -> NoReturn:
    """Print all errors but the last, which ends the command."""
    for line in lines[:-1]:
        print(f"podium: error: {line}", file=sys.stderr)
    raise PodiumError(lines[-1])


def _look(competition: "Competition") -> _Looked:
    """Errors about a competition that its block alone doesn't show."""
    from podium.stages.estimators_there import estimator_problems
    from podium.stages.own_code import code_problems

    found = [*code_problems(competition), *estimator_problems(competition)]
    data = _look_at_data(competition)
    return replace(data, problems=[*found, *data.problems])


def _look_at_data(competition: "Competition") -> _Looked:
    """Errors about columns that are not in the data; folds and features that don't fit the rows.

    Nothing is looked up where the data are not there. Local files that are missing, where DVC would
    stop with words of its own, are a warning: params.yaml itself is valid.
    """
    from podium.config.load import ConfigError
    from podium.io.usercode.errors import UserCodeError
    from podium.stages.named_columns import (
        feature_failures,
        feature_problems,
        fold_problems,
        table_there,
        unknown_columns,
    )
    from podium.stages.resolve import local_files

    try:
        local_files(competition)
        table = table_there(competition)
        if table is None:
            return _Looked(feature_problems(competition), has_no_data=True)
        problems = unknown_columns(competition, table) or [
            *fold_problems(competition, table),
            *feature_failures(competition, table),
        ]
        return _Looked(problems)
    except ConfigError as error:
        return _Looked(error.lines)
    except UserCodeError as error:
        return _Looked([str(error)])
    except PodiumError as error:
        warn(f"{competition.name}: {error}")
        return _Looked([], is_stuck=True)
