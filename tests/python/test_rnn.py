"""SimpleRNN, GRU and LSTM: options against the NumPy reference of samples/nn_rnn.py, initial weights, dropout, training, PyTorch."""

import inspect

import numpy as np
import pytest
from layer_check import sample
from samples import nn_rnn

import nacre as nc

L = nc.layers
REFERENCE = {"SimpleRNN": nn_rnn.simple_rnn, "GRU": nn_rnn.gru, "LSTM": nn_rnn.lstm}
GATES = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}
CLASSES = list(REFERENCE)


def made(name, units=4, features=3, **options):
    """A float64 layer with a bias that is not zero."""
    layer = getattr(L, name)(units, dtype="float64", bias_initializer="normal", **options)
    layer.build((None, None, features))
    return layer


def expected(layer, x, **attrs):
    """The outputs of all steps, from the layer's weights."""
    values = layer.get_weights()
    options = layer.get_config()
    for key in ("activation", "recurrent_activation", "go_backwards", "reset_after"):
        if key in options:
            attrs[key] = "linear" if options[key] is None else options[key]
    return REFERENCE[type(layer).__name__](x, *values, **attrs)[0]


OPTIONS = {
    "plain": {},
    "no_bias": {"use_bias": False},
    "go_backwards": {"go_backwards": True},
    "linear": {"activation": None},
    "relu": {"activation": "relu"},
    "hard_sigmoid": {"activation": "hard_sigmoid"},
    # Not known to the fused op: the layer goes step by step.
    "softsign": {"activation": "softsign", "go_backwards": True},
}
GATE_OPTIONS = {
    "hard_gates": {"recurrent_activation": "hard_sigmoid"},
    "linear_gates": {"recurrent_activation": None},
    "softsign_gates": {"recurrent_activation": "softsign"},
}
GRU_OPTIONS = {
    "reset_before": {"reset_after": False},
    "reset_before_backwards": {"reset_after": False, "go_backwards": True},
    "reset_before_softsign": {"reset_after": False, "activation": "softsign"},
    "reset_before_no_bias": {"reset_after": False, "use_bias": False},
}
CASES = [
    (name, label, options)
    for name in CLASSES
    for label, options in {
        **OPTIONS,
        **(GATE_OPTIONS if name != "SimpleRNN" else {}),
        **(GRU_OPTIONS if name == "GRU" else {}),
    }.items()
]


@pytest.mark.parametrize(("name", "label", "options"), CASES, ids=[f"{n}-{label}" for n, label, _ in CASES])
def test_values(name, label, options, monkeypatch):
    monkeypatch.setitem(nn_rnn.ACTIVATIONS, "softsign", lambda x: x / (1 + np.abs(x)))
    x = sample((2, 5, 3), dtype="f8")
    every = made(name, return_sequences=True, **options)
    y = expected(every, x)
    np.testing.assert_allclose(every(x), y, rtol=1e-12, atol=1e-13)
    last = made(name, **options)
    last.set_weights(every.get_weights())
    np.testing.assert_allclose(last(x), y[:, -1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", CLASSES)
def test_float32(name):
    x = sample((7, 20, 9))
    layer = getattr(L, name)(17, return_sequences=True)
    y = layer(x)
    assert y.dtype == "float32"
    # Some hundred roundings of 6e-8 in sums and over the steps.
    np.testing.assert_allclose(y.detach(), expected(layer, x.astype("f8")), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", CLASSES)
def test_length_is_free_and_features_are_not(name):
    layer = made(name)
    assert layer(sample((2, 3, 3))).shape == (2, 4)
    assert layer(sample((2, 8, 3))).shape == (2, 4)
    assert np.array_equal(layer(np.zeros((2, 0, 3))), np.zeros((2, 4)))
    assert layer.compute_output_shape((None, None, 3)) == (None, 4)
    assert getattr(L, name)(4, return_sequences=True).compute_output_shape((None, None, 3)) == (None, None, 4)
    with pytest.raises(ValueError, match="cannot take"):
        layer(sample((2, 3, 4)))


def test_initial_weights():
    lstm = L.LSTM(6)
    lstm.build((None, None, 5))
    kernel, recurrent, bias = lstm.get_weights()
    limit = np.sqrt(6 / (5 + 24))
    assert 0.8 * limit < np.abs(kernel).max() <= limit
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(6), atol=1e-5)
    assert np.array_equal(bias, np.repeat([0, 1, 0, 0], 6))
    plain = L.LSTM(6, unit_forget_bias=False)
    plain.build((None, None, 5))
    assert not plain.get_weights()[2].any()
    assert L.LSTM(6, use_bias=False)(sample((1, 2, 5))).shape == (1, 6)
    for name, rows in (("SimpleRNN", 6), ("GRU", 6)):
        layer = getattr(L, name)(6)
        layer.build((None, None, 5))
        np.testing.assert_allclose(layer.get_weights()[1] @ layer.get_weights()[1].T, np.eye(rows), atol=1e-5)
        assert not layer.get_weights()[2].any()
    assert [v.name for v in L.GRU(2, name="g").variables] == []
    assert [v.name for v in lstm.variables] == ["lstm/kernel", "lstm/recurrent_kernel", "lstm/bias"]


def test_keras_order_of_arguments():
    shared = ["kernel_initializer", "recurrent_initializer", "bias_initializer"]
    simple = [
        "units",
        "activation",
        "use_bias",
        *shared,
        "dropout",
        "recurrent_dropout",
        "return_sequences",
        "return_state",
        "go_backwards",
        "seed",
    ]
    gated = ["units", "activation", "recurrent_activation", "use_bias", *shared]
    rest = ["dropout", "recurrent_dropout", "seed", "return_sequences", "return_state", "go_backwards"]
    for name, order in (
        ("SimpleRNN", simple),
        ("GRU", [*gated, *rest, "reset_after"]),
        ("LSTM", [*gated, "unit_forget_bias", *rest]),
    ):
        assert list(inspect.signature(getattr(L, name)).parameters)[: len(order)] == order
    assert L.LSTM(3, "relu", "hard_sigmoid", False).get_config()["use_bias"] is False
    assert L.GRU(3).get_config()["recurrent_initializer"] == "orthogonal"


def test_dropout_of_the_input_is_one_mask_for_all_steps():
    layer = L.SimpleRNN(50, activation=None, dropout=0.5, return_sequences=True, seed=3)
    layer.build((None, None, 50))
    layer.set_weights([np.eye(50), np.zeros((50, 50)), np.zeros(50)])
    x = np.ones((4, 6, 50), "f4")
    y = np.asarray(layer(x, training=True))
    assert set(np.unique(y)) == {0.0, 2.0}
    assert np.array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert 60 < (y[:, 0] > 0).sum() < 140  # 200 coins
    assert not np.array_equal(y[0, 0], y[1, 0])
    assert np.array_equal(layer(x), x)
    assert not np.array_equal(layer(x, training=True), y)
    twin = L.SimpleRNN.from_config(layer.get_config())  # the same seed
    twin.build((None, None, 50))
    twin.set_weights(layer.get_weights())
    assert np.array_equal(twin(x, training=True), y)
    other = L.SimpleRNN(50, activation=None, dropout=0.5)
    assert not np.array_equal(other(x, training=True), other(x, training=True))


def test_dropout_of_the_state_is_one_mask_for_all_steps():
    layer = L.SimpleRNN(50, activation=None, recurrent_dropout=0.5, return_sequences=True, seed=3)
    layer.build((None, None, 50))
    layer.set_weights([np.eye(50), np.eye(50), np.zeros(50)])
    x = np.zeros((4, 4, 50), "f4")
    x[:, 0] = 1
    y = np.asarray(layer(x, training=True))
    assert np.array_equal(y[:, 0], np.ones((4, 50)))
    assert set(np.unique(y[:, 1])) == {0.0, 2.0}
    assert np.array_equal(y[:, 3], y[:, 1] ** 3)
    assert np.array_equal(layer(x), np.ones((4, 4, 50)))
    both = L.SimpleRNN(50, activation=None, dropout=0.5, recurrent_dropout=0.5, return_sequences=True, seed=3)
    both.build((None, None, 50))
    both.set_weights(layer.get_weights())
    z = np.asarray(both(x, training=True))
    assert not np.array_equal(z[:, 0] > 0, z[:, 1] > 0)  # masks of their own


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}])
def test_steps_and_fused_op_agree(name, options):
    """Dropping almost nothing leaves the values, and goes step by step; so do the gradients."""
    x = sample((3, 5, 3), dtype="f8")
    fused, steps = made(name, **options), made(name, recurrent_dropout=1e-12, **options)
    steps.set_weights(fused.get_weights())
    results = []
    for layer in (fused, steps):
        t = nc.convert_to_tensor(x, "float64")
        t.requires_grad = True
        y = layer(t, training=True)
        (y * nc.convert_to_tensor(sample((3, 4), 1, dtype="f8"), "float64")).sum().backward()
        results.append([np.asarray(y.detach()), np.asarray(t.grad), *(np.asarray(w.grad) for w in layer.trainable_weights)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)  # what is kept is scaled by 1 + 1e-12


def test_gates_are_dropped_one_by_one():
    layer = L.LSTM(40, recurrent_dropout=0.5, seed=1, activation=None, recurrent_activation=None, use_bias=False)
    layer.build((None, None, 1))
    kernel, recurrent = np.zeros((1, 160)), np.tile(np.eye(40), 4)
    kernel[:] = 1
    layer.set_weights([kernel, recurrent])
    # Linear gates: after the first step h = 1 and c = 1, after the second each gate is 2 m with m of 0 or 1 of its own.
    y = np.asarray(layer(np.array([[[1.0], [0.0]]], "f4"), training=True))[0]
    # c = f 1 + i g, h = o c: 2 (2 f + 4 i g) is 0, 4, 8 or 12.
    assert set(np.unique(y)) <= {0.0, 4.0, 8.0, 12.0}
    assert len(np.unique(y)) >= 3


@pytest.mark.parametrize("name", CLASSES)
def test_training_learns_the_first_element(name):
    nc.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((256, 6, 1)).astype("f4")
    y = (x[:, 0] > 0).astype("f4")
    model = nc.Sequential([getattr(L, name)(12), L.Dense(1, activation="sigmoid")])
    model.compile(optimizer=nc.optimizers.Adam(0.02), loss="binary_crossentropy")
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=25, batch_size=32, verbose=0)
    after = model.evaluate(x, y, verbose=0)
    assert float(np.ravel(after)[0]) < 0.5 * float(np.ravel(before)[0])


def test_stacked_model_is_saved_and_loaded(tmp_path):
    model = nc.Sequential(
        [L.GRU(5, return_sequences=True, reset_after=False), L.LSTM(4, return_sequences=True), L.SimpleRNN(3, go_backwards=True)]
    )
    x = sample((2, 6, 3))
    y = np.asarray(model.predict(x, verbose=0))
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert np.array_equal(nc.models.load_model(path).predict(x, verbose=0), y)


def test_bits_do_not_depend_on_threads():
    layer, x = L.LSTM(64), sample((33, 20, 40))
    before = nc._core.num_threads()
    results = []
    try:
        for threads in (1, 2, 3):
            nc._core.set_num_threads(threads)
            t = nc.convert_to_tensor(x)
            t.requires_grad = True
            for w in layer.trainable_weights:
                w.grad = None
            y = layer(t)
            (y * y).sum().backward()
            results.append([np.asarray(y.detach()), np.asarray(t.grad), *(np.asarray(w.grad) for w in layer.trainable_weights)])
    finally:
        nc._core.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert a.tobytes() == b.tobytes()


BAD = [
    (lambda: L.LSTM(0), ValueError, "LSTM: units must be from 1 to 2147483647, got 0"),
    (lambda: L.GRU(-3), ValueError, "GRU: units .*got -3"),
    (lambda: L.SimpleRNN(3, activation="tahn"), ValueError, "SimpleRNN: activation 'tahn' is unknown"),
    (lambda: L.LSTM(3, recurrent_activation="sigmod"), ValueError, "LSTM: activation 'sigmod' is unknown"),
    (lambda: L.LSTM(3, dropout=1.5), ValueError, r"LSTM: dropout must be from 0 to 1, got 1\.5"),
    (lambda: L.GRU(3, recurrent_dropout=-0.1), ValueError, r"GRU: recurrent_dropout must be from 0 to 1, got -0\.1"),
    (lambda: L.LSTM(3, recurrent_initializer="orthogonl"), ValueError, "LSTM: recurrent_initializer 'orthogonl' is unknown"),
    (lambda: L.LSTM(3, stateful=True), TypeError, "stateful"),
    (
        lambda: L.LSTM(3)(np.ones((2, 4))),
        ValueError,
        r"LSTM 'lstm\w*': the input must have rank 3 \[N, T, features\], got \[2, 4\]",
    ),
    (lambda: L.GRU(3)(np.ones((2, 4, 0))), ValueError, "GRU 'gru\\w*': axis 2 of the input"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments(number):
    call, error, pattern = BAD[number]
    with pytest.raises(error, match=pattern):
        call()


# ---- PyTorch as the reference ----


def to_torch(torch, name, values):
    """A PyTorch layer with these weights of ours: kernels transposed, GRU's z, r, h as r, z, n."""
    kernel, recurrent, bias = values
    units = recurrent.shape[0]
    kind = {"SimpleRNN": torch.nn.RNN, "GRU": torch.nn.GRU, "LSTM": torch.nn.LSTM}[name]
    layer = kind(kernel.shape[0], units, batch_first=True, dtype=torch.float64)
    order = [1, 0, 2] if name == "GRU" else list(range(GATES[name]))

    def reordered(v):
        blocks = np.split(v, GATES[name], axis=-1)
        return torch.tensor(np.concatenate([blocks[k] for k in order], axis=-1).T.copy())

    rows = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    given = (reordered(kernel), reordered(recurrent), reordered(rows[0]), reordered(rows[1]))
    for parameter, value in zip(layer.parameters(), given, strict=True):
        parameter.data = value
    return layer, reordered


@pytest.mark.parity
@pytest.mark.parametrize("name", CLASSES)
def test_values_and_gradients_as_torch(name):
    torch = pytest.importorskip("torch")
    layer = made(name, units=7, features=5, return_sequences=True)
    peer, reordered = to_torch(torch, name, layer.get_weights())
    x, weights = sample((3, 6, 5), dtype="f8"), sample((3, 6, 7), 1, dtype="f8")
    t, p = nc.convert_to_tensor(x, "float64"), torch.tensor(x, requires_grad=True)
    t.requires_grad = True
    y, z = layer(t), peer(p)[0]
    np.testing.assert_allclose(y.detach(), z.detach(), rtol=1e-11, atol=1e-12)
    (y * nc.convert_to_tensor(weights, "float64")).sum().backward()
    (z * torch.tensor(weights)).sum().backward()
    np.testing.assert_allclose(t.grad, p.grad, rtol=1e-10, atol=1e-12)
    kernel, recurrent, bias = (np.asarray(w.grad) for w in layer.trainable_weights)
    ours = [reordered(kernel), reordered(recurrent), *(reordered(b) for b in (bias if bias.ndim == 2 else [bias, bias]))]
    for mine, parameter in zip(ours, peer.parameters(), strict=True):
        np.testing.assert_allclose(mine, parameter.grad, rtol=1e-10, atol=1e-12)
