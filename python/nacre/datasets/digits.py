"""1,797 real handwritten digits of 8x8 pixels (E. Alpaydin, C. Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacre.datasets import _bundled

if TYPE_CHECKING:
    from nacre.datasets._bundled import Split

NUM_CLASSES = 10


def load_data(test_fraction: float = 0.2, *, seed: int = 0) -> Split:
    """The digits, divided into rows to train on and rows to test on.

    Args:
        test_fraction: share of each class that is held out, in [0, 1).
        seed: chooses the rows; the same seed gives the same rows everywhere.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x is uint8 [N, 8, 8] with values 0 to 16 (divide by 16), y is uint8 [N] with
        0 to 9. With the defaults N is 1,438 and 359.

    Example:
        >>> from nacre.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, x_train.dtype.name, y_test.shape
        ((1438, 8, 8), 'uint8', (359,))
    """
    return _bundled.load("digits", test_fraction, seed)
