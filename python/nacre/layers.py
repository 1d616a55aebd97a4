"""Layers: Dense, Conv2D, Dropout, MultiHeadAttention and the others, under Keras's names and arguments.

All of them live in the core, so that C++ programs have the same. `help(nc.layers.Dense)` shows arguments and weights; every layer takes `name`, `dtype`
and `trainable` besides its own options.

    >>> layer = nc.layers.Dense(3, activation="relu")
    >>> layer(nc.ones((2, 4))).shape
    (2, 3)
    >>> layer.count_params()
    15

The pooling layers have their short names too: `MaxPool2D` is `MaxPooling2D`, `GlobalAvgPool1D` is `GlobalAveragePooling1D`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import SymbolicTensor
from ._custom import Layer
from ._integers import as_integer

if TYPE_CHECKING:
    import inspect

_classes: dict[str, type] = {name: getattr(_core, name) for name in _core.layer_classes()}
globals().update(_classes)
# Keras's second names: MaxPool2D, GlobalAvgPool1D.
_aliases = {
    name.replace("Pooling", "Pool").replace("Average", "Avg"): _class for name, _class in _classes.items() if "Pooling" in name
}
globals().update(_aliases)


class _Signature:
    """`inspect.signature(Dense)` from the options of the core, made when somebody asks."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        import inspect

        if owner.__name__ not in _classes:
            return inspect.Signature()
        parameter, empty = inspect.Parameter, inspect.Parameter.empty
        return inspect.Signature(
            [
                parameter(
                    option["name"], parameter.POSITIONAL_OR_KEYWORD, default=empty if option["required"] else option["default"]
                )
                for option in _core.layer_options(owner.__name__)
            ]
        )


for _class in _classes.values():
    _class.__signature__ = _Signature()  # type: ignore[attr-defined]


def Input(
    shape: Sequence[int | None] | None = None, batch_size: int | None = None, dtype: Any = None, name: str | None = None
) -> SymbolicTensor:
    """The input of a model: a symbolic tensor to call layers on, or the first element of a Sequential.

    Args:
        shape: Sizes without the batch; None for an unknown one.
        batch_size: Taken for Keras's sake; a model takes any number of rows.
        dtype: None: as the data.
        name: Name of the input, by which dictionaries of arrays know it.

    Returns:
        SymbolicTensor of shape (None, *shape).

    Raises:
        TypeError: shape is missing, or batch_size is no integer.
        ValueError: A size is negative, or batch_size is below 1.

    Example:
        >>> x = nc.Input((784,), name="pixels")
        >>> nc.layers.Dense(10)(x).shape
        (None, 10)
        >>> nc.Sequential([nc.Input((784,)), nc.layers.Dense(10)]).count_params()
        7850
    """
    if shape is None:
        raise TypeError("Input: shape is missing. Give the sizes without the batch, such as (784,).")
    if batch_size is not None:
        rows = as_integer(batch_size)
        if rows is None:
            raise TypeError(f"Input: batch_size must be an integer or None, got {batch_size!r}.")
        if rows < 1:
            raise ValueError(f"Input: batch_size must be at least 1, got {rows}.")
    return _core.symbolic_input(_classes["InputLayer"](shape, name=name, dtype=dtype))


def get(identifier: Any) -> Layer:
    """A layer from itself or from {"class_name", "config"}.

    Args:
        identifier: A layer, or the dictionary of its class and configuration.

    Returns:
        The layer; one that is given is returned as it is.

    Raises:
        ValueError: The class or an option is unknown.
        TypeError: identifier is neither.

    Example:
        >>> nc.layers.get({"class_name": "Flatten", "config": {}})
        Flatten()
    """
    if isinstance(identifier, _core.Layer):
        return identifier
    if isinstance(identifier, dict) and isinstance(identifier.get("class_name"), str):
        return _core.make_layer(identifier["class_name"], identifier.get("config", {}))
    raise TypeError(f"layers: must be a layer or a configuration of one, got {type(identifier).__name__}.")


def _restore(class_name: str, config: dict[str, Any], shapes: tuple[Any, ...], weights: list[Any]) -> Layer:
    """Unpickles a layer."""
    layer = _core.make_layer(class_name, config)
    if shapes:
        layer.build(*shapes)
        layer.set_weights(weights)
    return layer


__all__ = ["Input", "Layer", "get", *_classes, *_aliases]  # noqa: PLE0604
