"""Penalties in the loss (``l2`` and ``l1``; both: elastic net), on matrices, not biases.

Decoupled ``weight_decay`` is in ``optimizers.py``, since it doesn't act through the gradient.
"""

from torch import Tensor

from podium.nn.own import Value
from podium.nn.parameters import WEIGHT, Parameters


class Penalty:
    """Adds the gradient of ``l2 / 2 * |w|^2 + l1 * |w|``.

    Ridge (Hoerl and Kennard 1970; D2L 3.7), lasso (Tibshirani 1996), elastic net (Zou and Hastie
    2005).
    """

    def __init__(self, l2: Value, l1: Value) -> None:
        self.l2, self.l1 = l2, l1
        self.spread: dict[str, Tensor] = {}

    def __call__(self, parameters: Parameters) -> None:
        """Add the penalty's gradient to the loss's."""
        weight = parameters.flat[WEIGHT]
        self._add("l2", self.l2, weight, parameters)
        self._add("l1", self.l1, weight, parameters)

    def _add(self, name: str, penalty: Value, weight: Tensor, parameters: Parameters) -> None:
        """Add a multiple of the weights, or of their signs."""
        if not isinstance(penalty, Tensor):
            if penalty:
                direction = weight if name == "l2" else weight.sign()
                parameters.flat_grad[WEIGHT].add_(direction, alpha=penalty)
            return
        if name not in self.spread:
            self.spread[name] = parameters.spread(penalty, WEIGHT)
        direction = weight if name == "l2" else weight.sign()
        parameters.flat_grad[WEIGHT].addcmul_(direction, self.spread[name])
