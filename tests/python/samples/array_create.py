"""Samples of the array family: creation and random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import B, Bad, S, Sample, bools, const, ints, r

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
BAD["full"] += [
    B([], "TypeError", ["full", "value"], shape=(1,), value="x"),
    B([], "ValueError", ["full", "1e+09", "uint8"], shape=(1,), value=1e9, dtype="uint8"),
    B([], "ValueError", ["full", "nan", "int32"], shape=(1,), value=NAN, dtype="int32"),
]

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
    S(
        "integers",
        [],
        lambda start, stop, num, dtype: np.linspace(start, stop, num).astype(dtype),
        start=0,
        stop=9,
        num=4,
        dtype="int32",
    ),
]
BAD["linspace"] = [
    B([], "ValueError", ["linspace", "num", "-1"], start=0, stop=1, num=-1),
    B([], "ValueError", ["linspace", "start"], start=NAN, stop=1),
    B([], "ValueError", ["linspace", "stop", "inf"], start=0, stop=INF),
    B([], "ShapeError", ["linspace", str(BIG)], start=0, stop=1, num=BIG),
]


def np_eye(N: int, M: int = -1, k: int = 0, dtype: str | None = None) -> np.ndarray:
    return np.eye(N, N if M == -1 else M, k, dtype_of(dtype))


SAMPLES["eye"] = [
    S("square", [], np_eye, N=3),
    S("wide", [], np_eye, N=3, M=5, k=1),
    S("tall", [], np_eye, N=5, M=2, k=-2),
    S("outside", [], np_eye, N=3, k=3),
    S("far outside", [], lambda N, k: np.zeros((N, N)), N=3, k=-BIG),
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
for _name in (
    "random_uniform",
    "random_normal",
    "random_truncated_normal",
    "random_randint",
    "random_bernoulli",
    "random_permutation",
):
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
