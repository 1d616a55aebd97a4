"""All ops as functions of tensors, under NumPy's and Keras's names.

The functions come from the registry of the core: one record per op holds its arguments, defaults and documentation (`help(nc.ops.softmax)`). The few
defined here are spellings that need Python: `arange(n)`, `einsum("ij,jk", a, b)`, lists of tensors from `split`.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from . import _core
from ._core import SymbolicTensor, Tensor, convert_to_tensor

_records = _core.op_records()
_public = {name: function for name, function in _core.op_functions.items() if not _records[name]["internal"]}
globals().update(_public)
# Keras's second names of the same functions.
_aliases = {"absolute": "abs", "amax": "max", "amin": "min", "swish": "silu", "true_divide": "divide"}
globals().update({alias: _public[name] for alias, name in _aliases.items()})


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Tensor:
    """Evenly spaced numbers: start, start + step, ... up to but without stop.

    Args:
        start: First number; with one argument the end, and the first is 0.
        stop: End, not included.
        step: Distance, not 0.
        dtype: None: int32 when all three are integers (int64 where they do not fit), else floatx().

    Returns:
        Tensor of rank 1.

    Raises:
        ValueError: step is 0, a value is not finite, or there are too many numbers.

    Example:
        >>> nc.arange(3).tolist()
        [0, 1, 2]
    """
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        dtype = None if builtins.all(isinstance(v, int) for v in (start, stop, step)) else _core.floatx()
    return _core.op_functions["arange"](start, stop, step, dtype=dtype)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Einstein summation; see help(nc.ops.einsum) of the core op for the letters allowed.

    Args:
        equation: Such as "ij,jk->ik"; without "->" the letters that occur once, in alphabetical order.
        operands: One tensor for each part of the equation.

    Returns:
        Tensor with the axes behind "->".

    Raises:
        ValueError: The equation is malformed or does not fit the operands.

    Example:
        >>> nc.einsum("ij,j->i", [[1.0, 2.0]], [3.0, 4.0]).tolist()
        [11.0]
    """
    return _core.op_functions["einsum"](list(operands), equation)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Cuts x along an axis, as numpy.split.

    Args:
        x: Tensor.
        indices_or_sections: Number of equal parts, or the positions of the cuts.
        axis: The axis.

    Returns:
        List of tensors.

    Raises:
        ValueError: The size does not divide into that many parts, or a cut is out of order.

    Example:
        >>> [p.tolist() for p in nc.split([1, 2, 3, 4], 2)]
        [[1, 2], [3, 4]]
    """
    if isinstance(indices_or_sections, int):
        return list(_core.op_functions["split"](x, sections=indices_or_sections, axis=axis))
    return list(_core.op_functions["split"](x, indices=indices_or_sections, axis=axis))


def shape(x: Any) -> tuple[int, ...]:
    """Sizes of the axes of x.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        Tuple of int.

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.ops.shape([[1, 2, 3]])
        (1, 3)
    """
    return x.shape if isinstance(x, SymbolicTensor) else convert_to_tensor(x).shape


def ndim(x: Any) -> int:
    """Number of axes of x.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        int.

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.ops.ndim([[1, 2, 3]])
        2
    """
    return len(shape(x))


def size(x: Any) -> int:
    """Number of elements of x.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        int.

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.ops.size([[1, 2, 3]])
        3
    """
    return convert_to_tensor(x).size


def is_tensor(x: Any) -> bool:
    """True for a tensor of nacre, a symbolic one too.

    Args:
        x: Anything.

    Returns:
        bool.

    Example:
        >>> nc.ops.is_tensor(nc.ones((2,))), nc.ops.is_tensor([1.0])
        (True, False)
    """
    return isinstance(x, (Tensor, SymbolicTensor))


def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: int | Sequence[int] = -1, epsilon: float = 1e-3
) -> Tensor:
    """Layer normalisation: Keras's name of layer_norm.

    Args:
        x: Floating-point tensor.
        gamma: Factor, of the shape of the axes; None: 1.
        beta: Added last; None: 0.
        axis: The last axis or several trailing ones.
        epsilon: Added to the variance.

    Returns:
        Tensor of x's shape.

    Raises:
        ShapeError: gamma or beta do not fit the axes.

    Example:
        >>> nc.ops.layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
        [[-1.0, 1.0]]
    """
    return _core.op_functions["layer_norm"](x, gamma, beta, axis=axis, epsilon=epsilon)


def rms_normalization(x: Any, scale: Any = None, axis: int | Sequence[int] = -1, epsilon: float = 1e-6) -> Tensor:
    """Root-mean-square normalisation: Keras's name of rms_norm.

    Args:
        x: Floating-point tensor.
        scale: Factor, of the shape of the axes; None: 1.
        axis: The last axis or several trailing ones.
        epsilon: Added to the mean square.

    Returns:
        Tensor of x's shape.

    Raises:
        ShapeError: scale does not fit the axes.

    Example:
        >>> nc.ops.rms_normalization([[3.0, 3.0]], epsilon=0.0).tolist()
        [[1.0, 1.0]]
    """
    return _core.op_functions["rms_norm"](x, scale, axis=axis, epsilon=epsilon)


def convert_to_numpy(x: Any) -> Any:
    """x as a NumPy array; a tensor's memory is shared.

    Args:
        x: Tensor, array or numbers, any shape.

    Returns:
        Array of x's shape and dtype; read-only while x.requires_grad.

    Raises:
        TypeError: x is nothing that holds numbers.

    Example:
        >>> nc.ops.convert_to_numpy(nc.ones((2,)))
        array([1., 1.], dtype=float32)
    """
    return _core.to_numpy(x if isinstance(x, Tensor) else convert_to_tensor(x))


__all__ = sorted(  # noqa: PLE0605
    {
        *_public,
        *_aliases,
        "arange",
        "convert_to_numpy",
        "convert_to_tensor",
        "einsum",
        "is_tensor",
        "layer_normalization",
        "ndim",
        "rms_normalization",
        "shape",
        "size",
        "split",
    }
)
