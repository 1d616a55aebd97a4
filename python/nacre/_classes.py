"""Python classes from the registries of the core: one class per optimizer, loss or metric, with its signature and documentation.

Copies (copy.deepcopy) and pickles hold the class, the configuration and Python's own attributes: an optimizer begins anew with the learning rate it
has, a metric counts from zero. A copy or pickle of a model holds its optimizer's state too.
"""

from __future__ import annotations

from typing import Any


def _restore(cls: Any, config: dict[str, Any]) -> Any:
    """Unpickles an object of one of these classes."""
    return cls.from_config(config)


def make_classes(base: type, descriptions: list[dict[str, str]], module: str) -> dict[str, type]:
    """One subclass of `base` per description {"class_name", "doc"}; its constructor takes what the first line of the doc says."""

    def make(class_name: str, doc: str) -> type:
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            base.__init__(self, class_name, *args, **kwargs)  # type: ignore[misc]

        def from_config(cls: type, config: dict[str, Any]) -> Any:
            """An equal object from get_config()."""
            return cls(**config)

        def __reduce__(self: Any) -> tuple[Any, ...]:
            return _restore, (type(self), self.get_config()), self.__dict__ or None

        head, _, text = doc.partition("\n--\n\n")
        __init__.__text_signature__ = "($self, " + head.partition("(")[2]  # type: ignore[attr-defined]
        return type(
            class_name,
            (base,),
            {
                "__init__": __init__,
                "__doc__": f"{head}\n\n{text}",
                "__module__": module,
                "__reduce__": __reduce__,
                "from_config": classmethod(from_config),
            },
        )

    return {d["class_name"]: make(d["class_name"], d["doc"]) for d in descriptions}


def resolve(identifier: Any, base: type, classes: dict[str, type], make: Any, what: str) -> Any:
    """The object that a Keras identifier names: an object, a class, a name, or {"class_name", "config"}."""
    if isinstance(identifier, base):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, base):
        return identifier()
    if isinstance(identifier, str):
        made = make(identifier)
        cls = classes.get(made.class_name)
        return made if cls is None else cls(**made.get_config())
    if isinstance(identifier, dict):
        name = identifier.get("class_name")
        if name not in classes:
            raise ValueError(f"{what}: unknown class {name!r}. Known: {', '.join(sorted(classes))}.")
        return classes[name](**identifier.get("config", {}))
    raise TypeError(f"{what}: must be a name, an object or a configuration of nacre, got {type(identifier).__name__}.")
