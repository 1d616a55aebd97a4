"""Automatic differentiation: switching recording on and off, gradients of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypeVar, cast, overload

from . import _core
from ._core import Tensor, gradients
from ._integers import as_integer

__all__ = ["enable_grad", "grad", "gradients", "is_grad_enabled", "no_grad", "value_and_grad"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Recording:
    """Context manager and decorator that sets recording on this thread."""

    def __init__(self, on: bool) -> None:
        self._on = on
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_core.grad_enabled())
        _core.set_grad_enabled(self._on)

    def __exit__(self, *error: object) -> None:
        _core.set_grad_enabled(self._before.pop())

    def __call__(self, function: _Function) -> _Function:
        import inspect

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                return (yield from self._drive(function(*args, **kwargs)))

        else:

            @functools.wraps(function)
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                with _Recording(self._on):
                    return function(*args, **kwargs)

        return cast("_Function", wrapped)

    def _drive(self, body: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The values of `body`, which runs with this setting; whoever takes them keeps their own."""
        resume: Callable[[], Any] = functools.partial(next, body)
        while True:
            try:
                with _Recording(self._on):
                    item = resume()
            except StopIteration as end:
                return end.value
            try:
                sent = yield item
            except GeneratorExit:
                with _Recording(self._on):
                    body.close()
                raise
            except BaseException as error:  # noqa: BLE001 handed to the body
                resume = functools.partial(body.throw, error)
            else:
                resume = functools.partial(body.send, sent)


def _recording(name: str, on: bool, function: Any) -> Any:
    if function is None:
        return _Recording(on)
    if not callable(function):
        raise TypeError(
            f"{name}: function must be a function to decorate, got {function!r}. As a context manager: `with nc.{name}():`."
        )
    return _Recording(on)(function)


@overload
def no_grad(function: None = None) -> _Recording: ...
@overload
def no_grad(function: _Function) -> _Function: ...
def no_grad(function: Any = None) -> Any:
    """Ops inside are not recorded: `with nc.no_grad(): ...`, or the decorator `@nc.no_grad`.

    Args:
        function: What is decorated; nothing for a context manager. A generator function has its body run so, while the loop over it keeps its own
            setting.

    Returns:
        A context manager (which `@nc.no_grad()` takes for a decorator too), or the function with the setting around it.

    Raises:
        TypeError: function is none.

    Example:
        >>> x = nc.Tensor([2.0], requires_grad=True)
        >>> with nc.no_grad():
        ...     y = x * x
        >>> y.requires_grad
        False
        >>> @nc.no_grad
        ... def square(x):
        ...     return x * x
        >>> square(x).requires_grad
        False
    """
    return _recording("no_grad", False, function)


@overload
def enable_grad(function: None = None) -> _Recording: ...
@overload
def enable_grad(function: _Function) -> _Function: ...
def enable_grad(function: Any = None) -> Any:
    """Ops inside are recorded, also within no_grad; a context manager or decorator, used as no_grad is.

    Args:
        function: What is decorated; nothing for a context manager.

    Returns:
        A context manager, or the function with the setting around it.

    Raises:
        TypeError: function is none.

    Example:
        >>> x = nc.Tensor([2.0], requires_grad=True)
        >>> with nc.no_grad(), nc.enable_grad():
        ...     y = x * x
        >>> y.requires_grad
        True
    """
    return _recording("enable_grad", True, function)


def is_grad_enabled() -> bool:
    """True while ops on this thread are recorded.

    Example:
        >>> nc.is_grad_enabled()
        True
    """
    return _core.grad_enabled()


def _positions(argnums: Any) -> tuple[tuple[int, ...], bool]:
    """The positions, and whether one was given alone."""
    alone = as_integer(argnums)
    if alone is not None:
        return (alone,), True
    given = [as_integer(i) for i in argnums] if isinstance(argnums, Iterable) and not isinstance(argnums, (str, bytes)) else [None]
    positions = tuple(i for i in given if i is not None)
    if len(positions) != len(given):
        raise TypeError(f"grad: argnums must be an integer or a list of integers, got {argnums!r}.")
    return positions, False


def value_and_grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that returns (function(*args), gradient).

    Args:
        function: Returns a tensor of one element.
        argnums: Position or positions of the arguments to differentiate by (float tensors, arrays or numbers).

    Returns:
        A function of the same arguments. The gradient is one tensor for an int, a tuple for several positions; zeros where the value does not depend
        on the argument. Both can be differentiated again, by the arguments and by other tensors that function uses, unless under no_grad.

    Raises:
        ValueError: A position does not exist, or function returned no single number.
        TypeError: An argument to differentiate by is not of a float dtype, or argnums holds no integers.

    Example:
        >>> value, slope = nc.value_and_grad(lambda x: x * x)(3.0)
        >>> value.item(), slope.item()
        (9.0, 6.0)
    """
    positions, single = _positions(argnums)

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
        # What the caller can differentiate again: grad(grad(f)) by an argument, or a function that uses other tensors that require a gradient.
        outer = y.requires_grad and (
            any(isinstance(a, Tensor) and a.requires_grad for a in args) or _core.reaches_other_leaves(y, inputs)
        )
        attached = outer and is_grad_enabled()
        slopes: list[Any] = [None] * len(inputs)
        if y.requires_grad:
            slopes = list(gradients(y, inputs, retain_graph=outer, create_graph=attached))
        zeros = _core.op_functions["zeros_like"]
        slopes = [zeros(x) if g is None else g for g, x in zip(slopes, inputs, strict=True)]
        return (y if attached else y.detach()), (slopes[0] if single else tuple(slopes))

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
        TypeError: An argument to differentiate by is not of a float dtype, or argnums holds no integers.

    Example:
        >>> nc.grad(nc.grad(lambda x: x**3))(2.0).item()
        12.0
    """
    both = value_and_grad(function, argnums)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return wrapped
