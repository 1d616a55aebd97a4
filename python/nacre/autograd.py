"""Automatic differentiation: switching recording on and off, gradients of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from . import _core
from ._core import Tensor, gradients

__all__ = ["enable_grad", "grad", "gradients", "is_grad_enabled", "no_grad", "value_and_grad"]


class _Recording:
    """Context manager and decorator that sets recording on this thread."""

    _on: bool

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_core.grad_enabled())
        _core.set_grad_enabled(self._on)

    def __exit__(self, *error: object) -> None:
        _core.set_grad_enabled(self._before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return wrapped


class no_grad(_Recording):
    """Ops inside are not recorded: `with nc.no_grad(): ...`, or as a decorator.

    Example:
        >>> x = nc.Tensor([2.0], requires_grad=True)
        >>> with nc.no_grad():
        ...     y = x * x
        >>> y.requires_grad
        False
    """

    _on = False


class enable_grad(_Recording):
    """Ops inside are recorded, also within no_grad; a context manager or decorator.

    Example:
        >>> x = nc.Tensor([2.0], requires_grad=True)
        >>> with nc.no_grad(), nc.enable_grad():
        ...     y = x * x
        >>> y.requires_grad
        True
    """

    _on = True


def is_grad_enabled() -> bool:
    """True while ops on this thread are recorded.

    Example:
        >>> nc.is_grad_enabled()
        True
    """
    return _core.grad_enabled()


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns (function(*args), gradient).

    Args:
        function: Returns a tensor of one element.
        argnums: Position or positions of the arguments to differentiate by (float tensors, arrays or numbers).

    Returns:
        A function of the same arguments. The gradient is one tensor for an int, a tuple for several positions; zeros where the value does not depend
        on the argument. It can be differentiated again.

    Raises:
        ValueError: A position does not exist, or function returned no single number.
        TypeError: An argument to differentiate by is not of a float dtype.

    Example:
        >>> value, slope = nc.value_and_grad(lambda x: x * x)(3.0)
        >>> value.item(), slope.item()
        (9.0, 6.0)
    """
    single = isinstance(argnums, int)
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        values = list(args)
        inputs = []
        for i in positions:
            if not -len(values) <= i < len(values):
                raise ValueError(f"grad: argnums names argument {i}, but {len(values)} arguments were given.")
            given = values[i]
            x = (
                given
                if isinstance(given, Tensor)
                else _core.convert_to_tensor(given, None if not isinstance(given, int) else _core.floatx())
            )
            if not x.requires_grad:
                x = x.detach()
                x.requires_grad = True
            inputs.append(x)
            values[i] = x
        with enable_grad():
            y = function(*values, **kwargs)
        if not isinstance(y, Tensor) or y.size != 1:
            what = f"shape {list(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(f"grad: the function must return a tensor of one element, got {what}.")
        # Recording stays on where the caller records, so that grad(grad(f)) works.
        nested = any(isinstance(a, Tensor) and a.requires_grad for a in args)
        slopes = gradients(y, inputs, create_graph=nested) if y.requires_grad else [None] * len(inputs)
        zeros = _core.op_functions["zeros_like"]
        slopes = [zeros(x) if g is None else g for g, x in zip(slopes, inputs, strict=True)]
        return (y if nested else y.detach()), (slopes[0] if single else tuple(slopes))

    return wrapped


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that returns the gradient of `function`.

    Args:
        function: Returns a tensor of one element.
        argnums: Position or positions of the arguments to differentiate by.

    Returns:
        A function of the same arguments; its result can be differentiated again. See value_and_grad.

    Raises:
        ValueError: A position does not exist, or function returned no single number.
        TypeError: An argument to differentiate by is not of a float dtype.

    Example:
        >>> nc.grad(nc.grad(lambda x: x**3))(2.0).item()
        12.0
    """
    both = value_and_grad(function, argnums)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return wrapped
