"""Classes of your own in files of models: registration by name, and lookup when a model is loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

__all__ = ["get_registered_name", "get_registered_object", "register_keras_serializable", "register_serializable"]

_by_name: dict[str, type] = {}
_C = TypeVar("_C", bound=type)


def register_serializable(package: str = "Custom", name: str | None = None) -> Callable[[_C], _C]:
    """Decorator that gives a class the name by which files of models call it, "package>name".

    A file holds names and numbers and no code: a program that loads the model must have registered the class too, or pass it in custom_objects.

    Args:
        package: Whose class it is.
        name: None: the name of the class.

    Returns:
        The decorator; it returns the class as it is.

    Raises:
        ValueError: Another class has that name already.
        TypeError: What is decorated is no class, or has no get_config.

    Example:
        >>> @nc.saving.register_serializable("mine")
        ... class Double(nc.layers.Layer):
        ...     def call(self, x):
        ...         return 2 * x
        >>> nc.saving.get_registered_name(Double)
        'mine>Double'
    """

    def decorate(cls: _C) -> _C:
        if not isinstance(cls, type) or not hasattr(cls, "get_config"):
            raise TypeError(f"register_serializable: a class with get_config is wanted, got {cls!r}.")
        registered = f"{package}>{name or cls.__name__}"
        known = _by_name.get(registered)
        if known is not None and known.__qualname__ != cls.__qualname__:  # a class that is defined anew takes the name over
            raise ValueError(f"register_serializable: '{registered}' is {known!r} already. Choose another package or name.")
        _by_name[registered] = cls
        cls._registered_name = registered  # type: ignore[attr-defined]
        return cls

    return decorate


register_keras_serializable = register_serializable


def get_registered_name(cls: type) -> str:
    """The name of a class in files: the registered one, else its own.

    Args:
        cls: The class.

    Example:
        >>> nc.saving.get_registered_name(dict)
        'dict'
    """
    own = cls.__dict__.get("_registered_name")
    return own if isinstance(own, str) else cls.__name__


def get_registered_object(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The class of this name: from custom_objects (by the whole name or what follows ">"), else registered; None when unknown.

    Args:
        name: Such as "mine>Double".
        custom_objects: Classes by name.

    Example:
        >>> nc.saving.get_registered_object("nobody>knows") is None
        True
    """
    for key in (name, name.rpartition(">")[2]):
        if custom_objects and key in custom_objects:
            return custom_objects[key]
    return _by_name.get(name)


def layer_maker(custom_objects: Mapping[str, Any] | None, kept: list[Any], owner: str) -> Callable[[str, dict[str, Any]], Any]:
    """What makes the layers of a configuration: Python's classes where there are some, else the core's. `kept` takes them, to stay alive."""
    from . import _core, models

    if custom_objects is not None and not isinstance(custom_objects, Mapping):
        raise TypeError(f"{owner}: custom_objects must be a dictionary of classes by name, got {type(custom_objects).__name__}.")

    def make(class_name: str, config: dict[str, Any]) -> Any:
        custom = get_registered_object(class_name, custom_objects)
        if custom is not None:
            layer = custom.from_config(config["config"] if issubclass(custom, models.Model) else config)
            if not isinstance(layer, _core.Layer):
                raise TypeError(f"{owner}: from_config of '{class_name}' gave {layer!r}, no layer.")
        elif class_name in ("Sequential", "Functional"):
            layer = getattr(models, class_name).from_config(config, custom_objects)
        else:
            try:
                layer = _core.make_layer(class_name, config)
            except ValueError as error:
                if not str(error).startswith("layers: class"):  # it is known, its options are wrong
                    raise
                raise ValueError(
                    f"{owner}: the class '{class_name}' is unknown. If it is a layer of yours, register it with "
                    f"nc.saving.register_serializable before, or pass custom_objects={{'{class_name.rpartition('>')[2]}': ...}}."
                ) from None
        kept.append(layer)
        return layer

    return make
