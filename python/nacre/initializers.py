"""Initialisers: how new weights are filled. Layers take them as objects, by name ("he_normal") or as configurations.

>>> nc.initializers.HeNormal(seed=1)((784, 10)).shape
(784, 10)
"""

from __future__ import annotations

from typing import Any

from . import _core
from ._classes import make_classes, resolve


class Initializer(_core.Initializer):
    """Base of the initializers: call one with a shape, get_config.

    Example:
        >>> initializer = nc.initializers.Constant(0.5)
        >>> initializer((2,)).tolist(), initializer.get_config()
        ([0.5, 0.5], {'value': 0.5})
    """


_classes = make_classes(Initializer, _core.initializer_classes(), __name__)
globals().update(_classes)


def get(identifier: Any) -> Any:
    """An initializer from a name ("glorot_uniform"), an object, a class, or {"class_name", "config"}.

    Args:
        identifier: Name, object, class or configuration of an initializer.

    Returns:
        The object; one that is given is returned as it is.

    Raises:
        ValueError: The name or class is unknown.
        TypeError: identifier is none of these.

    Example:
        >>> nc.initializers.get("he_normal")
        HeNormal()
    """
    return resolve(identifier, _core.Initializer, _classes, _core.make_initializer, "initializer")


__all__ = ["Initializer", "get", *_classes]  # noqa: PLE0604
