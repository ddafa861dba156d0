"""Podium: from ``params.yaml`` to a checked Kaggle submission.

The package is used through the ``podium`` command, which the DVC stages in ``dvc.yaml`` call.
"""

__version__ = "0.1.0"
