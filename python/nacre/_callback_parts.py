"""What the callbacks share: the names of the hooks, a metric compared with its best, names of files, columns of a log."""

from __future__ import annotations

import math
import os
import warnings
import weakref
from typing import TYPE_CHECKING, Any

from nacre._integers import as_integer

if TYPE_CHECKING:
    from collections.abc import Mapping

Logs = dict[str, Any]

BATCH_HOOKS = {
    "train": ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
_EDGE_HOOKS = (
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end",
    "on_test_begin", "on_test_end", "on_predict_begin", "on_predict_end",
)  # fmt: skip
HOOKS = _EDGE_HOOKS + tuple(name for names in BATCH_HOOKS.values() for name in names)


class WeakAttribute:
    """An attribute that does not keep its value alive."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._key = f"_weak_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        reference = instance.__dict__.get(self._key)
        return None if reference is None else reference()

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self._key] = None if value is None else weakref.ref(value)


class Monitor:
    """Compares a metric with the best so far. Equal is not an improvement, and NaN never is one."""

    _GROWS = ("acc", "auc", "precision", "recall", "f1", "r2", "top_k", "iou")

    def __init__(self, owner: str, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"{owner}: mode must be 'auto', 'min' or 'max', got {mode!r}.")
        if not isinstance(monitor, str) or not monitor:
            raise ValueError(f"{owner}: monitor must be the name of a metric, got {monitor!r}.")
        if mode == "auto":
            mode = "max" if any(word in monitor.lower() for word in self._GROWS) else "min"
        self.owner = owner
        self.name = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)

    def value(self, logs: Mapping[str, Any] | None) -> float | None:
        logs = logs or {}
        if self.name not in logs:
            known = ", ".join(logs) or "none"
            warnings.warn(
                f"{self.owner}: metric '{self.name}' is not there; known are: {known}. It does nothing in this epoch.", stacklevel=4
            )
            return None
        return float(logs[self.name])

    def better(self, value: float, reference: float | None) -> bool:
        if math.isnan(value):
            return False
        if reference is None:
            return True
        if self.mode == "min":
            return value + self.min_delta < reference
        return value - self.min_delta > reference


def whole(owner: str, name: str, value: Any, least: int) -> int:
    number = as_integer(value)
    if number is None:
        raise ValueError(f"{owner}: {name} must be a whole number, got {value!r}.")
    if number < least:
        raise ValueError(f"{owner}: {name} must be >= {least}, got {number}.")
    return number


class _AnyValue:
    """Can be formatted as a float, an integer or a text can."""

    def __format__(self, spec: str) -> str:
        for value in (0.5, 1):
            try:
                return format(value, spec)
            except ValueError:
                pass
        return format("", spec)


class _TrialValues(dict[str, Any]):
    """Metrics before there are any: those of nacre are floats, what a callback adds may be something else."""

    def __missing__(self, name: str) -> Any:
        return 0.5 if name == "loss" or name.startswith("val_") else _AnyValue()


def file_pattern(owner: str, filepath: Any) -> str:
    """`filepath` as text whose fields can be filled in."""
    try:
        pattern = os.fspath(filepath)
    except TypeError:
        pattern = None
    if not isinstance(pattern, str):
        raise TypeError(f"{owner}: filepath must be a string or path, got {filepath!r}.")
    if not pattern:
        raise ValueError(f"{owner}: filepath must not be empty.")
    try:
        pattern.format_map(_TrialValues(epoch=1, batch=1))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{owner}: filepath {pattern!r} cannot be filled in: {error}. A field is {{epoch}} or a metric, as in "
            "'model-{epoch:02d}-{val_loss:.2f}.nacre'; braces that are no field are doubled."
        ) from None
    return pattern


def fill_in(owner: str, pattern: str, values: Mapping[str, Any]) -> str:
    """The name of the file for these values."""
    try:
        return pattern.format(**values)
    except LookupError as error:
        raise ValueError(f"{owner}: filepath '{pattern}' asks for {error}; known are {sorted(values)}.") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{owner}: filepath '{pattern}' cannot be filled in with {dict(values)}: {error}.") from None


def columns(logs: Logs, model: Any, params: Mapping[str, Any]) -> list[str]:
    """The metrics of the first epoch, and those of a validation that comes in a later one."""
    names = list(logs)
    if params.get("do_validation"):
        later = (f"val_{name}" for name in getattr(model, "metrics_names", names) if name in logs)
        names += [name for name in later if name not in logs]
    return names
