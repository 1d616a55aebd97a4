"""Losses: classes with a reduction, and the functions they are made of (one value per sample).

Targets and predictions must have the same shape ((N,) and (N, 1) count as the same); every other difference raises ShapeError.
"""

from __future__ import annotations

from typing import Any

from . import _core
from ._classes import make_classes, resolve
from ._core import Loss

_classes = make_classes(Loss, _core.loss_classes(), __name__)
globals().update(_classes)
_functions = {
    name: _core.op_functions[name]
    for name in (
        "mean_squared_error",
        "mean_absolute_error",
        "huber",
        "log_cosh",
        "binary_crossentropy",
        "categorical_crossentropy",
        "sparse_categorical_crossentropy",
        "binary_focal_crossentropy",
        "categorical_focal_crossentropy",
        "kl_divergence",
        "nll_loss",
    )
}
globals().update(_functions)
mse, mae = _functions["mean_squared_error"], _functions["mean_absolute_error"]


def get(identifier: Any) -> Any:
    """A loss from a name ("mse"), an object, a class, or {"class_name", "config"}.

    Args:
        identifier: Name, object, class or configuration of a loss.

    Returns:
        The object; one that is given is returned as it is.

    Raises:
        ValueError: The name or class is unknown.
        TypeError: identifier is none of these.

    Example:
        >>> nc.losses.get("mse").class_name
        'MeanSquaredError'
    """
    return resolve(identifier, Loss, _classes, _core.make_loss, "loss")


__all__ = ["Loss", "get", "mae", "mse", *_classes, *_functions]  # noqa: PLE0604
