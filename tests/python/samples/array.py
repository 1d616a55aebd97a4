"""Samples of the array family: creation, random numbers, shapes, joining, padding, indexing, order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, const, distinct, ints, r

INF, NAN = math.inf, math.nan
BIG = 2**62

SAMPLES: dict[str, list[Sample]] = {}
BAD: dict[str, list[Bad]] = {}


def dtype_of(dtype: Any, default: str = "float64") -> str:
    return default if dtype is None else dtype


# ---- creation ----


def np_full(shape: Any, value: float, dtype: str | None = None) -> np.ndarray:
    return np.full(shape, value).astype(dtype_of(dtype))


SAMPLES["full"] = [
    S("matrix", [], np_full, shape=(2, 3), value=1.5),
    S("scalar", [], np_full, shape=(), value=-2.0),
    S("one size", [], np_full, shape=17, value=3.0, dtype="float64"),
    S("empty", [], np_full, shape=(0, 3), value=1.0),
    S("integers are cut", [], np_full, shape=(9,), value=-2.75, dtype="int32"),
    S("bool", [], np_full, shape=(3,), value=2.0, dtype="bool"),
    S("NaN", [], np_full, shape=(3,), value=NAN),
    S("saturates", [], lambda shape, value, dtype: np.full(shape, 255, dtype), shape=(2,), value=1e9, dtype="uint8"),
    S("large", [], np_full, shape=(300, 301), value=0.25),
]
SAMPLES["zeros"] = [
    S("matrix", [], lambda shape: np.zeros(shape), shape=(2, 3)),
    S("dtype", [], lambda shape, dtype: np.zeros(shape, dtype), shape=(3,), dtype="int64"),
    S("empty", [], lambda shape: np.zeros(shape), shape=(2, 0)),
]
SAMPLES["ones"] = [
    S("matrix", [], lambda shape: np.ones(shape), shape=(2, 3)),
    S("dtype", [], lambda shape, dtype: np.ones(shape, dtype), shape=(3,), dtype="bool"),
    S("scalar", [], lambda shape: np.ones(shape), shape=()),
]
for _name, _more in (("full", {"value": 1.0}), ("zeros", {}), ("ones", {})):
    BAD[_name] = [
        B([], "ShapeError", [_name, "-1"], shape=(2, -1), **_more),
        B([], "ShapeError", [_name, str(BIG)], shape=(BIG, BIG), **_more),
        B([], "ShapeError", [_name, str(BIG)], shape=(BIG, 0, BIG), **_more),
        B([], "ShapeError", [_name, "shape", "rank", "9"], shape=(1,) * 9, **_more),
        B([], "TypeError", [_name, "shape"], shape=(1.5,), **_more),
        B([], "ValueError", ["float99"], shape=(1,), dtype="float99", **_more),
    ]
BAD["full"].append(B([], "TypeError", ["full", "value"], shape=(1,), value="x"))

SAMPLES["full_like"] = [
    S("floats", [r(2, 3)], lambda x, value: np.full(x.shape, value), value=2.5),
    S("dtype", [r(5)], lambda x, value, dtype: np.full(x.shape, value).astype(dtype), value=7.0, dtype="int8"),
    S("of integers", [ints(3)], lambda x, value: np.full(x.shape, int(value), np.int32), value=-3.0),
    S("empty", [r(0, 2)], lambda x, value: np.full(x.shape, value), value=1.0),
]
for _name, _number in (("zeros_like", 0.0), ("ones_like", 1.0)):
    SAMPLES[_name] = [
        S("floats", [r(2, 3)], lambda x, _v=_number: np.full(x.shape, _v)),
        S("dtype", [r(5)], lambda x, dtype, _v=_number: np.full(x.shape, _v).astype(dtype), dtype="uint8"),
        S("of bools", [bools(9)], lambda x, _v=_number: np.full(x.shape, bool(_v))),
        S("empty", [r(0, 2)], lambda x, _v=_number: np.full(x.shape, _v)),
    ]
for _name, _more in (("full_like", {"value": 1.0}), ("zeros_like", {}), ("ones_like", {})):
    BAD[_name] = [
        B([None], "TypeError", [_name, "x"], **_more),
        B([r(2)], "ValueError", ["complex"], dtype="complex", **_more),
    ]

SAMPLES["arange"] = [
    S("integers", [], lambda start, stop: np.arange(start, stop, dtype=np.int32), start=0, stop=10),
    S("step", [], lambda start, stop, step: np.arange(start, stop, step, dtype=np.int32), start=3, stop=30, step=4),
    S("downwards", [], lambda start, stop, step: np.arange(start, stop, step, dtype=np.int32), start=5, stop=-5, step=-3),
    S("fractions", [], lambda start, stop, step: np.arange(start, stop, step), start=0.0, stop=1.0, step=0.1),
    S("empty", [], lambda start, stop: np.arange(start, stop, dtype=np.int32), start=5, stop=5),
    S("empty backwards", [], lambda start, stop: np.arange(start, stop, dtype=np.int32), start=5, stop=2),
    S("dtype", [], lambda start, stop, dtype: np.arange(start, stop).astype(dtype), start=0, stop=5, dtype="float64"),
    S("beyond int32", [], lambda start, stop: np.arange(start, stop), start=2**40, stop=2**40 + 3),
]
BAD["arange"] = [
    B([], "ValueError", ["arange", "step", "0"], start=0, stop=5, step=0),
    B([], "ValueError", ["arange", "start"], start=NAN, stop=5),
    B([], "ValueError", ["arange", "stop", "inf"], start=0, stop=INF),
    B([], "ValueError", ["arange", "step"], start=0, stop=5, step=NAN),
    B([], "ValueError", ["arange", "1e-300"], start=0, stop=5, step=1e-300),
    B([], "TypeError", ["arange", "start"], start="x", stop=5),
]

SAMPLES["linspace"] = [
    S("five", [], np.linspace, start=0.0, stop=1.0, num=5),
    S("default count", [], np.linspace, start=-1.0, stop=3.0),
    S("without endpoint", [], np.linspace, start=0.0, stop=1.0, num=8, endpoint=False),
    S("one", [], np.linspace, start=2.0, stop=7.0, num=1),
    S("none", [], np.linspace, start=2.0, stop=7.0, num=0),
    S("downwards", [], np.linspace, start=2.0, stop=-7.0, num=17),
    S("float64", [], np.linspace, start=0.1, stop=0.7, num=33, dtype="float64"),
    S("integers", [], lambda start, stop, num, dtype: np.linspace(start, stop, num).astype(dtype), start=0, stop=9, num=4, dtype="int32"),
]
BAD["linspace"] = [
    B([], "ValueError", ["linspace", "num", "-1"], start=0, stop=1, num=-1),
    B([], "ValueError", ["linspace", "start"], start=NAN, stop=1),
    B([], "ValueError", ["linspace", "stop", "inf"], start=0, stop=INF),
    B([], "ShapeError", ["linspace", str(BIG)], start=0, stop=1, num=BIG),
]


def np_eye(N: int, M: int = -1, k: int = 0, dtype: str | None = None) -> np.ndarray:  # noqa: N803 - the op's argument names
    return np.eye(N, N if M == -1 else M, k, dtype_of(dtype))


SAMPLES["eye"] = [
    S("square", [], np_eye, N=3),
    S("wide", [], np_eye, N=3, M=5, k=1),
    S("tall", [], np_eye, N=5, M=2, k=-2),
    S("outside", [], np_eye, N=3, k=3),
    S("far outside", [], lambda N, k: np.zeros((N, N)), N=3, k=-BIG),  # noqa: N803
    S("empty", [], np_eye, N=0, M=4),
    S("dtype", [], np_eye, N=2, dtype="int32"),
    S("bool", [], np_eye, N=2, dtype="bool"),
]
BAD["eye"] = [
    B([], "ValueError", ["eye", "N", "-2"], N=-2),
    B([], "ValueError", ["eye", "M", "-3"], N=2, M=-3),
    B([], "ShapeError", ["eye", str(BIG)], N=BIG, M=BIG),
    B([], "TypeError", ["eye", "k"], N=2, k=0.5),
]

# ---- random numbers: the right range, mean and spread; the same values for the same key ----

KEY = const([12345, 3, 7], "int64")


def moments(mean: float, deviation: float, low: float, high: float) -> Callable[..., None]:
    """Within 5 standard errors of the mean and (loosely) of the deviation, and inside [low, high]."""

    def check(outputs: list[np.ndarray], key: np.ndarray, shape: Sequence[int], **_: Any) -> None:
        (y,) = outputs
        assert y.shape == tuple(shape)
        n = y.size
        y = y.astype(np.float64)
        assert y.min() >= low
        assert y.max() <= high
        assert abs(y.mean() - mean) <= 5 * deviation / math.sqrt(n)
        assert abs(y.std() - deviation) <= 5 * deviation / math.sqrt(n)
        assert len(np.unique(y)) >= min(n // 2, 2)

    return check


def shape_only(outputs: list[np.ndarray], key: np.ndarray, shape: Sequence[int], **_: Any) -> None:
    assert outputs[0].shape == tuple(shape)


def equals(value: float) -> Callable[..., None]:
    def check(outputs: list[np.ndarray], key: np.ndarray, **_: Any) -> None:
        assert (outputs[0] == value).all()

    return check


# Standard deviation of a normal distribution cut at two deviations.
_CUT = 0.8796256610342398
SAMPLES["random_uniform"] = [
    S("unit", [KEY], check=moments(0.5, 1 / math.sqrt(12), 0, 1), shape=(100, 41)),
    S("range", [KEY], check=moments(1.0, 4 / math.sqrt(12), -1, 3), shape=(5000,), minval=-1.0, maxval=3.0, dtype="float64"),
    S("one value", [KEY], check=equals(2.5), shape=(9,), minval=2.5, maxval=2.5),
    S("empty", [KEY], check=shape_only, shape=(0, 3)),
]
SAMPLES["random_normal"] = [
    S("standard", [KEY], check=moments(0, 1, -7, 7), shape=(100, 41)),
    S("moved", [KEY], check=moments(3, 0.5, -2, 8), shape=(4999,), mean=3.0, stddev=0.5, dtype="float64"),
    S("no spread", [KEY], check=equals(1.5), shape=(9,), mean=1.5, stddev=0.0),
    S("empty", [KEY], check=shape_only, shape=(0,)),
]
SAMPLES["random_truncated_normal"] = [
    S("standard", [KEY], check=moments(0, _CUT, -2, 2), shape=(100, 41)),
    S("moved", [KEY], check=moments(3, _CUT / 2, 2, 4), shape=(4999,), mean=3.0, stddev=0.5, dtype="float64"),
    S("empty", [KEY], check=shape_only, shape=(2, 0)),
]
SAMPLES["random_randint"] = [
    S("dice", [KEY], check=moments(3.5, math.sqrt(35 / 12), 1, 6), shape=(5000,), minval=1, maxval=7),
    S("uint8", [KEY], check=moments(127.5, math.sqrt(65535 / 12), 0, 255), shape=(5000,), minval=0, maxval=256, dtype="uint8"),
    S("one value", [KEY], check=equals(-3), shape=(9,), minval=-3, maxval=-2, dtype="int64"),
    S("widest", [KEY], check=shape_only, shape=(9,), minval=-(2**63), maxval=2**63 - 1, dtype="int64"),
]
SAMPLES["random_bernoulli"] = [
    S("floats", [KEY], check=moments(0.3, math.sqrt(0.21), 0, 1), shape=(5000,), p=0.3),
    S("bool", [KEY], check=moments(0.5, 0.5, 0, 1), shape=(5000,), dtype="bool"),
    S("never", [KEY], check=equals(0), shape=(99,), p=0.0, dtype="uint8"),
    S("always", [KEY], check=equals(1), shape=(99,), p=1.0, dtype="float64"),
]


def is_permutation(outputs: list[np.ndarray], key: np.ndarray, n: int) -> None:
    np.testing.assert_array_equal(np.sort(outputs[0]), np.arange(n))
    assert n < 10 or (outputs[0] != np.arange(n)).any()


SAMPLES["random_permutation"] = [S(f"n={n}", [KEY], check=is_permutation, n=n) for n in (0, 1, 2, 33, 1000)]
for _name in ("random_uniform", "random_normal", "random_truncated_normal", "random_randint", "random_bernoulli", "random_permutation"):
    _shape = {"n": 3} if _name == "random_permutation" else {"shape": (3,)}
    _more = {"minval": 0, "maxval": 2} if _name == "random_randint" else {}
    BAD[_name] = [
        B([const([1.0, 2.0, 3.0])], "DTypeError", [_name, "key", "float32"], **_shape, **_more),
        B([const([1, 2], "int64")], "ShapeError", [_name, "key", "[2]"], **_shape, **_more),
        B([None], "TypeError", [_name, "key"], **_shape, **_more),
    ]
    if "shape" in _shape:
        BAD[_name] += [
            B([KEY], "ShapeError", [_name, "-1"], shape=(-1,), **_more),
            B([KEY], "ShapeError", [_name, str(BIG)], shape=(BIG, 8), **_more),
        ]
    if _name in ("random_uniform", "random_normal", "random_truncated_normal"):
        BAD[_name].append(B([KEY], "DTypeError", [_name, "dtype", "int32"], shape=(3,), dtype="int32"))
for _name in ("random_normal", "random_truncated_normal"):
    BAD[_name] += [
        B([KEY], "ValueError", [_name, "stddev", "-1"], shape=(3,), stddev=-1.0),
        B([KEY], "ValueError", [_name, "stddev"], shape=(3,), stddev=NAN),
        B([KEY], "ValueError", [_name, "mean", "inf"], shape=(3,), mean=INF),
    ]
BAD["random_uniform"] += [
    B([KEY], "ValueError", ["random_uniform", "minval", "2", "maxval", "1"], shape=(3,), minval=2.0, maxval=1.0),
    B([KEY], "ValueError", ["random_uniform", "maxval"], shape=(3,), maxval=NAN),
]
BAD["random_randint"] += [
    B([KEY], "ValueError", ["random_randint", "maxval", "5"], shape=(3,), minval=5, maxval=5),
    B([KEY], "ValueError", ["random_randint", "300", "uint8"], shape=(3,), minval=0, maxval=300, dtype="uint8"),
    B([KEY], "DTypeError", ["random_randint", "dtype", "float32"], shape=(3,), minval=0, maxval=3, dtype="float32"),
]
BAD["random_bernoulli"] += [
    B([KEY], "ValueError", ["random_bernoulli", "p", "1.5"], shape=(3,), p=1.5),
    B([KEY], "ValueError", ["random_bernoulli", "p"], shape=(3,), p=NAN),
    B([KEY], "DTypeError", ["random_bernoulli", "dtype", "int64"], shape=(3,), dtype="int64"),
]
BAD["random_permutation"] += [
    B([KEY], "ValueError", ["random_permutation", "n", "-1"], n=-1),
    B([KEY], "ShapeError", ["random_permutation", str(BIG)], n=BIG),
]

# ---- shapes ----


def np_reshape(x: np.ndarray, newshape: Any) -> np.ndarray:
    return np.reshape(x, newshape)


SAMPLES["reshape"] = [
    *(S(f"n={n}", [r(n)], np_reshape, newshape=(1, n, 1)) for n in SIZES),
    S("merge", [r(2, 3, 4)], np_reshape, newshape=(6, 4)),
    S("open size", [r(2, 3, 4)], np_reshape, newshape=(4, -1)),
    S("one number", [r(2, 3)], np_reshape, newshape=-1),
    S("to scalar", [r(1, 1)], np_reshape, newshape=()),
    S("empty", [r(0, 3)], np_reshape, newshape=(3, 0, 2)),
    S("empty, open size", [r(0, 3)], np_reshape, newshape=(-1, 3)),
    S("integers", [ints(6, dtype="int64")], np_reshape, newshape=(2, 3)),
    S("bool", [bools(6)], np_reshape, newshape=(3, 2)),
]
BAD["reshape"] = [
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "[4]", "[2, 3]"], newshape=(4,)),
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "-1"], newshape=(-1, -1)),
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "[4, -1]"], newshape=(4, -1)),
    B([r(2, 3)], "ShapeError", ["reshape", "newshape", "-2"], newshape=(-2, 3)),
    B([r(0, 3)], "ShapeError", ["reshape", "newshape", "[0, -1]"], newshape=(0, -1)),
    B([r(2, 3)], "ShapeError", ["reshape", str(BIG)], newshape=(BIG, 4, 4)),
    B([r(1)], "ShapeError", ["reshape", "newshape", "rank", "9"], newshape=(1,) * 9),
    B([r(2)], "TypeError", ["reshape", "newshape"], newshape="ab"),
]
SAMPLES["ravel"] = [
    S("matrix", [r(3, 5)], np.ravel),
    S("scalar", [r()], np.ravel),
    S("empty", [r(2, 0)], np.ravel),
    S("integers", [ints(2, 3, 4)], np.ravel),
]
BAD["ravel"] = [B([None], "TypeError", ["ravel", "x"]), B(["text"], "TypeError", ["ravel", "x"])]

SAMPLES["transpose"] = [
    S("matrix", [r(3, 5)], lambda x: x.T),
    S("rank 3", [r(2, 3, 4)], lambda x: x.T),
    S("axes", [r(2, 3, 4)], np.transpose, axes=(1, 2, 0)),
    S("axes from the end", [r(2, 3, 4)], np.transpose, axes=(-1, 0, -2)),
    S("scalar", [r()], lambda x: x.T),
    S("vector", [r(7)], np.transpose, axes=0),
    S("empty", [r(0, 3)], lambda x: x.T),
    S("rank 8", [r(1, 2, 1, 2, 1, 2, 1, 3)], lambda x: x.T),
    S("bytes", [ints(17, 33, dtype="uint8", low=0)], lambda x: x.T),
]
BAD["transpose"] = [
    B([r(2, 3)], "ValueError", ["transpose", "axes", "[0]"], axes=(0,)),
    B([r(2, 3)], "ValueError", ["transpose", "axis", "0", "twice"], axes=(0, 0)),
    B([r(2, 3)], "ValueError", ["transpose", "axis", "2"], axes=(0, 2)),
    B([r(2, 3)], "ValueError", ["transpose", str(BIG)], axes=(0, BIG)),
    B([r(2, 3)], "TypeError", ["transpose", "axes"], axes=(0.5, 1)),
]
SAMPLES["swapaxes"] = [
    S("first and last", [r(2, 3, 4)], np.swapaxes, axis1=0, axis2=-1),
    S("same", [r(2, 3)], np.swapaxes, axis1=1, axis2=1),
    S("empty", [r(2, 0, 3)], np.swapaxes, axis1=0, axis2=1),
]
BAD["swapaxes"] = [
    B([r(2, 3)], "ValueError", ["swapaxes", "axis", "2"], axis1=0, axis2=2),
    B([r(2, 3)], "ValueError", ["swapaxes", "axis", "-3"], axis1=-3, axis2=0),
    B([r()], "ValueError", ["swapaxes", "axis", "scalar"], axis1=0, axis2=0),
]
SAMPLES["moveaxis"] = [
    S("one", [r(2, 3, 4)], np.moveaxis, source=0, destination=-1),
    S("two", [r(2, 3, 4, 2)], np.moveaxis, source=(0, 1), destination=(-1, 0)),
    S("none", [r(2, 3)], np.moveaxis, source=(), destination=()),
    S("empty", [r(2, 0, 3)], np.moveaxis, source=1, destination=0),
]
BAD["moveaxis"] = [
    B([r(2, 3)], "ValueError", ["moveaxis", "source", "[0, 1]", "[0]"], source=(0, 1), destination=(0,)),
    B([r(2, 3)], "ValueError", ["moveaxis", "axis", "2"], source=2, destination=0),
    B([r(2, 3)], "ValueError", ["moveaxis", "1", "twice"], source=(0, 1), destination=(1, 1)),
]


SAMPLES["squeeze"] = [
    S("all", [r(1, 3, 1)], lambda x: np.squeeze(x)),
    S("one", [r(1, 3, 1)], lambda x, axis: np.squeeze(x, axis), axis=0),
    S("two", [r(1, 3, 1)], lambda x, axis: np.squeeze(x, axis), axis=(0, -1)),
    S("nothing to do", [r(2, 3)], lambda x: np.squeeze(x)),
    S("to scalar", [r(1, 1)], lambda x: np.squeeze(x)),
    S("empty", [r(1, 0)], lambda x: np.squeeze(x)),
]
BAD["squeeze"] = [
    B([r(1, 3)], "ShapeError", ["squeeze", "axis", "1", "3"], axis=1),
    B([r(1, 3)], "ValueError", ["squeeze", "axis", "2"], axis=2),
    B([r(1, 1)], "ValueError", ["squeeze", "0", "twice"], axis=(0, -2)),
]
SAMPLES["expand_dims"] = [
    S("front", [r(3)], np.expand_dims, axis=0),
    S("end", [r(2, 3)], np.expand_dims, axis=-1),
    S("two", [r(2, 3)], np.expand_dims, axis=(0, 2)),
    S("scalar", [r()], np.expand_dims, axis=0),
    S("empty", [r(0)], np.expand_dims, axis=1),
]
BAD["expand_dims"] = [
    B([r(3)], "ValueError", ["expand_dims", "axis", "2"], axis=2),
    B([r(3)], "ValueError", ["expand_dims", "axis", "-3"], axis=-3),
    B([r(3)], "ValueError", ["expand_dims", "0", "twice"], axis=(0, 0)),
    B([r(*(1,) * 8)], "ShapeError", ["expand_dims", "rank", "9"], axis=0),
]
SAMPLES["broadcast_to"] = [
    S("rows", [r(3)], np.broadcast_to, shape=(2, 3)),
    S("columns", [r(2, 1)], np.broadcast_to, shape=(2, 5)),
    S("scalar", [r()], np.broadcast_to, shape=(17,)),
    S("middle", [r(2, 1, 3)], np.broadcast_to, shape=(4, 2, 5, 3)),
    S("same", [r(2, 3)], np.broadcast_to, shape=(2, 3)),
    S("to nothing", [r(1, 3)], np.broadcast_to, shape=(0, 3)),
    S("integers", [ints(1, 3)], np.broadcast_to, shape=(2, 3)),
]
BAD["broadcast_to"] = [
    B([r(3)], "ShapeError", ["broadcast_to", "[3]", "[2]"], shape=(2,)),
    B([r(2, 3)], "ShapeError", ["broadcast_to", "[2, 3]", "[3]"], shape=(3,)),
    B([r(1)], "ShapeError", ["broadcast_to", "-1"], shape=(-1,)),
    B([r(1, 1)], "ShapeError", ["broadcast_to", str(BIG)], shape=(BIG, BIG)),
]
SAMPLES["flip"] = [
    *(S(f"n={n}", [r(n)], lambda x: np.flip(x)) for n in SIZES),
    S("all axes", [r(2, 3)], lambda x: np.flip(x)),
    S("one axis", [r(2, 3, 4)], np.flip, axis=1),
    S("two axes", [r(2, 3, 4)], np.flip, axis=(0, -1)),
    S("scalar", [r()], lambda x: np.flip(x)),
    S("empty", [r(0, 3)], lambda x: np.flip(x)),
]
BAD["flip"] = [
    B([r(2, 3)], "ValueError", ["flip", "axis", "2"], axis=2),
    B([r(2, 3)], "ValueError", ["flip", "1", "twice"], axis=(1, -1)),
]
SAMPLES["copy"] = [
    *(S(f"n={n}", [r(n)], np.copy) for n in SIZES),
    S("matrix", [r(3, 5)], np.copy),
    S("scalar", [r()], np.copy),
    S("empty", [r(0)], np.copy),
    S("bool", [bools(9)], np.copy),
]
SAMPLES["stop_gradient"] = [S("matrix", [r(3, 5)], np.copy), S("integers", [ints(3)], np.copy), S("empty", [r(0, 2)], np.copy)]
for _name in ("copy", "stop_gradient"):
    BAD[_name] = [B([None], "TypeError", [_name, "x"]), B(["text"], "TypeError", [_name, "x"])]

# ---- slices ----


def np_slice(x: np.ndarray, start_indices: Any, shape: Any) -> np.ndarray:
    starts, sizes = np.atleast_1d(start_indices), np.atleast_1d(shape)
    return x[tuple(slice(a, None if n == -1 else a + n) for a, n in zip(starts, sizes))]


SAMPLES["slice"] = [
    S("block", [r(4, 5)], np_slice, start_indices=(1, 2), shape=(2, 3)),
    S("to the end", [r(4, 5)], np_slice, start_indices=(1, 0), shape=(-1, -1)),
    S("vector", [r(17)], np_slice, start_indices=3, shape=9),
    S("nothing", [r(4, 5)], np_slice, start_indices=(4, 0), shape=(0, 5)),
    S("integers", [ints(4, 5)], np_slice, start_indices=(0, 1), shape=(4, 2)),
]
BAD["slice"] = [
    B([r(4, 5)], "ValueError", ["slice", "start_indices", "[1]"], start_indices=(1,), shape=(2, 2)),
    B([r(4, 5)], "ValueError", ["slice", "start_indices", "-1"], start_indices=(-1, 0), shape=(2, 2)),
    B([r(4, 5)], "ValueError", ["slice", "start_indices", "5"], start_indices=(5, 0), shape=(0, 2)),
    B([r(4, 5)], "ValueError", ["slice", "shape", "4"], start_indices=(1, 0), shape=(4, 2)),
    B([r(4, 5)], "ValueError", ["slice", "shape", str(BIG)], start_indices=(1, 0), shape=(BIG, 2)),
    B([r(4, 5)], "ValueError", ["slice", "shape", "-2"], start_indices=(0, 0), shape=(-2, 2)),
]


def positions(begin: Sequence[int], size: Sequence[int], step: Sequence[int]) -> tuple[np.ndarray, ...]:
    return np.ix_(*[b + np.arange(n) * s for b, n, s in zip(begin, size, step)])


def np_slice_grad(dy: np.ndarray, shape: Sequence[int], begin: Sequence[int], step: Sequence[int]) -> np.ndarray:
    x = np.zeros(shape, dy.dtype)
    x[positions(begin, dy.shape, step)] = dy
    return x


SAMPLES["slice_view"] = [
    S("every other", [r(5, 4)], lambda x, begin, size, step: x[positions(begin, size, step)], begin=(0, 1), size=(3, 2), step=(2, 2)),
    S("backwards", [r(5, 4)], lambda x, begin, size, step: x[positions(begin, size, step)], begin=(4, 3), size=(2, 4), step=(-3, -1)),
    S("nothing", [r(5, 4)], lambda x, begin, size, step: np.zeros(size), begin=(0, 9), size=(5, 0), step=(1, 1)),
    S("long step", [r(5)], lambda x, begin, size, step: x[2:3], begin=(2,), size=(1,), step=(BIG,)),
]
SAMPLES["slice_grad"] = [
    S("every other", [r(3, 2)], np_slice_grad, shape=(5, 4), begin=(0, 1), step=(2, 2)),
    S("backwards", [r(2, 4)], np_slice_grad, shape=(5, 4), begin=(4, 3), step=(-3, -1)),
    S("nothing", [r(0, 2)], lambda dy, shape, begin, step: np.zeros(shape), shape=(3, 2), begin=(0, 0), step=(1, 1)),
]
for _name in ("slice_view", "slice_grad"):
    _sizes = {"size": (2, 2)} if _name == "slice_view" else {"shape": (3, 3)}
    _x = r(3, 3) if _name == "slice_view" else r(2, 2)
    BAD[_name] = [
        B([_x], "ValueError", [_name, "step is 0"], begin=(0, 0), step=(0, 1), **_sizes),
        B([_x], "ValueError", [_name, "begin", "-1"], begin=(-1, 0), step=(1, 1), **_sizes),
        B([_x], "ValueError", [_name, "begin 2", "size 2"], begin=(2, 0), step=(1, 1), **_sizes),
        B([_x], "ValueError", [_name, "step", str(BIG)], begin=(0, 0), step=(BIG, 1), **_sizes),
        B([_x], "ValueError", [_name, "begin", "[0]"], begin=(0,), step=(1, 1), **_sizes),
    ]


def np_split(x: np.ndarray, sections: int = 0, indices: Any = (), axis: int = 0) -> list[np.ndarray]:
    return np.split(x, sections or np.atleast_1d(indices), axis)


SAMPLES["split"] = [
    S("halves", [r(4, 3)], np_split, sections=2),
    S("one part", [r(4, 3)], np_split, sections=1),
    S("columns", [r(2, 6)], np_split, sections=3, axis=-1),
    S("cuts", [r(7)], np_split, indices=(2, 5)),
    S("empty parts", [r(5, 2)], np_split, indices=(0, 2, 2, 9)),
    S("one cut", [r(2, 5)], np_split, indices=3, axis=1),
    S("empty", [r(0, 2)], np_split, sections=3),
    S("integers", [ints(6)], np_split, sections=3),
]
BAD["split"] = [
    B([r(5)], "ShapeError", ["split", "sections", "2", "5"], sections=2),
    B([r(5)], "ValueError", ["split", "sections", "indices"]),
    B([r(5)], "ValueError", ["split", "sections", "5", "indices", "[1]"], sections=5, indices=(1,)),
    B([r(5)], "ValueError", ["split", "sections", "-1"], sections=-1),
    B([r(0)], "ValueError", ["split", "sections", str(BIG)], sections=BIG),
    B([r(5)], "ValueError", ["split", "indices", "[3, 2]"], indices=(3, 2)),
    B([r(5)], "ValueError", ["split", "indices", "-1"], indices=(-1,)),
    B([r(5)], "ValueError", ["split", "axis", "1"], sections=1, axis=1),
    B([r()], "ValueError", ["split", "axis", "scalar"], sections=1),
]


def np_unstack(x: np.ndarray, axis: int = 0) -> list[np.ndarray]:
    return list(np.moveaxis(x, axis, 0))


SAMPLES["unstack"] = [
    S("rows", [r(3, 4)], np_unstack),
    S("columns", [r(3, 4)], np_unstack, axis=-1),
    S("middle", [r(2, 3, 4)], np_unstack, axis=1),
    S("numbers", [r(5)], np_unstack),
]
BAD["unstack"] = [
    B([r(3, 4)], "ValueError", ["unstack", "axis", "2"], axis=2),
    B([r()], "ValueError", ["unstack", "axis", "scalar"]),
]

# ---- joining and repeating ----


def np_concatenate(*xs: np.ndarray, axis: int = 0) -> np.ndarray:
    return np.concatenate(xs, axis)


def np_stack(*xs: np.ndarray, axis: int = 0) -> np.ndarray:
    return np.stack(xs, axis)


SAMPLES["concatenate"] = [
    S("rows", [r(2, 3), r(1, 3), r(4, 3)], np_concatenate),
    S("columns", [r(3, 2), r(3, 5)], np_concatenate, axis=-1),
    S("middle", [r(2, 1, 3), r(2, 4, 3)], np_concatenate, axis=1),
    S("one", [r(5)], np_concatenate),
    S("an empty one", [r(2, 0), r(2, 3)], np_concatenate, axis=1),
    S("all empty", [r(0, 3), r(0, 3)], np_concatenate),
    S("ten", [r(1) for _ in range(10)], np_concatenate),
    S("integers", [ints(3), ints(2)], np_concatenate),
    S("integers with floats", [ints(3), r(2)], np_concatenate),
    S("bool", [bools(3), bools(2)], np_concatenate),
]
BAD["concatenate"] = [
    B([], "ValueError", ["concatenate", "xs"]),
    B([r(2, 3), r(2, 4)], "ShapeError", ["concatenate", "xs[1]", "[2, 4]", "[2, 3]"]),
    B([r(2, 3), r(3)], "ShapeError", ["concatenate", "xs[1]", "[3]"]),
    B([r(), r()], "ShapeError", ["concatenate", "xs[0]", "scalar"]),
    B([r(2)], "ValueError", ["concatenate", "axis", "1"], axis=1),
]
SAMPLES["stack"] = [
    S("rows", [r(3), r(3)], np_stack),
    S("last", [r(2, 3), r(2, 3), r(2, 3)], np_stack, axis=-1),
    S("middle", [r(2, 3), r(2, 3)], np_stack, axis=1),
    S("scalars", [r(), r()], np_stack),
    S("empty", [r(0), r(0)], np_stack),
    S("integers with floats", [ints(3), r(3)], np_stack),
]
BAD["stack"] = [
    B([], "ValueError", ["stack", "xs"]),
    B([r(3), r(4)], "ShapeError", ["stack", "xs[1]", "[4]", "[3]"]),
    B([r(3), r(3)], "ValueError", ["stack", "axis", "2"], axis=2),
    B([r(*(1,) * 8)], "ShapeError", ["stack", "rank"]),
]
def np_tile(x: np.ndarray, repeats: Any) -> np.ndarray:
    return np.tile(x, repeats)


SAMPLES["tile"] = [
    *(S(f"n={n}", [r(n)], np_tile, repeats=3) for n in SIZES),
    S("both axes", [r(2, 3)], np_tile, repeats=(2, 4)),
    S("new axes", [r(2, 3)], np_tile, repeats=(2, 1, 3)),
    S("fewer numbers", [r(2, 3)], np_tile, repeats=(2,)),
    S("zero times", [r(2, 3)], np_tile, repeats=(0, 1)),
    S("scalar", [r()], np_tile, repeats=5),
    S("empty", [r(0, 3)], np_tile, repeats=(2, 2)),
    S("once", [r(2, 3)], np_tile, repeats=()),
    S("integers", [ints(2, 3)], np_tile, repeats=(3, 2)),
]
BAD["tile"] = [
    B([r(2)], "ValueError", ["tile", "repeats", "-1"], repeats=-1),
    B([r(2)], "ShapeError", ["tile", str(BIG)], repeats=BIG),
    B([r(2)], "ShapeError", ["tile", "repeats", "9"], repeats=(1,) * 9),
    B([r(2, 2)], "ShapeError", ["tile", str(2**41)], repeats=(2**40, 2**40)),
]
SAMPLES["repeat"] = [
    S("flat", [r(2, 3)], lambda x, repeats: np.repeat(x, repeats), repeats=2),
    S("rows", [r(2, 3)], np.repeat, repeats=3, axis=0),
    S("last", [r(2, 3)], np.repeat, repeats=2, axis=-1),
    S("middle", [r(2, 3, 2)], np.repeat, repeats=2, axis=1),
    S("zero times", [r(2, 3)], np.repeat, repeats=0, axis=1),
    S("scalar", [r()], lambda x, repeats: np.repeat(x, repeats), repeats=4),
    S("empty", [r(0, 3)], np.repeat, repeats=2, axis=1),
    S("bool", [bools(7)], lambda x, repeats: np.repeat(x, repeats), repeats=3),
]
BAD["repeat"] = [
    B([r(2)], "ValueError", ["repeat", "repeats", "-1"], repeats=-1),
    B([r(2)], "ShapeError", ["repeat", str(BIG)], repeats=BIG),
    B([r(2)], "ValueError", ["repeat", "axis", "1"], repeats=2, axis=1),
    B([r(2, 2)], "ValueError", ["repeat", "axis", "[0, 1]"], repeats=2, axis=(0, 1)),
]
SAMPLES["roll"] = [
    S("vector", [r(7)], lambda x, shift: np.roll(x, shift), shift=2),
    S("backwards", [r(9)], lambda x, shift: np.roll(x, shift), shift=-4),
    S("flat", [r(3, 4)], lambda x, shift: np.roll(x, shift), shift=5),
    S("axis", [r(3, 4)], np.roll, shift=1, axis=1),
    S("two axes", [r(3, 4)], np.roll, shift=(2, -1), axis=(0, 1)),
    S("one shift for two axes", [r(3, 4)], np.roll, shift=1, axis=(0, 1)),
    S("round and round", [r(5)], lambda x, shift: np.roll(x, shift % 5), shift=BIG),
    S("by nothing", [r(5)], lambda x, shift: np.roll(x, shift), shift=0),
    S("empty", [r(0, 3)], np.roll, shift=1, axis=0),
]
BAD["roll"] = [
    B([r(3, 4)], "ValueError", ["roll", "axis", "2"], shift=1, axis=2),
    B([r(3, 4)], "ValueError", ["roll", "0", "twice"], shift=(1, 1), axis=(0, -2)),
    B([r(3, 4)], "ValueError", ["roll", "shift", "[1, 2]"], shift=(1, 2)),
    B([r(3, 4)], "ValueError", ["roll", "shift", "[1, 2]", "[0]"], shift=(1, 2), axis=0),
    B([r(3)], "ValueError", ["roll", "shift", str(-(2**63))], shift=-(2**63)),
]


def pairs(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    flat = np.ravel(pad_width).tolist()
    flat = flat * (2 * rank) if len(flat) == 1 else flat * rank if len(flat) == 2 else flat
    return [(flat[2 * i], flat[2 * i + 1]) for i in range(rank)]


def np_pad(x: np.ndarray, pad_width: Any, mode: str = "constant", constant_values: float = 0.0) -> np.ndarray:
    more = {"constant_values": constant_values} if mode == "constant" else {}
    return np.pad(x, pairs(pad_width, x.ndim), mode, **more)


def np_pad_grad(dy: np.ndarray, pad_width: Any, mode: str) -> np.ndarray:
    """Every element of the border adds to the element that np.pad copies there."""
    widths = pairs(pad_width, dy.ndim)
    inner = tuple(n - a - b for n, (a, b) in zip(dy.shape, widths))
    source = np.pad(np.arange(math.prod(inner)).reshape(inner), widths, mode)
    dx = np.zeros(math.prod(inner))
    np.add.at(dx, source.ravel(), dy.ravel())
    return dx.reshape(inner)


SAMPLES["pad"] = [
    *(S(f"n={n}", [r(n)], np_pad, pad_width=(1, 2)) for n in SIZES),
    S("one number", [r(2, 3)], np_pad, pad_width=1),
    S("one pair", [r(2, 3)], np_pad, pad_width=(1, 2)),
    S("pairs", [r(2, 3)], np_pad, pad_width=((1, 0), (2, 3))),
    S("value", [r(2, 3)], np_pad, pad_width=1, constant_values=-1.5),
    S("integers", [ints(2, 3)], np_pad, pad_width=((0, 1), (1, 0)), constant_values=7.0),
    S("reflect", [r(3, 4)], np_pad, pad_width=((2, 1), (3, 2)), mode="reflect"),
    S("reflect one axis", [r(2, 5)], np_pad, pad_width=((0, 0), (4, 4)), mode="reflect"),
    S("edge", [r(2, 3)], np_pad, pad_width=((1, 3), (4, 0)), mode="edge"),
    S("edge of one", [r(1, 1)], np_pad, pad_width=2, mode="edge"),
    S("no width", [r(2, 3)], np_pad, pad_width=0, mode="reflect"),
    S("empty", [r(0, 3)], np_pad, pad_width=((1, 1), (0, 0))),
    S("empty other axis", [r(0, 3)], np_pad, pad_width=((0, 0), (1, 1)), mode="edge"),
    S("rank 4", [r(1, 2, 3, 2)], np_pad, pad_width=((0, 0), (1, 1), (2, 0), (0, 0))),
]
BAD["pad"] = [
    B([r(2, 3)], "ValueError", ["pad", "pad_width", "-1"], pad_width=-1),
    B([r(2, 3)], "ValueError", ["pad", "pad_width", "3 numbers"], pad_width=(1, 2, 3)),
    B([r(2, 3)], "ValueError", ["pad", "mode", "wrap"], pad_width=1, mode="wrap"),
    B([r(2, 3)], "ShapeError", ["pad", "pad_width", "2", "reflect"], pad_width=2, mode="reflect"),
    B([r(0, 3)], "ShapeError", ["pad", "pad_width", "edge"], pad_width=1, mode="edge"),
    B([r(2, 3)], "ShapeError", ["pad", str(BIG)], pad_width=BIG),
    B([r(2, 3)], "TypeError", ["pad", "mode"], pad_width=1, mode=3),
]
SAMPLES["pad_grad"] = [
    S("reflect", [r(6, 7)], np_pad_grad, pad_width=((2, 1), (1, 2)), mode="reflect"),
    S("edge", [r(6, 7)], np_pad_grad, pad_width=((2, 3), (4, 0)), mode="edge"),
    S("vector", [r(9)], np_pad_grad, pad_width=(3, 2), mode="reflect"),
]
BAD["pad_grad"] = [
    B([r(3)], "ShapeError", ["pad_grad", "[3]", "[2, 2]"], pad_width=(2, 2), mode="edge"),
    B([r(3)], "ValueError", ["pad_grad", "mode", "constant"], pad_width=1, mode="constant"),
    B([r(3)], "ValueError", ["pad_grad", "pad_width", "-1"], pad_width=-1, mode="edge"),
    B([ints(5)], "DTypeError", ["pad_grad", "dy", "int32"], pad_width=1, mode="edge"),
]

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
    wrapped = [np.where(i < 0, i + n, i).astype(np.int64) for i, n in zip(indices, sizes)]
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


def np_top_k(x: np.ndarray, k: int, sorted: bool = True) -> tuple[np.ndarray, np.ndarray]:  # noqa: A002 - the op's argument
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
