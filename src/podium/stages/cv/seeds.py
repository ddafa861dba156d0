"""Which seeds of the folds: a number of them, or a list."""

import re
from collections.abc import Sequence

from podium.config import Competition, Folds
from podium.config.folds import SCHEMES
from podium.io.errors import PodiumError, SettingError
from podium.io.text import printable


def seeds_of(competition: Competition, text: str) -> list[int]:
    """The seeds that ``10`` or ``0,1,5`` means.

    A number of seeds begins with the seed of params.yaml. Repeats take the seeds that follow, so
    that with two repeats every other seed is taken: else two seeds would share folds.

    Raises:
        PodiumError: the text is neither, or the folds don't depend on a seed.
    """
    folds = competition.folds
    if not SCHEMES[folds.scheme].shuffles:
        shuffled = ", ".join(name for name, scheme in SCHEMES.items() if scheme.shuffles)
        raise SettingError(
            (competition.name, "folds", "scheme"),
            f"folds of scheme '{folds.scheme}' don't depend on a seed, so that there are no others "
            f"to try; podium cv is for {shuffled}",
        )
    if re.fullmatch(r"[1-9]\d{0,3}", text):
        return [folds.seed + place * folds.repeats for place in range(int(text))]
    if "," in text and re.fullmatch(r"\d{1,9}(,\d{1,9})*,?", text):
        return _distinct([int(one) for one in text.strip(",").split(",")])
    raise PodiumError(
        f"--seeds: '{printable(text)}' is neither how many seeds (10), at least 1, nor a list of "
        "them (0,1,5)"
    )


def _distinct(seeds: Sequence[int]) -> list[int]:
    return list(dict.fromkeys(seeds))


def with_seed(competition: Competition, seed: int) -> Competition:
    """The competition with the folds of a seed, and models for its scores alone."""
    folds: Folds = competition.folds.model_copy(update={"seed": seed})
    models = {name: params.without_refit() for name, params in competition.models.items()}
    return competition.model_copy(update={"folds": folds, "models": models})
