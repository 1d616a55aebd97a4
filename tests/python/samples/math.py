"""Samples of the math family: elementwise functions, activations, reductions, matrix products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, const, distinct, ints, r

INF, NAN = math.inf, math.nan
SPECIAL = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, 1e-30, -1e-30, 1e30, -1e30]

SAMPLES: dict[str, list[Sample]] = {}
BAD: dict[str, list[Bad]] = {}


def np_erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, -x))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0.0, x)


# ---- elementwise functions of one tensor ----


def unary(
    name: str,
    reference: Callable[[np.ndarray], Any],
    low: float = -2.0,
    high: float = 2.0,
    away: tuple[float, ...] = (),
    special: bool = True,
    integer: bool = True,
) -> None:
    """Every size around the packet width, rank 0, rank 3, empty, special values, and an integer input."""
    rows = [S(f"n={n}", [r(n, low=low, high=high, away=away)], reference) for n in SIZES]
    rows += [
        # Several pieces for two threads; too many elements for a difference quotient of each.
        S("large", [r(40000, low=low, high=high, away=away)], reference, gradient=False),
        S("scalar", [r(low=low, high=high, away=away)], reference),
        S("rank 3", [r(2, 3, 5, low=low, high=high, away=away)], reference),
        S("empty", [r(3, 0)], reference),
    ]
    if special:  # infinities and NaN have no difference quotient
        rows.append(S("special values", [const(SPECIAL)], reference, gradient=False))
    if integer:
        rows.append(S("integers", [ints(9, low=1, high=5)], reference))
    SAMPLES[name] = rows
    BAD[name] = [
        B([const([1.0], "float16")], "DTypeError", [name, "x", "float16", "cast"]),
        B([None], "TypeError", [name, "x"]),
        B(["text"], "TypeError", [name, "x"]),
    ]


unary("negative", np.negative)
unary("abs", np.abs, away=(0.0,))
unary("sign", np.sign, away=(0.0,))
unary("square", np.square)
unary("sqrt", np.sqrt, 0.2, 4.0)
unary("rsqrt", lambda x: 1 / np.sqrt(x), 0.2, 4.0)
unary("reciprocal", lambda x: 1 / np.asarray(x, np.float64), 0.3, 3.0)
unary("exp", np.exp)
unary("expm1", np.expm1)
unary("log", np.log, 0.2, 4.0)
unary("log1p", np.log1p, -0.7, 3.0)
unary("log2", np.log2, 0.2, 4.0)
unary("log10", np.log10, 0.2, 4.0)
unary("sin", np.sin)
unary("cos", np.cos)
unary("tan", np.tan, -1.2, 1.2)
unary("arcsin", np.arcsin, -0.8, 0.8, integer=False)
unary("arccos", np.arccos, -0.8, 0.8, integer=False)
unary("arctan", np.arctan)
unary("sinh", np.sinh)
unary("cosh", np.cosh)
unary("tanh", np.tanh)
unary("erf", np_erf)
for _name, _f in (("floor", np.floor), ("ceil", np.ceil), ("round", np.round), ("trunc", np.trunc)):
    unary(_name, _f, away=(-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2))
SAMPLES["round"].append(S("halves go to even", [const([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])], np.round, gradient=False))  # kinks


def odd(*shape: int) -> Any:
    """Floats among which NaN and infinities are strewn."""
    return lambda rng: rng.choice([1.0, -2.5, NAN, INF, -INF], shape)


for _name in ("isnan", "isinf", "isfinite"):
    unary(_name, getattr(np, _name))
    SAMPLES[_name] += [S(f"strewn, n={n}", [odd(n)], getattr(np, _name)) for n in SIZES]
unary("logical_not", np.logical_not)
SAMPLES["logical_not"].append(S("bool", [bools(17)], np.logical_not))
for _name in ("negative", "abs", "sign", "square"):
    BAD[_name].append(B([bools(3)], "DTypeError", [_name, "x", "bool"]))
    for _dtype in ("uint8", "int8", "int64"):
        _f = getattr(np, _name)
        SAMPLES[_name].append(S(_dtype, [ints(17, low=0, high=7, dtype=_dtype)], _f))

unary("sigmoid", sigmoid, -6.0, 6.0)
SAMPLES["sigmoid"].append(S("far out", [const([-1e4, -100.0, -50.0, 50.0, 1e4])], sigmoid, gradient=False))  # flat there
unary("relu", lambda x: np.where(x > 0, x, np.where(np.isnan(x), x, x * 0)), away=(0.0,), special=False)
SAMPLES["relu"].append(S("special values", [const([0.0, -0.0, INF, -INF, NAN])], lambda x: np.maximum(x, 0), gradient=False))
_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
unary("selu", lambda x: _SELU * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))), away=(0.0,))
unary("softplus", softplus, -6.0, 6.0)
unary("softsign", lambda x: x / (1 + np.abs(x)), away=(0.0,), special=False)
unary("hard_sigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, -5.0, 5.0, away=(-3.0, 3.0))
unary("mish", lambda x: x * np.tanh(softplus(x)), special=False)

# ---- activations with options ----

unary("leaky_relu", lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x), away=(0.0,), special=False)
SAMPLES["leaky_relu"] += [
    S("slope > 1", [r(9, away=(0.0,))], lambda x, negative_slope: np.where(x > 0, x, negative_slope * x), negative_slope=1.5),
    S("slope < 0", [r(9, away=(0.0,))], lambda x, negative_slope: np.where(x > 0, x, negative_slope * x), negative_slope=-0.5),
]
unary("elu", lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), away=(0.0,))
SAMPLES["elu"].append(
    S("alpha", [r(17, away=(0.0,))], lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))), alpha=0.3)
)
unary("silu", lambda x, beta=1.0: x * sigmoid(beta * x), special=False)
SAMPLES["silu"].append(S("beta", [r(17)], lambda x, beta: x * sigmoid(beta * x), beta=2.5))
unary("gelu", lambda x: x / 2 * (1 + np_erf(x / math.sqrt(2))), special=False)


def gelu_tanh(x: np.ndarray, approximate: bool = True) -> np.ndarray:
    return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


SAMPLES["gelu"] += [S(f"tanh form, n={n}", [r(n)], gelu_tanh, approximate=True) for n in (1, 8, 17)]
unary("relu6", lambda x: np.clip(np.asarray(x, np.float64), 0, 6), -3.0, 9.0, away=(0.0, 6.0))
for _name, _option in (("leaky_relu", "negative_slope"), ("elu", "alpha"), ("silu", "beta")):
    for _value in (NAN, INF, -INF):
        BAD[_name].append(B([r(3)], "ValueError", [_name, _option, str(_value).replace("nan", "")], **{_option: _value}))
    BAD[_name].append(B([r(3)], "TypeError", [_name, _option], **{_option: "x"}))
BAD["gelu"].append(B([r(3)], "TypeError", ["gelu", "approximate"], approximate="x"))

SAMPLES["prelu"] = [
    S("one slope", [r(3, 5, away=(0.0,)), r()], lambda x, a: np.where(x > 0, x, a * x)),
    S("slope per channel", [r(2, 3, 5, away=(0.0,)), r(5)], lambda x, a: np.where(x > 0, x, a * x)),
    S("slope per element", [r(17, away=(0.0,)), r(17)], lambda x, a: np.where(x > 0, x, a * x)),
    S("empty", [r(0, 3), r(3)], lambda x, a: np.where(x > 0, x, a * x)),
]
BAD["prelu"] = [
    B([r(2, 3), r(4)], "ShapeError", ["prelu", "[4]", "[2, 3]"]),
    B([r(3), r(2, 3)], "ShapeError", ["prelu", "alpha", "[2, 3]", "[3]"]),
]


def along(f: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    return lambda x, axis=-1: f(np.asarray(x, np.float64), axis)


def np_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True, initial=-INF))
    return e / e.sum(axis, keepdims=True)


def np_log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    d = x - x.max(axis, keepdims=True, initial=-INF)
    return d - np.log(np.exp(d).sum(axis, keepdims=True))


for _name, _f in (("softmax", np_softmax), ("log_softmax", np_log_softmax)):
    SAMPLES[_name] = [S(f"n={n}", [r(3, n)], _f) for n in SIZES]
    SAMPLES[_name] += [
        S("vector", [r(5)], _f),
        S("axis 0", [r(4, 5)], _f, axis=0),
        S("axis in the middle", [r(2, 5, 3)], _f, axis=1),
        S("axis from the end", [r(2, 5, 3)], _f, axis=-2),
        S("no rows", [r(0, 5)], _f),
        S("integers", [ints(2, 5)], along(_f)),
        S("large", [r(400, 150)], _f, gradient=False),  # too many elements for a difference quotient of each
        # Far out the difference quotient is 0 or rounding.
        S("large values", [const([[1e4, 0.0, -1e4], [1e4, 1e4, 1e4], [-1e4, -1e4, -9.999e3]])], _f, gradient=False),
        S("one finite", [const([[-INF, 2.0, -INF]])], _f, gradient=False),
    ]
    BAD[_name] = [
        B([r(2, 3)], "ValueError", [_name, "axis", "2"], axis=2),
        B([r(2, 3)], "ValueError", [_name, "axis", "-3"], axis=-3),
        B([r(2, 3)], "ValueError", [_name, "axis", str(2**62)], axis=2**62),
        B([r(2, 3)], "TypeError", [_name, "axis", "1.5"], axis=1.5),
        B([r()], "ShapeError", [_name, "x", "rank 0"]),
        B([const([1.0], "bfloat16" if hasattr(np, "bfloat16") else "float16")], "DTypeError", [_name, "x", "float16"]),
    ]


# ---- elementwise functions of two tensors ----


def binary(
    name: str,
    reference: Callable[[np.ndarray, np.ndarray], Any],
    a: dict[str, Any] | None = None,
    b: dict[str, Any] | None = None,
    integer: bool = True,
    boolean: bool = False,
    special: bool = True,
) -> None:
    """Sizes around the packet width, all kinds of broadcasting, empty, special values, integers, mixed dtypes."""
    a, b = a or {}, b or {}
    rows = [S(f"n={n}", [r(n, **a), r(n, **b)], reference) for n in SIZES]
    rows += [
        # Several pieces for two threads; too many elements for a difference quotient of each.
        S("large", [r(200, 210, **a), r(200, 210, **b)], reference, gradient=False),
        S("large, broadcast", [r(200, 1, **a), r(210, **b)], reference, gradient=False),
        S("scalars", [r(**a), r(**b)], reference),
        S("scalar right", [r(2, 9, **a), r(**b)], reference),
        S("scalar left", [r(**a), r(17, **b)], reference),
        S("row and column", [r(1, 5, **a), r(4, 1, **b)], reference),
        S("leading axes", [r(2, 3, 5, **a), r(5, **b)], reference),
        S("axis in the middle", [r(2, 1, 5, **a), r(2, 3, 5, **b)], reference),
        S("both sides", [r(3, 1, 2, 1, **a), r(4, 1, 7, **b)], reference),
        S("empty", [r(3, 0, **a), r(1, **b)], reference),
    ]
    if integer:
        rows += [S(d, [ints(17, low=0, high=7, dtype=d), ints(17, low=1, high=4, dtype=d)], reference) for d in ("int32", "int64")]
        rows.append(
            S("small integers", [ints(17, low=0, high=7, dtype="uint8"), ints(17, low=1, high=3, dtype="uint8")], reference)
        )
        rows.append(S("integer and float", [ints(3, 5, low=1, high=4), r(5, **b)], reference, dtypes=["float32"]))
        rows.append(S("int64 and int8", [ints(9, low=1, high=4, dtype="int64"), ints(9, low=1, high=3, dtype="int8")], reference))
    if boolean:
        rows.append(S("bool", [bools(17), bools(17)], reference))
    if special:
        values = [0.0, 1.0, -1.0, INF, -INF, NAN]
        pairs = np.array([(x, y) for x in values for y in values])
        rows.append(
            S("special values", [const(pairs[:, 0]), const(pairs[:, 1])], reference, gradient=False)
        )  # no difference quotient
    SAMPLES[name] = rows
    BAD[name] = [
        B([r(2, 3), r(2, 4)], "ShapeError", [name, "[2, 3]", "[2, 4]"]),
        B([r(3), r(0)], "ShapeError", [name, "[3]", "[0]"]),
        B([const([1.0], "float16"), const([1.0], "float16")], "DTypeError", [name, "x1", "float16"]),
        B([r(3), None], "TypeError", [name, "x2"]),
    ]


AWAY0 = {"away": (0.0,), "margin": 0.3}
binary("add", np.add, boolean=True)
binary("subtract", np.subtract)
binary("multiply", np.multiply, boolean=True)
binary("divide", np.divide, b=AWAY0, boolean=True)
# Kinks where the quotient is whole: quotients in (0.1, 0.9) and signs that vary.
binary("floor_divide", np.floor_divide, {"low": 0.2, "high": 0.8}, {"low": 1.0, "high": 2.0})
binary("mod", np.mod, {"low": 0.2, "high": 0.8}, {"low": 1.0, "high": 2.0})
for _name, _f in (("floor_divide", np.floor_divide), ("mod", np.mod)):
    _x, _y = [7.0, -7.0, 7.0, -7.0, 6.5, 0.0], [2.0, 2.0, -2.0, -2.0, 0.5, -3.0]
    SAMPLES[_name] += [
        S("signs", [const(_x), const(_y)], _f, gradient=False),  # kinks
        S("integer signs", [const([7, -7, 7, -7, 6, 0], "int32"), const([2, 2, -2, -2, 3, -3], "int32")], _f),
        S("least integer", [const([-(2**31), -(2**31)], "int32"), const([-1, 1], "int32")], _f),
    ]
    BAD[_name] += [
        B([const([4, 5], "int32"), const([2, 0], "int32")], "ValueError", [_name, "zero", "position 1"]),
        B([const([[4, 5], [6, 7]], "int64"), const([0], "int64")], "ValueError", [_name, "zero", "position 0"]),
    ]


def np_power(a: np.ndarray, b: np.ndarray) -> Any:
    if np.issubdtype(np.result_type(a, b), np.integer):
        return np.power(a, b)
    return np.power(np.asarray(a, np.float64), np.asarray(b, np.float64))


binary("power", np_power, {"low": 0.3, "high": 2.0})
SAMPLES["power"] += [
    S(
        "negative base, whole exponent", [const([-2.0, -1.5, -2.0]), const([3.0, 2.0, 0.0])], np_power, gradient=False
    ),  # NaN beside it
    *[S(f"to the {e}", [r(3, 5, low=0.3), const(e)], np_power) for e in (0.0, 1.0, 2.0, 3.0, -1.0, 0.5)],
    S("square with more axes", [r(5, low=0.3), const([[2.0]])], np_power),
    S("integer powers", [const([2, -3, 0, 5], "int64"), const([10, 3, 0, 0], "int64")], np_power),
]
BAD["power"].append(B([const([2, 3], "int32"), const([1, -2], "int32")], "ValueError", ["power", "-2", "position 1"]))
for _name in ("subtract", "power", "floor_divide", "mod"):
    BAD[_name].append(B([bools(3), bools(3)], "DTypeError", [_name, "x1", "bool"]))

_LOW, _HIGH = {"low": -2.0, "high": -0.1}, {"low": 0.1, "high": 2.0}
binary("minimum", np.minimum, _LOW, _HIGH, boolean=True)
binary("maximum", np.maximum, _LOW, _HIGH, boolean=True)
for _name, _f in (("minimum", np.minimum), ("maximum", np.maximum)):
    SAMPLES[_name].append(S("who wins varies", [const([1.0, -1.0, 2.0, 0.5]), const([0.5, 1.0, -2.0, 0.8])], _f))
binary("arctan2", lambda a, b: np.arctan2(np.asarray(a, np.float64), np.asarray(b, np.float64)), AWAY0, AWAY0)
binary("squared_difference", lambda a, b: (a - b) * (a - b))
for _name, _f in (
    ("equal", np.equal), ("not_equal", np.not_equal), ("less", np.less), ("less_equal", np.less_equal), ("greater", np.greater),
    ("greater_equal", np.greater_equal), ("logical_and", np.logical_and), ("logical_or", np.logical_or), ("logical_xor", np.logical_xor),
):  # fmt: skip
    binary(_name, _f, boolean=True)
    SAMPLES[_name].append(S("few values", [ints(33, low=0, high=2), ints(33, low=0, high=2)], _f))

# ---- where, clip, cast, identity ----

SAMPLES["where"] = [S(f"n={n}", [bools(n), r(n), r(n)], np.where) for n in SIZES]
SAMPLES["where"] += [
    S("scalars", [bools(2, 9), r(), r()], np.where),
    S("condition broadcasts", [bools(4, 1), r(4, 5), r(5)], np.where),
    S("all three broadcast", [bools(3, 1, 1), r(4, 1), r(5)], np.where),
    S("empty", [bools(0), r(0), r(1)], np.where),
    S("integers", [bools(9), ints(9), ints(9)], np.where),
    S("bytes", [bools(17), ints(17, low=0, dtype="uint8"), ints(17, low=0, dtype="uint8")], np.where),
    S("int64 with bool", [bools(9), ints(9, dtype="int64"), bools(9)], np.where),
    S("integer and float", [bools(9), ints(9), r(9)], np.where, dtypes=["float32"]),
]
BAD["where"] = [
    B([r(3), r(3), r(3)], "DTypeError", ["where", "condition", "float32"]),
    B([bools(3), r(3), r(4)], "ShapeError", ["where", "[3]", "[4]"]),
    B([bools(2), r(3), r(3)], "ShapeError", ["where", "[2]", "[3]"]),
]


def np_clip(x: np.ndarray, min: float = -INF, max: float = INF) -> np.ndarray:
    return np.clip(x, min, max).astype(x.dtype)


SAMPLES["clip"] = [S(f"n={n}", [r(n, away=(-1.0, 0.5))], np_clip, min=-1.0, max=0.5) for n in SIZES]
SAMPLES["clip"] += [
    S("below only", [r(9, away=(0.0,))], np_clip, min=0.0),
    S("above only", [r(9, away=(0.0,))], np_clip, max=0.0),
    S("no bounds", [r(9)], np_clip),
    S("equal bounds", [r(9, away=(0.5,))], np_clip, min=0.5, max=0.5),
    S("empty", [r(0, 2)], np_clip, min=-1.0, max=1.0),
    S("special values", [const(SPECIAL)], np_clip, gradient=False, min=-1.0, max=2.0),
    *[S(d, [ints(17, low=0, high=9, dtype=d)], np_clip, min=2, max=5) for d in ("uint8", "int8", "int32", "int64")],
]
BAD["clip"] = [
    B([r(3)], "ValueError", ["clip", "min", "2", "1"], min=2.0, max=1.0),
    B([r(3)], "ValueError", ["clip", "min"], min=NAN),
    B([r(3)], "ValueError", ["clip", "max"], max=NAN),
    B([ints(3)], "ValueError", ["clip", "min", "0.5", "int32"], min=0.5),
    B([bools(3)], "DTypeError", ["clip", "x", "bool"], min=0.0),
]

_DTYPES = ("bool", "uint8", "int8", "int32", "int64", "float32", "float64")


def np_cast(x: np.ndarray, dtype: str) -> np.ndarray:
    return np.asarray(x).astype(dtype)


SAMPLES["cast"] = [
    # Rounding to float32 has no difference quotient.
    S(
        f"float to {t}",
        [r(17, low=-100, high=100) if t[0] != "u" else r(17, low=0, high=200)],
        np_cast,
        gradient=t != "float32",
        dtype=t,
    )
    for t in _DTYPES
]
SAMPLES["cast"] += [S(f"{f} to {t}", [ints(17, low=0, high=100, dtype=f)], np_cast, dtype=t) for f in _DTYPES[1:5] for t in _DTYPES]
SAMPLES["cast"] += [S(f"bool to {t}", [bools(17)], np_cast, dtype=t) for t in _DTYPES]
SAMPLES["cast"] += [S(f"wraps to {t}", [ints(17, low=-300, high=300)], np_cast, dtype=t) for t in ("uint8", "int8")]
SAMPLES["cast"] += [
    S("scalar", [r()], np_cast, dtype="float64"),
    S("empty", [r(0, 3)], np_cast, dtype="int32"),
    S("rank 3", [r(2, 3, 5)], np_cast, dtype="float64"),
    S("to float16", [const([1.0, 1.0009765625, 65504.0, 65520.0, 1e-7, INF, -INF, NAN])], np_cast, gradient=False, dtype="float16"),  # rounds
    S("saturates", [const([1e20, -1e20, NAN, INF, -INF])],
      lambda x, dtype: np.array([2**31 - 1, -(2**31), 0, 2**31 - 1, -(2**31)]), dtype="int32"),
]  # fmt: skip
BAD["cast"] = [
    B([r(3)], "ValueError", ["dtype", "float31"], dtype="float31"),
    B([r(3)], "TypeError", ["cast", "dtype"]),
]
SAMPLES["identity"] = [S("vector", [r(9)], lambda x: x), S("empty", [r(0)], lambda x: x), S("integers", [ints(3, 5)], lambda x: x)]
BAD["identity"] = [B([None], "TypeError", ["identity", "x"])]

# ---- fused gradients of activations: (saved, dy) ----


def slope(f: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """dy times f'(saved), the derivative of f by central differences in float64."""

    def reference(s: np.ndarray, dy: np.ndarray, **attrs: float) -> np.ndarray:
        h = 1e-5
        return dy * (f(s + h, **attrs) - f(s - h, **attrs)) / (2 * h)

    return reference


def activation_grad(
    name: str,
    reference: Callable[..., np.ndarray],
    away: tuple[float, ...] = (),
    low: float = -3.0,
    high: float = 3.0,
    **attrs: float,
) -> None:
    # 1e-7: the reference is a difference quotient in float64.
    SAMPLES[name] = [S(f"n={n}", [r(n, low=low, high=high, away=away), r(n)], reference, atol=1e-7, **attrs) for n in SIZES]
    SAMPLES[name] += [
        S("rank 3", [r(2, 3, 5, low=low, high=high, away=away), r(2, 3, 5)], reference, atol=1e-7, **attrs),
        S("empty", [r(0, 3), r(0, 3)], reference, **attrs),
    ]
    BAD[name] = [
        B([r(2, 3), r(3)], "ShapeError", [name, "saved", "[2, 3]", "dy", "[3]"]),
        B([ints(3), ints(3)], "DTypeError", [name, "saved", "int32"]),
    ]


activation_grad("relu_grad", lambda y, dy: np.where(y > 0, dy, 0), away=(0.0,))
activation_grad("leaky_relu_grad", lambda x, dy, a: np.where(x > 0, dy, a * dy), away=(0.0,), a=0.2)
activation_grad("elu_grad", slope(lambda x, a: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0)))), away=(0.0,), a=0.7)
activation_grad("selu_grad", slope(lambda x: _SELU * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0)))), away=(0.0,))
activation_grad("sigmoid_grad", lambda y, dy: dy * y * (1 - y), low=0.05, high=0.95)
activation_grad("tanh_grad", lambda y, dy: dy * (1 - y * y), low=-0.95, high=0.95)
activation_grad("softplus_grad", slope(softplus))
activation_grad("softsign_grad", slope(lambda x: x / (1 + np.abs(x))), away=(0.0,))
activation_grad("silu_grad", slope(lambda x, a: x * sigmoid(a * x)), a=1.5)
activation_grad("gelu_grad", slope(lambda x: x / 2 * (1 + np_erf(x / math.sqrt(2)))))
activation_grad("gelu_tanh_grad", slope(gelu_tanh))
activation_grad("hard_sigmoid_grad", slope(lambda x: np.clip(x + 3, 0, 6) / 6), away=(-3.0, 3.0), low=-5.0, high=5.0)
activation_grad("mish_grad", slope(lambda x: x * np.tanh(softplus(x))))
activation_grad("clip_grad", lambda x, dy, a, b: np.where((x >= a) & (x <= b), dy, 0), away=(-1.0, 1.0), a=-1.0, b=1.0)
activation_grad("abs_grad", lambda x, dy: dy * np.sign(x), away=(0.0,))
SAMPLES["relu_grad"].append(S("0 at 0", [const([0.0, -0.0]), const([3.0, 4.0])], lambda y, dy: dy * 0, gradient=False))  # the kink
SAMPLES["abs_grad"].append(S("0 at 0", [const([0.0, -0.0]), const([3.0, 4.0])], lambda y, dy: dy * 0, gradient=False))  # the kink


def softmax_grad(y: np.ndarray, dy: np.ndarray, axis: int = -1) -> np.ndarray:
    return y * (dy - (y * dy).sum(axis, keepdims=True))


def log_softmax_grad(y: np.ndarray, dy: np.ndarray, axis: int = -1) -> np.ndarray:
    return dy - np.exp(y) * dy.sum(axis, keepdims=True)


for _name, _f in (("softmax_grad", softmax_grad), ("log_softmax_grad", log_softmax_grad)):
    SAMPLES[_name] = [S(f"n={n}", [r(3, n, low=0.1, high=1.0), r(3, n)], _f) for n in (1, 7, 8, 17)]
    SAMPLES[_name] += [
        S("axis 0", [r(4, 5, low=0.1, high=1.0), r(4, 5)], _f, axis=0),
        S("axis in the middle", [r(2, 4, 3, low=0.1, high=1.0), r(2, 4, 3)], _f, axis=1),
        S("no rows", [r(0, 3), r(0, 3)], _f),
    ]
    BAD[_name] = [
        B([r(2, 3), r(2, 2)], "ShapeError", [_name, "[2, 3]", "[2, 2]"]),
        B([r(2, 3), r(2, 3)], "ValueError", [_name, "axis", "5"], axis=5),
    ]

# ---- reductions ----


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

# ---- matrix products ----


def np_matmul(a: np.ndarray, b: np.ndarray, transpose_a: bool = False, transpose_b: bool = False) -> np.ndarray:
    a = np.swapaxes(a, -1, -2) if transpose_a else a
    b = np.swapaxes(b, -1, -2) if transpose_b else b
    return np.matmul(a, b)


SAMPLES["matmul"] = [S(f"n={n}", [r(3, n), r(n, 4)], np_matmul) for n in SIZES if n < 33]
SAMPLES["matmul"] += [
    S(f"{m}x{k}x{n}", [r(m, k), r(k, n)], np_matmul) for m, k, n in ((1, 5, 1), (17, 2, 3), (2, 3, 33), (7, 9, 8))
]
SAMPLES["matmul"] += [
    S(
        f"transposed {ta:d}{tb:d}",
        [r(*((5, 3) if ta else (3, 5))), r(*((4, 5) if tb else (5, 4)))],
        np_matmul,
        transpose_a=ta,
        transpose_b=tb,
    )
    for ta, tb in ((True, False), (False, True), (True, True))
]
SAMPLES["matmul"] += [
    S("batched, transposed", [r(2, 5, 3), r(2, 4, 5)], np_matmul, transpose_a=True, transpose_b=True),
    S("batch", [r(4, 2, 3), r(4, 3, 5)], np_matmul),
    S("matrix shared on the right", [r(2, 4, 2, 3), r(3, 5)], np_matmul),
    S("shared on the right, transposed", [r(4, 2, 3), r(5, 3)], np_matmul, transpose_b=True),
    S("shared on the right, left transposed", [r(4, 3, 2), r(3, 5)], np_matmul, transpose_a=True),
    S("matrix shared on the left", [r(2, 3), r(4, 3, 5)], np_matmul),
    S("batches broadcast", [r(3, 1, 2, 4), r(2, 4, 3)], np_matmul),
    S("batch of rows, shared matrix", [r(4, 1, 3), r(3, 5)], np_matmul),
    S("vector, vector", [r(9), r(9)], np_matmul),
    S("matrix, vector", [r(3, 9), r(9)], np_matmul),
    S("vector, matrix", [r(9), r(9, 3)], np_matmul),
    S("batch, vector", [r(2, 3, 9), r(9)], np_matmul),
    S("vector, batch", [r(9), r(2, 9, 3)], np_matmul),
    S("nothing summed", [r(2, 0), r(0, 3)], np_matmul),
    S("no rows", [r(0, 2), r(2, 3)], np_matmul),
    S("no batch", [r(0, 2, 3), r(3, 4)], np_matmul),
    # Past the sizes of one block; too many elements for a difference quotient of each.
    S("larger", [r(150, 270), r(270, 140)], np_matmul, gradient=False, dtypes=["float64"]),
    # 1e-4: 270 products of up to 4, each sum rounded to 6e-8 of itself.
    S("larger, float32", [r(150, 270), r(270, 140)], np_matmul, gradient=False, dtypes=["float32"], atol=1e-4),
    *[
        S(d, [ints(3, 9, dtype=d), ints(9, 4, dtype=d)], lambda a, b: np_matmul(a.astype("int64"), b.astype("int64")))
        for d in ("int8", "int32", "int64")
    ],
    S(
        "uint8",
        [ints(3, 9, low=0, dtype="uint8"), ints(9, 4, low=0, dtype="uint8")],
        lambda a, b: np_matmul(a.astype("int64"), b.astype("int64")),
    ),
    S("integer and float", [ints(3, 5), r(5, 2)], np_matmul, dtypes=["float32"]),
]
BAD["matmul"] = [
    B([r(2, 3), r(4, 5)], "ShapeError", ["matmul", "3", "4", "[2, 3]", "[4, 5]"]),
    B([r(2, 3), r(5, 4)], "ShapeError", ["matmul", "[2, 3]", "[5, 4] transposed"], transpose_b=True),
    B([r(3, 2, 3), r(2, 3, 4)], "ShapeError", ["matmul", "[3]", "[2]"]),
    B([r(), r(3)], "ShapeError", ["matmul", "x1", "rank 0"]),
    B([r(3), r(3)], "ValueError", ["matmul", "transpose_a", "[3]"], transpose_a=True),
    B([bools(2, 2), bools(2, 2)], "DTypeError", ["matmul", "x1", "bool"]),
    B([r(2, 2), r(2, 2)], "TypeError", ["matmul", "transpose_b"], transpose_b=1),
]


def np_dense(x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None, activation: str = "linear") -> np.ndarray:
    y = np.matmul(x, w) + (0 if b is None else b)
    return np.maximum(y, 0) if activation == "relu" else y


_X, _W = const(np.linspace(-1, 1, 15).reshape(3, 5)), const(np.linspace(-2, 1.7, 20).reshape(5, 4))
SAMPLES["dense"] = [
    S("bias", [r(3, 5), r(5, 4), r(4)], np_dense),
    S("no bias", [r(3, 5), r(5, 4), None], np_dense),
    S("relu", [_X, _W, const([0.3, -0.2, 0.11, 0.6])], np_dense, activation="relu"),
    S("relu, no bias", [_X, _W, None], np_dense, activation="relu"),
    S("one unit", [r(7, 5), r(5, 1), r(1)], np_dense),
    S("one row", [r(1, 17), r(17, 9), r(9)], np_dense),
    S("vector", [r(5), r(5, 3), r(3)], np_dense),
    S("more axes", [r(2, 3, 5), r(5, 4), r(4)], np_dense),
    S("no rows", [r(0, 5), r(5, 4), r(4)], np_dense),
    S("no features", [r(3, 0), r(0, 4), r(4)], np_dense),
    S("larger", [r(64, 100), r(100, 40), r(40)], np_dense, gradient=False, activation="relu"),  # too many elements
    S("integers", [ints(3, 5), r(5, 4), r(4)], np_dense, dtypes=["float32"]),
]
BAD["dense"] = [
    B([r(3, 5), r(4, 2), r(2)], "ShapeError", ["dense", "5", "4", "[3, 5]", "[4, 2]"]),
    B([r(3, 5), r(5, 2), r(3)], "ShapeError", ["dense", "bias", "[3]", "2"]),
    B([r(3, 5), r(5), None], "ShapeError", ["dense", "kernel", "[5]"]),
    B([r(), r(5, 2), None], "ShapeError", ["dense", "x", "rank 0"]),
    B([r(3, 5), r(5, 2), None], "ValueError", ["dense", "activation", "tanh"], activation="tanh"),
]


def np_einsum(*operands: np.ndarray, equation: str) -> np.ndarray:
    return np.einsum(equation, *operands)


SAMPLES["einsum"] = [
    S(f"{eq} {shapes}", [r(*shape) for shape in shapes], np_einsum, equation=eq)
    for eq, shapes in (
        ("ij->ji", [(3, 5)]),
        ("ij->", [(3, 5)]),
        ("ij->j", [(3, 5)]),
        ("ba", [(3, 5)]),
        ("->", [()]),
        ("ij,jk->ik", [(3, 5), (5, 4)]),
        ("ij,jk->ki", [(3, 5), (5, 4)]),
        ("ij,jk", [(3, 5), (5, 4)]),
        ("ji,kj->ik", [(5, 3), (4, 5)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("bij,jk->bik", [(2, 3, 4), (4, 5)]),
        ("i,i->", [(9,), (9,)]),
        ("i,i->i", [(9,), (9,)]),
        ("i,j->ij", [(3,), (5,)]),
        ("i,->i", [(3,), ()]),
        ("ij,i->i", [(3, 5), (3,)]),
        ("ij,kl->ik", [(2, 3), (4, 2)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("i,ij,j->", [(3,), (3, 4), (4,)]),
        ("a,b,c->abc", [(2,), (3,), (4,)]),
        ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]),
        ("...ij,jk->...ik", [(2, 2, 3, 4), (4, 5)]),
        ("...,i->...i", [(2, 3), (4,)]),
        ("i...,i...->...", [(3, 1, 4), (3, 2, 4)]),
        ("i...->...i", [(2, 3, 4)]),
        ("...ij->...", [(2, 3, 4)]),
        ("ij , jk -> ik", [(2, 3), (3, 2)]),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
        ("ij,jk->ik", [(0, 2), (2, 3)]),
    )
]
SAMPLES["einsum"] += [
    S("integers", [ints(3, 5), ints(5, 4)], np_einsum, equation="ij,jk->ik"),
    S("integers, summed", [ints(3, 5), ints(4)], np_einsum, equation="ij,k->ik"),
    S("int8", [ints(3, 5, dtype="int8")], lambda x, equation: np.einsum(equation, x.astype("int64")), equation="ij->i"),
]
BAD["einsum"] = [
    B([r(3, 5), r(4, 2)], "ShapeError", ["einsum", "j", "5", "4"], equation="ij,jk->ik"),
    B([r(3, 5)], "ValueError", ["einsum", "2 terms", "1 operands"], equation="ij,jk->ik"),
    B([r(3, 5)], "ShapeError", ["einsum", "ijk", "[3, 5]"], equation="ijk->i"),
    B([r(3, 3)], "ValueError", ["einsum", "'i'", "twice", "iagonal"], equation="ii->i"),
    B([r(3, 5)], "ValueError", ["einsum", "'k'", "result"], equation="ij->k"),
    B([r(3, 5)], "ValueError", ["einsum", "1"], equation="i1->i"),
    B([r(3, 5)], "ValueError", ["einsum", "ellipsis"], equation="...j->j"),
    B([r(3, 5)], "ValueError", ["einsum", "twice"], equation="ij->ii"),
    B([bools(3, 5)], "DTypeError", ["einsum", "bool"], equation="ij->i"),
    B([], "ValueError", ["einsum", "operand"], equation="i->i"),
]
