"""``auto``: hyperparameters whose value follows from the table's rows, columns and classes.

A model's rules are a function beside the code of the model, so that an edit of a rule trains that
model again: ``rules`` of its row in the table of models. ``models/auto.py`` applies them.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

from podium.metrics import Metric

# Typed as what it is replaced by, so that code after ``resolved`` need not look for it.
AUTO: Any = "auto"


@dataclass(frozen=True)
class Shape:
    """What rules look at.

    ``rows`` are training rows, all folds together. ``columns`` are features before one-hot
    encoding (pixels of an image). ``classes`` is 0 for regression. ``metric`` is what is scored,
    None where nobody says; ``transform`` that of the target.
    """

    rows: int
    columns: int
    classes: int = 0
    metric: Metric | None = None
    transform: str = "none"

    @property
    def trees(self) -> int:
        """Trees of a boosting round: one for each class, if there are more than two."""
        return self.classes if self.classes > 2 else 1


def _let_pass(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    return value if value == AUTO else check(value)


# Makes a hyperparameter take ``auto`` beside its own values: ``Annotated[Count, *OR_AUTO]``.
OR_AUTO = (WrapValidator(_let_pass), PlainSerializer(lambda value: value))
