"""The arrays that Model.plan captures a step for when it is given none."""

from __future__ import annotations

from typing import Any

from . import _core, ops


def _sizes(shape: tuple[int | None, ...], rows: int, what: str) -> tuple[int, ...]:
    if None in shape[1:]:
        raise ValueError(f"plan: {what} has the shape {shape} with unknown sizes. Give x, and y unless mode is 'predict'.")
    return (rows, *(int(n) for n in shape[1:] if n is not None))


def _zeros(shapes: Any, rows: int, what: str, dtypes: list[str]) -> list[Any]:
    listed = shapes if isinstance(shapes, list) else [shapes]
    return [ops.zeros(_sizes(s, rows, what), dtype=t) for s, t in zip(listed, dtypes, strict=True)]


def _zero_targets(model: Any, rows: int) -> list[Any]:
    shapes = model.output_shape if isinstance(model.output_shape, list) else [model.output_shape]
    loss = model._loss
    if loss is None:
        raise RuntimeError("plan: the model is not compiled. Call model.compile(...) first, or ask for mode='predict'.")
    if loss.class_name in ("SparseCategoricalCrossentropy", "NLL"):  # labels have no class axis
        return _zeros([s[:-1] for s in shapes], rows, "an output", ["int64"] * len(shapes))
    return _zeros(shapes, rows, "an output", ["float32"] * len(shapes))


def plan_text(model: Any, x: Any, y: Any, mode: str, batch_size: int, profile: bool) -> str:
    """What Model.plan prints."""
    if mode not in ("train", "test", "predict"):
        raise ValueError(f"plan: mode must be 'train', 'test' or 'predict', got {mode!r}.")
    if batch_size < 1:
        raise ValueError(f"plan: batch_size must be at least 1, got {batch_size}.")
    if x is None:
        shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
        inputs = _zeros(shapes, batch_size, "an input", ["float32"] * len(shapes))
    else:
        inputs = [_core.model_array(a, "plan: x") for a in model._input_list("plan", "x", x)]
    targets: list[Any] = []
    if mode != "predict":
        given = _zero_targets(model, int(inputs[0].shape[0])) if y is None else model._target_list("plan", "y", y)
        targets = [_core.model_array(a, "plan: y") for a in given]
    return str(model._plan(mode, inputs, targets, profile))
