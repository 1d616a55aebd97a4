"""Activations by the names that layers take: `Dense(64, activation="gelu")` and `Dense(64, activation=nc.activations.gelu)` are the same.

Each is the op of that name; two have a second name: `swish` is silu, `gelu_tanh` is gelu(approximate=True).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _core
from ._core import Tensor

_ops = _core.op_functions
_names: list[str] = _core.activation_names()
globals().update({name: _ops[name] for name in _names if name in _ops})


def linear(x: Any) -> Tensor:
    """x as it is.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        Tensor of x's shape and dtype.

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.activations.linear([1.0]).tolist()
        [1.0]
    """
    return _ops["identity"](x)


def exponential(x: Any) -> Tensor:
    """e^x.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        Tensor of x's shape; integers become floatx().

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.activations.exponential([0.0]).tolist()
        [1.0]
    """
    return _ops["exp"](x)


def swish(x: Any, beta: float = 1.0) -> Tensor:
    """x sigmoid(beta x); beta = 1 is silu, and what activation="swish" means.

    Args:
        x: Tensor, array or numbers, any shape.
        beta: Steepness; default 1.

    Returns:
        Tensor of x's shape; integers become floatx().

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.activations.swish([0.0]).tolist()
        [0.0]
    """
    return _ops["silu"](x, beta=beta)


def gelu_tanh(x: Any) -> Tensor:
    """The tanh form of gelu, up to 4.7e-4 from the exact one.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        Tensor of x's shape; integers become floatx().

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.activations.gelu_tanh([0.0]).tolist()
        [0.0]
    """
    return _ops["gelu"](x, approximate=True)


def get(identifier: Any) -> Callable[..., Tensor]:
    """The function of a name; None is linear. Functions are returned as they are.

    Args:
        identifier: A name such as "relu", a function, or None.

    Returns:
        A function of a tensor.

    Raises:
        ValueError: The name is unknown.

    Example:
        >>> nc.activations.get("relu")([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    if identifier is None:
        return linear
    if callable(identifier):
        return identifier
    if isinstance(identifier, str) and identifier in _names:
        return globals()[identifier]
    raise ValueError(f"activations: {identifier!r} is unknown. Known: {', '.join(_names)}.")


__all__ = ["get", *_names]  # noqa: PLE0604
