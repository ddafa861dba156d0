"""Kernels of Gaussian processes, written as text: ``ConstantKernel() * RBF() + WhiteKernel()``."""

import ast
import operator
from collections.abc import Callable
from typing import Any

from podium.io.errors import PodiumError
from podium.io.text import nearest, printable

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
}


def read_kernel(text: str) -> Any:
    """A kernel of ``sklearn.gaussian_process.kernels`` from its text; no code is run.

    Kernels, numbers, lists and names of metrics, joined by ``+``, ``*`` and ``**``.

    Raises:
        PodiumError: the text is anything else.
    """
    try:
        return _value(ast.parse(text, mode="eval").body)
    except SyntaxError as error:
        raise PodiumError(f"'{printable(text)}' is no kernel: {error.msg}") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise PodiumError(f"'{printable(text)}' is no kernel: {error}") from None


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left), _value(node.right)
        if not any(map(_is_kernel, (left, right))):
            raise ValueError("+, * and ** are for kernels; write numbers out")
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        named = {str(key.arg): _value(key.value) for key in node.keywords}
        return _kernel_class(node.func.id)(*map(_value, node.args), **named)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise ValueError("expected kernels, numbers and text, joined by +, * and **") from None


def _kernel_class(name: str) -> Any:
    from sklearn.gaussian_process import kernels

    known = {
        key: kind
        for key, kind in vars(kernels).items()
        if isinstance(kind, type) and issubclass(kind, kernels.Kernel) and key != "Kernel"
    }
    if name not in known:
        raise PodiumError(f"no kernel '{printable(name)}'; {nearest(name, known)}")
    return known[name]


def _is_kernel(value: Any) -> bool:
    from sklearn.gaussian_process.kernels import Kernel

    return isinstance(value, Kernel)
