"""All ops as functions of tensors, under NumPy's and Keras's names.

The functions come from the registry of the core: one record per op holds its arguments, defaults and documentation (`help(nc.ops.softmax)`). The few
defined here are spellings that need Python: `arange(n)`, `einsum("ij,jk", a, b)`, lists of tensors from `split`.
"""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

from . import _core
from ._core import ShapeError, SymbolicTensor, Tensor, convert_to_tensor

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


def _operand(x: Any) -> Any:
    """x as an operand: a tensor of either kind as it is, all else converted."""
    return x if isinstance(x, (Tensor, SymbolicTensor)) else convert_to_tensor(x)


def array(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of x, as numpy.array; gradients flow through one that is a tensor already.

    Args:
        x: Tensor, symbolic tensor, array or numbers, any shape.
        dtype: None: a tensor's own; whole numbers give int32, fractions floatx().

    Returns:
        Tensor of x's shape.

    Raises:
        TypeError: x is nothing that holds numbers.
        ValueError: dtype is unknown.

    Example:
        >>> nc.ops.array([1, 2], dtype="float32").tolist()
        [1.0, 2.0]
    """
    if not isinstance(x, (Tensor, SymbolicTensor)):
        return convert_to_tensor(x, dtype)
    return _core.op_functions["copy"](x if dtype is None else _core.op_functions["cast"](x, dtype))


def fliplr(x: Any) -> Tensor:
    """x with its second axis reversed: left and right change places.

    Args:
        x: Tensor of rank >= 2.

    Returns:
        Tensor of x's shape.

    Raises:
        ShapeError: x has fewer than 2 axes.

    Example:
        >>> nc.ops.fliplr([[1, 2], [3, 4]]).tolist()
        [[2, 1], [4, 3]]
    """
    x = _operand(x)
    if x.ndim < 2:
        raise ShapeError(f"fliplr: x must have rank >= 2, got shape {list(x.shape)}.")
    return _core.op_functions["flip"](x, axis=1)


def flipud(x: Any) -> Tensor:
    """x with its first axis reversed: up and down change places.

    Args:
        x: Tensor of rank >= 1.

    Returns:
        Tensor of x's shape.

    Raises:
        ShapeError: x has no axis.

    Example:
        >>> nc.ops.flipud([[1, 2], [3, 4]]).tolist()
        [[3, 4], [1, 2]]
    """
    x = _operand(x)
    if x.ndim < 1:
        raise ShapeError(f"flipud: x must have rank >= 1, got shape {list(x.shape)}.")
    return _core.op_functions["flip"](x, axis=0)


def get_item(x: Any, key: Any) -> Tensor:
    """x[key].

    Args:
        x: Tensor or what becomes one.
        key: Integers, slices, ..., None, and for tensors with values also integer and boolean tensors, or a tuple of them.

    Returns:
        Tensor: a view of x where the key holds no tensor.

    Raises:
        IndexError: A position is outside x, or there are more of them than axes.
        TypeError: key holds something else.

    Example:
        >>> nc.ops.get_item([[1, 2, 3], [4, 5, 6]], (..., -1)).tolist()
        [3, 6]
    """
    return _operand(x)[key]


def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Positions of the elements that are not zero, in row-major order: x[nonzero(x)] are these elements. NaN counts as not zero.

    How many there are is known only from values, so plans and symbolic tensors cannot hold it: nc.where(x != 0, a, b) often serves.

    Args:
        x: Tensor of rank >= 1.

    Returns:
        One int64 tensor [count] per axis of x.

    Raises:
        ShapeError: x has no axis.
        TypeError: x is a symbolic tensor of a model's graph.
        StateError: The step of a model that calls it is captured: compile without run_eagerly=True.

    Example:
        >>> [p.tolist() for p in nc.ops.nonzero([[0, 7], [8, 0]])]
        [[0, 1], [1, 0]]
    """
    if isinstance(x, SymbolicTensor):
        raise TypeError(
            f"nonzero: x is a symbolic tensor ({x.name!r}, shape {x.shape}): how many elements are not zero is known only from "
            "values. Use nc.where(x != 0, a, b), or a layer of your own with compile(run_eagerly=True)."
        )
    return tuple(_core.nonzero(_operand(x)))


def _convolution(name: str, inputs: Any, kernel: Any, data_format: str | None) -> tuple[Any, Any, str]:
    """The operands and the data format of a convolution over one or two axes."""
    inputs, kernel = _operand(inputs), _operand(kernel)
    if data_format is None:
        data_format = "channels_last"
    elif data_format not in ("channels_last", "channels_first"):
        raise ValueError(f"{name}: data_format must be 'channels_last', 'channels_first' or None, got {data_format!r}.")
    if inputs.ndim not in (3, 4) or kernel.ndim != inputs.ndim:
        raise ShapeError(
            f"{name}: inputs must have rank 3 or 4 and kernel the same rank, got inputs {list(inputs.shape)}, "
            f"kernel {list(kernel.shape)}."
        )
    return inputs, kernel, data_format


def conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Convolution over one or two axes, as keras.ops.conv: conv1d or conv2d by the rank of inputs.

    A kernel that takes a part of the channels makes groups of them, as many as fit.

    Args:
        inputs: [N, T, Cin] or [N, H, W, Cin]; with "channels_first" the channels stand behind N.
        kernel: [K, Cin / groups, Cout] or [KH, KW, Cin / groups, Cout].
        strides: Steps along the axes, >= 1; one number serves both.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for "channels_last".
        dilation_rate: Distance of kernel taps, >= 1.

    Returns:
        [N, T', Cout] or [N, H', W', Cout], or with the channels behind N.

    Raises:
        ShapeError: Ranks or channels do not fit, or the kernel is larger than the padded input.
        ValueError: An option is out of range.

    Example:
        >>> nc.ops.conv(nc.ones((1, 5, 5, 2)), nc.ones((3, 3, 2, 4)), padding="same").shape
        (1, 5, 5, 4)
    """
    inputs, kernel, data_format = _convolution("conv", inputs, kernel, data_format)
    channels, taken = inputs.shape[-1 if data_format == "channels_last" else 1], kernel.shape[-2]
    if channels is None or taken == 0 or channels % taken:
        raise ShapeError(
            f"conv: inputs have {channels} channels ({data_format}), which must be a multiple of the {taken} that kernel takes "
            f"(inputs {list(inputs.shape)}, kernel {list(kernel.shape)})."
        )
    function = _core.op_functions["conv1d" if inputs.ndim == 3 else "conv2d"]
    return function(
        inputs,
        kernel,
        strides=strides,
        padding=padding,
        dilation=dilation_rate,
        groups=channels // taken,
        data_format=data_format,
    )


def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: int | Sequence[int] = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Tensor:
    """Convolution of every channel by itself over one or two axes, as keras.ops.depthwise_conv.

    Args:
        inputs: [N, T, C] or [N, H, W, C]; with "channels_first" the channels stand behind N.
        kernel: [K, C, M] or [KH, KW, C, M]; M is the depth multiplier.
        strides: Steps along the axes, >= 1; one number serves both.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for "channels_last".
        dilation_rate: Distance of kernel taps, >= 1.

    Returns:
        [N, T', C * M] or [N, H', W', C * M], or with the channels behind N.

    Raises:
        ShapeError: Ranks or channels do not fit, or the kernel is larger than the padded input.
        ValueError: An option is out of range.

    Example:
        >>> nc.ops.depthwise_conv(nc.ones((1, 5, 2)), nc.ones((3, 2, 4))).shape
        (1, 3, 8)
    """
    inputs, kernel, data_format = _convolution("depthwise_conv", inputs, kernel, data_format)
    options: dict[str, Any] = {"padding": padding, "data_format": data_format}
    function = _core.op_functions["depthwise_conv2d"]
    if inputs.ndim == 4:
        return function(inputs, kernel, strides=strides, dilation=dilation_rate, **options)
    # A sequence is an image of one row.
    row = 1 if data_format == "channels_last" else 2
    stride, dilation = (_one("depthwise_conv", n, v) for n, v in (("strides", strides), ("dilation_rate", dilation_rate)))
    expand, squeeze = _core.op_functions["expand_dims"], _core.op_functions["squeeze"]
    y = function(expand(inputs, axis=row), expand(kernel, axis=0), strides=(1, stride), dilation=(1, dilation), **options)
    return squeeze(y, axis=row)


def _one(name: str, option: str, value: int | Sequence[int]) -> int:
    """The number of an option of one axis."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) != 1:
        raise ValueError(f"{name}: {option} must be one number for inputs of rank 3, got {value!r}.")
    return values[0]


def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Tensor:
    """Batch normalisation with given statistics, Keras's name and order of batch_norm_inference.

    y = scale * (x - mean) / sqrt(variance + epsilon) + offset

    Args:
        x: Floating-point tensor of rank >= 1.
        mean: [C], C the size of `axis`.
        variance: [C], >= 0.
        axis: The channel axis.
        offset: [C]; None: 0.
        scale: [C]; None: 1.
        epsilon: >= 0, added to the variance.

    Returns:
        Tensor of x's shape.

    Raises:
        ShapeError: A parameter is not [C].
        ValueError: axis or epsilon is out of range.

    Example:
        >>> nc.ops.batch_normalization([[1.0, 6.0]], [0.0, 2.0], [1.0, 4.0], axis=-1, epsilon=0.0).tolist()
        [[1.0, 2.0]]
    """
    return _core.op_functions["batch_norm_inference"](x, mean, variance, scale, offset, axis=axis, epsilon=epsilon)


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
        "array",
        "batch_normalization",
        "conv",
        "convert_to_numpy",
        "convert_to_tensor",
        "depthwise_conv",
        "einsum",
        "fliplr",
        "flipud",
        "get_item",
        "is_tensor",
        "layer_normalization",
        "ndim",
        "nonzero",
        "rms_normalization",
        "shape",
        "size",
        "split",
    }
)
