"""Sequential from Python: structure, weights, summary, compile, single steps, threads, messages."""

import inspect
import io
import threading
import warnings

import numpy as np
import pytest

import nacre as nc

L = nc.layers


def points(n=120, seed=0):
    """Three classes of points in four dimensions that a small network separates."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = rng.uniform(-0.5, 0.5, (n, 4)).astype("float32")
    x[np.arange(n), y] += 1.5
    return x, y.astype("int32")


def network(seed=1, **compile_arguments):
    nc.utils.set_random_seed(seed)
    model = nc.Sequential(
        [nc.Input((4,)), L.Dense(16, activation="relu"), L.BatchNormalization(), L.Dropout(0.25), L.Dense(3, activation="softmax")]
    )
    model.compile(**({"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]} | compile_arguments))
    return model


def _empty():
    model = nc.Sequential()
    model.compile("sgd", "mse")
    return model


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


def test_structure():
    model = network()
    assert [layer.name for layer in model.layers] == ["dense", "batch_normalization", "dropout", "dense_1"]
    assert type(model.layers[0]) is L.Dense
    assert model.get_layer("dense_1") is model.layers[3]
    assert model.get_layer(index=-1).name == "dense_1"
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 3)
    assert model.count_params() == 195
    assert [w.shape for w in model.trainable_weights] == [(4, 16), (16,), (16,), (16,), (16, 3), (3,)]
    assert len(model.non_trainable_weights) == 2
    assert len(model.weights) == 8
    model.pop()
    assert model.output_shape == (None, 16)
    model.add(L.Dense(2, name="last"))
    assert model.output_shape == (None, 2)
    assert "built=True" in repr(model)


def test_built_by_the_first_call_or_by_build():
    model = nc.Sequential([L.Dense(2)])
    assert not model.built
    assert model.weights == []
    assert model(np.ones((3, 5))).shape == (3, 2)
    assert model.built
    other = nc.Sequential([L.Flatten(), L.Dense(2)], name="other")
    other.build((None, 2, 3))
    assert other.get_weights()[0].shape == (6, 2)
    assert other.name == "other"


def test_config_round_trip():
    model = network()
    copy = nc.Sequential.from_config(model.get_config())
    assert copy.get_config() == model.get_config()
    assert [w.shape for w in copy.get_weights()] == [w.shape for w in model.get_weights()]
    assert model.get_config()["layers"][0]["class_name"] == "InputLayer"


def test_weights_round_trip_and_all_or_none():
    a, b = network(1), network(2)
    assert bits(a) != bits(b)
    b.set_weights(a.get_weights())
    assert bits(a) == bits(b)
    bad = [w + 1 for w in a.get_weights()]
    bad[-1] = np.zeros(7)
    with pytest.raises(nc.errors.ShapeError, match=r"dense_1/bias has shape \[3\], got \[7\]"):
        b.set_weights(bad)
    assert bits(a) == bits(b)
    with pytest.raises(ValueError, match="has 8 weights, got 1"):
        b.set_weights([np.zeros(1)])
    copies = a.get_weights()
    copies[0][:] = 9
    assert not np.any(a.get_weights()[0] == 9)


def test_summary(capsys, monkeypatch):
    network().summary()
    text = capsys.readouterr().out
    for part in [
        'Model: "sequential"',
        "dense_1 (Dense)",
        "(None, 16)",
        "Total params: 195 (780.00 B)",
        "Non-trainable params: 32",
        "┏━",
    ]:
        assert part in text
    seen = []
    network().summary(print_fn=seen.append)
    assert seen[0].startswith('Model: "sequential"')
    assert len({len(line) for line in seen[0].splitlines() if line[0] in "┏┡│├└┃"}) == 1
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", ascii_only)
    network().summary()
    ascii_only.seek(0)
    assert "| dense (Dense)" in ascii_only.read()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_that_the_output_cannot_write(monkeypatch, encoding):
    x, _ = points(12)
    model = nc.Sequential([nc.Input((4,)), L.Dense(3, name="größe_層")], name="名")
    model.compile("sgd", "mse", metrics=[nc.metrics.MeanAbsoluteError(name="größe_層")])
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr("sys.stdout", stream)
    model.summary()
    model.fit(x, np.zeros((12, 3)))
    stream.seek(0)
    text = stream.read()
    written = "größe_層".encode(encoding, "replace").decode(encoding)
    assert f"{written} (Dense)" in text
    assert f"{written}: " in text


def test_without_an_output(monkeypatch):
    """pythonw has no sys.stdout."""
    x, y = points(12)
    monkeypatch.setattr("sys.stdout", None)
    model = network()
    model.summary()
    for verbose in ("auto", 1, 2):
        assert len(model.fit(x, y, epochs=2, validation_split=0.25, verbose=verbose).epoch) == 2
        model.evaluate(x, y, verbose=verbose)
        model.predict(x, verbose=verbose)


def test_unbuilt_summary_says_so():
    seen = []
    nc.Sequential([L.Dense(2)]).summary(print_fn=seen.append)
    assert "unbuilt" in seen[0]


@pytest.mark.parametrize(
    ("optimizer", "loss", "metrics", "names"),
    [
        ("sgd", "mse", None, ["loss"]),
        (nc.optimizers.Adam(0.01), nc.losses.CategoricalCrossentropy(), ["accuracy", "mae"], ["loss", "accuracy", "mae"]),
        (nc.optimizers.RMSprop, nc.losses.mean_absolute_error, "mse", ["loss", "mse"]),
        (
            {"class_name": "AdamW", "config": {"weight_decay": 0.1}},
            "kl_divergence",
            [nc.metrics.Mean(name="m"), "mse", "mse"],
            ["loss", "m", "mse", "mse_1"],
        ),
    ],
)
def test_compile_takes_names_and_objects(optimizer, loss, metrics, names):
    model = network(optimizer=optimizer, loss=loss, metrics=metrics)
    assert model.metrics_names == names
    assert isinstance(model.optimizer, nc.optimizers.Optimizer)
    if isinstance(optimizer, nc.optimizers.Optimizer):
        assert model.optimizer is optimizer
    x, y = points(12)
    result = model.test_on_batch(x, nc.utils.to_categorical(y, 3), return_dict=True)
    assert list(result) == names
    assert np.isfinite(list(result.values())).all()


def test_learning_rate_can_be_changed_between_steps():
    x, y = points(30)
    model = network(optimizer="sgd")
    model.train_on_batch(x, y)
    before = model.get_weights()[0]
    model.optimizer.learning_rate = 1e-30
    model.train_on_batch(x, y)
    assert np.array_equal(before, model.get_weights()[0])


def test_steps_on_batches():
    x, y = points(30)
    model = network()
    out = model.predict_on_batch(x)
    assert isinstance(out, np.ndarray)
    assert out.shape == (30, 3)
    loss, accuracy = model.test_on_batch(x, y)
    # test_on_batch against the definition, on the float32 results: a mean of 30 float32 logarithms
    assert loss == pytest.approx(-np.log(out[np.arange(30), y]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((out.argmax(1) == y).mean())
    first = model.train_on_batch(x, y, return_dict=True)
    for _ in range(40):
        last = model.train_on_batch(x, y, return_dict=True)
    assert last["loss"] < first["loss"]
    assert np.array_equal(model.predict(x, batch_size=30, verbose=0), model.predict_on_batch(x))
    assert nc.Sequential([L.Flatten()]).predict(x, verbose=0).tobytes() == x.tobytes()


@pytest.mark.parametrize("loss", ["binary_crossentropy", "mse", "mae"])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool", "float64"])
@pytest.mark.parametrize("column", [False, True])
def test_targets_of_any_dtype_fit_one_output(loss, dtype, column):
    x, y = points(30)
    y = (y == 1).astype(dtype)
    results = []
    for targets in (y.astype("float32"), y[:, None] if column else y):
        nc.utils.set_random_seed(0)
        model = nc.Sequential([nc.Input((4,)), L.Dense(1, activation="sigmoid")])
        model.compile("adam", loss, ["accuracy"])
        history = model.fit(x, targets, epochs=2, verbose=0)
        results.append((bits(model), history.history))
    assert results[0] == results[1]


def test_call_records_gradients_and_training_is_random():
    x, _ = points(8)
    model = network()
    y = model(x)
    assert np.array_equal(y.numpy(), model(x).numpy())
    grads = nc.gradients(nc.sum(y * y), model.trainable_weights)
    assert all(g is not None and np.isfinite(g.numpy()).all() for g in grads)
    assert not np.array_equal(model(x, training=True).numpy(), model(x, training=True).numpy())


def test_frozen_model_trains_after_compile_again():
    x, y = points(12)
    model = network()
    model.train_on_batch(x, y)
    model.trainable = False
    with pytest.raises(nc.errors.StateError, match="compile"):
        model.train_on_batch(x, y)
    model.compile("adam", "sparse_categorical_crossentropy")
    before = bits(model)
    model.train_on_batch(x, y)
    assert bits(model) == before
    assert model.trainable is False
    model.trainable = True
    assert len(model.trainable_weights) == 6


def test_predict_from_several_threads():
    x, y = points(200)
    model = network()
    model.fit(x, y, epochs=2, verbose=0)
    expected = model.predict(x, verbose=0).tobytes()
    results = []

    def work():
        for _ in range(10):
            results.append(model.predict(x, verbose=0).tobytes() == expected)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == 60
    assert all(results)


def test_predict_beside_fit_and_second_fit_refused():
    x, y = points(300)
    model = network()
    outputs, refused, done = [], [], threading.Event()

    def work():
        while not done.is_set():
            out = model.predict(x, verbose=0)
            outputs.append(np.allclose(out.sum(1), 1, atol=1e-5))  # whole rows of one softmax each
            try:
                model.fit(x, y, verbose=0)
            except nc.errors.StateError as error:
                refused.append(str(error))

    class Start(nc.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if len(refused) > 2 or epoch == 999:
                self.model.stop_training = True

    thread = threading.Thread(target=work)
    started = False
    while not started:
        try:
            if not thread.is_alive() and thread.ident is None:
                thread.start()
            model.fit(x, y, batch_size=10, epochs=1000, verbose=0, callbacks=[Start()])
            started = True
        except nc.errors.StateError:
            pass  # the other thread trains just now
    done.set()
    thread.join()
    assert outputs
    assert all(outputs)
    assert len(refused) > 2
    assert "trained already" in refused[0]


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda m, x, y: m.fit(x, y[:-1]), ValueError, ["fit: x has 12 rows but y has 11."]),
        (lambda m, x, y: m.fit(x, y, batch_size=0), ValueError, ["fit", "batch_size", "0"]),
        (lambda m, x, y: m.fit(x, y, batch_size=2.5), TypeError, ["fit", "batch_size", "2.5"]),
        (lambda m, x, y: m.fit(x, y, batch_size=2**70), ValueError, ["fit", "batch_size", str(2**70)]),
        (lambda m, x, y: m.fit(x, y, epochs="3"), TypeError, ["fit", "epochs", "'3'"]),
        (lambda m, x, y: m.fit(x, y, validation_split=1.5), ValueError, ["fit", "validation_split", "1.5"]),
        (lambda m, x, y: m.fit(x, y, validation_split=float("nan")), ValueError, ["fit", "validation_split"]),
        (lambda m, x, y: m.fit(x, y, validation_data=3), TypeError, ["fit", "validation_data"]),
        (lambda m, x, y: m.fit(x, y, validation_data=(x, y[:3])), ValueError, ["validation_data", "12", "3"]),
        (lambda m, x, y: m.fit(x, y, validation_freq=0), ValueError, ["validation_freq", "0"]),
        (lambda m, x, y: m.fit(x, y, verbose=7), ValueError, ["fit", "verbose", "7"]),
        (lambda m, x, y: m.fit(x, y, class_weight=[1]), TypeError, ["fit", "class_weight", "list"]),
        (lambda m, x, y: m.fit(x, y, class_weight={0: "a"}), TypeError, ["fit", "class_weight", "'a'"]),
        (lambda m, x, y: m.fit(x, y, class_weight={0: float("inf")}), ValueError, ["fit", "class_weight", "inf"]),
        (lambda m, x, y: m.fit(x, y, sample_weight=np.ones(5)), ValueError, ["fit", "sample_weight", "12", "5"]),
        (lambda m, x, y: m.fit(x, y, callbacks=[3]), TypeError, ["fit", "callbacks", "3"]),
        (lambda m, x, y: m.fit(x), TypeError, ["fit", "y is missing"]),
        (lambda m, x, y: m.fit(x[:0], y[:0]), ValueError, ["fit", "no rows"]),
        (lambda m, x, y: m.fit(x[:, :3], y), ValueError, ["[12, 3]"]),
        (lambda m, x, y: m.fit(x, y + 1), (ValueError, IndexError), ["3"]),
        (lambda m, x, y: m.fit(x, nc.utils.to_categorical(y, 4)), TypeError, ["float32"]),
        (lambda m, x, y: m.fit(x, nc.utils.to_categorical(y, 4).astype(int)), ValueError, ["[12, 4]"]),
        (lambda m, x, y: m.evaluate(x, y, batch_size=-1), ValueError, ["evaluate", "batch_size", "-1"]),
        (lambda m, x, y: m.evaluate(x, None), TypeError, ["evaluate", "y is missing"]),
        (lambda m, x, y: m.predict(x, steps=0), ValueError, ["predict", "steps", "0"]),
        (lambda m, x, y: m.predict(None), TypeError, ["predict", "x is missing"]),
        (lambda m, x, y: m.predict("abc"), TypeError, ["predict"]),
        (lambda m, x, y: m.compile("adam"), ValueError, ["compile", "loss"]),
        (lambda m, x, y: m.compile("adam", "mze"), ValueError, ["mze"]),
        (lambda m, x, y: m.compile("adam", lambda a, b: a), TypeError, ["compile", "loss", "lambda"]),
        (lambda m, x, y: m.compile("adam", "mse", [lambda a, b: a]), TypeError, ["compile", "metric", "lambda"]),
        (lambda m, x, y: m.compile("adam", "mse", ["acuracy"]), ValueError, ["acuracy"]),
        (lambda m, x, y: m.compile("adam", "mse", ["mse", 3]), TypeError, ["compile", "metrics[1]", "3"]),
        (lambda m, x, y: _empty().fit(x, y), RuntimeError, ["no layers"]),
        (lambda m, x, y: _empty().train_on_batch(x, y), RuntimeError, ["no layers"]),
        (lambda m, x, y: _empty().evaluate(x, y), RuntimeError, ["no layers"]),
        (lambda m, x, y: _empty().predict(x), RuntimeError, ["no layers"]),
        (lambda m, x, y: _empty()(x), RuntimeError, ["no layers"]),
        (lambda m, x, y: m.compile("adam", nc.losses.MeanSquaredError(reduction="none")), ValueError, ["compile", "none"]),
        (lambda m, x, y: m.add(3), TypeError, ["add", "3"]),
        (lambda m, x, y: m.add(L.Dense(2, name="dense")), ValueError, ["add", "dense"]),
        (lambda m, x, y: m.add(m.layers[0]), ValueError, ["add", "dense"]),
        (lambda m, x, y: m.add(nc.Input((3,))), ValueError, ["add", "first"]),
        (lambda m, x, y: m.get_layer("x"), ValueError, ["get_layer", "x", "dense_1"]),
        (lambda m, x, y: m.get_layer(index=9), ValueError, ["get_layer", "9", "4"]),
        (lambda m, x, y: nc.Sequential(3), TypeError, ["Sequential", "int"]),
        (lambda m, x, y: nc.Sequential([L.Dense(2)]).build((None, 0)), ValueError, ["build", "0"]),
        (lambda m, x, y: nc.Sequential().build((None, 3)), RuntimeError, ["build", "no layers"]),
        (
            lambda m, x, y: nc.Sequential([L.Dense(2)]).fit(x, y),
            RuntimeError,
            ["fit: the model is not compiled. Call model.compile(...) first."],
        ),
        (lambda m, x, y: nc.Sequential([L.Dense(2)]).count_params(), RuntimeError, ["count_params", "not built"]),
        (lambda m, x, y: nc.Sequential.from_config({"layers": [{"class_name": "Evil", "config": {}}]}), ValueError, ["Evil"]),
        (lambda m, x, y: nc.Sequential.from_config({"layers": [], "more": 1}), TypeError, ["from_config", "more"]),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_messages(call, error, parts):
    x, y = points(12)
    model = network()
    before = bits(model)
    with pytest.raises(error) as caught:
        call(model, x, y)
    for part in parts:
        assert part in str(caught.value)
    assert bits(model) == before


def test_warnings_about_likely_mistakes():
    x, y = points(12)
    model = network(loss=nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.warns(UserWarning, match="from_logits=True"):
        model.fit(x, y, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network().fit(x, y, verbose=0)
    with pytest.warns(UserWarning, match="sorted"):
        network().fit(x, np.sort(y), validation_split=0.3, verbose=0)


def test_variables_are_weights():
    model = network()
    model.layers[0].trainable = False
    for variables, weights in [
        (model.variables, model.weights),
        (model.trainable_variables, model.trainable_weights),
        (model.non_trainable_variables, model.non_trainable_weights),
    ]:
        assert [v.numpy().ctypes.data for v in variables] == [w.numpy().ctypes.data for w in weights]
    assert len(model.variables) == len(model.trainable_variables) + len(model.non_trainable_variables) == 8
    for name in ("variables", "trainable_variables", "non_trainable_variables"):
        with pytest.raises(AttributeError):
            setattr(model, name, [])


@pytest.mark.parametrize("rank", ["1D", "2D"])
@pytest.mark.parametrize(("short", "name"), [("MaxPool", "MaxPooling"), ("AvgPool", "AveragePooling")])
def test_short_names_of_pooling(short, name, rank):
    for before in ("", "Global"):
        assert getattr(L, before + short + rank) is getattr(L, before + name + rank)
        assert getattr(L, before + short + rank)().class_name == before + name + rank


def test_every_public_method_is_documented():
    for name, member in vars(nc.Sequential).items():
        if not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
            assert (member.__doc__ or "").strip(), name
