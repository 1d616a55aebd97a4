"""return_state, initial_state and mask of SimpleRNN, GRU and LSTM: eager, in graphs of layers, captured, saved, wrong."""

import numpy as np
import pytest
from layer_check import sample
from test_rnn import CLASSES, REFERENCE, made

import nacre as nc

L = nc.layers
N, T, D, U = 3, 5, 3, 4
STATES = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}
# Rows: holes and a masked start, nothing masked, everything masked.
MASK = np.array([[False, True, False, True, False], [True] * T, [False] * T])


def states_of(name, seed=10):
    return [sample((N, U), seed + k, dtype="f8") for k in range(STATES[name])]


def reference(layer, x, states=(), mask=None):
    """[all outputs, h, (c)] in NumPy."""
    options = layer.get_config()
    attrs = {k: options[k] for k in ("activation", "recurrent_activation", "go_backwards", "reset_after") if k in options}
    name = type(layer).__name__
    given = [*states, *[None] * (STATES[name] - len(states))]
    out = REFERENCE[name](x, *layer.get_weights(), *given, mask, **attrs)
    return out[: 1 + STATES[name]]


def as_list(y):
    return list(y) if isinstance(y, list) else [y]


def numpy_of(values):
    return [np.asarray(v.detach()) for v in values]


def close(got, want):
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)  # float64, some ten roundings


CALLS = [
    (sequences, state, given, masked)
    for sequences in (False, True)
    for state in (False, True)
    for given in (False, True)
    for masked in (False, True)
]


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(("sequences", "state", "given", "masked"), CALLS)
@pytest.mark.parametrize("options", [{}, {"go_backwards": True}, {"recurrent_dropout": 1e-14}], ids=["fused", "backwards", "steps"])
def test_values(name, sequences, state, given, masked, options):
    """Against NumPy; dropping almost nothing goes step by step."""
    layer = made(name, U, D, return_sequences=sequences, return_state=state, **options)
    x, states, mask = sample((N, T, D), dtype="f8"), states_of(name) if given else [], MASK if masked else None
    y = layer(x, initial_state=states or None, mask=mask, training=True)
    assert isinstance(y, list) is state
    every, *last = reference(layer, x, states, mask)
    close(numpy_of(as_list(y)), [every if sequences else every[:, -1], *(last if state else [])])
    if masked and given and state and not sequences:  # the output of a row without a live step is 0, its state the given one
        assert not np.asarray(y[0].detach())[2].any()
        assert np.array_equal(np.asarray(y[1].detach())[2], states[0][2])


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("dropout", [0, 1e-14], ids=["fused", "steps"])
def test_gradients(name, masked, sequences, dropout):
    """Of a random combination of all results, for the input, the initial states and the weights, against central differences."""
    layer = made(name, U, D, return_sequences=sequences, return_state=True, recurrent_dropout=dropout)
    arrays = [sample((N, T, D), dtype="f8"), *states_of(name), *layer.get_weights()]
    count = 1 + STATES[name]
    shapes = [(N, T, U) if sequences else (N, U), *[(N, U)] * STATES[name]]
    factors = [nc.convert_to_tensor(sample(s, 20 + k, dtype="f8"), "float64") for k, s in enumerate(shapes)]

    def loss(values):
        layer.set_weights([np.asarray(v.detach()) for v in values[count:]])
        y = layer(values[0], initial_state=values[1:count], mask=MASK if masked else None, training=True)
        return sum((a * b).sum() for a, b in zip(y, factors, strict=True))

    values = [nc.convert_to_tensor(a.copy(), "float64") for a in arrays]
    for v in values[:count]:
        v.requires_grad = True
    loss(values).backward()
    slopes = [np.asarray(v.grad) for v in [*values[:count], *layer.trainable_weights]]
    for k, slope in enumerate(slopes):
        direction = sample(slope.shape, 40 + k, dtype="f8")
        ends = []
        for sign in (1, -1):
            moved = [a.copy() for a in arrays]
            moved[k] += sign * 1e-6 * direction
            with nc.no_grad():
                ends.append(float(loss([nc.convert_to_tensor(m, "float64") for m in moved])))
        # Differences in float64 with step 1e-6 are good to about 1e-9.
        np.testing.assert_allclose((slope * direction).sum(), (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-8)
    if masked:
        assert not slopes[0][~MASK].any()


def test_one_state_needs_no_list_and_states_follow_on():
    layer, x = made("GRU", U, D, return_state=True), sample((N, 8, D), dtype="f8")
    whole, _ = layer(x)
    _, h = layer(x[:, :3])
    close(numpy_of(layer(x[:, 3:], initial_state=h)), numpy_of([whole, whole]))
    close(numpy_of(layer(x[:, 3:], h)), numpy_of([whole, whole]))
    empty = layer(x[:, :0], initial_state=h)
    close(numpy_of(empty), numpy_of([h, h]))


def test_masks_and_states_of_other_dtypes_are_cast():
    layer, x = L.LSTM(U, return_state=True), sample((N, T, D))
    states = [sample((N, U), k, dtype="f8") for k in range(2)]
    a = layer(x, initial_state=states, mask=MASK)
    b = layer(x, initial_state=[s.astype("f4") for s in states], mask=MASK.astype("int32"))
    assert a[0].dtype == "float32"
    for p, q in zip(a, b, strict=True):
        assert np.array_equal(p.detach(), q.detach())


def test_shapes_said():
    assert L.LSTM(U, return_state=True).compute_output_shape((None, None, D)) == [(None, U)] * 3
    assert L.GRU(U, return_state=True, return_sequences=True).compute_output_shape((2, T, D)) == [(2, T, U), (2, U)]
    assert repr(L.GRU(2, return_state=True)) == "GRU(units=2, return_state=True)"


def test_keras_list_of_inputs():
    """Symbolic results have shapes and dtypes; the graph of layers gives what the calls give."""
    x, mask = nc.Input((T, D)), nc.Input((T,), dtype="bool")
    encoder, decoder = L.LSTM(U, return_state=True), L.LSTM(U, return_sequences=True, return_state=True)
    y, h, c = encoder(x, mask=mask)
    assert (y.shape, h.shape, c.shape) == ((None, U),) * 3
    z, *last = decoder(x, initial_state=[h, c])
    assert z.shape == (None, T, U)
    model = nc.Model([x, mask], [z, *last])
    data = sample((N, T, D))
    got = model.predict([data, MASK], verbose=0)
    want = decoder(data, initial_state=encoder(data, mask=MASK)[1:])
    for a, b in zip(got, want, strict=True):
        assert np.array_equal(a, b.detach())


def seq2seq():
    """An encoder whose states start a masked decoder, for the three classes."""
    words, target, mask = nc.Input((6, D), name="words"), nc.Input((T, D), name="target"), nc.Input((T,), dtype="bool", name="mask")
    _, h, c = L.LSTM(U, return_state=True, dropout=0.2)(words)
    y = L.LSTM(U, return_sequences=True)(target, initial_state=[h, c], mask=mask)
    y, g = L.GRU(U, return_sequences=True, return_state=True)(y, initial_state=h, mask=mask)
    y = L.SimpleRNN(U)(y, initial_state=[g], mask=mask)
    return nc.Model([words, target, mask], L.Dense(2)(y))


def test_captured_is_eager(tmp_path):
    rng = np.random.default_rng(4)
    x = [
        rng.standard_normal((24, 6, D)).astype("f4"),
        rng.standard_normal((24, T, D)).astype("f4"),
        rng.random((24, T)) < 0.7,
    ]
    y = rng.standard_normal((24, 2)).astype("f4")
    results = []
    for eager in (False, True):
        nc.utils.set_random_seed(3)
        model = seq2seq()
        model.compile("adam", "mse", run_eagerly=eager)
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        results.append([np.array(history.history["loss"]), *model.get_weights(), model.predict(x, verbose=0)])
    assert results[0][0][-1] < results[0][0][0]
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)
    path = tmp_path / "m.safetensors"
    model.save(path)
    assert np.array_equal(nc.models.load_model(path).predict(x, verbose=0), results[1][-1])


def test_in_a_layer_of_ones_own():
    class Reader(nc.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.rnn = L.GRU(U, return_state=True)

        def call(self, x):
            _, h = self.rnn(x, mask=x[:, :, 0] > 0)
            return self.rnn(x, initial_state=[h])[0]

    x, y = sample((16, T, D)), sample((16, 1), 1)
    results = []
    for eager in (False, True):
        nc.utils.set_random_seed(3)
        model = nc.Sequential([Reader(), L.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=eager)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        assert np.array_equal(a, b)


X = sample((2, T, D))
BAD = [
    (
        lambda: L.LSTM(U)(X, initial_state=[np.zeros((2, U))]),
        ValueError,
        "LSTM 'lstm.*initial_state must be 2 tensors, h and c, got 1",
    ),
    (lambda: L.GRU(U)(X, initial_state=[np.zeros((2, U))] * 2), ValueError, "GRU 'gru.*initial_state must be 1 tensor, h, got 2"),
    (
        lambda: L.LSTM(U)(X, initial_state=[np.zeros((2, U)), np.zeros((2, 7))]),
        ValueError,
        r"initial_state\[1\] must have shape \[N, units\] = \[2, 4\], got \[2, 7\]",
    ),
    (lambda: L.GRU(U)(X, initial_state=np.zeros((3, U))), ValueError, r"initial_state\[0\] must .* \[2, 4\], got \[3, 4\]"),
    (lambda: L.GRU(U)(X, mask=np.ones((2, 9), bool)), ValueError, r"mask must have shape \[N, T\] = \[2, 5\], got \[2, 9\]"),
    (lambda: L.GRU(U)(X, mask=np.ones((2, T, 1), bool)), ValueError, r"mask must have shape .*got \[2, 5, 1\]"),
    (lambda: L.GRU(U)(X, True), TypeError, "initial_state must be a list of tensors, got bool"),
    (lambda: L.LSTM(U)(X, initial_state=[None, np.zeros((2, U))]), TypeError, r"initial_state\[0\] is missing"),
    (lambda: L.GRU(U)(nc.Input((T, D)), initial_state=np.zeros((2, U))), TypeError, "symbolic"),
    (
        lambda: L.GRU(U)(nc.Input((T, D)), mask=nc.Input((T + 1,), dtype="bool")),
        ValueError,
        r"mask must have shape \[N, T\] = \[-1, 5\], got \[-1, 6\]",
    ),
    (lambda: nc.Sequential([L.LSTM(U, return_state=True)]).build((None, T, D)), ValueError, "gives 3 results"),
    (lambda: nc.Sequential([L.GRU(U, return_state=True), L.Dense(2)])(X), ValueError, "gives 2 results"),
    (lambda: nc.Sequential([nc.Input((T, D)), L.GRU(U, return_state=True)]), ValueError, "gives 2 results"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_calls(number):
    call, error, pattern = BAD[number]
    with pytest.raises(error, match=pattern):
        call()
