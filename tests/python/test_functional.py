"""Models from graphs of layer calls: shapes, values, several inputs and outputs, shared layers, nesting, files, messages."""

import copy
import gc
import pickle
import threading
import weakref

import numpy as np
import pytest

import nacre as nc

L = nc.layers


def data(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


def residual(seed=1):
    """A small network with a branch around two convolutions."""
    nc.utils.set_random_seed(seed)
    x = nc.Input((8, 8, 2), name="image")
    h = L.Conv2D(4, 3, padding="same")(x)
    b = L.Activation("relu")(L.BatchNormalization()(h))
    b = L.Dropout(0.2)(L.Conv2D(4, 3, padding="same")(b))
    h = L.ReLU()(L.Add()([h, b]))
    y = L.Dense(3, activation="softmax", name="classes")(L.GlobalAveragePooling2D()(h))
    return nc.Model(x, y)


def two_in_two_out(seed=1):
    nc.utils.set_random_seed(seed)
    a, b = nc.Input((3,), name="a"), nc.Input((2,), name="b")
    h = L.Concatenate()([L.Dense(4, activation="tanh")(a), b])
    return nc.Model([a, b], [L.Dense(1, name="o1")(h), L.Dense(2, name="o2")(h)])


def test_a_symbolic_tensor_says_what_it_is():
    x = nc.Input((4, None), name="x", dtype="int32")
    assert isinstance(x, nc.SymbolicTensor)
    assert (x.shape, x.dtype, x.name, x.ndim) == ((None, 4, None), "int32", "x", 3)
    assert repr(x) == "<SymbolicTensor shape=(None, 4, None), dtype=int32, name='x'>"
    assert x != nc.Input((4,))
    assert len({x, x}) == 1
    assert nc.Input((3,), batch_size=8).shape == (None, 3)


def test_values_are_those_of_the_layers():
    x = nc.Input((6,))
    first, second = L.Dense(6, activation="relu"), L.Dense(2)
    model = nc.Model(x, second(L.Add()([x, first(x)])))
    v = data(5, 6)
    assert model.input_shape == (None, 6)
    assert model.output_shape == (None, 2)
    assert isinstance(model, nc.Model)
    assert np.array_equal(model(v).numpy(), second(nc.asarray(v) + first(v)).numpy())
    assert np.array_equal(model.predict(v, verbose=0), model(v).numpy())
    assert [layer.name for layer in model.layers] == ["input_layer", "dense", "add", "dense_1"]
    assert model.get_layer("dense_1") is not None
    assert [w.shape for w in model.weights] == [(6, 6), (6,), (6, 2), (2,)]
    assert model.count_params() == 56


def test_it_trains_and_the_same_seed_gives_the_same_bits():
    x, y = data(40, 8, 8, 2), np.arange(40) % 3
    x[np.arange(40), y] += 2
    models = [residual(), residual()]
    for model in models:
        model.compile(nc.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
        history = model.fit(x, y, batch_size=8, epochs=5, verbose=0).history
        assert history["loss"][-1] < history["loss"][0]
    assert bits(models[0]) == bits(models[1])
    by_hand = residual()
    by_hand.compile(nc.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    by_fit = residual()
    by_fit.compile(nc.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    by_fit.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    for i in range(0, 40, 8):
        by_hand.train_on_batch(x[i : i + 8], y[i : i + 8])
    assert bits(by_hand) == bits(by_fit)


def test_transformer_block():
    x = nc.Input((None, 16))
    attention = L.MultiHeadAttention(2, 8)
    a = attention(x, x, use_causal_mask=True)
    h = L.LayerNormalization()(x + a)
    h = L.LayerNormalization()(h + L.Dense(16)(L.Dense(32, activation="gelu")(h)))
    model = nc.Model(x, h)
    assert model.output_shape == (None, None, 16)
    v = data(3, 5, 16)
    assert np.array_equal(attention(v, v, use_causal_mask=True).numpy(), nc.Model(x, a)(v).numpy())
    changed = v.copy()
    changed[:, 3:] += 1
    assert np.array_equal(model(v).numpy()[:, :3], model(changed).numpy()[:, :3])
    model.compile("adam", "mse")
    before = model.evaluate(v, v, verbose=0)
    model.fit(v, v, epochs=5, verbose=0)
    assert model.evaluate(v, v, verbose=0) < before


def test_attention_with_key_and_mask():
    q, v, k, mask = nc.Input((4, 6)), nc.Input((5, 3)), nc.Input((5, 2)), nc.Input((4, 5), dtype="bool")
    layer = L.MultiHeadAttention(2, 3)
    model = nc.Model([q, v, k, mask], layer(q, v, k, attention_mask=mask))
    arrays = [data(2, 4, 6), data(2, 5, 3), data(2, 5, 2), data(2, 4, 5) > 0]
    assert np.array_equal(model(arrays).numpy(), layer(*arrays[:3], attention_mask=arrays[3]).numpy())
    again = nc.models.Functional.from_config(model.get_config())
    again.set_weights(model.get_weights())
    assert np.array_equal(again(arrays).numpy(), model(arrays).numpy())


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 1,
        lambda x: 1 - x,
        lambda x: 2 * x / 3,
        lambda x: -x,
        lambda x: abs(x) ** 2,
        lambda x: x @ np.ones((4, 2), "float32"),
        lambda x: x + np.arange(4, dtype="float32"),
        lambda x: np.arange(4, dtype="float32") + x,
        lambda x: nc.Tensor([1.0, 2.0, 3.0, 4.0]) * x,
        lambda x: x[..., 0],
        lambda x: x[:, 1:3, None],
        lambda x: x[:, -1, ::-1],
        lambda x: x[None, ..., 1],
        lambda x: nc.ops.reshape(x, (-1, 12)),
        lambda x: nc.ops.reshape(x, (-1, 2, 6)),
        lambda x: x.transpose((0, 2, 1)),
        lambda x: nc.ops.softmax(x, axis=-1),
        lambda x: x.mean(axis=1, keepdims=True),
        lambda x: nc.ops.add(x, x),
        lambda x: nc.ops.concatenate([x, x * 2], axis=1),
        lambda x: nc.ops.stack([x, x]),
        lambda x: nc.ops.split(x, 2, axis=-1)[1],
        lambda x: nc.ops.einsum("bij,bkj->bik", x, x),
        lambda x: nc.ops.matmul(x, nc.ops.transpose(x, (0, 2, 1))),
        lambda x: nc.ops.where(x > 0, x, 0.0),
        lambda x: x.sum(),
        lambda x: x.astype("float64"),
    ],
)
def test_operators_and_ops(function):
    x = nc.Input((3, 4))
    symbolic = function(x)
    v = data(5, 3, 4)
    expected = function(nc.asarray(v))
    model = nc.Model(x, symbolic)
    y = model(v)
    assert np.array_equal(y.numpy(), expected.numpy())
    assert symbolic.dtype == expected.dtype
    assert len(symbolic.shape) == len(expected.shape)
    assert all(said is None or said == size for said, size in zip(symbolic.shape, expected.shape, strict=True))
    assert sum(said is None for said in symbolic.shape) <= 1
    again = nc.models.Functional.from_config(model.get_config())
    assert np.array_equal(again(v).numpy(), y.numpy())


def test_unknown_sizes_stay_unknown():
    x = nc.Input((None, 6))
    assert nc.ops.reshape(x, (-1, 6)).shape == (None, 6)
    assert (x + x).shape == (None, None, 6)
    assert nc.ops.concatenate([x, x], axis=1).shape == (None, None, 6)
    assert x[:, 0].shape == (None, 6)
    assert x[:, :3].shape == (None, None, 6)
    assert nc.ops.matmul(x, nc.ops.transpose(x, (0, 2, 1))).shape == (None, None, None)


def test_shared_layers_share_their_weights():
    a, b = nc.Input((4,)), nc.Input((4,))
    shared = L.Dense(3)
    model = nc.Model([a, b], L.Subtract()([shared(a), shared(b)]))
    v = data(5, 4)
    assert len(model.weights) == 2
    assert np.array_equal(model([v, v]).numpy(), np.zeros((5, 3), "float32"))
    model.compile("sgd", "mse")
    x, z, y = data(8, 4), data(8, 4, seed=1), data(8, 3)
    kernel = shared.kernel.numpy().copy()
    model.train_on_batch([x, z], y)
    # loss = mean((x - z) W - y)^2, the bias cancels: its gradient by hand, sgd with rate 0.01.
    grad = 2 / y.size * (x - z).T @ ((x - z) @ kernel - y)
    np.testing.assert_allclose(shared.kernel.numpy(), kernel - 0.01 * grad, rtol=1e-5, atol=1e-6)
    assert "dense[0][0], dense[1][0]" in summary(model)


def test_a_shared_dropout_drops_differently_at_each_place():
    x = nc.Input((100,))
    drop = L.Dropout(0.5)
    model = nc.Model(x, [drop(x), drop(x)])
    a, b = model(np.ones((4, 100)), training=True)
    assert not np.array_equal(a.numpy(), b.numpy())


def summary(model):
    seen = []
    model.summary(print_fn=seen.append)
    return seen[0]


def test_summary():
    text = summary(two_in_two_out())
    for part in [
        'Model: "functional"',
        "Connected to",
        "a (InputLayer)",
        "concatenate (Concatenate)",
        "dense[0][0], b[0][0]",
        "(None, 6)",
    ]:
        assert part in text
    assert "Total params: 37" in text
    assert len({len(line) for line in text.splitlines() if line[0] in "┏┡│├└┃"}) == 1


def test_nested_models():
    inner = nc.Sequential([L.Dense(5, activation="relu"), L.Dropout(0.1), L.Dense(4)], name="inner")
    x = nc.Input((4,))
    graph = nc.Model(x, inner(x) + x, name="block")
    outer = nc.Sequential([nc.Input((4,)), graph, L.Dense(2)])
    v = data(6, 4)
    assert np.array_equal(graph(v).numpy(), (inner(v) + nc.asarray(v)).numpy())
    assert [p[0] for p in outer._weight_list()] == [
        "block/inner/dense/kernel",
        "block/inner/dense/bias",
        "block/inner/dense_1/kernel",
        "block/inner/dense_1/bias",
        "dense/kernel",
        "dense/bias",
    ]
    outer.compile("adam", "mse")
    before = inner.get_weights()[0]
    outer.fit(v, data(6, 2), verbose=0)
    assert not np.array_equal(before, inner.get_weights()[0])
    assert graph.get_layer("inner") is inner
    y = nc.Input((4,))
    twice = nc.Model(y, graph(graph(y)))
    assert len(twice.weights) == 4
    np.testing.assert_array_equal(twice(v).numpy(), graph(graph(v)).numpy())
    inner.trainable = False
    assert len(outer.trainable_weights) == 2


def test_inside_of_a_model():
    model = residual()
    assert model.get_layer("add").input[0].shape == (None, 8, 8, 4)
    inner = nc.Model(model.input, model.get_layer("add").output)
    assert inner.predict(data(2, 8, 8, 2), verbose=0).shape == (2, 8, 8, 4)
    with pytest.raises(nc.errors.StateError, match="Dense 'dense': has 0 calls"):
        _ = L.Dense(2).output
    features = nc.Model(model.input, model.outputs[0] * 2)
    v = data(2, 8, 8, 2)
    np.testing.assert_array_equal(features(v).numpy(), 2 * model(v).numpy())
    x = nc.Input((4,))
    h = L.Dense(3)(x)
    y = L.Dense(2)(h)
    whole, tail = nc.Model(x, y), nc.Model(h, y)
    v = data(2, 4)
    np.testing.assert_array_equal(tail(nc.Model(x, h)(v)).numpy(), whole(v).numpy())
    assert tail.input_shape == (None, 3)
    stack = nc.Sequential([nc.Input((4,)), L.Dense(3), L.Dense(2)])
    np.testing.assert_array_equal(nc.Model(stack.input, stack.output)(v).numpy(), stack(v).numpy())


def test_training_several_outputs():
    model = two_in_two_out()
    x, y = [data(20, 3), data(20, 2)], [data(20, 1), data(20, 2)]
    model.compile("sgd", ["mse", "mae"], metrics=[["mae"], ["mse", "mae"]], loss_weights=[1.0, 10.0])
    assert model.metrics_names == ["loss", "o1_loss", "o2_loss", "o1_mae", "o2_mse", "o2_mae"]
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    o1, o2 = model.predict(x, verbose=0)
    # Means over 20 and 40 float32 numbers.
    assert logs["o1_loss"] == pytest.approx(np.mean((o1 - y[0]) ** 2), rel=1e-5)
    assert logs["o2_loss"] == pytest.approx(np.mean(abs(o2 - y[1])), rel=1e-5)
    assert logs["o2_mae"] == pytest.approx(logs["o2_loss"], rel=1e-6)
    assert logs["loss"] == pytest.approx(logs["o1_loss"] + 10 * logs["o2_loss"], rel=1e-6)
    history = model.fit(x, y, batch_size=6, epochs=3, validation_split=0.2, verbose=0).history
    assert list(history)[:3] == ["loss", "o1_loss", "o2_loss"]
    assert "val_o2_mse" in history
    assert model.test_on_batch(x, y)[0] == model.evaluate(x, y, batch_size=20, verbose=0)[0]


@pytest.mark.parametrize("form", ["list", "dict", "one"])
def test_losses_by_list_and_dictionary_are_the_same(form):
    x, y, w = [data(12, 3), data(12, 2)], [data(12, 1), data(12, 2)], [np.arange(12.0), np.ones(12)]
    given = {
        "list": (["mse", "mse"], [["mae"], []], [1.0, 2.0], x, y, w),
        "dict": (
            {"o2": "mse", "o1": "mse"},
            {"o1": "mae"},
            {"o2": 2.0},
            {"b": x[1], "a": x[0]},
            {"o2": y[1], "o1": y[0]},
            {"o1": w[0]},
        ),
        "one": ("mse", [["mae"], []], (1.0, 2.0), tuple(x), tuple(y), w),
    }
    results = []
    for which in ("list", form):
        loss, metrics, weights, inputs, targets, sample_weight = given[which]
        model = two_in_two_out()
        model.compile("adam", loss, metrics=metrics, loss_weights=weights)
        model.fit(inputs, targets, sample_weight=sample_weight, validation_data=(inputs, targets), verbose=0)
        results.append((bits(model), model.evaluate(inputs, targets, verbose=0, return_dict=True)))
    assert results[0] == results[1]


def test_an_output_without_a_loss():
    model = two_in_two_out()
    model.compile("sgd", {"o1": "mse", "o2": None})
    before = model.get_layer("o2").get_weights()
    x = [data(8, 3), data(8, 2)]
    assert list(model.fit(x, [data(8, 1), None], verbose=0).history) == ["loss", "o1_loss"]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_layer("o2").get_weights(), strict=True))


def test_dictionaries_of_inputs_and_outputs():
    a, b = nc.Input((3,)), nc.Input((3,))
    model = nc.Model({"left": a, "right": b}, {"sum": a + b, "product": a * b})
    assert model.input_names == ["left", "right"]
    assert model.output_names == ["sum", "product"]
    x = {"right": data(4, 3), "left": data(4, 3, seed=1)}
    out = model.predict(x, verbose=0)
    assert list(out) == ["sum", "product"]
    np.testing.assert_array_equal(out["sum"], x["left"] + x["right"])
    assert list(model.input) == ["left", "right"]
    assert list(model(x)) == ["sum", "product"]
    again = nc.models.Functional.from_config(model.get_config())
    np.testing.assert_array_equal(again.predict(x, verbose=0)["product"], out["product"])


def test_files_and_copies(tmp_path):
    model = two_in_two_out()
    x, y = [data(20, 3), data(20, 2)], [data(20, 1), data(20, 2)]
    model.compile(nc.optimizers.AdamW(0.01), {"o1": "mse", "o2": nc.losses.Huber(2.0)}, {"o2": ["mae"]}, [0.5, 2.0])
    model.fit(x, y, epochs=2, verbose=0)
    model.save(tmp_path / "m")
    loaded = nc.models.load_model(tmp_path / "m")
    assert isinstance(loaded, nc.models.Functional)
    assert loaded.get_config() == model.get_config()
    assert loaded.get_compile_config() == model.get_compile_config()
    copies = [loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    model.fit(x, y, verbose=0)
    for one in copies:
        one.fit(x, y, verbose=0)
        assert bits(one) == bits(model)
        assert one.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    model.save_weights(tmp_path / "w")
    other = two_in_two_out(5)
    other.load_weights(tmp_path / "w")
    assert bits(other) == bits(model)


def test_a_file_with_all_kinds(tmp_path):
    inner = nc.Sequential([L.Dense(4, activation="relu"), L.Dense(4)])
    x = nc.Input((4,))
    h = inner(x) + np.linspace(0, 1, 4, dtype="float32")
    h = nc.ops.where(h > 0, h, float("nan"))[:, 1:]
    model = nc.Model(x, inner(L.Dense(4)(h)))
    model.save(tmp_path / "m")
    loaded = nc.models.load_model(tmp_path / "m")
    v = data(3, 4)
    assert np.array_equal(loaded.predict(v, verbose=0), model.predict(v, verbose=0), equal_nan=True)
    assert type(loaded.layers[1]) is nc.Sequential


def test_operations_from_files_are_checked():
    x = nc.Input((4,))
    config = nc.Model(x, nc.matmul(x, np.ones((4, 2), "float32"))).get_config()
    at = next(i for i, layer in enumerate(config["layers"]) if layer["class_name"] == "Operation")
    for change, text in [
        (lambda c: c.update(op="system"), "the op 'system' is unknown"),
        (lambda c: c.update(op="softmax_grad", attributes={}), "internal"),
        (lambda c: c.update(op="dropout", attributes={}), "random numbers"),
        (lambda c: c.update(inputs=["symbol"]), "matmul: .* is missing"),
        (lambda c: c.update(inputs=["symbol", None]), "matmul: .* is missing"),
        (lambda c: c.update(inputs=["symbol"] * 3), "takes 2 inputs, got 3"),
        (lambda c: c["inputs"][1].update(shape=[4, 3]), "has 64 digits"),
        (lambda c: c["inputs"][1].update(shape=[-4, -2]), "got integer -4"),
        (lambda c: c["inputs"][1].update(data="g" * 64), "no digit of base 16"),
        (lambda c: c.update(attributes={"no": 1}), "no attribute 'no'"),
    ]:
        bad = copy.deepcopy(config)
        change(bad["layers"][at]["config"])
        with pytest.raises((ValueError, TypeError), match=text):
            nc.models.Functional.from_config(bad)


def test_predict_from_several_threads():
    model = residual()
    v = data(30, 8, 8, 2)
    expected = model.predict(v, verbose=0).tobytes()
    same = []

    def work():
        same.extend(model.predict(v, verbose=0).tobytes() == expected for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert same == [True] * 20


def test_a_deep_graph_is_freed_without_recursion():
    x = y = nc.Input((2,))
    for _ in range(20000):
        y = y + 1
    del x, y
    gc.collect()


def test_models_are_freed():
    model = residual()
    alive = weakref.ref(model)
    symbol = weakref.ref(model.outputs[0])
    del model
    gc.collect()
    assert alive() is None
    assert symbol() is None


def test_float64_graph():
    x = nc.Input((3,), dtype="float64")
    model = nc.Model(x, L.Dense(2, dtype="float64")(x) * 2)
    assert model.predict(data(2, 3).astype("float64"), verbose=0).dtype == np.float64


def _symbols():
    a, b = nc.Input((3,), name="a"), nc.Input((2,), name="b")
    return a, b


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda m, a, b, x: nc.Model(a, L.Concatenate()([a, b])), ValueError, ["need the input 'b' of shape [-1, 2]", "given: a"]),
        (lambda m, a, b, x: nc.Model([a, b], a + 1), ValueError, ["the input 'b'", "not connected"]),
        (lambda m, a, b, x: nc.Model([a, a], a + 1), ValueError, ["'a'", "given twice"]),
        (lambda m, a, b, x: nc.Model(a, 3), TypeError, ["outputs must be symbolic tensors", "int"]),
        (lambda m, a, b, x: nc.Model(L.Dense(2), a + 1), TypeError, ["inputs must be symbolic tensors", "Dense"]),
        (lambda m, a, b, x: nc.Model(a, []), ValueError, ["outputs is empty"]),
        (lambda m, a, b, x: nc.Model(), TypeError, ["inputs and outputs are missing"]),
        (
            lambda m, a, b, x: nc.Model(a, L.Dense(2, name="same")(L.Dense(2, name="same")(a))),
            ValueError,
            ["two layers are named 'same'"],
        ),
        (lambda m, a, b, x: L.Add()([a, b]), nc.errors.ShapeError, ["[-1, 3], [-1, 2]"]),
        (lambda m, a, b, x: a + b, nc.errors.ShapeError, ["add", "stand in as 55440"]),
        (lambda m, a, b, x: L.Add()([a, x[0]]), TypeError, ["1 of the inputs are symbolic", "1 are not"]),
        (lambda m, a, b, x: L.Dense(2)(a) + nc.Tensor([1.0, 2.0], requires_grad=True), ValueError, ["add", "requires a gradient"]),
        (lambda m, a, b, x: bool(a), TypeError, ["bool", "'a'", "[-1, 3]", "no values yet"]),
        (lambda m, a, b, x: float(a), TypeError, ["float", "no values yet"]),
        (lambda m, a, b, x: np.asarray(a), TypeError, ["numpy", "no values yet"]),
        (lambda m, a, b, x: list(a), TypeError, ["iter", "no values yet"]),
        (lambda m, a, b, x: a[:, 3], IndexError, ["3 is out of range for axis 1 of size 3"]),
        (lambda m, a, b, x: a[:, :, 0], IndexError, ["3 indices", "[-1, 3]"]),
        (lambda m, a, b, x: a[[0, 1]], TypeError, ["index", "list", "nc.ops.take"]),
        (lambda m, a, b, x: L.Dense(2)(nc.Input((None,))), nc.errors.ShapeError, ["Dense", "must be known"]),
        (lambda m, a, b, x: nc.Input((3,), batch_size=0), ValueError, ["Input", "batch_size", "0"]),
        (lambda m, a, b, x: m.predict(x[0]), TypeError, ["predict", "2 inputs (a, b)", "ndarray"]),
        (lambda m, a, b, x: m.predict([x[0]]), ValueError, ["predict", "2 inputs (a, b)", "x has 1"]),
        (lambda m, a, b, x: m.predict({"a": x[0], "c": x[1]}), ValueError, ["unknown name 'c'", "a, b"]),
        (lambda m, a, b, x: m.predict({"a": x[0]}), ValueError, ["x lacks 'b'"]),
        (lambda m, a, b, x: m.predict([x[0], x[1][:2]]), nc.errors.ShapeError, ["x[0] has 4 rows but x[1] has 2"]),
        (lambda m, a, b, x: m.predict([x[1], x[0]]), nc.errors.ShapeError, ["input 'a'", "[-1, 3]", "[4, 2]"]),
        (lambda m, a, b, x: m(x[:1]), ValueError, ["2 inputs (a, b)"]),
        (lambda m, a, b, x: m.fit(x, x[0]), TypeError, ["2 outputs (o1, o2)", "y must be a list"]),
        (lambda m, a, b, x: m.fit(x, [x[0]]), ValueError, ["2 outputs (o1, o2)", "y has 1"]),
        (lambda m, a, b, x: m.fit(x, {"o1": x[0], "o3": x[1]}), ValueError, ["unknown name 'o3'"]),
        (lambda m, a, b, x: m.fit(x, [x[0][:, :1], x[1][:3]]), nc.errors.ShapeError, ["x has 4 rows but y[1] has 3"]),
        (lambda m, a, b, x: m.fit(x, [x[0][:, :1], None]), TypeError, ["y[1] is missing"]),
        (lambda m, a, b, x: m.fit(x, [x[0][:, :1], x[1]], class_weight={0: 1.0}), ValueError, ["class_weight", "one output", "2"]),
        (lambda m, a, b, x: m.fit(x, [x[0][:, :1], x[1]], sample_weight={"o9": x[0]}), ValueError, ["sample_weight", "'o9'"]),
        (lambda m, a, b, x: m.compile("sgd", ["mse"]), ValueError, ["2 outputs (o1, o2)", "loss has 1"]),
        (lambda m, a, b, x: m.compile("sgd", {"o1": "mse"}), ValueError, ["loss lacks 'o2'"]),
        (lambda m, a, b, x: m.compile("sgd", {"o1": "mse", "x": "mse"}), ValueError, ["loss", "unknown name 'x'"]),
        (lambda m, a, b, x: m.compile("sgd", [None, None]), ValueError, ["at least one output"]),
        (lambda m, a, b, x: m.compile("sgd", "mse", ["mae"]), ValueError, ["metrics has 1", "list for each output"]),
        (lambda m, a, b, x: m.compile("sgd", "mse", {"z": "mae"}), ValueError, ["metrics", "'z'"]),
        (lambda m, a, b, x: m.compile("sgd", "mse", loss_weights=[1.0]), ValueError, ["loss_weights has 1"]),
        (lambda m, a, b, x: m.compile("sgd", "mse", loss_weights=[1.0, "a"]), TypeError, ["loss_weights[1]", "'a'"]),
        (lambda m, a, b, x: m.compile("sgd", "mse", loss_weights=[1.0, float("nan")]), ValueError, ["loss_weights", "finite"]),
        (lambda m, a, b, x: m.compile("sgd", "mse", run_eagerly=1), TypeError, ["run_eagerly", "1"]),
        (lambda m, a, b, x: nc.Sequential().add(a + 1), TypeError, ["add: a layer"]),
        (lambda m, a, b, x: pickle.dumps(a), TypeError, ["SymbolicTensor"]),
    ],
)
def test_messages(call, error, parts):
    model = two_in_two_out()
    model.compile("sgd", "mse")
    with pytest.raises(error) as caught:
        call(model, *_symbols(), [data(4, 3), data(4, 2)])
    for part in parts:
        assert part in str(caught.value)


def test_a_model_cannot_contain_itself():
    inner = nc.Sequential([nc.Input((3,)), L.Dense(3)], name="inner")
    outer = nc.Sequential([nc.Input((3,)), inner], name="outer")
    with pytest.raises(ValueError, match="'inner' cannot be a layer of itself"):
        inner.add(outer)
    with pytest.raises(ValueError, match="'inner' cannot be a layer of itself"):
        inner.add(inner)


def test_layers_that_two_models_named_alike_do_not_meet_unseen():
    models = [nc.Sequential([nc.Input((3,)), L.Dense(3)]) for _ in range(2)]
    x = nc.Input((3,))
    with pytest.raises(ValueError, match="two layers are named 'dense'"):
        nc.Model(x, models[1].layers[0](models[0].layers[0](x)))
    assert nc.Model(x, models[1](models[0](x))).count_params() == 24
    base = nc.Model(x, L.Dense(4)(x))
    top = nc.Model(base.input, L.Dense(2)(base.output))  # a new layer goes around the name that is taken
    assert [layer.name for layer in top.layers] == ["input_layer", "dense", "dense_1"]
    assert base.layers[1].name == "dense"


def test_bad_configurations_are_refused():
    config = two_in_two_out().get_config()
    for change, text in [
        (lambda c: c.update(extra=1), "unknown key 'extra'"),
        (lambda c: c["calls"][2].update(layer=99), "no layer 99"),
        (lambda c: c["calls"][2].update(inputs=[[7, 0]]), "names no result"),
        (lambda c: c.update(outputs=[[0, 5]]), "names no result"),
        (lambda c: c["layers"][2].update(class_name="Dence"), "'Dence' is unknown"),
        (lambda c: c.update(input_keys=["one"]), "numbers of keys"),
        (lambda c: c["calls"][1].update(layer=0), "given twice"),
    ]:
        bad = copy.deepcopy(config)
        change(bad)
        with pytest.raises((ValueError, TypeError), match=text):
            nc.models.Functional.from_config(bad)
