"""Lists, tuples and dictionaries of tensors: taken apart, described in JSON, and put together again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._core import SymbolicTensor, Tensor, asarray

_ARRAY = "tensor"


def is_array(value: Any) -> bool:
    """A tensor, a symbolic one, or another library's array."""
    if isinstance(value, (Tensor, SymbolicTensor)):
        return True
    return hasattr(value, "__array__") and hasattr(value, "shape") and bool(value.shape)


def is_symbolic(value: Any) -> bool:
    """A symbolic tensor, or a list, tuple or dictionary with one inside."""
    if isinstance(value, Mapping):
        return any(is_symbolic(v) for v in value.values())
    if isinstance(value, (list, tuple)):
        return any(is_symbolic(v) for v in value)
    return isinstance(value, SymbolicTensor)


def encode(value: Any, leaves: list[Any], owner: str) -> Any:
    """`value` as JSON in which arrays, put into `leaves`, are numbers of places; plain values stay."""
    if is_array(value):
        leaves.append(value if isinstance(value, (Tensor, SymbolicTensor)) else asarray(value))
        return {_ARRAY: len(leaves) - 1}
    if isinstance(value, Mapping):
        if not all(isinstance(k, str) for k in value):
            raise TypeError(f"{owner}: keys of dictionaries must be strings, got {list(value)!r}.")
        return {"dict": {k: encode(v, leaves, owner) for k, v in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [encode(v, leaves, owner) for v in value]}
    if isinstance(value, list):
        return [encode(v, leaves, owner) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{owner}: a call takes tensors, numbers, strings and lists of them, got {type(value).__name__}.")


def decode(spec: Any, leaves: Sequence[Any]) -> Any:
    """What encode was given, with these leaves."""
    if isinstance(spec, Mapping):
        if _ARRAY in spec:
            return leaves[spec[_ARRAY]]
        if "tuple" in spec:
            return tuple(decode(v, leaves) for v in spec["tuple"])
        return {k: decode(v, leaves) for k, v in spec["dict"].items()}
    if isinstance(spec, (list, tuple)):
        return [decode(v, leaves) for v in spec]
    return spec


def results(value: Any, owner: str) -> tuple[list[Tensor], Any]:
    """The tensors that a call returned, and how they hang together."""
    leaves: list[Any] = []
    spec = encode(value, leaves, owner)

    def check(part: Any) -> None:
        if isinstance(part, Mapping):
            for inner in part.get("tuple", []) if "tuple" in part else part.get("dict", {}).values():
                check(inner)
        elif isinstance(part, list):
            for inner in part:
                check(inner)
        else:
            raise TypeError(f"{owner}: call must return tensors, got {part!r}.")

    check(spec)
    if not leaves:
        raise TypeError(f"{owner}: call returned no tensor.")
    return leaves, spec


def keys_of(spec: Any) -> list[str] | None:
    """The keys when `spec` is a dictionary of tensors, else None."""
    if isinstance(spec, Mapping) and "dict" in spec:
        return list(spec["dict"])
    return None


def count(spec: Any) -> int:
    """How many tensors."""
    if isinstance(spec, Mapping):
        if _ARRAY in spec:
            return 1
        return sum(count(v) for v in (spec["tuple"] if "tuple" in spec else spec["dict"].values()))
    return sum(count(v) for v in spec) if isinstance(spec, list) else 0


def shown(spec: Any) -> str:
    """ "a dictionary of a, b": for messages."""
    keys = keys_of(spec)
    if keys is not None:
        return "a dictionary of " + ", ".join(keys)
    return "one array" if isinstance(spec, Mapping) and _ARRAY in spec else f"a list of {count(spec)}"


def map_arrays(function: Callable[[Any], Any], value: Any) -> Any:
    """`value` with function(array) in place of each array."""
    if is_array(value):
        return function(value)
    if isinstance(value, Mapping):
        return {k: map_arrays(function, v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map_arrays(function, v) for v in value)
    return value
