"""Data sets to learn with: `nc.datasets.<name>.load_data()` gives `(x_train, y_train), (x_test, y_test)` as NumPy arrays.

    digits          1,797 real handwritten digits, 8x8     in the package
    iris, wine      150 and 178 rows of measurements       in the package
    mnist           70,000 handwritten digits, 28x28       IDX files, found or downloaded
    fashion_mnist   70,000 pictures of clothes, 28x28      IDX files, found or downloaded

Nothing is downloaded unless `download=True` is given. Each module is loaded when first used, NumPy with the first array.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nacre.datasets import digits, fashion_mnist, iris, mnist, wine

__all__ = ["digits", "fashion_mnist", "iris", "mnist", "wine"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"nacre.datasets: there is no data set '{name}'. There are: {', '.join(__all__)}.")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return __all__
