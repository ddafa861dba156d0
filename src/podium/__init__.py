"""Podium: from ``params.yaml`` to a checked Kaggle submission.

The package is used through the ``podium`` command, which the DVC stages in ``dvc.yaml`` call. Its
networks also come as estimators for scikit-learn: ``MLPRegressor`` and ``MLPClassifier``.
``lab`` has small experiments, for notebooks.
"""

# Nothing is imported here: ``python -m podium`` would take a typing.py of the working folder.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from podium.models import lab
    from podium.models.estimators import MLPClassifier, MLPRegressor

__version__ = "0.1.0"
__all__ = ["MLPClassifier", "MLPRegressor", "lab"]


def __getattr__(name: str) -> object:
    """The estimators and the lab, imported when they are asked for: torch takes seconds.

    Raises:
        AttributeError: the package has no such name.
    """
    if name not in __all__:
        raise AttributeError(f"module 'podium' has no attribute '{name}'")
    from importlib import import_module

    if name == "lab":
        return import_module("podium.models.lab")
    return getattr(import_module("podium.models.estimators"), name)


def __dir__() -> list[str]:
    """All names, those not imported yet as well."""
    return sorted({*globals(), *__all__})
