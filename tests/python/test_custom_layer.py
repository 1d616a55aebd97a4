"""Layers and models written in Python: weights, building, modes, training, files, lifetimes, errors."""

import copy
import gc
import pickle
import sys
import threading
import traceback
import weakref

import numpy as np
import pytest

import nacre as nc

L = nc.layers


def data(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def bits(model):
    return [w.tobytes() for w in model.get_weights()]


class MyDense(L.Layer):
    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, x):
        y = nc.matmul(x, self.kernel) + self.bias
        return y if self.activation is None else getattr(nc.ops, self.activation)(y)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "activation": self.activation}


@nc.saving.register_serializable("tests")
class Block(L.Layer):
    """Layers inside, dropout without its own `training`, a counter that only training changes."""

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.parts = [L.Dense(width, activation="relu"), {"drop": L.Dropout(0.5)}]
        self.norm = L.BatchNormalization()

    def build(self, input_shape):
        self.calls = self.add_weight(initializer="zeros", trainable=False, name="calls")
        self.out = L.Dense(input_shape[-1])

    def call(self, x, training=None):
        if training:
            self.calls.assign(self.calls + 1)
        h = self.parts[1]["drop"](self.parts[0](x))
        return x + self.out(self.norm(h))

    def get_config(self):
        return {**super().get_config(), "width": self.width}


class Net(nc.Model):
    def __init__(self, units=8, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = L.Dense(units, activation="relu")
        self.drop = L.Dropout(0.25)
        self.out = L.Dense(3, activation="softmax")

    def call(self, x, training=None):
        return self.out(self.drop(self.hidden(x), training=training))

    def get_config(self):
        return {"units": self.units}


def points(n=60):
    x, y = data(n, 4), np.arange(n) % 3
    x[np.arange(n), y] += 2
    return x, y


def test_weights_and_building():
    layer = MyDense(3, name="mine")
    assert not layer.built
    assert isinstance(layer, L.Layer)
    assert isinstance(L.Dense(2), L.Layer)
    assert not isinstance(L.Dense(2), MyDense)
    assert issubclass(L.Dense, L.Layer)
    y = layer(data(2, 4))
    assert y.shape == (2, 3)
    assert layer.built
    assert [v.name for v in layer.variables] == ["mine/kernel", "mine/bias"]
    assert layer.count_params() == 15
    assert layer.trainable_weights[0] is not None
    assert layer.trainable_weights[0].requires_grad
    layer.trainable = False
    assert layer.trainable_weights == []
    layer.trainable = True
    other = MyDense(3)
    other.build((None, 4))
    assert other.built
    kernel = other.kernel
    other.build((None, 4))
    assert other.kernel is kernel
    other.set_weights(layer.get_weights())
    assert np.array_equal(other(data(2, 4)).numpy(), y.numpy())
    assert layer.compute_output_shape((None, 4)) == (None, 3)
    assert MyDense(5).compute_output_shape((7, 4)) == (7, 5)
    assert layer(np.ones((2, 4))).dtype == "float32"
    assert MyDense(2, dtype="float64")(np.ones((2, 4))).dtype == "float64"
    assert layer([[1.0, 2.0, 3.0, 4.0]]).shape == (1, 3)


def test_add_weight_defaults_and_names():
    layer = MyDense(1)
    a, b = layer.add_weight((2, 2)), layer.add_weight(2)
    c = layer.add_weight((2,), dtype="int32")
    assert [v.name.split("/")[1] for v in layer.variables] == ["weight", "weight_1", "weight_2"]
    assert (a.shape, b.shape, c.dtype, c.requires_grad) == ((2, 2), (2,), "int32", False)
    assert layer.add_weight((3,), initializer=nc.initializers.Constant(2.0)).tolist() == [2.0] * 3


def test_the_same_as_the_layer_of_the_core():
    x, y = points()
    models = []
    for dense in (L.Dense, MyDense):
        nc.utils.set_random_seed(3)
        model = nc.Sequential([nc.Input((4,)), dense(8, activation="relu"), dense(3)])
        model.compile("adam", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
        models.append(model)
    models[1].set_weights(models[0].get_weights())
    losses = [m.fit(x, y, epochs=4, shuffle=False, verbose=0).history["loss"] for m in models]
    # The fused layer adds the bias in another place than matmul and add: float32 roundings, four epochs of two steps.
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    np.testing.assert_allclose(models[0].predict(x, verbose=0), models[1].predict(x, verbose=0), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["sequential", "functional", "subclass"])
def test_training_and_the_same_seed(kind):
    x, y = points()

    def make():
        nc.utils.set_random_seed(5)
        if kind == "sequential":
            model = nc.Sequential([nc.Input((4,)), Block(6), MyDense(3, "softmax")])
        elif kind == "functional":
            inputs = nc.Input((4,))
            model = nc.Model(inputs, MyDense(3, "softmax")(Block(6)(inputs)))
        else:
            model = Net()
        model.compile(nc.optimizers.Adam(0.02), "sparse_categorical_crossentropy", ["accuracy"])
        return model

    a = make()
    history = a.fit(x, y, epochs=15, batch_size=16, verbose=0).history
    assert history["loss"][-1] < 0.7 * history["loss"][0]
    b = make()
    b.fit(x, y, epochs=15, batch_size=16, verbose=0)
    assert bits(a) == bits(b)
    assert a.evaluate(x, y, verbose=0)[1] > 0.8
    assert a.predict(x, verbose=0).shape == (60, 3)


def test_the_mode_reaches_the_layers_inside():
    nc.utils.set_random_seed(1)
    block = Block(50)
    v = data(8, 4)
    assert np.array_equal(block(v).numpy(), block(v).numpy())
    assert not np.array_equal(block(v, training=True).numpy(), block(v, training=True).numpy())
    assert block.calls.item() == 2
    before = block.norm.get_weights()[2]
    block(v, training=True)
    assert not np.array_equal(before, block.norm.get_weights()[2])
    model = nc.Sequential([nc.Input((4,)), Block(5)])
    model.compile("sgd", "mse")
    model.fit(v, v, batch_size=4, epochs=3, verbose=0)
    assert model.layers[0].calls.item() == 6
    model.predict(v, verbose=0)
    assert model.layers[0].calls.item() == 6


def test_two_dropouts_in_one_layer_draw_different_numbers():
    class Two(L.Layer):
        def __init__(self):
            super().__init__()
            self.drop = L.Dropout(0.5)

        def call(self, x):
            return self.drop(x) - self.drop(x)

    model = nc.Sequential([nc.Input((100,)), Two()])
    assert np.abs(model(np.ones((2, 100)), training=True).numpy()).sum() > 0


def test_names_of_weights_inside():
    model = nc.Sequential([nc.Input((4,)), Block(5), Block(5, name="second")])
    assert [name for name, _, _ in model._weight_list()][:4] == [
        "block/calls",
        "block/dense/kernel",
        "block/dense/bias",
        "block/batch_normalization/gamma",
    ]
    assert sum(name == "second/dense_1/kernel" for name, _, _ in model._weight_list()) == 1
    assert len(model.weights) == 2 * 9
    assert len(model.non_trainable_weights) == 2 * 3


def test_several_inputs_and_outputs():
    class Mix(L.Layer):
        def build(self, first_shape, second_shape):
            self.shapes = (first_shape, second_shape)
            self.w = self.add_weight(shape=(first_shape[-1], second_shape[-1]), name="w")

        def call(self, first, second, scale=1.0, names=None):
            m = nc.matmul(first, self.w)
            return {"sum": m + second, "both": (m * scale, [second])}

    layer = Mix()
    out = layer(data(2, 3), data(2, 4), scale=2.0)
    assert layer.shapes == ((None, 3), (None, 4))
    a, b = nc.Input((3,)), nc.Input((4,))
    symbolic = layer(a, b, scale=2.0, names=["x"])
    assert symbolic["sum"].shape == (None, 4)
    model = nc.Model([a, b], [symbolic["sum"], symbolic["both"][0], symbolic["both"][1][0]])
    got = model([data(2, 3), data(2, 4)])
    assert np.array_equal(got[0].numpy(), out["sum"].numpy())
    assert np.array_equal(got[1].numpy(), out["both"][0].numpy())
    again = nc.models.Functional.from_config(model.get_config(), custom_objects={"Mix": Mix})
    again.set_weights(model.get_weights())
    assert np.array_equal(again([data(2, 3), data(2, 4)])[1].numpy(), got[1].numpy())

    class Pair(L.Layer):
        def call(self, xs):
            return xs[0] * xs[1]

    assert Pair()([a, nc.Input((3,))]).shape == (None, 3)
    assert Pair()([np.ones((2, 3)), np.full((2, 3), 2.0)]).tolist() == [[2.0] * 3] * 2


def test_shapes_that_the_batch_decides():
    class Pool(L.Layer):
        def call(self, x):
            return x.sum(axis=1)

    class Said(L.Layer):
        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 7)

        def call(self, x):
            return nc.ops.tile(x[..., :1], (1, 7))

    x = nc.Input((None, 3))
    assert Pool()(x).shape == (None, 3)
    assert Said()(nc.Input((2,))).shape == (None, 7)
    assert Said().compute_output_shape((None, 2)) == (None, 7)


def test_files(tmp_path):
    x, y = points()
    model = nc.Sequential([nc.Input((4,)), Block(6), MyDense(3, "softmax", name="mine")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match=r"the class 'MyDense' is unknown.*register_serializable.*custom_objects"):
        nc.models.load_model(tmp_path / "m")
    loaded = nc.models.load_model(tmp_path / "m", custom_objects={"MyDense": MyDense})
    assert type(loaded.layers[0]) is Block  # registered
    assert loaded.layers[1].name == "mine"
    for m in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(m.predict(x, verbose=0), model.predict(x, verbose=0))
    model.fit(x, y, verbose=0)
    loaded.fit(x, y, verbose=0)
    assert bits(loaded) == bits(model)
    inputs = nc.Input((4,))
    graph = nc.Model(inputs, Block(6)(inputs))
    graph.save(tmp_path / "g")
    assert np.array_equal(nc.models.load_model(tmp_path / "g").predict(x, verbose=0), graph.predict(x, verbose=0))
    with pytest.raises(TypeError, match="custom_objects must be a dictionary"):
        nc.models.load_model(tmp_path / "g", custom_objects=[Block])


def test_subclassed_model(tmp_path):
    x, y = points()
    model = Net()
    assert isinstance(model, nc.Model)
    assert not isinstance(nc.Sequential(), Net)
    assert not model.built
    with pytest.raises(RuntimeError, match="not built"):
        model.save_weights(tmp_path / "w")
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(x, y, validation_split=0.2, epochs=2, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert [layer.name for layer in model.layers] == ["dense", "dropout", "dense_1"]
    assert model.count_params() == 67
    assert model.name == "net"
    model.summary(print_fn=lambda text: None)
    model.save_weights(tmp_path / "w")
    other = Net()
    other(x[:1])
    other.load_weights(tmp_path / "w")
    assert np.array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match="the class 'Net' of the model is unknown"):
        nc.models.load_model(tmp_path / "m")
    loaded = nc.models.load_model(tmp_path / "m", custom_objects={"Net": Net})
    assert type(loaded) is Net
    for m in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(m.predict(x, verbose=0), model.predict(x, verbose=0))
    model.fit(x, y, verbose=0)
    loaded.fit(x, y, verbose=0)
    assert bits(loaded) == bits(model)
    stack = nc.Sequential([nc.Input((4,)), Net(name="inner"), L.Dense(2)])
    assert stack.predict(x, verbose=0).shape == (60, 2)
    assert stack._weight_list()[0][0] == "inner/dense/kernel"


def test_subclassed_model_with_several_inputs_and_outputs():
    class Two(nc.Model):
        def __init__(self):
            super().__init__()
            self.dense = L.Dense(2)

        def call(self, inputs):
            return {"sum": self.dense(inputs["a"] + inputs["b"]), "a": inputs["a"]}

    model = Two()
    model.compile("sgd", {"sum": "mse", "a": None}, {"sum": ["mae"]})
    x = {"a": data(6, 3), "b": data(6, 3, seed=1)}
    history = model.fit(x, {"sum": data(6, 2), "a": data(6, 3)}, verbose=0).history
    assert list(history) == ["loss", "sum_loss", "sum_mae"]
    assert model.output_names == ["sum", "a"]
    out = model.predict(x, verbose=0)
    assert np.array_equal(out["a"], x["a"])
    with pytest.raises(TypeError, match=r"another structure \(one array\).*a dictionary of a, b"):
        model.predict(x["a"], verbose=0)


def test_errors_come_out_as_they_are():
    class Broken(L.Layer):
        def call(self, x, training=None):
            if training:
                raise LookupError("by my own code")
            return x

    model = nc.Sequential([nc.Input((3,)), Broken(), L.Dense(1)])
    model.compile("sgd", "mse")
    before = bits(model)
    with pytest.raises(LookupError, match="by my own code") as caught:
        model.fit(data(4, 3), data(4, 1), verbose=0)
    assert any(frame.name == "call" for frame in traceback.extract_tb(caught.value.__traceback__))
    assert bits(model) == before
    assert model.predict(data(4, 3), verbose=0).shape == (4, 1)


def test_predict_from_several_threads():
    nc.utils.set_random_seed(2)
    model = nc.Sequential([nc.Input((4,)), Block(6), MyDense(3)])
    v = data(50, 4)
    expected = model.predict(v, verbose=0).tobytes()
    same = []

    def work():
        same.extend(model.predict(v, batch_size=8, verbose=0).tobytes() == expected for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for t in threads:
        t.start()
    model.compile("sgd", "mse")
    for t in threads:
        t.join()
    assert same == [True] * 60


def test_nothing_dies_early():
    x = nc.Input((4,))

    def branch(t):
        return MyDense(4)(MyDense(4)(t))  # the Python objects of the layers have no other name

    y = branch(x)
    gc.collect()
    model = nc.Model(x, y)
    del x, y
    gc.collect()
    v = data(2, 4)
    expected = model.predict(v, verbose=0)
    outer = nc.Sequential([nc.Input((4,)), model])
    del model
    gc.collect()
    assert np.array_equal(outer.predict(v, verbose=0), expected)
    assert type(outer.layers[0].layers[1]) is MyDense
    wide = nc.Model(outer.input, outer.output * 2)
    del outer
    gc.collect()
    assert np.array_equal(wide.predict(v, verbose=0), 2 * expected)


def test_a_layer_may_know_its_model():
    layer = MyDense(4)
    model = nc.Sequential([nc.Input((4,)), layer, L.Dense(2)])
    layer.owner = model
    assert len(model.weights) == 4
    model.compile("sgd", "mse")
    model.fit(data(4, 4), data(4, 2), verbose=0)
    model.trainable = False
    assert model.trainable_weights == []


def test_nothing_leaks():
    counted = weakref.WeakSet()

    def run():
        layer = MyDense(4)
        block = Block(3)
        x = nc.Input((4,))
        model = nc.Model(x, block(layer(x)))
        layer.model = model  # a cycle through the model
        net = Net()
        net.compile("sgd", "sparse_categorical_crossentropy")
        net.fit(data(4, 4), np.zeros(4, int), verbose=0)
        net.friend = model
        model.predict(data(2, 4), verbose=0)
        counted.update([layer, block, model, net])

    run()
    gc.collect()
    assert len(counted) == 0
    before = sys.getrefcount(MyDense)
    for _ in range(20):
        run()
    gc.collect()
    assert len(counted) == 0
    assert sys.getrefcount(MyDense) <= before + 2


class NoConfig(L.Layer):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def call(self, x):
        return x * self.size


class Wrong(L.Layer):
    def __init__(self, result):
        super().__init__()
        self.result = result

    def call(self, x):
        return self.result


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda x: L.Layer()(x), NotImplementedError, ["Layer: write call"]),
        (lambda x: MyDense(2)(), TypeError, ["MyDense 'my_dense'", "input is missing"]),
        (lambda x: MyDense(2, name=3), TypeError, ["MyDense: name must be a string, got 3"]),
        (lambda x: MyDense(2, name="a/b"), ValueError, ["MyDense: name 'a/b'"]),
        (lambda x: MyDense(2, dtype="int32"), ValueError, ["MyDense", "int32"]),
        (lambda x: MyDense(2, trainable=1), TypeError, ["trainable", "1"]),
        (lambda x: MyDense(2).add_weight((2,), name="a/b"), ValueError, ["'a/b'"]),
        (lambda x: MyDense(2).add_weight((2,), initializer="nope"), ValueError, ["nope"]),
        (lambda x: MyDense(2).nothing, AttributeError, ["'MyDense' object has no attribute 'nothing'"]),
        (lambda x: NoConfig(2).get_config(), NotImplementedError, ["NoConfig", "size", "get_config"]),
        (lambda x: nc.Sequential([NoConfig(2)]).get_config(), NotImplementedError, ["NoConfig", "size"]),
        (lambda x: nc.Sequential([nc.Input((3,)), Wrong(3)]), TypeError, ["Wrong 'wrong'", "call must return tensors, got 3"]),
        (lambda x: nc.Sequential([nc.Input((3,)), Wrong([])]), TypeError, ["Wrong 'wrong'", "no tensor"]),
        (lambda x: MyDense(2)(nc.Input((3,)), x), TypeError, ["1 of the inputs are symbolic tensors and 1 are not"]),
        (lambda x: MyDense(2)(x, {1: x}), TypeError, ["keys of dictionaries must be strings"]),
        (lambda x: MyDense(2)(x, object()), TypeError, ["object"]),
        (lambda x: Net(3, 4), TypeError, ["positional"]),
        (lambda x: nc.Model.__init__(Net(), x), TypeError, ["Net", "a name only", "ndarray"]),
        (lambda x: Net()(x), NotImplementedError, []),
        (lambda x: nc.saving.register_serializable()(3), TypeError, ["3"]),
    ],
)
def test_messages(call, error, parts):
    if not parts:

        class Empty(nc.Model):
            pass

        with pytest.raises(NotImplementedError, match="Empty: write call"):
            Empty()(data(2, 3))
        return
    with pytest.raises(error) as caught:
        call(data(2, 3))
    for part in parts:
        assert part in str(caught.value)


def test_a_name_is_registered_once():
    class Other(L.Layer):
        pass

    with pytest.raises(ValueError, match="'tests>Block' is"):
        nc.saving.register_serializable("tests", "Block")(Other)
    assert nc.saving.get_registered_object("tests>Block") is Block
    assert nc.saving.get_registered_name(Block) == "tests>Block"
