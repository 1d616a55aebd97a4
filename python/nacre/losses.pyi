# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from typing import Any

from typing_extensions import Self

from ._core import Loss as Loss
from ._core import _ArrayLike, Tensor

__all__ = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy", "Huber",
    "KLDivergence", "LogCosh", "Loss", "MeanAbsoluteError", "MeanSquaredError", "NLL", "SparseCategoricalCrossentropy",
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy", "get",
    "huber", "kl_divergence", "log_cosh", "mae", "mean_absolute_error", "mean_squared_error", "mse", "nll_loss",
    "sparse_categorical_crossentropy",
]

class MeanSquaredError(Loss):
    """mean((y_true - y_pred)^2) over the last axis."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class MeanAbsoluteError(Loss):
    """mean(|y_true - y_pred|) over the last axis. The gradient at 0 is 0."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Huber(Loss):
    """Huber loss: quadratic near 0, linear beyond delta; mean over the last axis."""

    def __init__(self, delta: float = 1.0, reduction: str = "sum_over_batch_size", name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class LogCosh(Loss):
    """mean(log(cosh(y_pred - y_true))) over the last axis, without overflow."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class BinaryCrossentropy(Loss):
    """-(y log p + (1 - y) log(1 - p)), mean over the last axis."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class CategoricalCrossentropy(Loss):
    """-sum_c y_c log p_c along the class axis."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class SparseCategoricalCrossentropy(Loss):
    """-log p[y] along the class axis, y an integer class."""

    def __init__(
        self,
        from_logits: bool = False,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class BinaryFocalCrossentropy(Loss):
    """(1 - p_t)^gamma times binary cross-entropy, mean over the last axis."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class CategoricalFocalCrossentropy(Loss):
    """-sum_c alpha (1 - p_c)^gamma y_c log p_c along the class axis."""

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class KLDivergence(Loss):
    """Kullback-Leibler divergence sum t log(t / p) over the last axis."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class NLL(Loss):
    """Negative log-likelihood: -y_pred[y] along the last axis."""

    def __init__(self, reduction: str = "sum_over_batch_size", name: str | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

def binary_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)), mean over the last axis."""

def binary_focal_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:
    """(1 - p_t)^gamma times binary cross-entropy, mean over the last axis."""

def categorical_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum_c y_c log p_c along the class axis."""

def categorical_focal_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-sum_c alpha (1 - p_c)^gamma y_c log p_c along the class axis."""

def huber(y_true: _ArrayLike, y_pred: _ArrayLike, delta: float = 1.0) -> Tensor:
    """Huber loss: quadratic near 0, linear beyond delta; mean over the last axis."""

def kl_divergence(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """Kullback-Leibler divergence sum t log(t / p) over the last axis."""

def log_cosh(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """mean(log(cosh(y_pred - y_true))) over the last axis, without overflow."""

def mean_absolute_error(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """mean(|y_true - y_pred|) over the last axis. The gradient at 0 is 0."""

def mean_squared_error(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """mean((y_true - y_pred)^2) over the last axis."""

def nll_loss(y_true: _ArrayLike, y_pred: _ArrayLike) -> Tensor:
    """Negative log-likelihood: -y_pred[y] along the last axis."""

def sparse_categorical_crossentropy(
    y_true: _ArrayLike,
    y_pred: _ArrayLike,
    from_logits: bool = False,
    axis: int = -1,
) -> Tensor:
    """-log p[y] along the class axis, y an integer class."""

mse = mean_squared_error
mae = mean_absolute_error

def get(identifier: Any) -> Any:
    """A loss from a name ("mse"), an object, a class, or {"class_name", "config"}."""
