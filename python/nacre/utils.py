"""Small helpers."""

from __future__ import annotations

from typing import Any, SupportsIndex

from . import _core
from ._integers import as_integer

__all__ = ["set_random_seed", "to_categorical"]


def set_random_seed(seed: SupportsIndex) -> None:
    """Starts everything random anew: weights, dropout, shuffling, nc.random. The same seed gives the same bits for any number of threads.

    Args:
        seed: Integer from 0 to 2^64 - 1.

    Raises:
        ValueError: seed is out of range.
        TypeError: seed is no integer.

    Example:
        >>> nc.utils.set_random_seed(1); a = nc.random.normal((3,))
        >>> nc.utils.set_random_seed(1); b = nc.random.normal((3,))
        >>> a.tolist() == b.tolist()
        True
    """
    number = as_integer(seed)
    if number is None:
        raise TypeError(f"set_random_seed: seed must be an integer, got {seed!r}.")
    if not 0 <= number < 2**64:
        raise ValueError(f"set_random_seed: seed must be between 0 and 2^64 - 1, got {number}.")
    _core.set_random_seed(number)


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Class numbers as one-hot rows, a NumPy array of float32.

    Args:
        x: Integers from 0 to num_classes - 1, any shape.
        num_classes: None: the largest number + 1.

    Returns:
        Array of x's shape with an axis of num_classes behind.

    Raises:
        ValueError: A number is negative, fractional or too large, or x is empty without num_classes.

    Example:
        >>> nc.utils.to_categorical([0, 2])
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    import numpy as np

    labels = np.asarray(x)
    whole = np.issubdtype(labels.dtype, np.integer) or (
        np.issubdtype(labels.dtype, np.floating) and np.all(labels == np.floor(labels))
    )
    if labels.size and not whole:
        raise ValueError(f"to_categorical: x must hold whole numbers, got dtype {labels.dtype}.")
    labels = labels.astype(np.int64)
    if num_classes is None:
        if labels.size == 0:
            raise ValueError("to_categorical: x is empty; give num_classes.")
        num_classes = int(labels.max()) + 1
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        raise ValueError(
            f"to_categorical: x has values from {labels.min()} to {labels.max()}, not all from 0 to {num_classes - 1}."
        )
    out = np.zeros((*labels.shape, num_classes), dtype=np.float32)
    np.put_along_axis(out, labels[..., None], 1.0, axis=-1)
    return out
