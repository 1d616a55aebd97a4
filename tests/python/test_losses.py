"""Loss objects: reductions, weights, shapes, names; metrics: what they count. The functions under them are tested as ops (samples/nn_loss.py)."""

from __future__ import annotations

import numpy as np
import pytest

import nacre as nc

Y = np.array([[0.0, 1.0], [1.0, 1.0], [0.5, 0.0]], "float32")
P = np.array([[0.2, 0.6], [0.9, 0.3], [0.4, 0.1]], "float32")
ROWS = ((Y - P) ** 2).mean(axis=1)


def test_reductions_and_weights():
    w = np.array([1.0, 2.0, 0.0], "float32")
    mean, total, none = (nc.losses.MeanSquaredError(reduction=r) for r in ("sum_over_batch_size", "sum", "none"))
    np.testing.assert_allclose(mean(Y, P).item(), ROWS.mean(), rtol=1e-6)
    np.testing.assert_allclose(total(Y, P).item(), ROWS.sum(), rtol=1e-6)
    np.testing.assert_allclose(none(Y, P).numpy(), ROWS, rtol=1e-6)
    # As Keras: the weighted sum is divided by the number of values, not by the sum of the weights.
    np.testing.assert_allclose(mean(Y, P, w).item(), (ROWS * w).sum() / 3, rtol=1e-6)
    np.testing.assert_allclose(mean(Y, P, w[:, None]).item(), (ROWS * w).sum() / 3, rtol=1e-6)
    np.testing.assert_allclose(none(Y, P, w).numpy(), ROWS * w, rtol=1e-6)
    shared = nc.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    w = np.array([1.0, 2.0, 0.5], "float32")
    np.testing.assert_allclose(shared(Y, P, w).item(), (ROWS * w).sum() / 3.5, rtol=1e-6)
    assert shared(Y, P, w * 0).item() == 0
    assert nc.losses.MeanSquaredError(reduction="mean").get_config()["reduction"] == "sum_over_batch_size"


def test_lecture_network():
    """h = w1 x + b1, g = w2 h + b2, L = mean (y - g)^2: gradients as worked out by hand in the lectures (A)."""
    x, y = np.array([1.0, 2.0, -1.0]), np.array([0.5, 1.0, 2.0])
    w1, b1, w2, b2 = (nc.Tensor(v, dtype="float64", requires_grad=True) for v in (0.7, -0.2, 1.3, 0.4))
    x_t, y_t = nc.Tensor(x, dtype="float64"), nc.Tensor(y, dtype="float64")
    g = w2 * (w1 * x_t + b1) + b2
    nc.losses.mse(nc.reshape(y_t, (3, 1)), nc.reshape(g, (3, 1))).mean().backward()
    h = 0.7 * x - 0.2
    e = y - (1.3 * h + 0.4)
    for variable, expected in (
        (w1, -2 / 3 * (e * 1.3 * x).sum()),
        (b1, -2 / 3 * (e * 1.3).sum()),
        (w2, -2 / 3 * (e * h).sum()),
        (b2, -2 / 3 * e.sum()),
    ):
        assert abs(variable.grad.item() - expected) < 1e-12


def test_cross_entropy_names_one_number():
    logits = np.random.default_rng(0).standard_normal((5, 4))
    labels = np.array([0, 3, 1, 1, 2])
    one_hot = np.eye(4)[labels]
    z = nc.Tensor(logits, dtype="float64")
    sparse = nc.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, z).item()
    dense = nc.losses.CategoricalCrossentropy(from_logits=True)(nc.Tensor(one_hot, dtype="float64"), z).item()
    nll = nc.losses.NLL()(labels, nc.log_softmax(z)).item()
    assert sparse == pytest.approx(dense, rel=1e-12)
    assert sparse == pytest.approx(nll, rel=1e-12)


def test_bce_clips_as_keras():
    assert nc.losses.BinaryCrossentropy()([[1.0]], [[0.0]]).item() == pytest.approx(16.118, abs=1e-3)


def test_column_counts_as_vector():
    y, p = np.array([1.0, 0.0, 1.0], "float32"), np.array([[0.9], [0.2], [0.6]], "float32")
    assert nc.losses.BinaryCrossentropy()(y, p).item() == pytest.approx(-np.log([0.9, 0.8, 0.6]).mean(), rel=1e-5)


BAD = [
    (lambda: nc.losses.MeanSquaredError()(np.ones((4, 1), "float32"), np.ones((4, 3), "float32")), ["[4, 1]", "[4, 3]"]),
    (lambda: nc.losses.MeanSquaredError()(Y, P, np.ones(2, "float32")), ["sample_weight", "[2]", "[3]"]),
    (lambda: nc.losses.MeanSquaredError(reduction="all"), ["MeanSquaredError", "reduction", "'all'"]),
    (lambda: nc.losses.BinaryCrossentropy(label_smoothing="x"), ["BinaryCrossentropy", "label_smoothing"]),
    (lambda: nc.losses.get("mes"), ["unknown loss 'mes'"]),
    (lambda: nc.metrics.get("acuracy"), ["unknown metric 'acuracy'"]),
    (lambda: nc.metrics.BinaryAccuracy(threshold=2.0), ["BinaryAccuracy", "threshold", "2"]),
]


@pytest.mark.parametrize(("call", "words"), BAD)
def test_messages(call, words):
    with pytest.raises((ValueError, TypeError)) as error:
        call()
    for word in words:
        assert word in str(error.value)


def test_metrics_count():
    m = nc.metrics.SparseCategoricalAccuracy()
    m.update_state([0, 1, 1], [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    assert m.result() == pytest.approx(2 / 3)
    m.update_state([[0]], [[1.0, 0.0]])
    assert m.result() == pytest.approx(3 / 4)
    m.reset_state()
    assert m.result() == 0.0
    assert nc.metrics.CategoricalAccuracy()([[1.0, 0.0], [0.0, 1.0]], [[0.6, 0.4], [0.6, 0.4]]) == 0.5
    assert nc.metrics.BinaryAccuracy(threshold=0.7)([1.0, 1.0, 0.0], [0.8, 0.6, 0.1]) == pytest.approx(2 / 3)
    assert nc.metrics.MeanAbsoluteError()(Y, P) == pytest.approx(np.abs(Y - P).mean(), rel=1e-6)
    assert nc.metrics.MeanSquaredError()(Y, P, [1.0, 0.0, 0.0]) == pytest.approx(ROWS[0], rel=1e-6)
    assert nc.metrics.Mean()([1.0, 2.0, 6.0], [1.0, 1.0, 2.0]) == pytest.approx(15 / 4)


def test_nan_counts_as_the_first_score():
    """Nothing compares above a NaN that stands first, so the row's class is 0, as NumPy's argmax says."""
    m = nc.metrics.SparseCategoricalAccuracy()
    m.update_state([1], [[float("nan"), 1.0]])
    assert m.result() == 0.0
    m.update_state([0], [[float("nan"), 1.0]])
    assert m.result() == 0.5


@pytest.mark.parametrize("module", [nc.losses, nc.metrics], ids=["losses", "metrics"])
def test_round_trip_and_repr(module):
    for name in module.__all__:
        cls = getattr(module, name)
        if not isinstance(cls, type) or name in ("Loss", "Metric"):
            continue
        made = cls()
        again = cls.from_config(made.get_config())
        assert again.get_config() == made.get_config()
        assert repr(made) == f"{name}()"
        assert module.get({"class_name": name, "config": made.get_config()}).name == made.name
