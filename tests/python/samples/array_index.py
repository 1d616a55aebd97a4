"""Samples of the array family: indexing, order, diagonals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, const, distinct, ints, r

INF, NAN = math.inf, math.nan
BIG = 2**62

SAMPLES: dict[str, list[Sample]] = {}
BAD: dict[str, list[Bad]] = {}


def dtype_of(dtype: Any, default: str = "float64") -> str:
    return default if dtype is None else dtype


# ---- indexing ----


def np_take(x: np.ndarray, indices: np.ndarray, axis: int | None = None) -> np.ndarray:
    return np.take(x, indices.astype(np.int64), axis)


def np_take_grad(dy: np.ndarray, indices: np.ndarray, shape: Any, axis: int | None = None) -> np.ndarray:
    x = np.zeros(shape)
    flat = x.reshape(-1) if axis is None else np.moveaxis(x, axis, 0)
    k = 0 if axis is None else axis % x.ndim
    rows = np.moveaxis(dy, range(k, k + indices.ndim), range(indices.ndim))
    np.add.at(flat, indices.astype(np.int64), rows)
    return x


SAMPLES["take"] = [
    S("flat", [r(3, 4), ints(5, low=-12, high=12)], np_take),
    S("rows", [r(4, 3), ints(6, low=-4, high=4, dtype="int64")], np_take, axis=0),
    S("last", [r(2, 5), ints(2, 3, low=0, high=5)], np_take, axis=-1),
    S("middle", [r(2, 3, 4), ints(2, 2, low=-3, high=3)], np_take, axis=1),
    S("one", [r(4, 3), ints(low=0, high=4)], np_take, axis=0),
    S("none", [r(4, 3), ints(0)], np_take, axis=0),
    S("small indices", [r(7), ints(9, low=0, high=7, dtype="uint8")], np_take, axis=0),
    S("signed small indices", [r(7), ints(9, low=-7, high=7, dtype="int8")], np_take, axis=0),
    S("wide rows", [r(3, 33), ints(4, low=-3, high=3)], np_take, axis=0),
    S("of bool", [bools(9), ints(5, low=0, high=9)], np_take),
]
BAD["take"] = [
    B([r(3, 4), const([0, 3], "int32")], "IndexError", ["take", "3", "position 1"], axis=0),
    B([r(3, 4), const([-13], "int64")], "IndexError", ["take", "-13", "12"]),
    B([r(0, 4), const([0], "int64")], "IndexError", ["take", "0"], axis=0),
    B([r(3, 4), const([2**62], "int64")], "IndexError", ["take", str(BIG)], axis=0),
    B([r(3, 4), r(2)], "DTypeError", ["take", "indices", "float32"], axis=0),
    B([r(3, 4), bools(3)], "DTypeError", ["take", "indices", "bool"], axis=0),
    B([r(3, 4), ints(2)], "ValueError", ["take", "axis", "2"], axis=2),
    B([r(3, 4), ints(2)], "ValueError", ["take", "axis", "[0, 1]"], axis=(0, 1)),
    B([r(*(1,) * 5), ints(*(1,) * 5, low=0, high=1)], "ShapeError", ["take", "axes"], axis=0),
]
SAMPLES["take_grad"] = [
    S("flat", [r(5), ints(5, low=-12, high=12)], np_take_grad, shape=(3, 4)),
    S("rows", [r(6, 3), ints(6, low=-4, high=4)], np_take_grad, shape=(4, 3), axis=0),
    S("middle", [r(2, 2, 2, 4), ints(2, 2, low=-3, high=3)], np_take_grad, shape=(2, 3, 4), axis=1),
    S("none", [r(0, 3), ints(0)], np_take_grad, shape=(4, 3), axis=0),
]
BAD["take_grad"] = [
    B([r(2, 3), const([0, 4], "int32")], "IndexError", ["take_grad", "4"], shape=(4, 3), axis=0),
    B([r(2, 2), ints(2)], "ShapeError", ["take_grad", "dy", "[2, 2]", "[2, 3]"], shape=(4, 3), axis=0),
    B([bools(2, 3), ints(2)], "DTypeError", ["take_grad", "dy", "bool"], shape=(4, 3), axis=0),
]


def np_take_along(x: np.ndarray, indices: np.ndarray, axis: int = -1) -> np.ndarray:
    return np.take_along_axis(x, indices.astype(np.int64), axis)


def np_put_along(dy: np.ndarray, indices: np.ndarray, size: int, axis: int = -1) -> np.ndarray:
    axis %= dy.ndim
    x = np.zeros((*dy.shape[:axis], size, *dy.shape[axis + 1 :]))
    at = list(np.indices(dy.shape))
    at[axis] = indices.astype(np.int64)
    np.add.at(x, tuple(at), dy)
    return x


SAMPLES["take_along_axis"] = [
    S("rows", [r(3, 5), ints(3, 2, low=-5, high=5)], np_take_along),
    S("columns", [r(4, 3), ints(6, 3, low=0, high=4, dtype="int64")], np_take_along, axis=0),
    S("middle", [r(2, 3, 4), ints(2, 2, 4, low=0, high=3)], np_take_along, axis=1),
    S("vector", [r(17), ints(33, low=-17, high=17)], np_take_along, axis=0),
    S("none", [r(3, 5), ints(3, 0)], np_take_along),
    S("integers", [ints(2, 4), ints(2, 4, low=0, high=4)], np_take_along),
]
BAD["take_along_axis"] = [
    B([r(2, 3), const([[0], [3]], "int32")], "IndexError", ["take_along_axis", "3"]),
    B([r(2, 3), ints(3, 1)], "ShapeError", ["take_along_axis", "indices", "[3, 1]", "[2, 3]"]),
    B([r(2, 3), ints(2)], "ShapeError", ["take_along_axis", "indices", "[2]"]),
    B([r(2, 3), r(2, 1)], "DTypeError", ["take_along_axis", "indices", "float32"]),
    B([r(2, 3), ints(2, 1)], "ValueError", ["take_along_axis", "axis", "2"], axis=2),
]
SAMPLES["take_along_axis_grad"] = [
    S("rows", [r(3, 4), ints(3, 4, low=-5, high=5)], np_put_along, size=5),
    S("columns", [r(6, 3), ints(6, 3, low=0, high=4)], np_put_along, size=4, axis=0),
    S("none", [r(3, 0), ints(3, 0)], np_put_along, size=5),
]
BAD["take_along_axis_grad"] = [
    B([r(2, 1), const([[0], [3]], "int32")], "IndexError", ["take_along_axis_grad", "3"], size=3),
    B([r(2, 1), ints(2, 2)], "ShapeError", ["take_along_axis_grad", "dy", "[2, 1]", "[2, 2]"], size=3),
    B([r(2, 1), ints(2, 1)], "ValueError", ["take_along_axis_grad", "size", "-1"], size=-1),
    B([r(2, 1), ints(2, 1)], "ShapeError", ["take_along_axis_grad", str(BIG)], size=BIG),
]


def np_ravel_index(*indices: np.ndarray, sizes: Any) -> np.ndarray:
    sizes = tuple(np.atleast_1d(sizes))
    wrapped = [np.where(i < 0, i + n, i).astype(np.int64) for i, n in zip(indices, sizes, strict=True)]
    return np.ravel_multi_index(np.broadcast_arrays(*wrapped), sizes)


SAMPLES["ravel_index"] = [
    S("two", [ints(5, low=-3, high=3), ints(5, low=0, high=4)], np_ravel_index, sizes=(3, 4)),
    S("broadcast", [ints(2, 1, low=0, high=3), ints(3, low=-4, high=4, dtype="int64")], np_ravel_index, sizes=(3, 4)),
    S("one", [ints(7, low=-5, high=5)], np_ravel_index, sizes=5),
    S("none", [ints(0), ints(0)], np_ravel_index, sizes=(3, 4)),
]
BAD["ravel_index"] = [
    B([const([0, 3], "int32"), ints(2, low=0, high=4)], "IndexError", ["ravel_index", "3", "position 1"], sizes=(3, 4)),
    B([ints(2), ints(3)], "ShapeError", ["ravel_index", "[2]", "[3]"], sizes=(9, 9)),
    B([ints(2)], "ValueError", ["ravel_index", "sizes", "[3, 4]"], sizes=(3, 4)),
    B([r(2)], "DTypeError", ["ravel_index", "indices", "float32"], sizes=(3,)),
    B([], "ValueError", ["ravel_index", "indices"], sizes=()),
]


def nd(indices: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.moveaxis(indices.astype(np.int64), -1, 0))


def np_scatter(indices: np.ndarray, values: np.ndarray, shape: Any) -> np.ndarray:
    x = np.zeros(shape, values.dtype)
    np.add.at(x, nd(indices), values)
    return x


def np_scatter_update(x: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
    y = x.copy()
    for at in np.ndindex(indices.shape[:-1]):
        y[tuple(indices[at])] = updates[at]
    return y


def np_scatter_add(x: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
    y = x.copy()
    np.add.at(y, indices.astype(np.int64), updates)
    return y


SAMPLES["gather_nd"] = [
    S("rows", [r(4, 3), ints(5, 1, low=-4, high=4)], lambda x, i: x[nd(i)]),
    S("elements", [r(4, 3), ints(5, 2, low=-3, high=3)], lambda x, i: x[nd(i)]),
    S("batch", [r(3, 3, 2), ints(2, 3, 2, low=0, high=3, dtype="int64")], lambda x, i: x[nd(i)]),
    S("one", [r(3, 3), ints(2, low=0, high=3)], lambda x, i: x[nd(i)]),
    S("none", [r(3, 3), ints(0, 2)], lambda x, i: x[nd(i)]),
]
BAD["gather_nd"] = [
    B([r(3, 3), const([[0, 3]], "int32")], "IndexError", ["gather_nd", "3"]),
    B([r(3, 3), ints(2, 3)], "ShapeError", ["gather_nd", "[2, 3]", "[3, 3]"]),
    B([r(3, 3), ints(2, 0)], "ShapeError", ["gather_nd", "[2, 0]"]),
    B([r(3, 3), ints()], "ShapeError", ["gather_nd", "indices"]),
    B([r(3, 3), r(2, 1)], "DTypeError", ["gather_nd", "indices", "float32"]),
]
SAMPLES["scatter"] = [
    S("elements", [ints(5, 1, low=-4, high=4), r(5)], np_scatter, shape=(4,)),
    S("pairs", [ints(9, 2, low=-3, high=3), r(9)], np_scatter, shape=(3, 3)),
    S("rows", [ints(6, 1, low=0, high=4, dtype="int64"), r(6, 3)], np_scatter, shape=(4, 3)),
    S("batch", [ints(2, 3, 1, low=0, high=4), r(2, 3, 2)], np_scatter, shape=(4, 2)),
    S("none", [ints(0, 1), r(0, 3)], np_scatter, shape=(4, 3)),
    S("integers", [ints(5, 1, low=0, high=4), ints(5)], np_scatter, shape=(4,)),
]
BAD["scatter"] = [
    B([const([[0], [4]], "int32"), r(2)], "IndexError", ["scatter", "4"], shape=(4,)),
    B([ints(2, 1), r(3)], "ShapeError", ["scatter", "values", "[3]", "[2]"], shape=(4,)),
    B([ints(2, 2), r(2)], "ShapeError", ["scatter", "[2, 2]", "[4]"], shape=(4,)),
    B([r(2, 1), r(2)], "DTypeError", ["scatter", "indices", "float32"], shape=(4,)),
    B([ints(2, 1), bools(2)], "DTypeError", ["scatter", "values", "bool"], shape=(4,)),
    B([ints(2, 1), r(2)], "ShapeError", ["scatter", "-4"], shape=(-4,)),
]
SAMPLES["scatter_update"] = [
    S("elements", [r(7), ints(3, 1, low=-7, high=7), r(3)], np_scatter_update),
    S("repeated", [r(4), const([[1], [1], [-3], [0]], "int32"), r(4)], np_scatter_update),
    S("pairs", [r(3, 4), ints(5, 2, low=-3, high=3), r(5)], np_scatter_update),
    S("rows", [r(4, 3), ints(6, 1, low=0, high=4, dtype="int64"), r(6, 3)], np_scatter_update),
    S("none", [r(4), ints(0, 1), r(0)], np_scatter_update),
    S("bool", [bools(7), ints(3, 1, low=0, high=7), bools(3)], np_scatter_update),
]
BAD["scatter_update"] = [
    B([r(4), const([[4]], "int32"), r(1)], "IndexError", ["scatter_update", "4"]),
    B([r(4), ints(2, 1), r(3)], "ShapeError", ["scatter_update", "updates", "[3]"]),
    B([r(4), ints(2, 1), ints(2)], "DTypeError", ["scatter_update", "updates", "int32"]),
    B([r(4), r(2, 1), r(2)], "DTypeError", ["scatter_update", "indices", "float32"]),
]
SAMPLES["scatter_add"] = [
    S("elements", [r(7), ints(9, low=-7, high=7), r(9)], np_scatter_add),
    S("rows", [r(4, 3), ints(6, low=0, high=4, dtype="int64"), r(6, 3)], np_scatter_add),
    S("batch", [r(4, 2), ints(2, 3, low=0, high=4), r(2, 3, 2)], np_scatter_add),
    S("wide", [r(2, 17), ints(3, low=-2, high=2), r(3, 17)], np_scatter_add),
    S("none", [r(4), ints(0), r(0)], np_scatter_add),
    S("integers", [ints(5), ints(9, low=0, high=5), ints(9)], np_scatter_add),
]
BAD["scatter_add"] = [
    B([r(4), const([0, -5], "int32"), r(2)], "IndexError", ["scatter_add", "-5"]),
    B([r(4), ints(2), r(3)], "ShapeError", ["scatter_add", "updates", "[3]"]),
    B([r(), ints(2), r(2)], "ShapeError", ["scatter_add", "x", "scalar"]),
    B([r(4), ints(2), ints(2)], "DTypeError", ["scatter_add", "updates", "int32"]),
    B([bools(4), ints(2), bools(2)], "DTypeError", ["scatter_add", "x", "bool"]),
]


def np_one_hot(x: np.ndarray, num_classes: int, axis: int = -1, dtype: str | None = None) -> np.ndarray:
    y = (x[..., None] == np.arange(num_classes)).astype(dtype_of(dtype))
    return np.moveaxis(y, -1, axis)


SAMPLES["one_hot"] = [
    S("labels", [ints(7, low=0, high=5)], np_one_hot, num_classes=5),
    S("outside", [ints(33, low=-3, high=9)], np_one_hot, num_classes=5),
    S("axis 0", [ints(4, 3, low=0, high=5)], np_one_hot, num_classes=5, axis=0),
    S("middle", [ints(4, 3, low=0, high=5)], np_one_hot, num_classes=5, axis=1),
    S("int32", [ints(7, low=0, high=5, dtype="int64")], np_one_hot, num_classes=5, dtype="int32"),
    S("bool", [ints(7, low=0, high=5, dtype="uint8")], np_one_hot, num_classes=5, dtype="bool"),
    S("one class", [ints(9, low=0, high=2)], np_one_hot, num_classes=1),
    S("empty", [ints(0)], np_one_hot, num_classes=3),
    S("scalar", [ints(low=0, high=3)], np_one_hot, num_classes=3, dtype="float64"),
]
BAD["one_hot"] = [
    B([ints(3)], "ValueError", ["one_hot", "num_classes", "0"], num_classes=0),
    B([ints(3)], "ValueError", ["one_hot", "num_classes", "-2"], num_classes=-2),
    B([ints(3)], "ShapeError", ["one_hot", str(BIG)], num_classes=BIG),
    B([ints(3)], "ValueError", ["one_hot", "axis", "2"], num_classes=3, axis=2),
    B([r(3)], "DTypeError", ["one_hot", "x", "float32"], num_classes=3),
    B([ints(3)], "DTypeError", ["one_hot", "dtype", "float16"], num_classes=3, dtype="float16"),
]

# ---- order ----


def ordered(x: np.ndarray, axis: int, descending: bool) -> np.ndarray:
    """Stable positions with NaN last either way."""
    x = np.moveaxis(x, axis, -1)
    key = -x.astype(np.float64 if x.dtype.kind == "f" else np.int64) if descending else x
    return np.moveaxis(np.argsort(key, axis=-1, kind="stable"), -1, axis)


def np_sort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    return np.take_along_axis(x, ordered(x, axis, descending), axis)


def np_argsort(x: np.ndarray, axis: int = -1, descending: bool = False) -> np.ndarray:
    return ordered(x, axis, descending)


for _name, _f in (("sort", np_sort), ("argsort", np_argsort)):
    SAMPLES[_name] = [S(f"n={n}", [distinct(2, n)], _f) for n in SIZES]
    SAMPLES[_name] += [
        S("descending", [distinct(3, 7)], _f, descending=True),
        S("axis 0", [distinct(7, 3)], _f, axis=0),
        S("middle, descending", [distinct(2, 5, 3)], _f, axis=1, descending=True),
        S("ties", [ints(33, low=0, high=4)], _f),
        S("ties, descending", [ints(33, low=0, high=4)], _f, descending=True),
        # NaN has no difference quotient.
        S("special values", [const([2.0, NAN, -INF, INF, 0.0, NAN, -1.0])], _f, gradient=False),
        S("special values, descending", [const([2.0, NAN, -INF, INF, 0.0, NAN, -1.0])], _f, descending=True, gradient=False),
        S("bytes", [ints(100, low=-100, high=100, dtype="int8")], _f),
        S("long", [r(5000)], _f, gradient=False),  # more than a gradient sample may have
        S("empty", [r(0, 3)], _f),
        S("empty rows", [r(3, 0)], _f),
    ]
    BAD[_name] = [
        B([r(2, 3)], "ValueError", [_name, "axis", "2"], axis=2),
        B([r()], "ValueError", [_name, "axis", "scalar"]),
        B([const([1.0], "float16")], "DTypeError", [_name, "x", "float16"]),
        B([r(2)], "TypeError", [_name, "descending"], descending="x"),
    ]


def np_top_k(x: np.ndarray, k: int, sorted: bool = True) -> tuple[np.ndarray, np.ndarray]:
    at = ordered(x, -1, True)[..., :k]
    return np.take_along_axis(x, at, -1), at


SAMPLES["top_k"] = [
    *(S(f"n={n}", [distinct(3, n)], np_top_k, k=min(n, 3)) for n in SIZES),
    S("all", [distinct(2, 5)], np_top_k, k=5),
    S("none", [distinct(2, 5)], np_top_k, k=0),
    S("unsorted", [distinct(2, 5)], np_top_k, k=2, sorted=False),
    S("ties", [ints(2, 33, low=0, high=4)], np_top_k, k=9),
    S("NaN", [const([1.0, NAN, 3.0, NAN, 2.0])], np_top_k, k=4, gradient=False),
    S("no rows", [r(0, 4)], np_top_k, k=2),
]
BAD["top_k"] = [
    B([r(2, 3)], "ValueError", ["top_k", "k", "4"], k=4),
    B([r(2, 3)], "ValueError", ["top_k", "k", "-1"], k=-1),
    B([r()], "ShapeError", ["top_k", "x", "scalar"], k=1),
    B([const([1.0], "float16")], "DTypeError", ["top_k", "x", "float16"], k=1),
]


def np_searchsorted(s: np.ndarray, v: np.ndarray, side: str = "left") -> np.ndarray:
    return np.searchsorted(s, v, side)


def rising(n: int) -> Callable[[np.random.Generator], np.ndarray]:
    return lambda rng: np.sort(rng.uniform(-2, 2, n))


SAMPLES["searchsorted"] = [
    S("left", [rising(9), r(17)], np_searchsorted),
    S("right", [rising(9), r(2, 5)], np_searchsorted, side="right"),
    S("ties", [const([1, 2, 2, 2, 5], "int32"), ints(33, low=0, high=7)], np_searchsorted),
    S("ties, right", [const([1, 2, 2, 2, 5], "int32"), ints(33, low=0, high=7)], np_searchsorted, side="right"),
    S("NaN", [const([1.0, 2.0, NAN]), const([NAN, 3.0, INF])], np_searchsorted),
    S("in nothing", [const(np.zeros(0)), r(3)], np_searchsorted),
    S("for nothing", [rising(3), r(0)], np_searchsorted),
]
BAD["searchsorted"] = [
    B([r(2, 3), r(3)], "ShapeError", ["searchsorted", "sorted_sequence", "[2, 3]"]),
    B([rising(3), r(3)], "ValueError", ["searchsorted", "side", "middle"], side="middle"),
    B([const([1.0], "float16"), const([1.0], "float16")], "DTypeError", ["searchsorted", "float16"]),
]

# ---- diagonals ----

for _name, _f in (("triu", np.triu), ("tril", np.tril)):
    SAMPLES[_name] = [
        S("square", [r(5, 5)], _f),
        S("wide", [r(3, 9)], _f, k=2),
        S("tall", [r(9, 4)], _f, k=-3),
        S("batch", [r(2, 3, 4)], _f, k=1),
        S("far up", [r(3, 3)], lambda x, k, _f=_f: _f(x, 9), k=BIG),
        S("far down", [r(3, 3)], lambda x, k, _f=_f: _f(x, -9), k=-BIG),
        S("empty", [r(0, 3)], _f),
        S("integers", [ints(4, 4)], _f),
        S("NaN outside", [const([[NAN, 1.0], [2.0, NAN]])], _f, gradient=False),
    ]
    BAD[_name] = [
        B([r(3)], "ShapeError", [_name, "x", "[3]"]),
        B([r(3, 3)], "TypeError", [_name, "k"], k=0.5),
    ]
SAMPLES["diag"] = [
    S("of a vector", [r(3)], np.diag),
    S("above", [r(3)], np.diag, k=2),
    S("below", [r(3)], np.diag, k=-1),
    S("of a matrix", [r(3, 4)], np.diag),
    S("of a matrix, above", [r(3, 4)], np.diag, k=2),
    S("of a matrix, below", [r(3, 4)], np.diag, k=-2),
    S("outside", [r(3, 4)], np.diag, k=-3),
    S("far outside", [r(3, 4)], lambda x, k: np.zeros(0), k=BIG),
    S("empty", [r(0)], np.diag),
    S("integers", [ints(3)], np.diag),
]
BAD["diag"] = [
    B([r()], "ShapeError", ["diag", "x", "[]"]),
    B([r(2, 2, 2)], "ShapeError", ["diag", "x", "[2, 2, 2]"]),
    B([r(3)], "ShapeError", ["diag", str(BIG)], k=BIG),
    B([r(3)], "ShapeError", ["diag", "k"], k=-(2**63)),
]


def np_diag_grad(dy: np.ndarray, rows: int, columns: int, k: int = 0) -> np.ndarray:
    x = np.zeros((rows, columns))
    for i, v in enumerate(dy):
        x[i - min(k, 0), i + max(k, 0)] = v
    return x


SAMPLES["diag_grad"] = [
    S("main", [r(3)], np_diag_grad, rows=3, columns=4),
    S("above", [r(2)], np_diag_grad, rows=3, columns=4, k=2),
    S("below", [r(1)], np_diag_grad, rows=3, columns=4, k=-2),
    S("empty", [r(0)], np_diag_grad, rows=0, columns=4),
]
BAD["diag_grad"] = [
    B([r(2)], "ShapeError", ["diag_grad", "dy", "[2]", "3"], rows=3, columns=4),
    B([r(2)], "ShapeError", ["diag_grad", "-1"], rows=-1, columns=4),
]
