"""Threads and callbacks beside training: gradients from several threads add up, a model's structure cannot change while it trains."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from at_once import in_threads

import nacre as nc


def test_gradients_of_several_threads_add_up():
    w = nc.Tensor([1.0, 2.0], requires_grad=True)
    in_threads(4, lambda: [(w.sum() * 2).backward() for _ in range(500)])
    assert w.grad.tolist() == [4000.0, 4000.0]


def test_threads_may_use_a_new_leaf_at_once():
    for _ in range(50):
        w = nc.Tensor([1.0], requires_grad=True)
        barrier = threading.Barrier(4)

        def work(w=w, barrier=barrier):
            barrier.wait()
            (w * w).sum().backward()

        in_threads(4, work)
        assert w.grad.item() == 8.0


def test_a_leaf_may_go_while_its_gradient_is_on_the_way():
    for _ in range(300):
        w = nc.Tensor(np.ones(50), requires_grad=True)
        y = (w * 3).sum()
        go = threading.Barrier(2)

        def work(y=y, go=go):
            go.wait()
            y.backward()

        walker = threading.Thread(target=work)
        walker.start()
        go.wait()
        del w  # its last owner but the graph, while the other thread walks
        walker.join()
        with pytest.raises(nc.errors.StateError):
            y.backward()  # the walk went to its end: the graph is freed


def test_gradients_of_different_variables_share_no_memory():
    a, b = (nc.Tensor([1.0, 1.0], requires_grad=True) for _ in range(2))
    y = ((a + b) * nc.Tensor([4.0, 3.0])).sum()
    ga, gb = nc.gradients(y, [a, b], retain_graph=True)
    ga *= 0.5
    assert gb.tolist() == [4.0, 3.0]
    seed = nc.ones(2)
    y.backward()
    c = nc.Tensor([1.0, 1.0], requires_grad=True)
    c.backward(seed)
    a.grad[0] = 9.0
    c.grad[0] = 9.0
    assert b.grad.tolist() == [4.0, 3.0]
    assert seed.tolist() == [1.0, 1.0]
    d = nc.Tensor([1.0, 1.0], requires_grad=True)
    d.sum().backward()  # comes as a view with strides of 0
    d.grad[0] = 5.0
    assert d.grad.tolist() == [5.0, 1.0]


def model():
    nc.utils.set_random_seed(1)
    m = nc.Sequential([nc.Input((4,)), nc.layers.Dense(8), nc.layers.Dense(3, activation="softmax")])
    m.compile("adam", "sparse_categorical_crossentropy")
    return m


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end"])
@pytest.mark.parametrize(("name", "change"), [
    ("add", lambda m: m.add(nc.layers.Dense(3))),
    ("pop", lambda m: m.pop()),
    ("compile", lambda m: m.compile("sgd", "sparse_categorical_crossentropy")),
])  # fmt: skip
def test_callbacks_cannot_change_the_structure(hook, name, change):
    m = model()
    callback = nc.callbacks.LambdaCallback(**{hook: lambda *_: change(m)})
    x, y = np.ones((50, 4), "f4"), np.zeros(50, "i4")
    with pytest.raises(nc.errors.StateError, match=f"{name}: the model is being trained"):
        m.fit(x, y, verbose=0, epochs=2, callbacks=[callback])
    m.fit(x, y, verbose=0)  # still usable
    change(m)


def test_freezing_in_a_callback_says_what_to_do():
    m = model()
    callback = nc.callbacks.LambdaCallback(on_epoch_end=lambda *_: setattr(m.layers[0], "trainable", False))
    with pytest.raises(nc.errors.StateError, match=r"fit: .*kernel was frozen during training"):
        m.fit(np.ones((50, 4), "f4"), np.zeros(50, "i4"), verbose=0, epochs=2, callbacks=[callback])


def test_callbacks_may_set_weights():
    m = model()
    zeros = [np.zeros_like(w) for w in m.get_weights()]
    callback = nc.callbacks.LambdaCallback(on_train_end=lambda *_: m.set_weights(zeros))
    m.fit(np.ones((8, 4), "f4"), np.zeros(8, "i4"), verbose=0, callbacks=[callback])
    assert all((w == 0).all() for w in m.get_weights())


def test_softmax_over_one_class_is_warned_about():
    m = nc.Sequential([nc.Input((4,)), nc.layers.Dense(1, activation="softmax", name="out")])
    m.compile("sgd", "binary_crossentropy")
    with pytest.warns(UserWarning, match=r"'out' is a softmax over an axis of size 1.*sigmoid"):
        m.fit(np.ones((8, 4), "f4"), np.zeros((8, 1), "f4"), verbose=0)
