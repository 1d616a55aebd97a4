"""Samples of normalisation, dropout, embedding and attention."""

from __future__ import annotations

import numpy as np

from . import SIZES, B, S, bools, const, ints, r
from .nn_reference import (
    attention,
    attention_grad,
    attention_lse,
    batch_norm_grad,
    batch_norm_inference,
    batch_norm_training,
    dropout,
    embedding_grad,
    group_norm,
    group_norm_grad,
    group_norm_stats,
    layer_norm,
    layer_norm_grad,
    layer_norm_stats,
    rms_norm,
)

KEY = const([7, 3, 11], "int64")
EPSILON = 1e-3  # the default of the norms


def _filled(*shape: int):
    return const(np.ones(shape))


def _with_statistics(shape, axes, kind, gamma=None):
    """x, dy, the mean of x over `axes` and its variance or reciprocal deviation, and gamma."""
    rng = np.random.default_rng(5)
    x, dy = rng.uniform(-2, 2, shape), rng.uniform(-2, 2, shape)
    mean, var = x.mean(axis=axes), x.var(axis=axes)
    second = {"var": var, "rstd": 1 / np.sqrt(var + EPSILON), "rms": 1 / np.sqrt((x * x).mean(axis=axes) + EPSILON)}[kind]
    return [const(x), const(dy), const(mean), const(second), gamma]


def _with_group_statistics(shape, groups, channels_last, gamma=None):
    rng = np.random.default_rng(6)
    x, dy = rng.uniform(-2, 2, shape), rng.uniform(-2, 2, shape)
    n = shape[0]
    first = np.moveaxis(x, -1, 1) if channels_last else x
    g = first.reshape(n, groups, -1)
    return [const(x), const(dy), const(g.mean(-1)), const(1 / np.sqrt(g.var(-1) + EPSILON)), gamma]


def _ema_moved(outputs, running, value, momentum=0.99):
    assert len(outputs) == 0  # the new average is in `running` itself; tests/cpp/test_ops_nn.cpp reads it there


# ---- normalisation ----

_NORM_SAMPLES = {
    "batch_norm_training": [
        S("dense", [r(5, 3), r(3), r(3)], batch_norm_training),
        S("bare", [r(6, 2)], batch_norm_training),
        S("gamma_only", [r(4, 3), r(3)], batch_norm_training, epsilon=1e-5),
        S("beta_only", [r(4, 3), None, r(3)], batch_norm_training),
        S("images", [r(2, 3, 2, 4), r(4), r(4)], batch_norm_training),
        S("channels_first", [r(3, 4, 2, 2), r(4), r(4)], batch_norm_training, axis=1),
        S("first_axis", [r(3, 5), r(3), r(3)], batch_norm_training, axis=0),
        S(
            "one_position", [r(1, 4), r(4), r(4)], batch_norm_training, second=False
        ),  # y = beta: derivatives of x are 0, differences only rounding
        S(
            "large_mean", [r(8, 3, low=1000, high=1001), r(3), r(3)], batch_norm_training, atol=5e-4, gradient=False
        ),  # float32 rounds a mean of 1000 by 3e-5, 1e-4 of the deviation; differences drown in rounding
        S("no_channels", [r(4, 0), r(0), r(0)], batch_norm_training),
        *[S(f"channels_{n}", [r(4, n), r(n), r(n)], batch_norm_training) for n in SIZES],
        *[S(f"rows_{n}", [r(n + 1, 3), r(3), r(3)], batch_norm_training) for n in SIZES],
    ],
    "batch_norm_inference": [
        S("all", [r(5, 3), r(3), r(3, low=0.5), r(3), r(3)], batch_norm_inference),
        S("bare", [r(5, 3), r(3), r(3, low=0.5)], batch_norm_inference),
        S("beta_only", [r(5, 3), r(3), r(3, low=0.5), None, r(3)], batch_norm_inference, epsilon=1e-5),
        S("images", [r(2, 3, 2, 4), r(4), r(4, low=0.5), r(4), r(4)], batch_norm_inference),
        S("channels_first", [r(2, 4, 3, 2), r(4), r(4, low=0.5), r(4), r(4)], batch_norm_inference, axis=1),
        S("empty_batch", [r(0, 3), r(3), r(3, low=0.5), r(3), r(3)], batch_norm_inference),
        *[S(f"channels_{n}", [r(2, n), r(n), r(n, low=0.5), r(n), r(n)], batch_norm_inference) for n in SIZES],
    ],
    "layer_norm": [
        S("all", [r(4, 5), r(5), r(5)], layer_norm),
        S("bare", [r(3, 6)], layer_norm, epsilon=1e-6),
        S("beta_only", [r(3, 4), None, r(4)], layer_norm),
        S("two_axes", [r(2, 3, 4), r(3, 4), r(3, 4)], layer_norm, axis=(-2, -1)),
        S("two_axes_positive", [r(2, 3, 4), r(3, 4)], layer_norm, axis=(2, 1)),
        S("vector", [r(7), r(7), r(7)], layer_norm),
        S("all_axes", [r(3, 4)], layer_norm, axis=None),
        S("empty_batch", [r(0, 5), r(5), r(5)], layer_norm),
        S(
            "constant_row", [_filled(2, 4), r(4), r(4)], layer_norm, gradient=False
        ),  # at var = 0 the curvature is 1 / epsilon: differences fail
        *[
            S(f"width_{n}", [r(3, n), r(n), r(n)], layer_norm, second=n > 1) for n in SIZES
        ],  # width 1: y = beta, all derivatives of x are 0
    ],
    "rms_norm": [
        S("all", [r(4, 5), r(5)], rms_norm),
        S("bare", [r(3, 6)], rms_norm, epsilon=1e-3),
        S("two_axes", [r(2, 3, 4), r(3, 4)], rms_norm, axis=(-2, -1)),
        S("vector", [r(7), r(7)], rms_norm),
        S("empty_batch", [r(0, 5), r(5)], rms_norm),
        *[S(f"width_{n}", [r(3, n, low=0.5), r(n)], rms_norm, epsilon=0.1) for n in SIZES],
    ],
    "group_norm": [
        S("all", [r(2, 3, 4), r(4), r(4)], group_norm, groups=2),
        S("bare", [r(2, 2, 2, 6)], group_norm, groups=3),
        S("one_group", [r(3, 2, 4), r(4), r(4)], group_norm, groups=1),
        S("instance", [r(2, 5, 3), r(3), r(3)], group_norm, groups=3),
        S("channels_first", [r(2, 4, 3, 2), r(4), r(4)], group_norm, groups=2, axis=1),
        S("dense", [r(3, 8), r(8), r(8)], group_norm, groups=2, epsilon=1e-5),
        S("empty_batch", [r(0, 3, 4), r(4), r(4)], group_norm, groups=2),
        *[S(f"spatial_{n}", [r(1, n, 4), r(4), r(4)], group_norm, groups=2) for n in SIZES],
    ],
    "layer_norm_stats": [
        S("all", [r(4, 5), r(5), r(5)], layer_norm_stats),
        S("two_axes", [r(2, 3, 4), r(3, 4)], layer_norm_stats, trailing=2),
        S("rms", [r(4, 5), r(5)], layer_norm_stats, rms=True),
        S("empty", [r(0, 5), r(5), r(5)], layer_norm_stats),
    ],
    # Gradient ops take statistics that are functions of x: differences with the statistics held fixed would mean something else. Their own
    # gradients are tested as the second derivatives of layer_norm, group_norm and batch_norm_training.
    "layer_norm_grad": [
        S("all", _with_statistics((3, 4), (1,), "rstd", r(4)), layer_norm_grad, gradient=False),
        S("bare", _with_statistics((3, 4), (1,), "rstd"), layer_norm_grad, gradient=False),
        S("rms", _with_statistics((3, 4), (1,), "rms", r(4)), layer_norm_grad, rms=True, gradient=False),
        S("two_axes", _with_statistics((2, 2, 3), (1, 2), "rstd", r(2, 3)), layer_norm_grad, trailing=2, gradient=False),
        S("empty", [r(0, 5), r(0, 5), r(0), r(0), r(5)], layer_norm_grad, gradient=False),
    ],
    "group_norm_stats": [
        S("all", [r(2, 3, 4), r(4), r(4)], group_norm_stats, groups=2),
        S("channels_first", [r(2, 4, 3), r(4), r(4)], group_norm_stats, groups=2, channels_last=False),
        S("empty", [r(0, 3, 4), r(4), r(4)], group_norm_stats, groups=2),
    ],
    "group_norm_grad": [
        S("all", _with_group_statistics((2, 3, 4), 2, True, r(4)), group_norm_grad, groups=2, gradient=False),
        S("bare", _with_group_statistics((2, 3, 4), 2, True), group_norm_grad, groups=2, gradient=False),
        S(
            "channels_first",
            _with_group_statistics((2, 4, 3), 2, False, r(4)),
            group_norm_grad,
            groups=2,
            channels_last=False,
            gradient=False,
        ),
        S("empty", [r(0, 3, 4), r(0, 3, 4), r(0, 2), r(0, 2), r(4)], group_norm_grad, groups=2, gradient=False),
    ],
    "batch_norm_grad": [
        S("all", _with_statistics((5, 3), (0,), "var", r(3)), batch_norm_grad, gradient=False),
        S("bare", _with_statistics((5, 3), (0,), "var"), batch_norm_grad, gradient=False),
        S("channels_first", _with_statistics((2, 3, 4), (0, 2), "var", r(3)), batch_norm_grad, axis=1, gradient=False),
        S("empty", [r(0, 3), r(0, 3), r(3), r(3, low=0.5), r(3)], batch_norm_grad, gradient=False),
    ],
    "ema_update_": [
        S("plain", [r(5), r(5)], check=_ema_moved, strided=False),  # changed in place, so it must be contiguous
        S("half", [r(2, 3), r(2, 3)], check=_ema_moved, strided=False, momentum=0.5),
    ],
}

_X = r(3, 4)
_F16 = const(np.zeros((3, 4)), "float16")


def _bad_parameters(op, **attrs):
    return [
        B([_X, r(3)], "ShapeError", [op, "gamma", "[3]"], **attrs),
        B([_X, r(4), r(4, 1)], "ShapeError", [op, "beta", "[4, 1]"], **attrs),
        *_bad_common(op, **attrs),
    ]


def _bad_common(op, **attrs):
    return [
        B([_X], "ValueError", [op, "epsilon", "-1"], epsilon=-1.0, **attrs),
        B([_X], "ValueError", [op, "epsilon", "nan"], epsilon=float("nan"), **attrs),
        B([_X], "ValueError", [op, "epsilon", "inf"], epsilon=float("inf"), **attrs),
        B([_F16], "DTypeError", [op, "float16"], **attrs),
    ]


_NORM_BAD = {
    "batch_norm_training": [
        *_bad_parameters("batch_norm_training"),
        B([_X], "ValueError", ["batch_norm_training", "axis", "7"], axis=7),
        B([_X], "ValueError", ["batch_norm_training", "axis", str(2**62)], axis=2**62),
        B([r(0, 4)], "ShapeError", ["batch_norm_training", "x", "[0, 4]"]),
        B([const(1.0)], "ValueError", ["batch_norm_training", "axis", "scalar"]),
    ],
    "batch_norm_inference": [
        B([_X, r(3), r(4)], "ShapeError", ["batch_norm_inference", "mean", "[3]"]),
        B([_X, r(4), r(3)], "ShapeError", ["batch_norm_inference", "var", "[3]"]),
        B([_X, r(4), r(4), r(5)], "ShapeError", ["batch_norm_inference", "gamma", "[5]"]),
        B([_X, r(4), r(4), r(4), r(4, 1)], "ShapeError", ["batch_norm_inference", "beta", "[4, 1]"]),
        B([_X, r(4), r(4)], "ValueError", ["batch_norm_inference", "epsilon", "-0.5"], epsilon=-0.5),
        B([_X, r(4), r(4)], "ValueError", ["batch_norm_inference", "axis", "-3"], axis=-3),
        B([_X, r(4)], "TypeError", ["batch_norm_inference", "var"]),
    ],
    "layer_norm": [
        *_bad_parameters("layer_norm"),
        B([_X], "ValueError", ["layer_norm", "axis", "2"], axis=2),
        B([_X], "ValueError", ["layer_norm", "trailing", "[0]"], axis=0),
        B([_X], "ValueError", ["layer_norm", "axis", "twice"], axis=(1, -1)),
        B([const(1.0)], "ShapeError", ["layer_norm", "x", "scalar"]),
        B([r(3, 0)], "ShapeError", ["layer_norm", "x", "[3, 0]"]),
    ],
    "rms_norm": [
        *_bad_common("rms_norm"),
        B([_X, r(3)], "ShapeError", ["rms_norm", "gamma", "[3]"]),
        B([_X], "ValueError", ["rms_norm", "axis", "-5"], axis=-5),
        B([r(3, 0)], "ShapeError", ["rms_norm", "x", "[3, 0]"]),
    ],
    "group_norm": [
        *_bad_parameters("group_norm", groups=2),
        B([_X], "ShapeError", ["group_norm", "groups 3", "4 channels"], groups=3),
        B([_X], "ValueError", ["group_norm", "groups", "0"], groups=0),
        B([_X], "ValueError", ["group_norm", "groups", "-2"], groups=-2),
        B([r(2, 3, 4, 4)], "ValueError", ["group_norm", "axis", "2"], groups=2, axis=2),
        B([r(4)], "ShapeError", ["group_norm", "x", "[4]"], groups=2),
        B([r(2, 0, 4)], "ShapeError", ["group_norm", "x", "[2, 0, 4]"], groups=2),
    ],
    "layer_norm_stats": [
        B([_X], "ValueError", ["layer_norm_stats", "trailing", "3"], trailing=3),
        B([_X], "ValueError", ["layer_norm_stats", "trailing", "0"], trailing=0),
        B([_X, r(3)], "ShapeError", ["layer_norm_stats", "gamma", "[3]"]),
    ],
    "layer_norm_grad": [
        B([_X, r(4, 3), r(3), r(3)], "ShapeError", ["layer_norm_grad", "dy", "[4, 3]"]),
        B([_X, _X, r(4), r(3)], "ShapeError", ["layer_norm_grad", "mean", "[4]"]),
        B([_X, _X, r(3), r(4)], "ShapeError", ["layer_norm_grad", "rstd", "[4]"]),
        B([_X, _X, r(3), r(3), r(3)], "ShapeError", ["layer_norm_grad", "gamma", "[3]"]),
    ],
    "group_norm_stats": [
        B([_X], "ShapeError", ["group_norm_stats", "groups 3", "4 channels"], groups=3),
        B([_X, r(3)], "ShapeError", ["group_norm_stats", "gamma", "[3]"], groups=2),
    ],
    "group_norm_grad": [
        B([_X, r(4, 3), r(3, 2), r(3, 2)], "ShapeError", ["group_norm_grad", "dy", "[4, 3]"], groups=2),
        B([_X, _X, r(2, 3), r(3, 2)], "ShapeError", ["group_norm_grad", "mean", "[2, 3]"], groups=2),
    ],
    "batch_norm_grad": [
        B([_X, r(4, 3), r(4), r(4)], "ShapeError", ["batch_norm_grad", "dy", "[4, 3]"]),
        B([_X, _X, r(3), r(4)], "ShapeError", ["batch_norm_grad", "mean", "[3]"]),
        B([_X, _X, r(4), r(3)], "ShapeError", ["batch_norm_grad", "var", "[3]"]),
    ],
    "ema_update_": [
        B([r(3), r(4)], "ShapeError", ["ema_update_", "running", "[3]", "[4]"]),
        B([r(3), r(3)], "ValueError", ["ema_update_", "momentum", "1.5"], momentum=1.5),
        B([r(3), r(3)], "ValueError", ["ema_update_", "momentum", "nan"], momentum=float("nan")),
        B([ints(3), ints(3)], "DTypeError", ["ema_update_", "running", "int32"]),
    ],
}

# ---- dropout, embedding ----

_TABLE = const([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


def _embedding(weights, indices):
    return weights[indices]


_OTHER_SAMPLES = {
    "dropout": [
        S("half", [r(5, 7), KEY], dropout),
        S("fifth", [r(40), KEY], dropout, rate=0.2),
        S("stream", [r(40), KEY], dropout, rate=0.5, stream=9),
        S("unscaled", [r(40), KEY], dropout, rate=0.3, scale_at="inference"),
        S("none", [r(9), KEY], dropout, rate=0.0),
        S("all", [r(9), KEY], dropout, rate=1.0),
        S("empty", [r(0, 3), KEY], dropout),
        S("large_seed", [r(33), const([2**40 + 5, 1, 2], "int64")], dropout),
        S("drops_nan", [const(np.full(64, np.nan)), KEY], dropout, gradient=False),  # NaN has no derivative
        *[S(f"size_{n}", [r(n), KEY], dropout) for n in SIZES],
    ],
    "embedding": [
        S("plain", [r(5, 3), ints(2, 4, low=0, high=5)], _embedding),
        S("repeated", [r(3, 2), const([1, 1, 1, 0], "int64")], _embedding),
        S("vector", [r(5), ints(4, low=0, high=5, dtype="int64")], _embedding),
        S("matrix_rows", [r(4, 2, 3), ints(3, low=0, high=4, dtype="uint8")], _embedding),
        S("int8", [r(5, 3), ints(6, low=0, high=5, dtype="int8")], _embedding),
        S("scalar_index", [r(5, 3), const(2, "int32")], _embedding),
        S("no_indices", [r(5, 3), ints(0, 2)], _embedding),
        *[S(f"width_{n}", [r(4, n), ints(3, low=0, high=4)], _embedding) for n in SIZES],
    ],
    "embedding_grad": [
        S("plain", [r(2, 4, 3), ints(2, 4, low=0, high=5)], embedding_grad, rows=5),
        S("repeated", [r(4, 2), const([1, 1, 1, 0], "int64")], embedding_grad, rows=3),
        S("vector", [r(4), ints(4, low=0, high=5, dtype="uint8")], embedding_grad, rows=6),
        S("no_indices", [r(0, 3), ints(0)], embedding_grad, rows=2),
    ],
}

_OTHER_BAD = {
    "dropout": [
        B([_X, KEY], "ValueError", ["dropout", "rate", "1.5"], rate=1.5),
        B([_X, KEY], "ValueError", ["dropout", "rate", "-0.1"], rate=-0.1),
        B([_X, KEY], "ValueError", ["dropout", "rate", "nan"], rate=float("nan")),
        B([_X, KEY], "ValueError", ["dropout", "stream", "-1"], stream=-1),
        B([_X, KEY], "ValueError", ["dropout", "scale_at", "test"], scale_at="test"),
        B([_X, const([1, 2], "int64")], "ShapeError", ["dropout", "key", "[2]"]),
        B([_X, const([1, 2, 3], "int32")], "DTypeError", ["dropout", "key", "int32"]),
        B([_F16, KEY], "DTypeError", ["dropout", "float16"]),
        B([_X], "TypeError", ["dropout", "key"]),
    ],
    "embedding": [
        B([_TABLE, const([0, 3], "int32")], "IndexError", ["embedding", "3", "position 1"]),
        B([_TABLE, const([0, 1, -1], "int64")], "IndexError", ["embedding", "-1", "position 2"]),
        B([_TABLE, const([2**62], "int64")], "IndexError", ["embedding", str(2**62)]),
        B([_TABLE, const([0.0, 1.0])], "DTypeError", ["embedding", "indices", "float32"]),
        B([const(1.0), const([0], "int32")], "ShapeError", ["embedding", "weights", "scalar"]),
        B([r(2, 1, 1, 1, 1), ints(1, 1, 1, 1, 1, low=0, high=1)], "ShapeError", ["embedding", "rank 9"]),
    ],
    "embedding_grad": [
        B([r(2, 2), const([0, 5], "int32")], "IndexError", ["embedding_grad", "5", "position 1"], rows=3),
        B([r(2, 2), const([0, -1], "int32")], "IndexError", ["embedding_grad", "-1"], rows=3),
        B([r(3, 2), const([0, 1], "int32")], "ShapeError", ["embedding_grad", "dy", "[3, 2]"], rows=3),
        B([r(2, 2), const([0, 1], "int32")], "ValueError", ["embedding_grad", "rows", "-3"], rows=-3),
    ],
}

# ---- attention ----

_Q, _K, _V = r(2, 3, 2, 4), r(2, 5, 2, 4), r(2, 5, 2, 3)
_HIDDEN = const(np.where(np.arange(15).reshape(3, 5) % 4 == 1, -np.inf, 0.25))
_ROW_MASK = const(np.array([[True, False, True, True, False], [False] * 5, [True] * 5]))  # the second query sees nothing


def _attention_grad_inputs(mask=None, bias=None, scale=1.0, causal=False):
    rng = np.random.default_rng(8)
    q, k, v, dy = (rng.uniform(-2, 2, s) for s in ((2, 3, 2, 4), (2, 5, 2, 4), (2, 5, 2, 3), (2, 3, 2, 3)))
    m = None if mask is None else mask(rng)
    b = None if bias is None else bias(rng)
    o, lse = attention_lse(q, k, v, m, b, scale, causal)
    masks = [] if m is None and b is None else [None if m is None else const(m), None if b is None else const(b)]
    return [*map(const, (q, k, v, dy, o, lse)), *masks]


_ATTENTION_SAMPLES = {
    "dot_product_attention": [
        S("plain", [_Q, _K, _V], attention),
        S("scale", [_Q, _K, _V], attention, scale=0.3),
        S("causal", [r(1, 4, 2, 3), r(1, 4, 2, 3), r(1, 4, 2, 3)], attention, causal=True),
        S("causal_longer_keys", [_Q, _K, _V], attention, causal=True),
        S("causal_longer_queries", [r(1, 5, 1, 2), r(1, 3, 1, 2), r(1, 3, 1, 2)], attention, causal=True),
        S("mask", [_Q, _K, _V, const(np.arange(60).reshape(2, 2, 3, 5) % 3 != 1)], attention),
        S("mask_row_of_keys", [_Q, _K, _V, const(np.array([True, True, False, True, False]))], attention),
        S("mask_per_batch", [_Q, _K, _V, const(np.array([[[[True, True, False, True, True]]], [[[False, True, True, True, True]]]]))], attention),
        # TOPICS section 10: a fully masked row gives 0.
        S("mask_hides_all", [_Q, _K, _V, _ROW_MASK], attention),
        S("bias", [r(1, 3, 2, 3), r(1, 4, 2, 3), r(1, 4, 2, 2), None, r(1, 2, 3, 4)], attention),
        S("bias_broadcast", [_Q, _K, _V, None, r(2, 1, 5)], attention),
        S("bias_minus_infinity", [_Q, _K, _V, None, _HIDDEN], attention, gradient=False),  # a difference of infinities
        S("all_masks", [_Q, _K, _V, _ROW_MASK, r(1, 2, 1, 5)], attention, causal=True, scale=0.7),
        S("large_scores", [r(1, 3, 1, 4, low=-60, high=60), r(1, 5, 1, 4, low=-60, high=60), r(1, 5, 1, 4)], attention, scale=1.0,
          gradient=False, rtol=2e-3),  # scores of +-1e4 carry a float32 rounding of 1e-3; the softmax is a step there
        S("empty_batch", [r(0, 3, 2, 4), r(0, 5, 2, 4), r(0, 5, 2, 3)], attention),
        S("no_queries", [r(1, 0, 2, 4), r(1, 5, 2, 4), r(1, 5, 2, 3)], attention),
        *[S(f"width_{n}", [r(1, 2, 1, n), r(1, 2, 1, n), r(1, 2, 1, n)], attention) for n in SIZES],
        *[S(f"keys_{n}", [r(1, 2, 1, 3), r(1, n, 1, 3), r(1, n, 1, 2)], attention) for n in SIZES],
        S("many_blocks", [r(1, 130, 1, 8), r(1, 150, 1, 8), r(1, 150, 1, 8)], attention, causal=True, gradient=False, atol=2e-6),  # size
    ],
    "attention_lse": [
        S("plain", [_Q, _K, _V], attention_lse),
        S("mask_bias_causal", [r(1, 3, 2, 4), r(1, 5, 2, 4), r(1, 5, 2, 3), const(np.arange(15).reshape(3, 5) % 4 != 2), r(3, 5)], attention_lse, causal=True, scale=0.5),
        S("mask_hides_all", [_Q, _K, _V, _ROW_MASK], attention_lse, gradient=False),  # lse is -inf there
        S("empty", [r(0, 3, 2, 4), r(0, 5, 2, 4), r(0, 5, 2, 3)], attention_lse),
    ],
    # o and lse are functions of q, k and v: see layer_norm_grad. Tested as the second derivative of dot_product_attention.
    "attention_grad": [
        S("plain", _attention_grad_inputs(), attention_grad, gradient=False),
        S("causal", _attention_grad_inputs(causal=True, scale=0.4), attention_grad, gradient=False, causal=True, scale=0.4),
        S("mask", _attention_grad_inputs(mask=_ROW_MASK), attention_grad, gradient=False),
        S("bias", _attention_grad_inputs(bias=r(3, 5)), attention_grad, gradient=False),
        S("mask_bias", _attention_grad_inputs(mask=_ROW_MASK, bias=r(2, 1, 3, 5)), attention_grad, gradient=False),
    ],
}  # fmt: skip

_ATTENTION_BAD = {
    "dot_product_attention": [
        B([r(2, 3, 4), _K, _V], "ShapeError", ["dot_product_attention", "query", "[2, 3, 4]"]),
        B([_Q, r(2, 5, 2, 3), _V], "ShapeError", ["dot_product_attention", "width", "[2, 5, 2, 3]"]),
        B([_Q, _K, r(2, 4, 2, 3)], "ShapeError", ["dot_product_attention", "value", "[2, 4, 2, 3]"]),
        B([_Q, r(2, 5, 1, 4), r(2, 5, 1, 3)], "ShapeError", ["dot_product_attention", "heads", "[2, 5, 1, 4]"]),
        B([_Q, r(1, 5, 2, 4), _V], "ShapeError", ["dot_product_attention", "batch", "[1, 5, 2, 4]"]),
        B([_Q, _K, _V, r(3, 5)], "DTypeError", ["dot_product_attention", "mask", "float32"]),
        B([_Q, _K, _V, bools(4, 5)], "ShapeError", ["dot_product_attention", "mask", "[4, 5]", "[2, 2, 3, 5]"]),
        B([_Q, _K, _V, None, r(5, 3)], "ShapeError", ["dot_product_attention", "bias", "[5, 3]"]),
        B([_Q, _K, _V], "ValueError", ["dot_product_attention", "scale", "inf"], scale=float("inf")),
        B([_Q, _K, _V], "ValueError", ["dot_product_attention", "scale", "nan"], scale=float("nan")),
        B([_Q, _K], "TypeError", ["dot_product_attention", "value"]),
    ],
    "attention_lse": [
        B([r(2, 3, 4), _K, _V], "ShapeError", ["attention_lse", "query", "[2, 3, 4]"]),
        B([_Q, _K, _V], "ValueError", ["attention_lse", "scale", "nan"], scale=float("nan")),
    ],
    "attention_grad": [
        B([_Q, _K, _V, r(2, 3, 2, 4), r(2, 3, 2, 3), r(2, 2, 3)], "ShapeError", ["attention_grad", "dy", "[2, 3, 2, 4]"]),
        B([_Q, _K, _V, r(2, 3, 2, 3), r(2, 3, 2, 3), r(2, 3, 2)], "ShapeError", ["attention_grad", "lse", "[2, 3, 2]"]),
    ],
}

SAMPLES = {**_NORM_SAMPLES, **_OTHER_SAMPLES, **_ATTENTION_SAMPLES}
BAD = {**_NORM_BAD, **_OTHER_BAD, **_ATTENTION_BAD}
