"""Samples of losses, with references that follow the definitions of TOPICS section 2."""

from __future__ import annotations

import numpy as np

from . import SIZES, B, S, bools, const, ints, r

_EPS = 1e-7


def _columns(t, p):
    return (t[:, None] if t.ndim == 1 else t).astype(p.dtype), (p[:, None] if p.ndim == 1 else p)


def _mse(t, p):
    t, p = _columns(t, p)
    return ((t - p) ** 2).mean(axis=-1)


def _mae(t, p):
    t, p = _columns(t, p)
    return np.abs(t - p).mean(axis=-1)


def _huber(t, p, delta=1.0):
    t, p = _columns(t, p)
    e = np.abs(t - p)
    return np.where(e <= delta, e * e / 2, delta * e - delta**2 / 2).mean(axis=-1)


def _log_cosh(t, p):
    t, p = _columns(t, p)
    return (np.logaddexp(p - t, t - p) - np.log(2)).mean(axis=-1)


def _bce_terms(t, p, from_logits, label_smoothing):
    t, p = _columns(t, p)
    t = t * (1 - label_smoothing) + label_smoothing / 2
    if from_logits:
        return t, 1 / (1 + np.exp(-p)), np.maximum(p, 0) - p * t + np.log1p(np.exp(-np.abs(p)))
    p = np.clip(p, _EPS, 1 - _EPS)
    return t, p, -(t * np.log(p) + (1 - t) * np.log(1 - p))


def _bce(t, p, from_logits=False, label_smoothing=0.0):
    return _bce_terms(t, p, from_logits, label_smoothing)[2].mean(axis=-1)


def _binary_focal(t, p, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0):
    t, p, bce = _bce_terms(t, p, from_logits, label_smoothing)
    loss = (1 - (t * p + (1 - t) * (1 - p))) ** gamma * bce
    if apply_class_balancing:
        loss = loss * (t * alpha + (1 - t) * (1 - alpha))
    return loss.mean(axis=-1)


def _lse(x, axis):
    top = x.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=axis, keepdims=True))


def _normalised(p, axis):
    return np.clip(p / p.sum(axis=axis, keepdims=True), _EPS, 1 - _EPS)


def _cce(t, p, from_logits=False, label_smoothing=0.0, axis=-1):
    t = t * (1 - label_smoothing) + label_smoothing / p.shape[axis]
    if from_logits:
        return np.where(t == 0, 0, t * (_lse(p, axis) - np.where(t == 0, 0, p))).sum(axis=axis)
    return -(t * np.log(_normalised(p, axis))).sum(axis=axis)


def _pick(x, labels, axis=-1):
    x = np.moveaxis(x, axis, -1)
    return np.take_along_axis(x, labels.reshape(x.shape[:-1])[..., None].astype(np.int64), axis=-1)[..., 0]


def _sparse(y, p, from_logits=False, axis=-1):
    log_p = p - _lse(p, axis) if from_logits else np.log(_normalised(p, axis))
    return -_pick(log_p, y, axis)


def _categorical_focal(t, p, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1):
    if from_logits:
        p = np.exp(p - _lse(p, axis))
    p = _normalised(p, axis)
    t = t * (1 - label_smoothing) + label_smoothing / p.shape[axis]
    return -(alpha * (1 - p) ** gamma * t * np.log(p)).sum(axis=axis)


def _nll(y, p):
    return -_pick(p, y)


def _kl(t, p):
    t, p = np.clip(t, _EPS, 1), np.clip(p, _EPS, 1)
    return (t * np.log(t / p)).sum(axis=-1)


def _reduce(values, weight=None, reduction="sum_over_batch_size"):
    w = np.ones_like(values)
    if weight is not None:
        while weight.ndim > values.ndim:
            weight = weight[..., 0]
        w = np.broadcast_to(weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim)), values.shape)
    values = values * w
    if reduction == "none":
        return values
    if reduction == "sum":
        return values.sum()
    if reduction == "mean_with_sample_weight":
        return values.sum() / w.sum() if w.sum() else np.zeros(())
    return values.sum() / max(values.size, 1)


def _fused(y, x, label_smoothing=0.0):
    t = np.eye(x.shape[-1])[y.astype(np.int64)] if y.dtype.kind in "iu" else y
    return _cce(t, x, True, label_smoothing), _lse(x, -1)[..., 0]


def _fused_grad(y, x, lse, dloss, label_smoothing=0.0):
    t = np.eye(x.shape[-1])[y.astype(np.int64)] if y.dtype.kind in "iu" else y
    t = t * (1 - label_smoothing) + label_smoothing / x.shape[-1]
    return dloss[..., None] * (np.exp(x - _lse(x, -1)) * t.sum(axis=-1, keepdims=True) - t)


def _pick_grad(dy, labels, classes=0):
    return dy[..., None] * np.eye(classes)[labels.astype(np.int64)]


def _one_hot(n, c):
    return const(np.eye(c)[np.arange(n) % c])


def _probabilities(*shape):
    def make(rng):
        p = rng.uniform(0.1, 1.0, shape)
        return p / p.sum(axis=-1, keepdims=True) if p.size else p

    return make


def _with_lse(labels, *shape):
    x = np.random.default_rng(4).uniform(-2, 2, shape)
    return [labels, const(x), const(_lse(x, -1)[..., 0]), r(*shape[:-1])]


_WORKED = [const([[1.0, 0.0]]), const([[0.0, 1.0]])]  # p on the wrong side: -log(1e-7) = 16.118 (Keras), not 100 (PyTorch)


def _elements(f, **attrs):
    """Samples of a loss on values without kinks near them."""
    return [
        S("matrix", [r(4, 3), r(4, 3)], f, **attrs),
        S("vector", [r(5), r(5)], f, **attrs),
        S("vector_column", [r(5), r(5, 1)], f, **attrs),
        S("column_vector", [r(5, 1), r(5)], f, **attrs),
        S("sequence", [r(2, 3, 4), r(2, 3, 4)], f, **attrs),
        S("integers", [ints(4, 3), r(4, 3)], f, **attrs),
        S("bools", [bools(4, 3), r(4, 3)], f, **attrs),
        S("empty", [r(0, 3), r(0, 3)], f, **attrs),
        *[S(f"width_{n}", [r(2, n), r(2, n)], f, **attrs) for n in SIZES],
    ]


def _binaries(f, **attrs):
    p = {"low": 0.05, "high": 0.95}
    return [
        S("matrix", [r(4, 3, low=0, high=1), r(4, 3, **p)], f, **attrs),
        S("vector_column", [bools(5), r(5, 1, **p)], f, **attrs),
        S("vector", [ints(6, low=0, high=2), r(6, **p)], f, **attrs),
        S("smoothed", [bools(4, 3), r(4, 3, **p)], f, label_smoothing=0.1, **attrs),
        S("logits", [bools(4, 3), r(4, 3)], f, from_logits=True, **attrs),
        S("logits_at_zero", [bools(4, 3), const(np.zeros((4, 3)))], f, from_logits=True, **attrs),
        S("logits_smoothed", [bools(4, 3), r(4, 3)], f, from_logits=True, label_smoothing=0.2, **attrs),
        S(
            "clipped", _WORKED, f, gradient=False, rtol=0.02, **attrs
        ),  # clipped: the derivative is one-sided; float32 has 1 - 1e-7 = 1 - 1.19e-7
        S("empty", [r(0, 3), r(0, 3)], f, **attrs),
        *[S(f"width_{n}", [bools(2, n), r(2, n, **p)], f, **attrs) for n in SIZES],
    ]


def _classes(f, **attrs):
    return [
        S("matrix", [_one_hot(4, 3), _probabilities(4, 3)], f, **attrs),
        S("soft", [_probabilities(4, 3), _probabilities(4, 3)], f, **attrs),
        S("not_normalised", [_one_hot(4, 3), r(4, 3, low=0.2, high=3)], f, **attrs),
        S("smoothed", [_one_hot(4, 3), _probabilities(4, 3)], f, label_smoothing=0.1, **attrs),
        S("logits", [_one_hot(4, 3), r(4, 3)], f, from_logits=True, **attrs),
        S("logits_soft", [_probabilities(4, 3), r(4, 3)], f, from_logits=True, **attrs),
        S("logits_smoothed", [_one_hot(4, 3), r(4, 3)], f, from_logits=True, label_smoothing=0.1, **attrs),
        S("axis", [_probabilities(2, 3, 4), _probabilities(2, 3, 4)], f, axis=1, **attrs),
        S("axis_logits", [_probabilities(2, 3, 4), r(2, 3, 4)], f, axis=1, from_logits=True, **attrs),
        S("one_sample", [_one_hot(1, 4), _probabilities(1, 4)], f, **attrs),
        S("vector", [_probabilities(4), _probabilities(4)], f, **attrs),
        S("integer_targets", [const(np.eye(3), "int32"), _probabilities(3, 3)], f, **attrs),
        S("empty", [r(0, 3), r(0, 3)], f, **attrs),
        *[S(f"classes_{n}", [_one_hot(2, n), r(2, n)], f, from_logits=True, **attrs) for n in SIZES],
    ]


_HUGE = const([[1e4, -1e4, 0.0], [-np.inf, 5.0, -np.inf]])

SAMPLES = {
    "mean_squared_error": _elements(_mse),
    # |e| has a kink at 0, which the two samples with integer targets could meet only by accident of rounding.
    "mean_absolute_error": [
        *_elements(_mae),
        S("zero", [const([[1.0, 2.0]]), const([[1.0, 2.0]])], _mae, gradient=False),
    ],  # at the kink
    "huber": [
        *_elements(_huber),
        S("small_delta", [r(4, 3), r(4, 3)], _huber, delta=0.3),
        S("large_delta", [r(4, 3), r(4, 3)], _huber, delta=10.0),
        S("far", [const([[1e4, -1e4]]), const([[0.0, 0.0]])], _huber),
    ],
    "log_cosh": [
        *_elements(_log_cosh),
        S("far", [const([[1e4, -1e4]]), const([[0.0, 0.0]])], _log_cosh, gradient=False),
    ],  # differences of 1e4 lose 1e-7
    "binary_crossentropy": [
        *_binaries(_bce),
        S(
            "logits_far", [const([[1.0, 0.0, 1.0, 0.0]]), const([[1e4, -1e4, -1e4, 1e4]])], _bce, from_logits=True, gradient=False
        ),  # differences of 1e4
    ],
    "binary_focal_crossentropy": [
        *_binaries(_binary_focal),
        S("gamma_0", [bools(4, 3), r(4, 3, low=0.1, high=0.9)], _binary_focal, gamma=0.0),
        S("gamma_1", [bools(4, 3), r(4, 3, low=0.1, high=0.9)], _binary_focal, gamma=1.0),
        S("gamma_3_5", [bools(4, 3), r(4, 3, low=0.1, high=0.9)], _binary_focal, gamma=3.5),
        S("balanced", [bools(4, 3), r(4, 3, low=0.1, high=0.9)], _binary_focal, apply_class_balancing=True),
        # TOPICS section 2: alpha counts only with apply_class_balancing.
        S("alpha_without_balancing", [bools(4, 3), r(4, 3, low=0.1, high=0.9)], _binary_focal, alpha=0.9),
    ],
    "categorical_crossentropy": [
        *_classes(_cce),
        S(
            "logits_far", [const([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]), _HUGE], _cce, from_logits=True, gradient=False
        ),  # infinite logits
    ],
    "sparse_categorical_crossentropy": [
        S("matrix", [ints(4, low=0, high=3), _probabilities(4, 3)], _sparse),
        S("column", [ints(4, 1, low=0, high=3, dtype="int64"), _probabilities(4, 3)], _sparse),
        S("not_normalised", [ints(4, low=0, high=3, dtype="uint8"), r(4, 3, low=0.2, high=3)], _sparse),
        S("logits", [ints(4, low=0, high=3), r(4, 3)], _sparse, from_logits=True),
        S("logits_int8", [ints(4, low=0, high=3, dtype="int8"), r(4, 3)], _sparse, from_logits=True),
        S("logits_uint8", [ints(4, low=0, high=3, dtype="uint8"), r(4, 3)], _sparse, from_logits=True),
        S("logits_far", [const([0, 1], "int32"), _HUGE], _sparse, from_logits=True, gradient=False),  # infinite logits
        S("sequence", [ints(2, 3, low=0, high=4), r(2, 3, 4)], _sparse, from_logits=True),
        S("axis", [ints(2, 4, low=0, high=3), _probabilities(2, 3, 4)], _sparse, axis=1),
        S("axis_logits", [ints(2, 4, low=0, high=3), r(2, 3, 4)], _sparse, axis=1, from_logits=True),
        S("vector", [const(1, "int32"), _probabilities(3)], _sparse),
        S("empty", [ints(0), r(0, 3)], _sparse),
        S("empty_logits", [ints(0), r(0, 3)], _sparse, from_logits=True),
        *[S(f"classes_{n}", [ints(3, low=0, high=n), r(3, n)], _sparse, from_logits=True) for n in SIZES],
    ],
    "categorical_focal_crossentropy": [
        *_classes(_categorical_focal),
        S("gamma_0", [_one_hot(4, 3), _probabilities(4, 3)], _categorical_focal, gamma=0.0),
        S("gamma_1_5", [_one_hot(4, 3), _probabilities(4, 3)], _categorical_focal, gamma=1.5, alpha=0.6),
    ],
    "nll_loss": [
        S("matrix", [ints(4, low=0, high=3), r(4, 3, low=-5, high=0)], _nll),
        S("column", [ints(4, 1, low=0, high=3), r(4, 3, low=-5, high=0)], _nll),
        S("sequence", [ints(2, 3, low=0, high=4, dtype="int64"), r(2, 3, 4)], _nll),
        S("empty", [ints(0), r(0, 3)], _nll),
    ],
    "kl_divergence": [
        S("matrix", [_probabilities(4, 3), _probabilities(4, 3)], _kl),
        S("sequence", [_probabilities(2, 3, 4), _probabilities(2, 3, 4)], _kl),
        S("vector", [_probabilities(5), _probabilities(5)], _kl),
        S("clipped", [const([[0.0, 1.0]]), const([[0.5, 0.5]])], _kl, gradient=False),  # clipped: one-sided
        S("empty", [r(0, 3), r(0, 3)], _kl),
    ],
    "reduce_loss": [
        S("mean", [r(5)], _reduce),
        S("mean_word", [r(5)], _reduce, reduction="mean"),
        S("sum", [r(5)], _reduce, reduction="sum"),
        S("none", [r(5)], _reduce, reduction="none"),
        S("weighted", [r(5), r(5, low=0, high=1)], _reduce),
        S("weighted_column", [r(5), r(5, 1, low=0, high=1)], _reduce),
        S("weighted_rows", [r(5, 3), r(5, low=0, high=1)], _reduce, reduction="sum"),
        S("weighted_none", [r(5, 3), r(5, 1, low=0, high=1)], _reduce, reduction="none"),
        S("weighted_integers", [r(4), ints(4, low=0, high=3)], _reduce),
        S("by_weights", [r(5), r(5, low=0.1, high=1)], _reduce, reduction="mean_with_sample_weight"),
        S("by_weights_rows", [r(5, 3), r(5, low=0.1, high=1)], _reduce, reduction="mean_with_sample_weight"),
        S(
            "by_no_weights", [r(3), const([0.0, 0.0, 0.0])], _reduce, reduction="mean_with_sample_weight", gradient=False
        ),  # 0 by definition
        S("scalar", [const(2.5)], _reduce),
        S("empty", [r(0)], _reduce),
    ],
    "softmax_cross_entropy": [
        S("labels", [ints(4, low=0, high=3), r(4, 3)], _fused),
        S("targets", [_probabilities(4, 3), r(4, 3)], _fused),
        S("smoothed", [ints(4, low=0, high=3), r(4, 3)], _fused, label_smoothing=0.1),
        S("sequence", [ints(2, 3, low=0, high=4), r(2, 3, 4)], _fused),
        S("empty", [ints(0), r(0, 3)], _fused),
    ],
    # lse is a function of the logits: differences with lse held fixed would mean something else. Tested as the second derivative of
    # sparse_categorical_crossentropy and categorical_crossentropy.
    "softmax_cross_entropy_grad": [
        S("labels", _with_lse(ints(4, low=0, high=3), 4, 3), _fused_grad, gradient=False),
        S("targets", _with_lse(_probabilities(4, 3), 4, 3), _fused_grad, gradient=False),
        S("smoothed", _with_lse(ints(4, low=0, high=3, dtype="int64"), 4, 3), _fused_grad, gradient=False, label_smoothing=0.3),
        S("sequence", _with_lse(ints(2, 3, low=0, high=4), 2, 3, 4), _fused_grad, gradient=False),
    ],
    "pick_class": [
        S("matrix", [r(4, 3), ints(4, low=0, high=3)], _pick),
        S("sequence", [r(2, 3, 4), ints(2, 3, low=0, high=4, dtype="uint8")], _pick),
        S("vector", [r(4), const(2, "int64")], _pick),
        S("empty", [r(0, 3), ints(0)], _pick),
    ],
    "pick_class_grad": [
        S("matrix", [r(4), ints(4, low=0, high=3)], _pick_grad, classes=3),
        S("sequence", [r(2, 3), ints(2, 3, low=0, high=4, dtype="int8")], _pick_grad, classes=4),
        S("empty", [r(0), ints(0)], _pick_grad, classes=3),
    ],
}

_F16 = const(np.zeros((4, 3)), "float16")


def _bad_elements(op):
    return [
        B([r(4, 3), r(4, 2)], "ShapeError", [op, "y_true", "[4, 3]", "[4, 2]"]),
        # TOPICS section 2: nothing is broadcast.
        B([r(4, 1), r(4, 3)], "ShapeError", [op, "[4, 1]", "[4, 3]"]),
        B([r(4), r(4, 3)], "ShapeError", [op, "[4]", "[4, 3]"]),
        B([r(4), r(5, 1)], "ShapeError", [op, "[4]", "[5, 1]"]),
        B([r(4), r(1, 4)], "ShapeError", [op, "[4]", "[1, 4]"]),
        B([r(2, 3), r(2, 3, 1)], "ShapeError", [op, "[2, 3]", "[2, 3, 1]"]),
        B([const(1.0), const(1.0)], "ShapeError", [op, "scalar"]),
        B([r(4, 3), _F16], "DTypeError", [op, "y_pred", "float16"]),
        B([_F16, r(4, 3)], "DTypeError", [op, "y_true", "float16"]),
        B([r(4, 3)], "TypeError", [op, "y_pred"]),
    ]


def _bad_classes(op):
    return [
        B([r(4, 1), r(4, 3)], "ShapeError", [op, "[4, 1]", "[4, 3]"]),
        B([r(4), r(4, 1)], "ShapeError", [op, "[4]", "[4, 1]"]),
        B([r(4, 0), r(4, 0)], "ShapeError", [op, "classes", "[4, 0]"]),
        B([const(1.0), const(1.0)], "ShapeError", [op, "scalar"]),
        B([r(4, 3), _F16], "DTypeError", [op, "y_pred", "float16"]),
    ]


def _bad_labels(op):
    return [
        B([ints(5, low=0, high=3), r(4, 3)], "ShapeError", [op, "y_true", "[5]", "[4, 3]"]),
        B([ints(4, 3), r(4, 3)], "ShapeError", [op, "y_true", "[4, 3]"]),
        B([r(4), r(4, 3)], "DTypeError", [op, "y_true", "float32"]),
        B([const([0, 1, 3, 2], "int32"), r(4, 3)], "IndexError", [op, "3", "position 2"]),
        B([const([0, 1, 2, -1], "int64"), r(4, 3)], "IndexError", [op, "-1", "position 3"]),
        B([const([0, 2**62], "int64"), r(2, 3)], "IndexError", [op, str(2**62), "position 1"]),
        B([const([0, 255], "uint8"), r(2, 3)], "IndexError", [op, "255", "position 1"]),
        B([ints(4), const(1.0)], "ShapeError", [op, "scalar"]),
        B([ints(4, low=0, high=1), r(4, 0)], "ShapeError", [op, "classes", "[4, 0]"]),
    ]


def _bad_smoothing(op, t, p):
    return [
        B([t, p], "ValueError", [op, "label_smoothing", "1.5"], label_smoothing=1.5),
        B([t, p], "ValueError", [op, "label_smoothing", "-0.1"], label_smoothing=-0.1),
        B([t, p], "ValueError", [op, "label_smoothing", "nan"], label_smoothing=float("nan")),
    ]


def _bad_focal(op, t, p):
    return [
        B([t, p], "ValueError", [op, "gamma", "-1"], gamma=-1.0),
        B([t, p], "ValueError", [op, "gamma", "inf"], gamma=float("inf")),
        B([t, p], "ValueError", [op, "alpha", "2"], alpha=2.0),
    ]


_T, _P = r(4, 3, low=0, high=1), r(4, 3, low=0.1, high=0.9)

BAD = {
    "mean_squared_error": _bad_elements("mean_squared_error"),
    "mean_absolute_error": _bad_elements("mean_absolute_error"),
    "log_cosh": _bad_elements("log_cosh"),
    "huber": [
        *_bad_elements("huber"),
        B([_T, _P], "ValueError", ["huber", "delta", "0"], delta=0.0),
        B([_T, _P], "ValueError", ["huber", "delta", "-1"], delta=-1.0),
        B([_T, _P], "ValueError", ["huber", "delta", "nan"], delta=float("nan")),
    ],
    "binary_crossentropy": [*_bad_elements("binary_crossentropy"), *_bad_smoothing("binary_crossentropy", _T, _P)],
    "binary_focal_crossentropy": [
        *_bad_elements("binary_focal_crossentropy"),
        *_bad_smoothing("binary_focal_crossentropy", _T, _P),
        *_bad_focal("binary_focal_crossentropy", _T, _P),
    ],
    "categorical_crossentropy": [
        *_bad_classes("categorical_crossentropy"),
        *_bad_smoothing("categorical_crossentropy", _T, _P),
        B([_T, _P], "ValueError", ["categorical_crossentropy", "axis", "5"], axis=5),
    ],
    "categorical_focal_crossentropy": [
        *_bad_classes("categorical_focal_crossentropy"),
        *_bad_smoothing("categorical_focal_crossentropy", _T, _P),
        *_bad_focal("categorical_focal_crossentropy", _T, _P),
        B([_T, _P], "ValueError", ["categorical_focal_crossentropy", "axis", "-3"], axis=-3),
    ],
    "sparse_categorical_crossentropy": [
        *_bad_labels("sparse_categorical_crossentropy"),
        B([ints(4, low=0, high=3), _P], "ValueError", ["sparse_categorical_crossentropy", "axis", "2"], axis=2),
        B(
            [const([0, 3, 1, 1], "int32"), r(4, 3)],
            "IndexError",
            ["sparse_categorical_crossentropy", "3", "position 1"],
            from_logits=True,
        ),
        B(
            [const([0, 1, -1, 1], "int32"), r(4, 3)],
            "IndexError",
            ["sparse_categorical_crossentropy", "-1", "position 2"],
            from_logits=True,
        ),
    ],
    "nll_loss": _bad_labels("nll_loss"),
    "kl_divergence": _bad_classes("kl_divergence"),
    "reduce_loss": [
        B([r(4)], "ValueError", ["reduce_loss", "reduction", "average"], reduction="average"),
        B([r(4), r(3)], "ShapeError", ["reduce_loss", "sample_weight", "[3]", "[4]"]),
        B([r(4), r(4, 2)], "ShapeError", ["reduce_loss", "sample_weight", "[4, 2]"]),
        B([ints(4)], "DTypeError", ["reduce_loss", "values", "int32"]),
    ],
    "softmax_cross_entropy": [
        B([ints(3, low=0, high=3), r(4, 3)], "ShapeError", ["softmax_cross_entropy", "y_true", "[3]"]),
        B([r(4, 2), r(4, 3)], "ShapeError", ["softmax_cross_entropy", "y_true", "[4, 2]"]),
        B([const([0, 9], "int32"), r(2, 3)], "IndexError", ["softmax_cross_entropy", "9", "position 1"]),
        B([ints(4, low=0, high=3), r(4, 3)], "ValueError", ["softmax_cross_entropy", "label_smoothing", "2"], label_smoothing=2.0),
    ],
    "softmax_cross_entropy_grad": [
        B([ints(4, low=0, high=3), r(4, 3), r(3), r(4)], "ShapeError", ["softmax_cross_entropy_grad", "lse", "[3]"]),
        B([ints(4, low=0, high=3), r(4, 3), r(4), r(4, 1)], "ShapeError", ["softmax_cross_entropy_grad", "dloss", "[4, 1]"]),
    ],
    "pick_class": [
        B([r(4, 3), ints(3, low=0, high=3)], "ShapeError", ["pick_class", "labels", "[3]"]),
        B([r(2, 3), const([0, -1], "int32")], "IndexError", ["pick_class", "-1", "position 1"]),
        B([r(2, 3), r(2)], "DTypeError", ["pick_class", "labels", "float32"]),
    ],
    "pick_class_grad": [
        B([r(2), const([0, 3], "int32")], "IndexError", ["pick_class_grad", "3", "position 1"], classes=3),
        B([r(2), ints(2, low=0, high=1)], "ValueError", ["pick_class_grad", "classes", "0"], classes=0),
        B([r(2), ints(3, low=0, high=1)], "ShapeError", ["pick_class_grad", "[2]", "[3]"], classes=3),
    ],
}
