"""Update rules against their formulas, written out in NumPy float64, and the variants that TOPICS section 4 tells apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nacre as nc

STEPS = 5


def gradients(shape=(3, 4)):
    rng = np.random.default_rng(1)
    return [rng.standard_normal(shape) for _ in range(STEPS)]


def run(optimizer, start, grads, rates=None):
    """The weights after each step."""
    w = nc.Tensor(start, dtype="float64", requires_grad=True)
    path = []
    for i, g in enumerate(grads):
        if rates:
            optimizer.learning_rate = rates[i]
        optimizer.apply([nc.Tensor(g, dtype="float64")], [w])
        path.append(w.numpy().copy())
    return path


def start():
    return np.random.default_rng(0).standard_normal((3, 4))


def sgd(w, grads, lr=0.01, mu=0.0, nesterov=False, lr_in_velocity=True, rates=None, decay=0.0):
    v, path = np.zeros_like(w), []
    for i, g in enumerate(grads):
        eta = rates[i] if rates else lr
        w = w - eta * decay * w
        if lr_in_velocity:
            v = mu * v - eta * g
            w = w + (mu * v - eta * g if nesterov else v)
        else:
            v = mu * v + g
            w = w - eta * (g + mu * v if nesterov else v)
        path.append(w)
    return path


def adam(w, grads, lr=0.001, b1=0.9, b2=0.999, eps=1e-8, correct=True, decay=0.0, amsgrad=False):
    m, v, top, path = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(grads, 1):
        w = w - lr * decay * w
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        top = np.maximum(top, v)
        second = top if amsgrad else v
        m_hat = m / (1 - b1**t) if correct else m
        v_hat = second / (1 - b2**t) if correct else second
        w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
        path.append(w)
    return path


def rmsprop(w, grads, lr=0.001, rho=0.9, eps=1e-7, inside=True, centered=False, mu=0.0):
    s, a, v, path = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), []
    for g in grads:
        s, a = rho * s + (1 - rho) * g * g, rho * a + (1 - rho) * g
        d = s - a * a if centered else s
        step = lr * g / (np.sqrt(d + eps) if inside else np.sqrt(d) + eps)
        v = mu * v + step
        w = w - (v if mu else step)
        path.append(w)
    return path


def adagrad(w, grads, lr=0.001, first=0.1, eps=1e-7):
    s, path = np.full_like(w, first), []
    for g in grads:
        s = s + g * g
        w = w - lr * g / np.sqrt(s + eps)
        path.append(w)
    return path


CASES = [
    ("sgd", nc.optimizers.SGD(), sgd, {}),
    ("momentum", nc.optimizers.SGD(0.1, momentum=0.9), sgd, {"lr": 0.1, "mu": 0.9}),
    ("nesterov", nc.optimizers.SGD(0.1, momentum=0.9, nesterov=True), sgd, {"lr": 0.1, "mu": 0.9, "nesterov": True}),
    ("pytorch momentum", nc.optimizers.SGD(0.1, momentum=0.9, lr_in_velocity=False), sgd, {"lr": 0.1, "mu": 0.9, "lr_in_velocity": False}),
    ("pytorch nesterov", nc.optimizers.SGD(0.1, momentum=0.9, nesterov=True, lr_in_velocity=False), sgd,
     {"lr": 0.1, "mu": 0.9, "nesterov": True, "lr_in_velocity": False}),
    ("sgd decay", nc.optimizers.SGD(0.1, weight_decay=0.2), sgd, {"lr": 0.1, "decay": 0.2}),
    ("adam", nc.optimizers.Adam(), adam, {}),
    ("adam without correction", nc.optimizers.Adam(bias_correction=False), adam, {"correct": False}),
    ("amsgrad", nc.optimizers.Adam(amsgrad=True), adam, {"amsgrad": True}),
    ("adamw", nc.optimizers.AdamW(), adam, {"decay": 0.004}),
    ("rmsprop", nc.optimizers.RMSprop(), rmsprop, {}),
    ("rmsprop outside", nc.optimizers.RMSprop(epsilon=1e-2, epsilon_mode="outside"), rmsprop, {"eps": 1e-2, "inside": False}),
    ("rmsprop centered", nc.optimizers.RMSprop(centered=True, epsilon=1e-3), rmsprop, {"centered": True, "eps": 1e-3}),
    ("rmsprop momentum", nc.optimizers.RMSprop(momentum=0.9), rmsprop, {"mu": 0.9}),
    ("adagrad", nc.optimizers.Adagrad(), adagrad, {}),
]  # fmt: skip


@pytest.mark.parametrize(("optimizer", "rule", "options"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_rule(optimizer, rule, options):
    grads = gradients()
    got = run(type(optimizer).from_config(optimizer.get_config()), start(), grads)
    for a, b in zip(got, rule(start(), grads, **options), strict=True):
        # The kernels add the same numbers in another order: a few roundings of float64.
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_momentum_forms_agree_until_the_rate_changes():
    grads = gradients()
    inside, outside = nc.optimizers.SGD(0.1, momentum=0.9), nc.optimizers.SGD(0.1, momentum=0.9, lr_in_velocity=False)
    np.testing.assert_allclose(run(inside, start(), grads)[-1], run(outside, start(), grads)[-1], rtol=1e-12)
    rates = [0.1, 0.1, 0.001, 0.001, 0.001]
    inside, outside = nc.optimizers.SGD(0.1, momentum=0.9), nc.optimizers.SGD(0.1, momentum=0.9, lr_in_velocity=False)
    a, b = run(inside, start(), grads, rates)[-1], run(outside, start(), grads, rates)[-1]
    assert np.abs(a - b).max() > 0.01
    np.testing.assert_allclose(a, sgd(start(), grads, mu=0.9, rates=rates)[-1], rtol=1e-12)
    np.testing.assert_allclose(b, sgd(start(), grads, mu=0.9, rates=rates, lr_in_velocity=False)[-1], rtol=1e-12)


def quadratic(w):
    return (w * w * nc.Tensor([1.0, 10.0], dtype="float64")).sum() * 0.5


def walk(optimizer, steps=8):
    """Weights after each step on a quadratic, and the points where gradients were taken."""
    w = nc.Tensor([1.0, 1.0], dtype="float64", requires_grad=True)
    optimizer.build([w])
    path, points = [], []
    for _ in range(steps):
        optimizer.look_ahead()
        points.append(w.numpy().copy())
        quadratic(w).backward()
        optimizer.step()
        optimizer.zero_grad()
        path.append(w.numpy().copy())
    return path, points


def test_nesterov_is_the_look_ahead_seen_from_its_point():
    mu, lr = 0.9, 0.02
    h = np.array([1.0, 10.0])
    theta, rho, wanted, ahead = np.ones(2), np.zeros(2), [], []
    for _ in range(8):
        ahead.append(theta + mu * rho)
        rho = mu * rho - lr * h * (theta + mu * rho)
        theta = theta + rho
        wanted.append(theta)
    path, points = walk(nc.optimizers.SGD(lr, momentum=mu, nesterov="lookahead"))
    np.testing.assert_allclose(path, wanted, rtol=1e-12)
    np.testing.assert_allclose(points, ahead, rtol=1e-12)
    plain, _ = walk(nc.optimizers.SGD(lr, momentum=mu, nesterov=True))
    np.testing.assert_allclose(
        plain, [t + mu * (t - b) for t, b in zip(wanted, [np.ones(2), *wanted[:-1]], strict=True)], rtol=1e-12
    )
    assert np.abs(np.array(plain) - np.array(wanted)).max() > 0.01


def test_first_adam_step_is_the_rate():
    g = [np.full((2,), 0.3)]
    corrected = run(nc.optimizers.Adam(0.01), np.zeros(2), g)[0]
    raw = run(nc.optimizers.Adam(0.01, bias_correction=False), np.zeros(2), g)[0]
    # epsilon = 1e-8 beside sqrt(v) = 0.3 sqrt(0.001) = 0.0095 changes the seventh digit.
    np.testing.assert_allclose(corrected, -0.01, rtol=2e-6)
    np.testing.assert_allclose(raw / corrected, 0.1 / np.sqrt(0.001), rtol=2e-6)  # 3.162


def test_adagrad_of_the_lectures_leaves_a_zero_gradient_alone():
    optimizer = nc.optimizers.Adagrad(0.1, initial_accumulator_value=0.0, epsilon=0.0)
    path = run(optimizer, np.ones(2), [np.array([0.0, 2.0])])
    np.testing.assert_allclose(path[0], [1.0, 0.9])


def test_decay_masks():
    kernel, bias = (nc.Tensor(np.ones(2), dtype="float64", requires_grad=True) for _ in range(2))

    class Named:
        def __init__(self, name, value):
            self.name, self.value = name, value

    variables = [Named("dense/kernel", kernel), Named("dense/bias", bias)]
    zero = nc.Tensor(np.zeros(2), dtype="float64")
    for options, bias_after in (
        ({}, 0.95),
        ({"weight_decay_mask": "kernels"}, 1.0),
        ({"exclude_from_weight_decay": ["bias"]}, 1.0),
    ):
        kernel.assign(np.ones(2))
        bias.assign(np.ones(2))
        nc.optimizers.SGD(0.1, weight_decay=0.5, **options).apply([zero, zero], variables)
        np.testing.assert_allclose(kernel.numpy(), 0.95)
        np.testing.assert_allclose(bias.numpy(), bias_after)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("options", "applied"),
    [
        ({}, ([3.0, 4.0], [0.0, 12.0])),
        ({"clipnorm": 1.0}, ([0.6, 0.8], [0.0, 1.0])),  # each variable alone, as Keras
        ({"global_clipnorm": 1.0}, ([3 / 13, 4 / 13], [0.0, 12 / 13])),  # the formula of the lectures
        ({"global_clipnorm": 14.0}, ([3.0, 4.0], [0.0, 12.0])),
        ({"clipvalue": 3.5}, ([3.0, 3.5], [0.0, 3.5])),
    ],
)
def test_clipping(options, applied, dtype):
    variables = [nc.Tensor(np.zeros(2), dtype=dtype, requires_grad=True) for _ in range(2)]
    grads = [nc.Tensor([3.0, 4.0], dtype=dtype), nc.Tensor([0.0, 12.0], dtype=dtype)]
    nc.optimizers.SGD(1.0, **options).apply(grads, variables)
    for variable, expected in zip(variables, applied, strict=True):
        np.testing.assert_allclose(-variable.numpy(), expected, rtol=1e-6)  # a few roundings of float32


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm", "clipvalue"])
def test_clipping_leaves_zero_alone_and_keeps_nan(option):
    w = nc.Tensor([1.0, 2.0], requires_grad=True)
    nc.optimizers.SGD(1.0, **{option: 1.0}).apply([nc.zeros((2,))], [w])
    assert w.tolist() == [1.0, 2.0]
    nc.optimizers.SGD(1.0, **{option: 1.0}).apply([nc.Tensor([math.nan, 0.0])], [w])
    assert math.isnan(w.tolist()[0])


def test_clipping_with_decay_and_momentum():
    """The decay is of the variable, so it is not clipped; the velocity holds clipped gradients."""
    w = nc.Tensor([10.0], dtype="float64", requires_grad=True)
    optimizer = nc.optimizers.SGD(0.5, momentum=0.5, weight_decay=0.1, clipvalue=2.0)
    p, v = 10.0, 0.0
    for g in (7.0, -9.0, 1.0):
        optimizer.apply([nc.Tensor([g], dtype="float64")], [w])
        v = 0.5 * v - 0.5 * min(2.0, max(-2.0, g))
        p = p * (1 - 0.5 * 0.1) + v
        assert w.item() == pytest.approx(p, rel=1e-15)


def test_variables_side_by_side_update_as_apart():
    """Variables of a model lie in one block after the first step and are updated in one pass: the same bits as one by one."""
    x, y = np.random.default_rng(1).normal(size=(40, 5)).astype("float32"), np.zeros((40, 3), "float32")

    def trained(**layer):
        nc.utils.set_random_seed(3)
        model = nc.Sequential([nc.layers.Dense(7, activation="tanh", **layer), nc.layers.Dense(3)])
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, batch_size=16, verbose=0)
        return model

    together = trained()
    nc.utils.set_random_seed(3)
    apart = nc.Sequential([nc.layers.Dense(7, activation="tanh"), nc.layers.Dense(3)])
    apart.build((None, 5))
    held = [w.detach() for w in apart.trainable_weights]  # seen from outside: these stay where they are
    apart.compile("adam", "mse")
    apart.fit(x, y, epochs=2, batch_size=16, verbose=0)
    for a, b, view in zip(together.get_weights(), apart.get_weights(), held, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(b, view.numpy())


def test_what_lies_between_variables_is_left_alone():
    """Variables and gradients that are parts of a user's arrays: the elements between them are not the optimizer's."""
    values, slopes = np.ones(48, "float32"), np.ones(48, "float32")
    variables = [nc.from_dlpack(values)[a:b] for a, b in ((0, 10), (16, 26), (32, 48))]
    grads = [nc.from_dlpack(slopes)[a:b] for a, b in ((0, 10), (16, 26), (32, 48))]
    optimizer = nc.optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.apply(grads, variables)
    expected = np.full(48, 0.25)
    expected[10:16] = expected[26:32] = 1
    np.testing.assert_array_equal(np.concatenate([v.numpy() for v in variables]), np.full(36, 0.25))
    np.testing.assert_array_equal(values, expected)


def test_loop_of_the_lectures():
    w = nc.Tensor([2.0], requires_grad=True)
    optimizer = nc.optimizers.SGD(0.25)
    optimizer.build([w])
    for _ in range(2):
        loss = (w * w).sum()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert w.item() == 0.5  # 2 -> 1 -> 0.5, exact in binary
    assert w.grad is None
    assert optimizer.iterations == 2


def test_apply_gradients_and_none():
    a, b = nc.Tensor([1.0], requires_grad=True), nc.Tensor([1.0], requires_grad=True)
    nc.optimizers.SGD(0.5).apply_gradients([(nc.Tensor([1.0]), a), (None, b)])
    assert a.item() == 0.5
    assert b.item() == 1.0


def test_update_is_seen_by_saved_values():
    w = nc.Tensor([1.0], requires_grad=True)
    y = (w * w).sum()
    nc.optimizers.SGD().apply([nc.Tensor([1.0])], [w])
    with pytest.raises(nc.errors.StateError, match="changed in place"):
        y.backward()


BAD = [
    (lambda: nc.optimizers.Adam(-0.001), "Adam: learning_rate must be > 0 and finite, got -0.001."),
    (lambda: nc.optimizers.SGD(momentum=1.5), "SGD: momentum must be at least 0 and below 1, got 1.5."),
    (lambda: nc.optimizers.SGD(nesterov=True), "nesterov needs momentum"),
    (lambda: nc.optimizers.SGD(momentum=0.9, nesterov="ahead"), "'lookahead', got \"ahead\""),
    (lambda: nc.optimizers.RMSprop(epsilon_mode="beside"), "epsilon_mode must be 'inside' or 'outside', got 'beside'"),
    (lambda: nc.optimizers.Adam(lr=0.1), "Adam: unknown argument 'lr'. Known: learning_rate"),
    (lambda: nc.optimizers.Adam(weight_decay_mask="some"), "weight_decay_mask must be 'all' or 'kernels', got 'some'"),
    (lambda: nc.optimizers.SGD().step(), "build"),
    (lambda: nc.optimizers.Adam(clipnorm=0.0), "Adam: clipnorm must be > 0 and finite, got 0."),
    (lambda: nc.optimizers.Adam(clipvalue=math.inf), "Adam: clipvalue must be finite, got inf."),
    (
        lambda: nc.optimizers.SGD(clipnorm=1.0, clipvalue=1.0),
        "SGD: only one of clipnorm, clipvalue and global_clipnorm can be given, got 2.",
    ),
    (
        lambda: nc.optimizers.SGD().apply([nc.ones((2,))], [nc.Tensor([1.0, 2.0, 3.0], requires_grad=True)]),
        r"[2] and dtype float32, the variable [3]",
    ),
    (lambda: nc.optimizers.get("adamm"), "unknown optimizer 'adamm'. Known: SGD"),
]


@pytest.mark.parametrize(("call", "words"), BAD, ids=[b[1][:30] for b in BAD])
def test_messages(call, words):
    with pytest.raises((ValueError, TypeError, RuntimeError)) as error:
        call()
    assert words in str(error.value)


def test_repr_and_config():
    optimizer = nc.optimizers.Adam(0.01, beta_1=0.8)
    assert repr(optimizer) == "Adam(learning_rate=0.01, beta_1=0.8)"
    assert repr(nc.optimizers.Adam.from_config(optimizer.get_config())) == repr(optimizer)
    assert nc.optimizers.get({"class_name": "Adam", "config": {"learning_rate": 0.5}}).learning_rate == 0.5
