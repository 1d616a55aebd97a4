"""Arguments of the methods of models: numbers, paths, and arrays by list or by name."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from . import _core
from ._integers import as_integer


def _whole(method: str, name: str, value: Any) -> int:
    """`value` as an integer of 64 bits; the core checks its range."""
    number = as_integer(value)
    if number is None:
        raise TypeError(f"{method}: {name} must be an integer, got {value!r}.")
    if not -(2**62) < number < 2**62:
        raise ValueError(f"{method}: {name} must be between 0 and 2^62, got {number}.")
    return number


def _optional_whole(method: str, name: str, value: Any) -> int | None:
    return None if value is None else _whole(method, name, value)


def _number(method: str, name: str, value: Any) -> float:
    try:
        if isinstance(value, (bool, str, bytes)):
            raise TypeError
        return float(value)
    except TypeError:
        raise TypeError(f"{method}: {name} must be a number, got {value!r}.") from None


def _verbose(method: str, value: Any) -> int:
    if value == "auto":
        return 1
    if isinstance(value, bool) or value not in (0, 1, 2):
        raise ValueError(f"{method}: verbose must be 'auto', 0, 1 or 2, got {value!r}.")
    return int(value)


def _class_weight(method: str, value: Any) -> list[tuple[int, float]]:
    if value is None:
        return []
    if not isinstance(value, Mapping):
        raise TypeError(f"{method}: class_weight must be a dictionary of class to weight, got {type(value).__name__}.")
    return [(_whole(method, "a class of class_weight", k), _number(method, f"class_weight[{k}]", v)) for k, v in value.items()]


def _path(method: str, value: Any) -> str:
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{method}: the path must be a string or path, got {value!r}.") from None
    if not text or "\0" in text:
        raise ValueError(f"{method}: the path must be a file name, got {text!r}.")
    return text


@contextlib.contextmanager
def _temporary_file() -> Iterator[str]:
    import tempfile  # slow to import

    with tempfile.TemporaryDirectory(prefix="nacre-") as folder:
        yield os.path.join(folder, "model.nacre")


def _steps(rows: int, batch_size: int, limit: int | None) -> int:
    steps = -(-rows // batch_size)
    return steps if limit is None else min(steps, limit)


def _arrays(what: str, values: list[Any]) -> list[Any]:
    return [_core.model_array(x, f"{what}[{i}]" if len(values) > 1 else what) for i, x in enumerate(values)]


def _rows(arrays: list[Any]) -> int:
    shape = getattr(arrays[0], "shape", None) if arrays else None
    return int(shape[0]) if shape else 0


def _check_keys(method: str, name: str, value: Mapping[Any, Any], names: list[str]) -> None:
    unknown = [k for k in value if k not in names]
    if unknown:
        raise ValueError(f"{method}: {name} has the unknown name {unknown[0]!r}. Known: {', '.join(names)}.")


def _by_name(method: str, name: str, value: Any, names: list[str], what: str, ranks: list[int]) -> list[Any]:
    """One array for each input or output, from a list, a dictionary, or the only one."""
    if isinstance(value, Mapping):
        _check_keys(method, name, value, names)
        missing = [n for n in names if n not in value]
        if missing:
            raise ValueError(f"{method}: {name} lacks '{missing[0]}'. It must have {', '.join(names)}.")
        return [value[n] for n in names]
    if len(names) == 1:
        # A list of one array stands for that array where its rank says so; else it is data.
        if isinstance(value, (list, tuple)) and len(value) == 1 and ranks and len(getattr(value[0], "shape", ())) == ranks[0]:
            return [value[0]]
        return [value]
    if value is None:
        return [None]
    if not isinstance(value, (list, tuple)):
        raise TypeError(
            f"{method}: the model has {len(names)} {what}s ({', '.join(names)}), so {name} must be a list or dictionary of arrays, "
            f"got {type(value).__name__}."
        )
    if len(value) != len(names):
        raise ValueError(f"{method}: the model has {len(names)} {what}s ({', '.join(names)}), but {name} has {len(value)}.")
    return list(value)
