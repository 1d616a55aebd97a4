"""Integers as users give them."""

from __future__ import annotations

import operator
from typing import Any


def as_integer(value: Any) -> int | None:
    """The integer that `value` is, NumPy's and tensors of one element included; None for a bool and for whatever is no integer."""
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
