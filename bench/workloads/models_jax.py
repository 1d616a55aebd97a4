"""The models as functions for JAX. Parameters are models.py's weights; batch norms keep their running statistics in a state of their own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .models import (
    BATCH_NORM_MOMENTUM,
    BETA_1,
    BETA_2,
    DECAY,
    EPSILON,
    MOMENTUM,
    NORM_EPSILON,
    Sizes,
    Spec,
    Weights,
    resnet20_blocks,
    resnet50_blocks,
)


def split(weights: Weights, norms: set[str]) -> tuple[Any, Any]:
    """Trained parameters, and the running statistics of the batch norms."""
    trained = {n: [jnp.asarray(a) for a in (v[:2] if n in norms else v)] for n, v in weights.items()}
    return trained, {n: [jnp.asarray(a) for a in weights[n][2:]] for n in norms}


def dense(p: Any, x: Any) -> Any:
    return x @ p[0] + p[1] if len(p) > 1 else x @ p[0]


def conv(p: Any, x: Any, stride: int = 1, padding: str = "SAME") -> Any:
    y = jax.lax.conv_general_dilated(x, p[0], (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return y + p[1] if len(p) > 1 else y


def batch_norm(p: Any, name: str, x: Any, state: Any, new: Any, training: bool) -> Any:
    if training:
        mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
        m = BATCH_NORM_MOMENTUM
        new[name] = [m * old + (1 - m) * now for old, now in zip(state[name], (mean, var), strict=True)]
    else:
        mean, var = state[name]
    return (x - mean) * (p[name][0] * jax.lax.rsqrt(var + NORM_EPSILON)) + p[name][1]


def layer_norm(p: Any, x: Any) -> Any:
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + NORM_EPSILON) * p[0] + p[1]


def max_pool(x: Any, size: int, stride: int, padding: str = "VALID") -> Any:
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, size, size, 1), (1, stride, stride, 1), padding)


def forward(model: str, h: Sizes, p: Any, state: Any, x: Any, key: Any = None, loss: str = "sparse") -> tuple[Any, Any]:
    """Result and new state; training when a key is given, with dropout when it is not False."""
    training = key is not None
    new: dict[str, Any] = {}
    if model == "mlp":
        last = len(h["sizes"]) - 2
        for i in range(last):
            x = jax.nn.relu(dense(p[f"d{i}"], x))
        x = dense(p[f"d{last}"], x)
        return (jax.nn.sigmoid(x) if loss == "binary" else x), new
    if model == "lenet":
        x = max_pool(jax.nn.relu(conv(p["c0"], x, padding="VALID")), 2, 2)
        x = max_pool(jax.nn.relu(conv(p["c1"], x, padding="VALID")), 2, 2)
        x = jax.nn.relu(dense(p["d0"], x.reshape(x.shape[0], -1)))
        if training and key is not False:
            x = jnp.where(jax.random.bernoulli(key, 0.5, x.shape), x * 2, 0)
        return dense(p["d1"], x), new
    if model in ("resnet20", "resnet50"):
        return resnet(model == "resnet50", h, p, state, x, training)
    x = p["tokens"][0][x]
    if model == "lstm":
        return dense(p["head"], lstm(p["lstm"], x)), new
    x = x + p["positions"][0]
    for i in range(h["layers"]):
        x = x + attention(p[f"b{i}_attention"], layer_norm(p[f"b{i}_n0"], x), h["heads"])
        y = jax.nn.gelu(dense(p[f"b{i}_d0"], layer_norm(p[f"b{i}_n1"], x)), approximate=False)
        x = x + dense(p[f"b{i}_d1"], y)
    return dense(p["head"], layer_norm(p["final_norm"], x)), new


def resnet(deep: bool, h: Sizes, p: Any, state: Any, x: Any, training: bool) -> tuple[Any, Any]:
    new: dict[str, Any] = {}

    def part(x: Any, name: str, number: str, stride: int = 1, relu: bool = True) -> Any:
        y = batch_norm(p, f"{name}_n{number}", conv(p[f"{name}_c{number}"], x, stride), state, new, training)
        return jax.nn.relu(y) if relu else y

    x = jax.nn.relu(batch_norm(p, "stem_bn", conv(p["stem"], x, 2 if deep else 1), state, new, training))
    if deep:
        x = max_pool(x, 3, 2, "SAME")
        blocks = [(n, [1, s, 1], a != o, s) for n, a, _, o, s in resnet50_blocks(h)]
    else:
        blocks = [(n, [s, 1], a != o, s) for n, a, o, s in resnet20_blocks(h)]
    for name, strides, projected, stride in blocks:
        y = x
        for i, step in enumerate(strides):
            y = part(y, name, str(i), step, relu=i < len(strides) - 1)
        x = jax.nn.relu(y + (part(x, name, "s", stride, relu=False) if projected else x))
    return dense(p["head"], x.mean((1, 2))), new


def lstm(p: Any, x: Any) -> Any:
    kernel, recurrent, bias = p
    inputs = (x @ kernel + bias).transpose(1, 0, 2)  # hoisted over all steps
    zeros = jnp.zeros((x.shape[0], recurrent.shape[0]))

    def step(carry: Any, z: Any) -> Any:
        hidden, cell = carry
        i, f, g, o = jnp.split(z + hidden @ recurrent, 4, axis=-1)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    return jax.lax.scan(step, (zeros, zeros), inputs)[1].transpose(1, 0, 2)


def attention(p: Any, x: Any, heads: int) -> Any:
    b, t, d = x.shape
    kernel = jnp.concatenate([p[i].reshape(d, d) for i in (0, 2, 4)], axis=1)
    bias = jnp.concatenate([p[i].reshape(d) for i in (1, 3, 5)])
    q, k, v = ((x @ kernel + bias).reshape(b, t, 3, heads, d // heads)[:, :, i] for i in range(3))
    y = jax.nn.dot_product_attention(q, k, v, is_causal=True)
    return y.reshape(b, t, d) @ p[6].reshape(d, d) + p[7]


def loss_of(spec: Spec, y: Any, target: Any) -> Any:
    if spec.loss == "binary":
        y = jnp.clip(y, 1e-7, 1 - 1e-7)
        return -(target * jnp.log(y) + (1 - target) * jnp.log(1 - y)).mean()
    return -jnp.take_along_axis(jax.nn.log_softmax(y), target[..., None], -1).mean()


def initial(spec: Spec, trained: Any) -> Any:
    """Optimizer state: step count and moments."""
    zeros = jax.tree.map(jnp.zeros_like, trained)
    if spec.optimizer == "sgd":
        return ()
    if spec.optimizer == "momentum":
        return zeros
    return jnp.zeros(()), zeros, jax.tree.map(jnp.zeros_like, trained)


def update(spec: Spec, trained: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
    rate = spec.rate
    if spec.optimizer == "sgd":
        return jax.tree.map(lambda p, g: p - rate * g, trained, gradients), state
    if spec.optimizer == "momentum":
        state = jax.tree.map(lambda v, g: MOMENTUM * v - rate * g, state, gradients)
        return jax.tree.map(lambda p, v: p + v, trained, state), state
    t, first, second = state[0] + 1, state[1], state[2]
    first = jax.tree.map(lambda m, g: BETA_1 * m + (1 - BETA_1) * g, first, gradients)
    second = jax.tree.map(lambda v, g: BETA_2 * v + (1 - BETA_2) * g * g, second, gradients)
    a, b = 1 / (1 - BETA_1**t), 1 / (1 - BETA_2**t)
    decay = rate * DECAY if spec.optimizer == "adamw" else 0.0
    trained = jax.tree.map(lambda p, m, v: p * (1 - decay) - rate * (m * a) / (jnp.sqrt(v * b) + EPSILON), trained, first, second)
    return trained, (t, first, second)


def make_step(spec: Spec, dropout: bool = True) -> Any:
    """(carry, x, target) -> (carry, loss), carry = (trained, norm state, optimizer state, key)."""

    def step(carry: Any, x: Any, target: Any) -> Any:
        trained, norms, state, key = carry
        key, now = jax.random.split(key) if dropout and spec.model == "lenet" else (key, False)

        def objective(trained: Any) -> Any:
            y, new = forward(spec.model, spec.sizes, trained, norms, x, now, spec.loss)
            return loss_of(spec, y, target), new

        (loss, norms), gradients = jax.value_and_grad(objective, has_aux=True)(trained)
        trained, state = update(spec, trained, gradients, state)
        return (trained, norms, state, key), loss

    return step
