"""Calls for single batches keep what the last call found out: the results must be those of calls that keep nothing."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from at_once import in_threads

import nacre as nc

L = nc.layers


def rows(n: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 6)).astype("float32"), rng.integers(0, 4, n)


def model(seed: int = 3) -> Any:
    nc.utils.set_random_seed(seed)
    made = nc.Sequential([nc.Input((6,)), L.Dense(8, activation="relu"), L.Dropout(0.5), L.Dense(4)])
    made.compile(nc.optimizers.Adam(0.01), nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    return made


def image_model() -> Any:
    nc.utils.set_random_seed(5)
    return nc.Sequential([nc.Input((8, 8, 16)), L.Conv2D(16, 3, padding="same", activation="relu"), L.GlobalAveragePooling2D()])


def eager(made: Any) -> Any:
    made.run_eagerly = True
    return made


def test_batches_of_several_kinds_in_turn():
    """Sizes, dtypes of x and y, lists and tensors, weights in between: the losses of the eager model."""
    kept, fresh = model(), eager(model())
    for i in range(24):
        x, y = rows((5, 8, 13)[i % 3], i)
        arguments: dict[str, Any] = {}
        if i % 4 == 1:
            x = x.astype("float64")
        if i % 5 == 2:
            y = y.astype("int32")
        if i % 6 == 3:
            x, y = nc.asarray(x), nc.asarray(y)
        if i % 7 == 4:
            x, y = x.tolist(), y.tolist()
        if i % 8 == 5:
            arguments["sample_weight"] = np.linspace(0.5, 2, len(y)).astype("float32")
        if i % 9 == 6:
            arguments["class_weight"] = {0: 2.0}
        assert kept.train_on_batch(x, y, **arguments) == fresh.train_on_batch(x, y, **arguments), i
    for a, b in zip(kept.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_metrics_are_those_of_the_batch_alone():
    nc.utils.set_random_seed(3)
    made = nc.Sequential([nc.Input((6,)), L.Dense(8, activation="relu"), L.Dense(4)])
    made.compile("adam", nc.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    for i in range(4):
        x, y = rows(10, i)
        expected = made.evaluate(x, y, verbose=0)  # without dropout training gives what evaluation gives, before its update
        assert made.train_on_batch(x, y) == expected
    assert set(made.train_on_batch(x, y, return_dict=True)) == {"loss", "accuracy"}


def test_changes_between_two_calls_are_seen():
    x, y = rows(8)
    made = model()
    made.train_on_batch(x, y)
    made.train_on_batch(x, y)
    frozen = made.layers[0].get_weights()
    made.layers[0].trainable = False
    made.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.train_on_batch(x, y)
    for a, b in zip(made.layers[0].get_weights(), frozen, strict=True):
        np.testing.assert_array_equal(a, b)
    made.layers[0].trainable = True
    with pytest.raises(RuntimeError, match="compile"):  # the optimizer was made for other weights
        made.train_on_batch(x, y)
    made.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.train_on_batch(x, y)
    assert any((a != b).any() for a, b in zip(made.layers[0].get_weights(), frozen, strict=True))
    made.run_eagerly = True
    assert made.train_on_batch(x, y) > 0
    made.run_eagerly = False
    made.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert made.train_on_batch(x, y) > 0


def test_wrong_batches_are_refused_as_ever():
    x, y = rows(8)
    made = model()
    made.train_on_batch(x, y)
    for bad_x, bad_y in ((x[:, :5], y), (x, y[:7]), (x[:0], y[:0]), (None, y), (x, None), ("text", y), (b"bytes", y)):
        with pytest.raises((ValueError, TypeError)):
            made.train_on_batch(bad_x, bad_y)
    with pytest.raises(IndexError, match="4"):
        made.train_on_batch(x, np.full(8, 4))
    assert made.train_on_batch(x, y) > 0
    with pytest.raises((ValueError, TypeError)):
        made.predict_on_batch(x[:, :5])


def test_results_keep_the_structure_of_the_model():
    x = rows(8)[0]
    entry = nc.Input((6,))
    parts = [L.Dense(3, name="a")(entry), L.Dense(2, name="b")(entry)]
    for outputs in (parts, {"a": parts[0], "b": parts[1]}, {"a": parts[0]}, parts[0]):
        made = nc.Model(entry, outputs)
        first = made.predict(x, batch_size=4, verbose=0)  # two batches
        for _ in range(3):
            for again in (made.predict_on_batch(x), made.predict(x, verbose=0)):
                assert type(again) is type(first)
                for k in first if isinstance(first, dict) else range(len(first)):
                    np.testing.assert_allclose(again[k], first[k], rtol=1e-6)  # another batch size may sum in another order


def test_arrays_are_not_held_between_calls():
    import sys

    x, y = rows(8)
    made = model()
    before = sys.getrefcount(x), sys.getrefcount(y)
    for _ in range(3):
        made.train_on_batch(x, y)
        made.predict_on_batch(x)
    assert (sys.getrefcount(x), sys.getrefcount(y)) == before


def test_predictions_follow_the_weights():
    """Whoever changes a weight, and however: packed weights of a convolution are made anew."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((1, 8, 8, 16)).astype("float32")
    made = image_model()

    def check(what: str) -> np.ndarray:
        got = made.predict_on_batch(x)
        np.testing.assert_array_equal(got, np.asarray(made(x).numpy()), err_msg=what)
        np.testing.assert_array_equal(got, made.predict(x, verbose=0), err_msg=what)
        return got

    results = [check("first"), check("again")]
    np.testing.assert_array_equal(results[0], results[1])
    kernel = made.layers[0].kernel
    made.set_weights([w * 2 for w in made.get_weights()])
    results.append(check("set_weights"))
    kernel.assign(kernel.detach() * 0.5)
    results.append(check("assign"))
    made.trainable = False
    kernel.requires_grad = False
    view = kernel.numpy()
    if view.flags.writeable and np.shares_memory(view, kernel.numpy()):
        view[...] *= 3
        results.append(check("NumPy"))
        view[0] = 1
        results.append(check("NumPy again"))
    made.trainable = True
    made.compile("sgd", "mse")
    made.train_on_batch(x, np.ones((1, 16), "float32"))
    results.append(check("a training step"))
    for a, b in itertools.pairwise(results[1:]):
        assert (a != b).any()


def test_threads_predict_at_once():
    x, y = rows(16)
    made = model()
    made.train_on_batch(x, y)
    expected = made.predict_on_batch(x)

    def work() -> None:
        for _ in range(50):
            np.testing.assert_array_equal(made.predict_on_batch(x), expected)

    in_threads(4, work)


def test_number_of_threads_may_change():
    x, y = rows(16)
    before = nc.num_threads()
    losses = []
    try:
        for counts in ((1, 1, 1), (1, 2, 3)):
            made = model()
            losses.append([])
            for n in counts:
                nc.set_num_threads(n)
                losses[-1].append(made.train_on_batch(x, y))
    finally:
        nc.set_num_threads(before)
    assert losses[0] == losses[1]
