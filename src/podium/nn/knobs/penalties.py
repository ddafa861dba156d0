"""Penalties in the loss (``l2`` and ``l1``; both: elastic net), on matrices, not biases.

Decoupled ``weight_decay`` is in ``optimizers.py``, since it doesn't act through the gradient.
"""

from podium.nn.parameters import WEIGHT, Parameters


class Penalty:
    """Adds the gradient of ``l2 / 2 * |w|^2 + l1 * |w|``.

    Ridge (Hoerl and Kennard 1970; D2L 3.7), lasso (Tibshirani 1996), elastic net (Zou and Hastie
    2005).
    """

    def __init__(self, l2: float, l1: float) -> None:
        self.l2, self.l1 = l2, l1

    def __call__(self, parameters: Parameters) -> None:
        """Add the penalty's gradient to the loss's."""
        weight, grad = parameters.flat[WEIGHT], parameters.flat_grad[WEIGHT]
        if self.l2:
            grad.add_(weight, alpha=self.l2)
        if self.l1:
            grad.add_(weight.sign(), alpha=self.l1)
