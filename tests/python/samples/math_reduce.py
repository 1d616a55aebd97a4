"""Samples of reductions and running sums."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, const, distinct, ints, r

INF, NAN = math.inf, math.nan

SAMPLES: dict[str, list[Sample]] = {}
BAD: dict[str, list[Bad]] = {}


def np_axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, (list, tuple)) else axis


def reduction(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False, **attrs: f(np.asarray(x), axis=np_axis(axis), keepdims=keepdims, **attrs)


def reduce(
    name: str,
    f: Callable[..., Any],
    maker: Callable[..., Any] = r,
    empty: bool = True,
    integer: bool = True,
    boolean: bool = False,
    many_axes: bool = True,
) -> None:
    """Sizes along the reduced axis, every kind of axis argument, keepdims, empty, integers."""
    reference = reduction(f)
    rows = [S(f"n={n}", [maker(2, n)], reference, axis=-1) for n in SIZES]
    rows += [S(f"first axis, n={n}", [maker(n, 3)], reference, axis=0) for n in (1, 8, 17)]
    rows += [
        S("all", [maker(3, 5)], reference),
        S("scalar", [maker()], reference),
        S("keepdims", [maker(3, 5)], reference, axis=1, keepdims=True),
        S("all, keepdims", [maker(3, 5)], reference, keepdims=True),
        S("middle", [maker(2, 5, 3)], reference, axis=1),
        S("negative axis", [maker(2, 5, 3)], reference, axis=-2),
        S("size 1", [maker(3, 1, 2)], reference, axis=1),
        S("no rows", [maker(0, 3)], reference, axis=1),
    ]
    if many_axes:
        rows += [
            S("outer axes", [maker(2, 3, 5)], reference, axis=(0, 2)),
            S("axes, keepdims", [maker(2, 3, 5)], reference, axis=(0, -1), keepdims=True),
            S("four axes", [maker(2, 3, 2, 4)], reference, axis=(1, 3)),
            # More than one chunk of summation; too many elements for a difference quotient of each.
            S("two chunks", [maker(2, 1500)], reference, gradient=False, axis=1),
            S("large, rows", [maker(60, 1000)], reference, gradient=False, axis=1),
            S("large, columns", [maker(1000, 60)], reference, gradient=False, axis=0),
            S("large, all", [maker(50, 40, 30)], reference, gradient=False),
        ]
    if empty:
        rows += [S("nothing", [maker(2, 0)], reference, axis=1), S("empty", [maker(0)], reference)]
    if integer:
        rows += [S(d, [ints(4, 7, low=0, high=5, dtype=d)], reference, axis=0) for d in ("uint8", "int8", "int32", "int64")]
    if boolean:
        rows.append(S("bool", [bools(4, 7)], reference, axis=1))
    SAMPLES[name] = rows
    BAD[name] = [
        B([r(2, 3)], "ValueError", [name, "axis", "2"], axis=2),
        B([r(2, 3)], "ValueError", [name, "axis", "-3"], axis=-3),
        B([r(2, 3)], "ValueError", [name, "axis", str(2**62)], axis=2**62),
        B([r(2, 3)], "ValueError", [name, "axis", "twice"], axis=(1, -1)),
        B([r(2, 3)], "TypeError", [name, "axis"], axis="x"),
        B([r(2, 3)], "TypeError", [name, "keepdims"], axis=0, keepdims=3),
        B([const([1.0], "float16")], "DTypeError", [name, "x", "float16"]),
    ]
    if not empty:
        BAD[name] += [B([r(2, 0)], "ValueError", [name, "[2, 0]"], axis=1), B([r(0)], "ValueError", [name, "[0]"])]


def np_logsumexp(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    x = np.asarray(x, np.float64)
    if x.size == 0:
        return np.log(np.exp(x).sum(axis, keepdims=keepdims))
    m = x.max(axis, keepdims=True)
    m = np.where(np.isfinite(m), m, 0)
    y = np.log(np.exp(x - m).sum(axis, keepdims=True)) + m
    return y if keepdims else y.reshape(np.sum(x, axis=axis).shape)


def np_norm(x: np.ndarray, axis: Any, keepdims: bool) -> np.ndarray:
    return np.sqrt(np.square(np.asarray(x, np.float64)).sum(axis, keepdims=keepdims))


def positive(*shape: int) -> Any:
    return r(*shape, low=0.5, high=1.5)


reduce("sum", np.sum, boolean=True)
reduce("mean", np.mean, boolean=True)
reduce("max", np.max, distinct, empty=False, boolean=True)
reduce("min", np.min, distinct, empty=False, boolean=True)
reduce("prod", np.prod, lambda *shape: r(*shape, low=0.9, high=1.1), boolean=True)
reduce("any", np.any, boolean=True)
reduce("all", np.all, boolean=True)
reduce("argmax", np.argmax, distinct, empty=False, boolean=True, many_axes=False)
reduce("argmin", np.argmin, distinct, empty=False, boolean=True, many_axes=False)
reduce("logsumexp", np_logsumexp)
reduce("norm", np_norm, positive)
reduce("count_nonzero", np.count_nonzero, boolean=True)
for _name in ("any", "all", "count_nonzero"):
    _f = reduction(getattr(np, _name))
    SAMPLES[_name].append(S("mostly zero", [lambda rng: (rng.random((9, 4)) < 0.15) * 1.0], _f, axis=1))
    SAMPLES[_name].append(S("mostly true", [lambda rng: rng.random((9, 4)) < 0.85], _f, axis=1))
SAMPLES["max"].append(
    S("ties share", [const([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])], reduction(np.max), gradient=False, axis=1)
)  # kinks
for _name in ("max", "min", "argmax", "argmin"):
    _f = reduction(getattr(np, _name))
    SAMPLES[_name].append(S("NaN wins", [const([[1.0, NAN, 3.0], [INF, -INF, 0.0]])], _f, gradient=False, axis=1))
    SAMPLES[_name].append(S("first on ties", [const([[3, 1, 3, 1]], "int32")], _f, axis=1))
for _name, _f in (("argmax", np.argmax), ("argmin", np.argmin)):
    SAMPLES[_name].append(
        S("two axes", [distinct(2, 3, 5)], lambda x, axis, f=_f: f(x.transpose(1, 0, 2).reshape(3, 10), axis=1), axis=(0, 2))
    )
for _zeros in (1, 2, 3):  # the gradient must not divide by the elements
    SAMPLES["prod"].append(S(f"{_zeros} zeros", [const([0.0] * _zeros + [1.5, -0.7, 2.0])], reduction(np.prod)))
SAMPLES["prod"].append(
    S("zeros in columns", [const([[0.0, 1.0, 0.0], [2.0, -3.0, 0.0], [1.0, 0.5, 2.0]])], reduction(np.prod), axis=0)
)
SAMPLES["logsumexp"] += [
    S(
        "large", [const([[1e4, 1e4], [-1e4, -1e4], [1e4, -1e4]])], reduction(np_logsumexp), gradient=False, axis=1
    ),  # flat or rounding
    S("-inf", [const([[-INF, -INF], [-INF, 2.0]])], reduction(np_logsumexp), gradient=False, axis=1),  # no difference quotient
]


def np_var(x: np.ndarray, axis: Any, keepdims: bool, correction: float = 0) -> np.ndarray:
    x = np.asarray(x, np.float64)
    n = x.size if axis is None else np.prod([x.shape[a] for a in np.atleast_1d(axis)])
    d = n - correction
    s = np.square(x - x.mean(axis, keepdims=True)).sum(axis, keepdims=keepdims)
    return s / d if d > 0 else s * NAN


def np_std(x: np.ndarray, axis: Any, keepdims: bool, correction: float = 0) -> np.ndarray:
    return np.sqrt(np_var(x, axis, keepdims, correction))


for _name, _f in (("var", np_var), ("std", np_std)):
    reduce(_name, _f)
    _kept = []
    for _s in SAMPLES[_name]:
        # The deviation of one number is 0, where the square root has a kink.
        _single = _name == "std" and _s.label in ("n=1", "first axis, n=1", "scalar", "size 1")
        _kept.append(S(_s.label, _s.inputs, _s.reference, gradient=_s.gradient and not _single, **_s.attrs))
    SAMPLES[_name] = _kept
    SAMPLES[_name] += [
        S("correction", [r(3, 5)], reduction(_f), axis=1, correction=1),
        S("correction 0.5", [r(3, 5)], reduction(_f), axis=0, keepdims=True, correction=0.5),
        S("no degrees of freedom", [r(3, 1)], reduction(_f), gradient=False, axis=1, correction=1),  # NaN
        # In float32 the values themselves are rounded to 6e-2.
        S("large mean", [const([1e6 + 1, 1e6 + 2, 1e6 + 4])], reduction(_f), gradient=False),
    ]
    BAD[_name] += [
        B([r(3)], "ValueError", [_name, "correction"], correction=NAN),
        B([r(3)], "ValueError", [_name, "correction", "inf"], correction=INF),
    ]


def scan(f: Callable[..., np.ndarray], start: float) -> Callable[..., np.ndarray]:
    def reference(x: np.ndarray, axis: int | None = None, reverse: bool = False, exclusive: bool = False) -> np.ndarray:
        x = np.asarray(x)
        if axis is None:
            x, axis = x.reshape(-1), 0
        if reverse:
            x = np.flip(x, axis)
        y = f(x, axis=axis)
        if exclusive:
            y = np.concatenate([np.full_like(np.take(y, [0], axis), start), np.delete(y, -1, axis)], axis) if x.shape[axis] else y
        return np.flip(y, axis) if reverse else y

    return reference


for _name, _f, _start in (("cumsum", np.cumsum, 0), ("cumprod", np.cumprod, 1)):
    _ref = scan(_f, _start)
    SAMPLES[_name] = [S(f"n={n}", [positive(2, n)], _ref, axis=1) for n in SIZES]
    SAMPLES[_name] += [
        S("flat", [positive(3, 5)], _ref),
        S("axis 0", [positive(5, 3)], _ref, axis=0),
        S("middle", [positive(2, 5, 3)], _ref, axis=-2),
        S("scalar", [positive()], _ref),
        S("empty", [positive(2, 0)], _ref, axis=1),
        S("no rows", [positive(0, 3)], _ref, axis=1),
        S("zeros", [const([1.5, 0.0, 2.0, 0.0, -1.0])], _ref),
        *[
            S(f"reverse={rev}, exclusive={exc}", [positive(2, 5)], _ref, axis=1, reverse=rev, exclusive=exc)
            for rev, exc in ((True, False), (False, True), (True, True))
        ],
        S("exclusive along axis 0", [positive(4, 3)], _ref, axis=0, exclusive=True),
        *[S(d, [ints(2, 5, low=0, high=3, dtype=d)], _ref, axis=1) for d in ("uint8", "int8", "int32", "int64")],
        S("bool", [bools(9)], _ref),
    ]
    BAD[_name] = [
        B([r(2, 3)], "ValueError", [_name, "axis", "2"], axis=2),
        B([r(2, 3)], "ValueError", [_name, "axis", "[0, 1]"], axis=(0, 1)),
        B([const([1.0], "float16")], "DTypeError", [_name, "x", "float16"]),
    ]


def np_sum_to(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    return x.sum(axes, keepdims=True).reshape(shape)


SAMPLES["sum_to"] = [
    S("leading", [r(4, 3, 5)], np_sum_to, shape=(3, 5)),
    S("ones", [r(4, 3, 5)], np_sum_to, shape=(4, 1, 5)),
    S("leading and ones", [r(2, 3, 9)], np_sum_to, shape=(1, 9)),
    S("to a scalar", [r(3, 7)], np_sum_to, shape=()),
    S("to itself", [r(3, 5)], np_sum_to, shape=(3, 5)),
    S("empty", [r(0, 3)], np_sum_to, shape=(3,)),
    S("integers", [ints(3, 5)], np_sum_to, shape=(5,)),
]
BAD["sum_to"] = [
    B([r(2, 3)], "ShapeError", ["sum_to", "[2]", "[2, 3]"], shape=(2,)),
    B([r(3)], "ShapeError", ["sum_to", "[1, 3]", "[3]"], shape=(1, 3)),
]
