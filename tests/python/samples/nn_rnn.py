"""Samples of the recurrent ops, and their NumPy reference: Keras's equations, one step after the other.

The references of the fused gradients take the derivative of the same loops by complex steps, f'(x) = Im f(x + ih) / h with h = 1e-30: exact
to rounding and independent of how the gradient is computed. So the activations must not conjugate or take absolute values.
"""

from __future__ import annotations

import numpy as np

from . import SIZES, B, S, const, r

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.where(np.real(x) > 0, x, 0),
    "tanh": np.tanh,
    "sigmoid": lambda x: (1 + np.tanh(x / 2)) / 2,
    "hard_sigmoid": lambda x: np.where(np.real(x) <= -3, 0, np.where(np.real(x) >= 3, 1, x / 6 + 0.5)),
}


def _walk(x, h, c, mask, go_backwards, units, step):
    """The loop over time: step(x_t, h, c) gives h, c and what is saved. Every array may have an axis in front: of variants."""
    n, steps = x.shape[-3:-1]
    zeros = np.zeros((n, units))
    h, c, last = zeros if h is None else h, zeros if c is None else c, zeros
    outputs, saved = [], []
    for t in reversed(range(steps)) if go_backwards else range(steps):
        live = np.ones((n, 1), bool) if mask is None else mask[:, t, None]
        new_h, new_c, parts = step(x[..., t, :], h, c)
        last, h = np.where(live, new_h, last), np.where(live, new_h, h)
        if new_c is not None:
            c = np.where(live, new_c, c)
            parts = [*parts, c]
        outputs.append(last)
        if parts:
            saved.append(np.concatenate(np.broadcast_arrays(*parts), axis=-1))
    y = np.stack(np.broadcast_arrays(*outputs), axis=-2) if outputs else np.zeros((n, 0, units))
    return y, h, c, saved


def _saved(saved, n, width):
    return np.stack(np.broadcast_arrays(*saved)) if saved else np.zeros((0, n, width))


def simple_rnn(x, w, u, b=None, h=None, mask=None, activation="tanh", go_backwards=False):
    f = ACTIVATIONS[activation]
    b = 0 if b is None else b[..., None, :]
    y, h, _, _ = _walk(x, h, None, mask, go_backwards, u.shape[-2], lambda x, h, _: (f(x @ w + b + h @ u), None, []))
    return y, h


def gru(
    x, w, u, b=None, h=None, mask=None, activation="tanh", recurrent_activation="sigmoid", go_backwards=False, reset_after=True
):
    f, s, n = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation], u.shape[-2]
    b = np.zeros((2, 3 * n) if reset_after else 3 * n) if b is None else b
    bx, bh = (b[..., :1, :], b[..., 1:, :]) if reset_after else (b[..., None, :], np.zeros((1, 3 * n)))
    update, reset, candidate = slice(0, n), slice(n, 2 * n), slice(2 * n, 3 * n)

    def step(x, h, _):
        a = x @ w + bx
        z = s(a[..., update] + h @ u[..., update] + bh[..., update])
        r = s(a[..., reset] + h @ u[..., reset] + bh[..., reset])
        if reset_after:
            q = h @ u[..., candidate] + bh[..., candidate]
            new = f(a[..., candidate] + r * q)
            return z * h + (1 - z) * new, None, [z, r, new, q]
        new = f(a[..., candidate] + (r * h) @ u[..., candidate])
        return z * h + (1 - z) * new, None, [z, r, new]

    y, h, _, saved = _walk(x, h, None, mask, go_backwards, n, step)
    return y, h, _saved(saved, x.shape[-3], (4 if reset_after else 3) * n)


def lstm(x, w, u, b=None, h=None, c=None, mask=None, activation="tanh", recurrent_activation="sigmoid", go_backwards=False):
    f, s, n = ACTIVATIONS[activation], ACTIVATIONS[recurrent_activation], u.shape[-2]
    b = 0 if b is None else b[..., None, :]

    def step(x, h, c):
        i, forget, g, o = np.split(x @ w + b + h @ u, 4, axis=-1)
        i, forget, g, o = s(i), s(forget), f(g), s(o)
        c = forget * c + i * g
        return o * f(c), c, [i, forget, g, o]

    y, h, c, saved = _walk(x, h, c, mask, go_backwards, n, step)
    return y, h, c, _saved(saved, x.shape[-3], 5 * n)


def _complex_steps(forward, inputs, gradients):
    """d sum(g * y) / d(each input) for the outputs y of forward and given g, all elements of an input at once."""
    found = []
    for k, x in enumerate(inputs):
        moved = x + 1e-30j * np.eye(x.size).reshape(x.size, *x.shape)
        d = np.zeros(x.size)
        for g, y in zip(gradients, forward(*inputs[:k], moved, *inputs[k + 1 :]), strict=False):
            if g is not None:
                d += np.imag(np.broadcast_to(y, (x.size, *g.shape)) * g).reshape(x.size, g.size).sum(axis=1) / 1e-30
        found.append(d.reshape(x.shape))
    return found


def _gradient(forward, x, w, u, bias_shape, states, mask, dys, need_x, **attrs):
    zeros = [np.zeros((len(x), len(u))) if s is None else s for s in states]
    # A bias of zeros stands for one that the gradient op does not get: its derivative is taken at the saved values all the same.
    found = _complex_steps(
        lambda x, w, u, b, *s: forward(x, w, u, b, *s, mask, **attrs), [x, w, u, np.zeros(bias_shape), *zeros], dys
    )
    return [*([found[0]] if need_x else [np.zeros(0)]), *found[1:]]


def simple_rnn_grad(x, w, u, h, mask, y, dy=None, dh=None, need_x=True, **attrs):
    return _gradient(simple_rnn, x, w, u, w.shape[1], [h], mask, [dy, dh], need_x, **attrs)


def gru_grad(x, w, u, h, mask, y, saved, dy=None, dh=None, need_x=True, reset_after=True, **attrs):
    shape = (2, w.shape[1]) if reset_after else w.shape[1]
    return _gradient(gru, x, w, u, shape, [h], mask, [dy, dh], need_x, reset_after=reset_after, **attrs)


def lstm_grad(x, w, u, h, c, mask, y, saved, dy=None, dh=None, dc=None, need_x=True, **attrs):
    return _gradient(lstm, x, w, u, w.shape[1], [h, c], mask, [dy, dh, dc], need_x, **attrs)


# ---- samples ----

_N, _T, _D, _U = 3, 4, 2, 3
# Row 1 begins with hidden steps, row 2 has none that counts.
_MASK = const(np.array([[True, False, True, False], [False, True, True, False], [False] * 4]))
_REVERSED = const(np.array([[False, True, False, True], [False, True, True, False], [False] * 4]))


def _inputs(gates, n=_N, t=_T, d=_D, u=_U, bias=False, h=False, c=False, mask=None, rows=None, low=-1.0, high=1.0):
    """x, kernel, recurrent_kernel, bias, initial_h (, initial_c), mask; without what is absent at the end."""
    wide = gates * u
    b = r(*(() if rows is None else (rows,)), wide, low=low, high=high) if bias else None
    made = [
        r(n, t, d, low=low, high=high),
        r(d, wide, low=low, high=high),
        r(u, wide, low=low, high=high),
        b,
        r(n, u) if h else None,
    ]
    if gates == 4:
        made.append(r(n, u) if c else None)
    made.append(mask)
    while made[-1] is None:
        made.pop()
    return made


def _small(gates, **more):
    """At most 200 numbers, for the gradient."""
    return _inputs(gates, **{"n": 2, "t": 3, "d": 2, "u": 2, **more})


_SMALL_MASK = const(np.array([[True, False, True], [False, True, True]]))


def _common(gates, reference, rows=None):
    b = {"bias": True, "rows": rows}
    return [
        S("plain", _small(gates), reference),
        S("bias", _small(gates, **b), reference),
        S("initial_h", _small(gates, h=True, **b), reference),
        S("mask", _small(gates, h=True, mask=_SMALL_MASK, **b), reference),
        S("mask_no_state", _small(gates, mask=_SMALL_MASK), reference),
        S("go_backwards", _small(gates, mask=_SMALL_MASK, h=True, **b), reference, go_backwards=True),
        S("hides_all", _inputs(gates, h=True, mask=_MASK, **b), reference, gradient=False),  # size
        S("hides_all_backwards", _inputs(gates, h=True, mask=_REVERSED, **b), reference, gradient=False, go_backwards=True),  # size
        S("one_step", _inputs(gates, n=2, t=1, d=2, u=2, h=True), reference),
        S("one_row", _inputs(gates, n=1, t=3, d=2, u=2, h=True), reference),
        S("no_steps", _inputs(gates, n=2, t=0, d=2, u=2, h=True), reference, second=False),  # the second derivative has no path
        S("no_rows", _inputs(gates, n=0, t=3, d=2, u=2), reference),
        S("no_features", _inputs(gates, n=2, t=3, d=0, u=2, **b), reference),
        *[S(f"units_{n}", _inputs(gates, n=4, t=3, d=3, u=n, h=True, **b), reference, gradient=False) for n in SIZES],  # size
        *[S(f"rows_{n}", _inputs(gates, n=n, t=3, d=3, u=5, h=True, **b), reference, gradient=False) for n in SIZES],  # size
        S("many", _inputs(gates, n=70, t=20, d=9, u=33, low=-0.3, high=0.3, **b), reference, gradient=False, atol=2e-6),  # size
    ]


def _activations(gates, reference, rows=None, key="activation", names=ACTIVATIONS):
    kinked = {"relu", "hard_sigmoid"}  # a difference may step over the kink: their gradients are checked by the gradient op
    return [
        S(f"{key}_{name}", _small(gates, h=True, bias=True, rows=rows), reference, gradient=name not in kinked, **{key: name})
        for name in names
    ]


_FORWARD_SAMPLES = {
    "simple_rnn": [*_common(1, simple_rnn), *_activations(1, simple_rnn)],
    "gru": [
        *_common(3, gru, 2),
        *_activations(3, gru, 2),
        *_activations(3, gru, 2, "recurrent_activation"),
        S("reset_before", _small(3, h=True, bias=True), gru, reset_after=False),
        S("reset_before_plain", _small(3), gru, reset_after=False),
        S("reset_before_mask", _small(3, h=True, bias=True, mask=_SMALL_MASK), gru, reset_after=False, go_backwards=True),
        S("reset_before_relu", _small(3, h=True, bias=True), gru, reset_after=False, gradient=False, activation="relu"),
        S("reset_before_many", _inputs(3, n=70, t=20, d=9, u=33, low=-0.3, high=0.3, bias=True), gru, reset_after=False, gradient=False, atol=2e-6),
        *[S(f"reset_before_{n}", _inputs(3, n=5, t=3, d=3, u=n, h=True, bias=True), gru, reset_after=False, gradient=False) for n in SIZES],
    ],
    "lstm": [
        *_common(4, lstm),
        *_activations(4, lstm),
        *_activations(4, lstm, None, "recurrent_activation"),
        S("initial_c", _small(4, c=True, bias=True), lstm),
        S("both_states", _small(4, h=True, c=True, mask=_SMALL_MASK), lstm, go_backwards=True),
        S("states_hide_all", _inputs(4, h=True, c=True, mask=_MASK), lstm, gradient=False),  # size
    ],
}  # fmt: skip


def _grad_inputs(forward, gates, given, n=_N, t=_T, d=_D, u=_U, mask=None, h=True, bias_rows=None, **attrs):
    """Inputs of the gradient op with y and saved as the forward op gives them for these inputs; `given`: which of dy, dh, dc are there."""
    rng = np.random.default_rng([n, t, d, u])
    x, w, k = (rng.uniform(-1, 1, s) for s in ((n, t, d), (d, gates * u), (u, gates * u)))
    states = [rng.uniform(-1, 1, (n, u)) if h else None for _ in range(2 if gates == 4 else 1)]
    m = None if mask is None else mask(rng)
    out = forward(x, w, k, None, *states, m, **attrs)
    saved = [out[-1]] if gates > 1 else []
    dys = [rng.uniform(-1, 1, (n, t, u)), *(rng.uniform(-1, 1, (n, u)) for _ in range(len(states)))]
    dys = [v if name in given else None for name, v in zip(("dy", "dh", "dc"), dys, strict=False)]
    made = [x, w, k, *states, m, out[0], *saved, *dys]
    while made[-1] is None:
        made.pop()
    return [None if v is None else const(v) for v in made]


def _grad_samples(forward, reference, gates, **attrs):
    def sample(label, given=("dy", "dh", "dc"), need_x=True, atol=0.0, options=None, **sizes):
        more = {**attrs, **(options or {})}
        inputs = _grad_inputs(forward, gates, given, **sizes, **more)
        return S(label, inputs, reference, gradient=False, atol=atol, need_x=need_x, **more)

    gate_names = [] if gates == 1 else [name for name in ACTIVATIONS if name != "sigmoid"]
    return [
        sample("plain"),
        sample("no_state", h=False),
        sample("only_dy", given=("dy",)),
        sample("only_dh", given=("dh",)),
        *([sample("only_dc", given=("dc",))] if gates == 4 else []),
        sample("nothing", given=()),
        sample("without_dx", need_x=False),
        sample("mask", mask=_MASK),
        sample("mask_no_state", mask=_MASK, h=False),
        sample("backwards", mask=_REVERSED, options={"go_backwards": True}),
        sample("backwards_no_mask", options={"go_backwards": True}),
        sample("one_step", t=1),
        sample("one_row", n=1),
        sample("no_steps", t=0),
        sample("no_rows", n=0),
        sample("no_features", d=0),
        *[sample(f"units_{u}", n=2, t=2, d=1, u=u) for u in (1, 7, 9, 17)],
        *[sample(f"rows_{n}", n=n, t=3) for n in (7, 13, 17)],
        *[sample(f"activation_{name}", options={"activation": name}) for name in ACTIVATIONS if name != "tanh"],
        *[sample(f"recurrent_activation_{name}", options={"recurrent_activation": name}) for name in gate_names],
    ]


_BEFORE = [
    S(f"reset_before_{s.label}", s.inputs, s.reference, gradient=False, **s.attrs)
    for s in _grad_samples(gru, gru_grad, 3, reset_after=False)
]
_GRAD_SAMPLES = {
    "simple_rnn_grad": _grad_samples(simple_rnn, simple_rnn_grad, 1),
    "gru_grad": [*_grad_samples(gru, gru_grad, 3), *_BEFORE],
    "lstm_grad": _grad_samples(lstm, lstm_grad, 4),
}


def _bad(op, gates):
    x, w, u, wide = r(2, 3, 4), r(4, 5 * gates), r(5, 5 * gates), 5 * gates
    bias = r(2, wide) if gates == 3 else r(wide)
    states = [None] * (2 if gates == 4 else 1)
    return [
        B([r(2, 3), w, u], "ShapeError", [op, "x", "[2, 3]", "[N, T, D]"]),
        B([x, r(4), u], "ShapeError", [op, "kernel", "[4]"]),
        B([x, r(3, wide), u], "ShapeError", [op, "kernel", f"[3, {wide}]", f"[4, {wide}]"]),
        B([x, w, r(4, wide)], "ShapeError", [op, "recurrent_kernel", f"[4, {wide}]"]),
        B([x, w, r(0, 0)], "ShapeError", [op, "recurrent_kernel", "U >= 1", "[0, 0]"]),
        B([x, w, u, r(7)], "ShapeError", [op, "bias", "[7]"]),
        B([x, w, u, bias, r(2, 4)], "ShapeError", [op, "initial_h", "[2, 4]", "[2, 5]"]),
        B([x, w, u, None, *states, r(2, 3)], "DTypeError", [op, "mask", "float32"]),
        B([x, w, u, None, *states, const(np.ones((3, 2), bool))], "ShapeError", [op, "mask", "[3, 2]", "[2, 3]"]),
        B([x, w, u], "ValueError", [op, "activation", "gelu"], activation="gelu"),
        *(
            [B([x, w, u], "ValueError", [op, "recurrent_activation", "softmax"], recurrent_activation="softmax")]
            if gates > 1
            else []
        ),
        *([B([x, w, u, None, None, r(3, 5)], "ShapeError", [op, "initial_c", "[3, 5]"])] if gates == 4 else []),
        *([B([x, w, u, bias], "ShapeError", [op, "bias", "[15]"], reset_after=False)] if gates == 3 else []),
    ]


def _bad_grad(op, gates):
    x, w, u, y = r(2, 3, 4), r(4, 5 * gates), r(5, 5 * gates), r(2, 3, 5)
    states = [None] * (2 if gates == 4 else 1)
    saved = {1: [], 3: [r(3, 2, 20)], 4: [r(3, 2, 25)]}[gates]
    wrong = [B([x, w, u, *states, None, y, r(2, 3, 20)], "ShapeError", [op, "saved", "[2, 3, 20]"])] if gates > 1 else []
    return [
        B([x, w, u, *states, None, r(2, 3, 4), *saved], "ShapeError", [op, "y", "[2, 3, 4]"]),
        B([x, w, u, *states, None, y, *saved, r(2, 5)], "ShapeError", [op, "dy", "[2, 5]"]),
        B([x, w, u, *states, None, y, *saved, y, r(5)], "ShapeError", [op, "dh", "[5]"]),
        *wrong,
    ]


SAMPLES = {**_FORWARD_SAMPLES, **_GRAD_SAMPLES}
BAD = {
    **{name: _bad(name, gates) for name, gates in (("simple_rnn", 1), ("gru", 3), ("lstm", 4))},
    **{f"{name}_grad": _bad_grad(f"{name}_grad", gates) for name, gates in (("simple_rnn", 1), ("gru", 3), ("lstm", 4))},
}
