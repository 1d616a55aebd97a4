"""178 wines of 3 growers, 13 measurements (S. Aeberhard, M. Forina 1992, UCI Machine Learning Repository, CC BY 4.0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nacre.datasets import _bundled

if TYPE_CHECKING:
    from nacre.datasets._bundled import Split

NUM_CLASSES = 3
FEATURE_NAMES = (
    "alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "total phenols", "flavanoids", "nonflavanoid phenols",
    "proanthocyanins", "color intensity", "hue", "od280/od315 of diluted wines", "proline",
)  # fmt: skip


def load_data(test_fraction: float = 0.2, *, seed: int = 0) -> Split:
    """The wines, divided into rows to train on and rows to test on.

    The columns differ in scale by a factor of a thousand: standardise them with mean and deviation of the training rows.

    Args:
        test_fraction: share of each class that is held out, in [0, 1).
        seed: chooses the rows; the same seed gives the same rows everywhere.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: x is float32 [N, 13] (FEATURE_NAMES), y is uint8 [N] with 0 to 2. With the
        defaults N is 142 and 36.

    Example:
        >>> from nacre.datasets import wine
        >>> (x_train, y_train), (x_test, y_test) = wine.load_data()
        >>> x_train.shape, x_test.shape
        ((142, 13), (36, 13))
    """
    return _bundled.load("wine", test_fraction, seed)
