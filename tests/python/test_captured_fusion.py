"""Elementwise layers behind products and convolutions run in their steps: model.plan() shows it, and the bits are those of run_eagerly=True."""

from __future__ import annotations

import numpy as np
import pytest

import nacre as nc

pytestmark = pytest.mark.usefixtures("threads_kept")

L = nc.layers
RNG = np.random.default_rng(0)


def dense():
    x = nc.Input((41,))
    h = L.Dense(129, activation="gelu")(x)
    h = L.Add()([L.Dense(129)(x), L.Dropout(0.3)(L.Dense(129, activation="silu")(h))])
    return nc.Model(x, L.Dense(4)(L.Dropout(0.2)(L.Dense(300, activation="tanh")(h))))


def sequence():
    x = nc.Input((9, 33))
    h = L.Dense(64)(x)
    for _ in range(2):
        y = L.Dense(132, activation="gelu")(L.LayerNormalization()(h))
        h = L.Add()([h, L.Dropout(0.1)(L.Dense(64)(y))])
    return nc.Model(x, L.Dense(4)(L.GlobalAveragePooling1D()(h)))


def convolutions():
    x = nc.Input((11, 13, 3))
    h = L.Conv2D(18, 3, padding="same", activation="relu")(x)
    h = L.ReLU()(L.Add()([h, L.Conv2D(18, 3, padding="same")(h)]))
    h = L.Activation("silu")(L.Conv2D(16, 3, strides=2)(h))
    h = L.Activation("gelu")(L.DepthwiseConv2D(3, padding="same", use_bias=False)(h))
    h = L.Dropout(0.3)(L.Conv2D(24, 1, activation="tanh")(h))
    return nc.Model(x, L.Dense(4)(L.Flatten()(h)))


def normalised():
    x = nc.Input((10, 10, 8))
    h = L.ReLU()(L.BatchNormalization()(L.Conv2D(16, 3, padding="same", use_bias=False)(x)))
    y = L.BatchNormalization()(L.Conv2D(16, 3, padding="same", use_bias=False)(h))
    h = L.ReLU()(L.Add()([y, L.Conv2D(16, 1)(x)]))
    return nc.Model(x, L.Dense(4)(L.GlobalAveragePooling2D()(h)))


CASES = {
    "dense": (
        dense,
        (41,),
        ["dense+silu+dropout+add", "dense+gelu", "dense+tanh+dropout", "matmul+dropout+tanh_grad", "matmul+gelu_grad"],
    ),
    "sequence": (sequence, (9, 33), ["dense+gelu", "dense+dropout+add", "matmul+gelu_grad"]),
    "convolutions": (
        convolutions,
        (11, 13, 3),
        ["conv2d_nhwc+add+relu", "conv2d_nhwc+silu", "conv2d_nhwc+gelu", "conv2d_nhwc+tanh+dropout", "conv2d_dx+gelu_grad"],
    ),
    "normalised": (normalised, (10, 10, 8), ["batch_norm_training+relu", "batch_norm_training+add+relu"]),
}


def train(build, shape, *, run_eagerly, threads):
    nc.utils.set_random_seed(5)
    nc.set_num_threads(threads)
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(150, *shape)).astype("float32"), rng.integers(0, 4, 150)
    model = build()
    model.compile("adam", nc.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=run_eagerly)
    history = model.fit(x, y, batch_size=64, epochs=2, verbose=0)  # the last batch has 22 rows
    scores = model.evaluate(x, y, batch_size=40, verbose=0)
    return [
        np.asarray(history.history["loss"]),
        np.asarray(scores),
        *model.get_weights(),
        model.predict(x, batch_size=64, verbose=0),
    ]


@pytest.mark.parametrize("case", CASES)
def test_fused_is_eager_on_any_number_of_threads(case):
    build, shape, _ = CASES[case]
    eager = train(build, shape, run_eagerly=True, threads=1)
    for threads in (1, 2, 3):
        for one, other in zip(eager, train(build, shape, run_eagerly=False, threads=threads), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("case", CASES)
def test_the_plan_shows_the_steps(case):
    build, shape, steps = CASES[case]
    model = build()
    model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    text = []
    x, y = RNG.normal(size=(64, *shape)).astype("float32"), RNG.integers(0, 4, 64)
    model.plan(x, y, print_fn=text.append)
    for step in steps:
        assert f" {step}" in text[0], text[0]
    for line in text[0].split("\n"):  # what a product makes lies where its chain leaves the result
        if "matmul+gelu_grad" in line:
            assert line.split(" -> ")[1].count("float32") == 1, line
