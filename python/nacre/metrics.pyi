# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from typing import Any

from typing_extensions import Self

from . import _core
from ._core import _ArrayLike

__all__ = [
    "BinaryAccuracy", "CategoricalAccuracy", "Mean", "MeanAbsoluteError", "MeanSquaredError", "Metric", "SparseCategoricalAccuracy",
    "get",
]

class Metric(_core.Metric):
    """Base of the metrics."""

    def update_state(self, y_true: _ArrayLike, y_pred: _ArrayLike, sample_weight: _ArrayLike | None = None) -> None:
        """Adds a batch; sample_weight gives one weight per sample."""
    def __call__(self, y_true: _ArrayLike, y_pred: _ArrayLike, sample_weight: _ArrayLike | None = None) -> float:
        """Adds a batch and returns the result so far."""

class SparseCategoricalAccuracy(Metric):
    """Share of rows whose largest prediction is the label's class."""

    def __init__(self, name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class CategoricalAccuracy(Metric):
    """Share of rows whose largest prediction is where the one-hot target is largest."""

    def __init__(self, name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class BinaryAccuracy(Metric):
    """Share of predictions on the same side of the threshold as their target."""

    def __init__(self, threshold: float = 0.5, name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class MeanSquaredError(Metric):
    """Mean of mean_squared_error over the samples."""

    def __init__(self, name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class MeanAbsoluteError(Metric):
    """Mean of mean_absolute_error over the samples."""

    def __init__(self, name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Mean(Metric):
    """Mean of the values given to update_state."""

    def update_state(self, values: _ArrayLike, sample_weight: _ArrayLike | None = None) -> None: ...  # type: ignore[override]
    def __call__(self, values: _ArrayLike, sample_weight: _ArrayLike | None = None) -> float: ...  # type: ignore[override]
    def __init__(self, name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

def get(identifier: Any) -> Any:
    """A metric from a name ("mae"), an object, a class, or {"class_name", "config"}."""
