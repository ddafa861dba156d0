"""Podium: from ``params.yaml`` to a checked Kaggle submission.

The package is used through the ``podium`` command, which the DVC stages in ``dvc.yaml`` call. Its
networks also come as estimators for scikit-learn: ``MLPRegressor`` and ``MLPClassifier``.
"""

# Nothing is imported here: ``python -m podium`` would take a typing.py of the working folder.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from podium.models.estimators import MLPClassifier, MLPRegressor

__version__ = "0.1.0"
__all__ = ["MLPClassifier", "MLPRegressor"]


def __getattr__(name: str) -> object:
    """The estimators, imported when they are asked for: torch and scikit-learn take seconds.

    Raises:
        AttributeError: the package has no such name.
    """
    if name not in __all__:
        raise AttributeError(f"module 'podium' has no attribute '{name}'")
    from podium.models import estimators

    return getattr(estimators, name)


def __dir__() -> list[str]:
    """All names, those not imported yet as well."""
    return sorted({*globals(), *__all__})
