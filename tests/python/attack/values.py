"""Bad values by the kind of argument they are given for. Each is (label, value, words): a message about the value shows at least one of the words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

HUGE = 2**62
BIG = 2**31 - 1


class Nothing:
    """An object of no use."""


def _scalar(value: Any) -> tuple[str, ...]:
    words = [repr(value), str(value), type(value).__name__]
    if isinstance(value, float):
        words += [f"{value:g}"] if math.isfinite(value) else ["nan", "inf"]
    return tuple(words)


def _row(label: str, value: Any, *words: str) -> tuple[str, Any, tuple[str, ...]]:
    return label, value, words or _scalar(value)


NOT_NUMBERS = [
    _row("text", "x"),
    _row("object", Nothing(), "Nothing"),
    _row("dict", {}, "dict", "{}"),
    _row("bytes", b"ab", "bytes", "97"),
]

INTEGER = [
    _row("minus one", -1),
    _row("zero", 0),
    _row("big", BIG),
    _row("huge", HUGE),
    _row("lowest", -(2**63)),
    _row("beyond 64 bits", 2**100),
    _row("fraction", 1.5),
    _row("nan", float("nan")),
    _row("none", None),
    _row("list", [1, 2], "[1, 2]", "list", "(1, 2)", "1, 2"),
    *NOT_NUMBERS,
]
REAL = [
    _row("nan", float("nan")),
    _row("inf", float("inf")),
    _row("minus inf", float("-inf")),
    _row("negative", -1.0, "-1"),
    _row("zero", 0.0, "0"),
    _row("large", 1e308),
    _row("tiny", 1e-320, "e-32"),
    _row("list", [0.5], "list", "[0.5]"),
    _row("none", None, "None", "nan"),
    *NOT_NUMBERS,
]
BOOLEAN = [_row("two", 2), _row("none", None), _row("float", 0.5), *NOT_NUMBERS]
INTS = [
    _row("empty", (), "()", "[]", "0", "empty", "no "),
    _row("minus", (-1, -1), "-1"),
    _row("zero", (0, 0), "0"),
    _row("big", (BIG, BIG), str(BIG)),
    _row("huge", (HUGE, HUGE), str(HUGE)),
    _row("too many", (1,) * 100, "100", "64", "8"),
    _row("fraction", (1.5, 1), "1.5", "float"),
    _row("one huge", HUGE),
    _row("one minus", -7),
    _row("three", (1, 2, 3), "3", "1, 2, 3"),
    _row("none", None),
    *NOT_NUMBERS,
]
TEXT = [
    _row("empty", "", "''", '""'),
    _row("nonsense", "nonsense"),
    _row("long", "x" * 1000, "xxxx"),
    _row("zero character", "a\0b", "zero", "a"),
    _row("number", 5),
    _row("none", None),
    _row("object", Nothing(), "Nothing"),
]
DTYPE = [
    _row("nonsense", "float7"),
    _row("number", 7),
    _row("complex", "complex64"),
    _row("object", Nothing(), "Nothing"),
    _row("half", "float16"),
    _row("bool", "bool"),
]
ANY = [_row("number", -5), _row("nan", float("nan")), _row("nonsense", "nonsense"), _row("object", Nothing(), "Nothing"), _row("empty dict", {}, "{}", "dict"),
       _row("unknown class", {"class_name": "os.system", "config": {}}, "os.system"), _row("list", [1], "[1]", "list")]  # fmt: skip

BY_KIND = {
    "int": INTEGER, "float": REAL, "bool": BOOLEAN, "ints": INTS, "axes": INTS, "str": TEXT, "dtype": DTYPE, "opt_dtype": DTYPE, "any": ANY,
}  # fmt: skip


def _shape_words(x: np.ndarray) -> tuple[str, ...]:
    return (str(list(x.shape)), x.dtype.name, str(x.ndim), str(x.size))


def tensors(valid: np.ndarray) -> list[tuple[str, Any, tuple[str, ...]]]:
    """Bad stand-ins for a valid array."""
    floating = np.issubdtype(valid.dtype, np.floating)
    kind = valid.dtype
    rows = []

    def add(label: str, x: np.ndarray, *words: str) -> None:
        rows.append((label, x, (*_shape_words(x), *words)))

    add("scalar", np.asarray(1, kind))
    add("one more axis", valid[None])
    add("rank 8", np.ones((1,) * 8, kind))
    add("vector of 3", np.ones(3, kind))
    add("4 x 1", np.ones((4, 1), kind))
    add("4 x 3", np.ones((4, 3), kind))
    add("empty", np.zeros((0,), kind))
    add("empty rows", np.zeros((0, *valid.shape[1:]), kind) if valid.ndim else np.zeros((0, 2), kind))
    add("empty last axis", np.zeros((*valid.shape[:-1], 0), kind) if valid.ndim else np.zeros((2, 0), kind))
    if valid.ndim:
        add("last axis longer", np.concatenate([valid, valid], axis=-1))
        add("first axis longer", np.concatenate([valid, valid], axis=0))
    add("zeros", np.zeros_like(valid), "0")
    add("negative", (-np.abs(valid.astype("float64")) - 1).astype(kind) if kind != np.bool_ else ~valid, "-")
    add("bool", valid.astype(bool))
    add("uint8", np.abs(valid).astype("uint8") if kind != np.bool_ else valid.astype("uint8"))
    add("float16", valid.astype("float16"))
    add("int64", valid.astype("float64").astype("int64"))
    if floating:
        for label, value in (("nan", np.nan), ("inf", np.inf), ("minus inf", -np.inf), ("1e30", 1e30)):
            add(label, np.full_like(valid, value), "nan", "inf")
    else:
        add("floats", valid.astype("float32") + np.float32(0.5))
        if kind != np.bool_:
            for label, value in (("big", BIG), ("lowest", -(2**31)), ("out of range", 1000), ("minus two", -2)):
                x = np.full_like(valid, value) if kind.itemsize >= 4 else np.full_like(valid, 100)
                add(label, x, str(value), "100")
            if kind.itemsize == 8:
                add("huge", np.full_like(valid, HUGE), str(HUGE))
    strings = np.asarray(["a", "b"])
    rows.append(("strings", strings, ("2w", "str", "format", "dtype", "ndarray")))
    rows.append(("objects", np.asarray([None, Nothing()], dtype=object), ("O", "object", "format", "ndarray")))
    rows.append(("complex", np.ones(2, dtype="complex64"), ("Zf", "complex", "format", "F")))
    rows.append(("text", "x", ("str",)))
    rows.append(("none", None, ("None", "missing")))
    rows.append(("object", Nothing(), ("Nothing",)))
    rows.append(("ragged list", [[1.0, 2.0], [3.0]], ("ragged", "1 and 2", "2 and 1", "list")))
    rows.append(("dict", {}, ("dict",)))
    return rows
