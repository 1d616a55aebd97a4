"""Random tensors. Counter-based (Philox): the same seed gives the same numbers for any number of threads and on any machine.

Without `seed` each call takes the next numbers of the global generator, which `nc.utils.set_random_seed` starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

from . import _core, ops
from ._core import Tensor
from ._integers import as_integer

__all__ = ["bernoulli", "normal", "permutation", "randint", "truncated_normal", "uniform"]


def _key(seed: SupportsIndex | None) -> Tensor:
    if seed is None:
        return _core.next_random_key()
    number = as_integer(seed)
    if number is None or not -(2**63) <= number < 2**63:
        raise ValueError(f"random: seed must be None or an integer of 64 bits, got {seed!r}.")
    return _core.convert_to_tensor([number, 0, 0], "int64")


def uniform(
    shape: int | Sequence[int], minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: SupportsIndex | None = None
) -> Tensor:
    """Numbers evenly distributed over [minval, maxval).

    Args:
        shape: Sizes of the result, one number or several, each >= 0.
        minval: Lower end, may come out.
        maxval: Upper end, does not come out.
        dtype: Float type; None: floatx().
        seed: Integer for the same numbers each time; None: the next ones of the global generator.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: A size is negative, minval is more than maxval, or seed does not fit 64 bits.

    Example:
        >>> nc.random.uniform((2, 3), seed=1).shape
        (2, 3)
    """
    return ops.random_uniform(_key(seed), shape, minval, maxval, dtype)


def normal(
    shape: int | Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: SupportsIndex | None = None
) -> Tensor:
    """Normally distributed numbers.

    Args:
        shape: Sizes of the result, one number or several, each >= 0.
        mean: Centre.
        stddev: Standard deviation, >= 0.
        dtype: Float type; None: floatx().
        seed: Integer for the same numbers each time; None: the next ones of the global generator.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: A size is negative, stddev is negative, or seed does not fit 64 bits.

    Example:
        >>> nc.random.normal((2,), seed=1).dtype
        'float32'
    """
    return ops.random_normal(_key(seed), shape, mean, stddev, dtype)


def truncated_normal(
    shape: int | Sequence[int], mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: SupportsIndex | None = None
) -> Tensor:
    """Normally distributed numbers within two standard deviations of the mean.

    Args:
        shape: Sizes of the result, one number or several, each >= 0.
        mean: Centre.
        stddev: Standard deviation before the ends are cut off, >= 0.
        dtype: Float type; None: floatx().
        seed: Integer for the same numbers each time; None: the next ones of the global generator.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: A size is negative, stddev is negative, or seed does not fit 64 bits.

    Example:
        >>> bool((abs(nc.random.truncated_normal((100,), seed=1)) <= 2).all())
        True
    """
    return ops.random_truncated_normal(_key(seed), shape, mean, stddev, dtype)


def randint(
    shape: int | Sequence[int], minval: int, maxval: int, dtype: Any = "int32", seed: SupportsIndex | None = None
) -> Tensor:
    """Integers from [minval, maxval), each equally likely.

    Args:
        shape: Sizes of the result, one number or several, each >= 0.
        minval: Lower end, may come out.
        maxval: Upper end, does not come out.
        dtype: Integer type; default int32.
        seed: Integer for the same numbers each time; None: the next ones of the global generator.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: A size is negative, minval is not below maxval, or seed does not fit 64 bits.

    Example:
        >>> bool((nc.random.randint((100,), 0, 3, seed=1) < 3).all())
        True
    """
    return ops.random_randint(_key(seed), shape, minval, maxval, dtype)


def bernoulli(shape: int | Sequence[int], p: float = 0.5, dtype: Any = None, seed: SupportsIndex | None = None) -> Tensor:
    """Ones with probability p, else zeros.

    Args:
        shape: Sizes of the result, one number or several, each >= 0.
        p: Probability of a one, 0 to 1.
        dtype: Float type; None: floatx().
        seed: Integer for the same numbers each time; None: the next ones of the global generator.

    Returns:
        Tensor of that shape.

    Raises:
        ValueError: A size is negative, p is not within 0 to 1, or seed does not fit 64 bits.

    Example:
        >>> nc.random.bernoulli((3,), 1.0).tolist()
        [1.0, 1.0, 1.0]
    """
    return ops.random_bernoulli(_key(seed), shape, p, dtype)


def permutation(x: Any, seed: SupportsIndex | None = None) -> Tensor:
    """0 .. x-1 in random order, or the rows of x in random order.

    Args:
        x: How many numbers, >= 0; or a tensor, array or list, of which the first axis is put in another order.
        seed: Integer for the same order each time; None: the next ones of the global generator.

    Returns:
        Tensor of x numbers, int64, or a new tensor of x's shape and dtype.

    Raises:
        ValueError: x is a negative number, or seed does not fit 64 bits.
        TypeError: x is neither an integer nor something with at least one axis.

    Example:
        >>> sorted(nc.random.permutation(4, seed=1).tolist())
        [0, 1, 2, 3]
        >>> rows = nc.random.permutation([[1, 2], [3, 4], [5, 6]], seed=1)
        >>> sorted(rows.tolist())
        [[1, 2], [3, 4], [5, 6]]
    """
    if not getattr(x, "shape", ()) and not isinstance(x, (list, tuple, range)):
        n = as_integer(x)
        if n is None:
            raise TypeError(f"permutation: x must be an integer, or have at least one axis, got {x!r}.")
        return ops.random_permutation(_key(seed), n)
    rows = _core.asarray(list(x) if isinstance(x, range) else x)
    return ops.take(rows, ops.random_permutation(_key(seed), rows.shape[0]), axis=0)
