"""The samplers: Optuna's, each asked for several trials at a time.

Trials that are running count as if they had a score, so that a batch is not one point n times:
TPE by the constant liar (Ginsbourger et al. 2010), the Gaussian process by fantasized values,
BoTorch as pending points.
"""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from podium.io.errors import PodiumError

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

# Trials at random before a model of the scores is fitted: Optuna's default.
START = 10


def make_sampler(name: str, seed: int) -> "BaseSampler":
    """One of ``SAMPLERS``.

    Raises:
        PodiumError: its package is not installed.
    """
    from optuna.exceptions import ExperimentalWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return SAMPLERS[name](seed)


def _random(seed: int) -> "BaseSampler":
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


def _tpe(seed: int) -> "BaseSampler":
    """Tree-structured Parzen estimators (Bergstra et al. 2011), of all knobs together."""
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, n_startup_trials=START, multivariate=True, constant_liar=True)


def _gp(seed: int) -> "BaseSampler":
    """A Gaussian process, by the logarithm of the expected improvement (Ament et al. 2023)."""
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed, n_startup_trials=START, deterministic_objective=False)


def _botorch(seed: int) -> "BaseSampler":
    try:
        import botorch  # noqa: F401
        from optuna_integration import BoTorchSampler
    except ImportError:
        raise PodiumError(
            "--sampler botorch needs a package that is not installed: "
            ".venv/bin/pip install -c constraints.txt '.[botorch]'; gp needs none"
        ) from None
    sampler: BaseSampler = BoTorchSampler(
        seed=seed, n_startup_trials=START, consider_running_trials=True
    )
    return sampler


# The points of a grid are queued when a search begins, and the sampler is not asked.
SAMPLERS: dict[str, "Callable[[int], BaseSampler]"] = {
    "grid": _random,
    "random": _random,
    "tpe": _tpe,
    "gp": _gp,
    "botorch": _botorch,
}
# Of these, who sees nothing of pruned trials.
GAUSSIAN = ("gp", "botorch")
# Those that --compare runs.
COMPARED = ("grid", "random", "tpe", "gp")
