"""150 iris flowers of 3 kinds (R. A. Fisher 1936, UCI Machine Learning Repository, CC BY 4.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacre.datasets import _bundled

if TYPE_CHECKING:
    from nacre.datasets._bundled import Split

NUM_CLASSES = 3
CLASS_NAMES = ("setosa", "versicolor", "virginica")
FEATURE_NAMES = ("sepal length", "sepal width", "petal length", "petal width")


def load_data(test_fraction: float = 0.2, *, seed: int = 0) -> Split:
    """The flowers, divided into rows to train on and rows to test on.

    Args:
        test_fraction: share of each class that is held out, in [0, 1).
        seed: chooses the rows; the same seed gives the same rows everywhere.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x is float32 [N, 4] in cm (FEATURE_NAMES), y is uint8 [N] with 0 to 2
        (CLASS_NAMES). With the defaults N is 120 and 30.

    Example:
        >>> from nacre.datasets import iris
        >>> (x_train, y_train), (x_test, y_test) = iris.load_data()
        >>> x_train.shape, x_test.shape
        ((120, 4), (30, 4))
    """
    return _bundled.load("iris", test_fraction, seed)
