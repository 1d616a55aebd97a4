"""fit, evaluate and predict run captured plans; with run_eagerly=True the layers are called each time. Both give the same bits."""

from __future__ import annotations

import numpy as np
import pytest
from at_once import in_threads

import nacre as nc

pytestmark = pytest.mark.usefixtures("threads_kept")

L = nc.layers
RNG = np.random.default_rng(0)


def images(rows=37):
    return RNG.normal(size=(rows, 8, 8, 2)).astype("float32"), RNG.integers(0, 4, rows)


def rows(count=37):
    return RNG.normal(size=(count, 6)).astype("float32"), RNG.integers(0, 4, count)


def words(count=37):
    return RNG.integers(0, 11, (count, 9)), RNG.integers(0, 4, count)


def mlp():
    return nc.Sequential([L.Dense(9, activation="gelu"), L.Dropout(0.3), L.LayerNormalization(), L.Dense(4)])


def cnn():
    return nc.Sequential(
        [
            L.Conv2D(8, 3, padding="same", activation="relu"),
            L.BatchNormalization(),
            L.MaxPooling2D(),
            L.DepthwiseConv2D(3, activation="tanh"),
            L.SpatialDropout2D(0.2) if hasattr(L, "SpatialDropout2D") else L.Dropout(0.2),
            L.Flatten(),
            L.Dense(4),
        ]
    )


def residual():
    x = nc.Input((8, 8, 2))
    h = L.Conv2D(4, 3, padding="same", use_bias=False)(x)
    h = L.ReLU()(L.BatchNormalization()(h))
    y = L.Add()([h, L.Conv2D(4, 1)(x)])
    y = L.Concatenate()([L.GlobalAveragePooling2D()(y), L.GlobalMaxPooling2D()(h)])
    return nc.Model(x, L.Dense(4)(y))


def transformer():
    x = nc.Input((9,), dtype="int64")
    h = L.Embedding(11, 8)(x)
    a = L.MultiHeadAttention(2, 4)(h, h, use_causal_mask=True)
    h = L.LayerNormalization()(L.Add()([h, L.Dropout(0.1)(a)]))
    return nc.Model(x, L.Dense(4)(L.GlobalAveragePooling1D()(h)))


def recurrent():
    return nc.Sequential([L.Embedding(11, 6), L.LSTM(5, return_sequences=True), L.GRU(4), L.Dense(4)])


CASES = {
    "mlp": (mlp, rows),
    "cnn": (cnn, images),
    "residual": (residual, images),
    "transformer": (transformer, words),
    "recurrent": (recurrent, words),
}


def train(build, data, *, run_eagerly, threads=2, **options):
    nc.utils.set_random_seed(5)
    nc.set_num_threads(threads)
    x, y = data
    model = build()
    model.compile(
        optimizer=options.pop("optimizer", "adam"),
        loss=nc.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        run_eagerly=run_eagerly,
    )
    history = model.fit(x, y, batch_size=16, epochs=2, validation_split=0.2, verbose=0, **options)
    tested = model.evaluate(x, y, batch_size=10, verbose=0)
    return model, [history.history, tested, *model.get_weights(), model.predict(x, batch_size=16, verbose=0)]


def assert_equal(a, b):
    for one, other in zip(a, b, strict=True):
        if isinstance(one, np.ndarray):
            np.testing.assert_array_equal(one, other)
        else:
            assert one == other


@pytest.mark.parametrize("case", CASES)
def test_captured_is_eager(case):
    build, data = CASES[case]
    data = data()
    assert_equal(train(build, data, run_eagerly=False)[1], train(build, data, run_eagerly=True)[1])


@pytest.mark.parametrize("case", CASES)
def test_any_number_of_threads(case):
    build, data = CASES[case]
    data = data()
    one = train(build, data, run_eagerly=False, threads=1)[1]
    for threads in (2, 3):
        assert_equal(one, train(build, data, run_eagerly=False, threads=threads)[1])


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: nc.optimizers.SGD(0.1, momentum=0.9, nesterov="lookahead"),
        lambda: nc.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.01, weight_decay_mask="kernels"),
        lambda: nc.optimizers.RMSprop(global_clipnorm=0.1),
        lambda: nc.optimizers.Adam(clipnorm=0.1, amsgrad=True),
        lambda: nc.optimizers.AdamW(clipvalue=0.01),
    ],
    ids=["lookahead", "masked decay", "global_clipnorm", "clipnorm", "clipvalue"],
)
def test_optimizers(optimizer):
    data = rows()
    weights = RNG.uniform(0.5, 2, 37).astype("float32")
    results = [train(mlp, data, run_eagerly=eager, optimizer=optimizer(), sample_weight=weights)[1] for eager in (False, True)]
    assert_equal(*results)


def test_steps_one_by_one():
    """train_on_batch and test_on_batch keep their plans between calls; layers that are frozen or thawed get new ones."""
    x, y = rows(16)
    results = []
    for eager in (False, True):
        nc.utils.set_random_seed(6)
        model = mlp()
        model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=eager)
        out = [model.train_on_batch(x, y) for _ in range(3)] + [model.test_on_batch(x, y)]
        model.layers[0].trainable = False
        model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=eager)
        out += [model.train_on_batch(x[:n], y[:n]) for n in (16, 7, 16, 7)]
        results.append([*out, *model.get_weights(), model.predict_on_batch(x)])
    assert_equal(*results)


def test_integer_images_are_converted_inside():
    x = RNG.integers(0, 256, (20, 4, 4), dtype=np.uint8)
    y = RNG.integers(0, 3, 20)
    results = []
    for eager in (False, True):
        nc.utils.set_random_seed(7)
        model = nc.Sequential([L.Rescaling(1 / 255), L.Flatten(), L.Dense(3)])
        model.compile("adam", nc.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=eager)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        results.append([*model.get_weights(), model.predict(x, verbose=0)])
    assert_equal(*results)


def test_wrong_labels_change_nothing():
    x, y = rows(16)
    model = mlp()
    model.compile("adam", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(x, y)
    before = model.get_weights()
    wrong = y.copy()
    wrong[3] = 9
    with pytest.raises(IndexError, match="index 9 at position 3 is out of range for size 4"):
        model.train_on_batch(x, wrong)
    assert_equal(before, model.get_weights())
    model.train_on_batch(x, y)


def test_predict_in_several_threads():
    x, _ = images(64)
    model = cnn()
    expected = model.predict(x, batch_size=16, verbose=0)

    def work() -> None:
        for _ in range(5):
            np.testing.assert_array_equal(model.predict(x, batch_size=16, verbose=0), expected)

    in_threads(4, work)


def test_what_a_call_has_kept_has_no_values_afterwards():
    class Keeps(nc.layers.Layer):
        def call(self, x):
            self.__dict__["kept"] = x
            return x * 2.0

    layer = Keeps()
    model = nc.Sequential([layer])
    for _ in range(2):
        model.predict_on_batch(np.ones((2, 3), "float32"))
    kept = layer.kept
    uses = (
        lambda: kept + kept, lambda: nc.tanh(kept), lambda: kept + 1.0, lambda: nc.matmul(kept, nc.ones((3, 2))), kept.numpy,
        lambda: nc.reshape(kept, (3, 2)).numpy(), lambda: nc.add(kept, kept), lambda: nc.concatenate([kept, nc.ones((2, 3))]),
        lambda: nc.gelu(kept), lambda: nc.sum(kept), lambda: kept[0].tolist(), lambda: model.predict(kept, verbose=0),
        lambda: model.predict_on_batch(kept), lambda: nc.optimizers.SGD(0.1).apply([kept], [nc.ones((2, 3))]),
    )  # fmt: skip
    for use in uses:
        with pytest.raises(nc.errors.StateError):
            use()


def test_values_cannot_be_read_while_captured():
    class Asks(nc.layers.Layer):
        def call(self, x):
            return x if float(nc.sum(x)) > 0 else -x

    x, y = rows(8)
    for eager in (False, True):
        model = nc.Sequential([Asks(), L.Dense(4)])
        model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=eager)
        if eager:
            model.fit(x, y, verbose=0)
        else:
            with pytest.raises(nc.errors.StateError, match="run_eagerly=True"):
                model.fit(x, y, verbose=0)


def test_python_layers_are_captured_once():
    calls = []

    class Scale(nc.layers.Layer):
        def build(self, input_shape):
            self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

        def call(self, x):
            calls.append(1)
            return x * self.factor

    x, y = rows(64)
    model = nc.Sequential([Scale(), L.Dense(4)])
    model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert len(calls) <= 3  # once for the plan, twice for the shape of the result
    before = len(calls)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert len(calls) == before
    assert model.layers[0].factor.numpy().std() > 0


def test_assignments_in_a_call_happen_each_step():
    class Counts(nc.layers.Layer):
        def build(self, input_shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

        def call(self, x, training=None):
            if training:
                self.count.assign(self.count + 1)
            return x

    x, y = rows(64)
    for eager in (False, True):
        model = nc.Sequential([Counts(), L.Dense(4)])
        model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=eager)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0)
        assert model.layers[0].count.item() == 16
        y[5] += 10  # a step that fails counts nothing
        with pytest.raises(IndexError):
            model.train_on_batch(x, y)
        y[5] -= 10
        assert model.layers[0].count.item() == 16


def test_assigned_values_cannot_decide_the_same_step():
    class Reads(nc.layers.Layer):
        def build(self, input_shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")

        def call(self, x, training=None):
            self.count.assign(self.count + 1)
            return x * self.count

    x, y = rows(8)
    model = nc.Sequential([Reads(), L.Dense(4)])
    model.compile("sgd", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(nc.errors.StateError, match="run_eagerly=True"):
        model.fit(x, y, verbose=0)


def test_what_compile_changes_is_captured_anew():
    x, y = RNG.normal(size=(8, 3)).astype("float32"), RNG.normal(size=(8, 2)).astype("float32")
    model = nc.Sequential([nc.Input((3,)), L.Dense(2)])
    for loss in ("mse", "mae", nc.losses.Huber(0.1), nc.losses.Huber(10.0), nc.losses.MeanSquaredError(reduction="sum")):
        model.compile("sgd", loss)
        captured = model.test_on_batch(x, y)
        model.compile("sgd", loss, run_eagerly=True)
        assert model.test_on_batch(x, y) == captured
    a = nc.Input((3,))
    two = nc.Model(a, [L.Dense(2)(a), L.Dense(2)(a)])
    values = []
    for weights in ([1.0, 1.0], [1.0, 3.0]):
        two.compile("sgd", "mse", loss_weights=weights)
        values.append(two.test_on_batch(x, [y, y])[0])
    assert values[1] > values[0]


def test_a_layer_taken_off_and_another_put_on():
    x, _ = rows(8)
    model = nc.Sequential([nc.Input((6,)), L.Dense(5), L.Dense(4)])
    for activation in ("relu", "tanh", None, "sigmoid"):
        model.pop()
        model.add(L.Dense(4, activation=activation))
        np.testing.assert_array_equal(model.predict(x, verbose=0), model(x).numpy())


def test_a_plan_shown_between_two_fits_changes_nothing():
    x, y = rows(16)
    weights = []
    for look in (False, True):
        nc.utils.set_random_seed(8)
        model = mlp()
        model.compile("adam", nc.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, batch_size=16, verbose=0)
        if look:
            model.layers[0].trainable = False  # another plan, whose gradients take less memory
            model.plan(x, y, profile=True, print_fn=lambda text: None)
            model.layers[0].trainable = True
        model.fit(x, y, batch_size=16, verbose=0)
        weights.append(model.get_weights())
    assert_equal(*weights)


def test_results_that_the_step_itself_changes_are_refused():
    class Counter(nc.layers.Layer):
        def build(self, input_shape):
            self.count = self.add_weight(shape=(1,), initializer="zeros", trainable=False, name="count")

        def call(self, x):
            self.count.assign(self.count + 1)
            return self.count

    model = nc.Sequential([Counter()])
    with pytest.raises(nc.errors.StateError, match="run_eagerly=True"):
        model.predict(np.ones((1, 3), "float32"), verbose=0)
