"""Samples of elementwise functions, activations, where, clip and cast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from . import SIZES, B, Bad, S, Sample, bools, const, ints, r

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
