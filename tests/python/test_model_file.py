"""Model files from Python: round trips, exact continuation in a new process, other readers, damaged files, pickle-free."""

import json
import struct
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from test_model import bits, network, points

import nacre as nc

L = nc.layers


def test_round_trip(tmp_path):
    x, y = points(60)
    model = network(loss=nc.losses.SparseCategoricalCrossentropy(), optimizer=nc.optimizers.AdamW(0.01))
    model.fit(x, y, epochs=2, verbose=0)
    path = tmp_path / "model.anything"
    model.save(path)
    loaded = nc.models.load_model(path)
    assert bits(loaded) == bits(model)
    assert loaded.predict(x, verbose=0).tobytes() == model.predict(x, verbose=0).tobytes()
    assert loaded.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    assert loaded.get_config() == model.get_config()
    assert loaded.get_compile_config() == model.get_compile_config()
    assert type(loaded.optimizer) is nc.optimizers.AdamW
    assert loaded.optimizer.iterations == model.optimizer.iterations
    assert loaded.optimizer.learning_rate == 0.01
    assert type(loaded.loss) is nc.losses.SparseCategoricalCrossentropy
    assert type(loaded.layers[0]) is L.Dense
    loaded.fit(x, y, verbose=0)
    model.fit(x, y, verbose=0)
    assert bits(loaded) == bits(model)


CONTINUE = """
    import sys
    sys.path.insert(0, sys.argv[1])
    import nacre as nc
    from test_model import points
    nc.set_num_threads(int(sys.argv[4]))
    x, y = points(60)
    model = nc.models.load_model(sys.argv[2])
    model.fit(x, y, batch_size=16, epochs=5, initial_epoch=2, validation_split=0.2, verbose=0)
    model.save(sys.argv[3])
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_continuing_in_a_new_process_is_exact(tmp_path, threads, request):
    x, y = points(60)
    model = network()
    model.fit(x, y, batch_size=16, epochs=2, validation_split=0.2, verbose=0)
    model.save(tmp_path / "half")
    model.fit(x, y, batch_size=16, epochs=5, initial_epoch=2, validation_split=0.2, verbose=0)
    model.save(tmp_path / "whole")
    arguments = [str(request.path.parent), str(tmp_path / "half"), str(tmp_path / "continued"), str(threads)]
    subprocess.run([sys.executable, "-c", textwrap.dedent(CONTINUE), *arguments], check=True, timeout=120)
    assert (tmp_path / "continued").read_bytes() == (tmp_path / "whole").read_bytes()


LAYERS = [
    ([L.InputLayer((8, 8, 2)), L.Conv2D(3, 3), L.MaxPooling2D(), L.Flatten(), L.Dense(2)], (8, 8, 2)),
    (
        [
            L.InputLayer((8, 8, 2)),
            L.DepthwiseConv2D(3, padding="same"),
            L.Conv2DTranspose(2, 3, strides=2),
            L.UpSampling2D(),
            L.GlobalAveragePooling2D(),
        ],
        (8, 8, 2),
    ),
    (
        [
            L.InputLayer((9, 2)),
            L.Conv1D(4, 3),
            L.AveragePooling1D(),
            L.LayerNormalization(),
            L.PReLU(),
            L.GlobalMaxPooling1D(keepdims=True),
        ],
        (9, 2),
    ),
    (
        [
            L.InputLayer((6,)),
            L.Rescaling(0.5),
            L.Reshape((2, 3)),
            L.Permute((2, 1)),
            L.Dense(4, kernel_initializer="he_normal"),
            L.LeakyReLU(),
            L.Softmax(),
        ],
        (6,),
    ),
]


@pytest.mark.parametrize(("layers", "shape"), LAYERS)
def test_many_layers_come_back(tmp_path, layers, shape):
    model = nc.Sequential([type(layer).from_config(layer.get_config()) for layer in layers])
    model.save(tmp_path / "m")
    loaded = nc.models.load_model(tmp_path / "m")
    x = np.random.default_rng(0).normal(size=(3, *shape)).astype("float32")
    assert loaded.predict(x, verbose=0).tobytes() == model.predict(x, verbose=0).tobytes()
    assert not loaded.compiled


def test_embedding_and_float64(tmp_path):
    model = nc.Sequential([nc.Input((5,)), L.Embedding(20, 4, dtype="float64"), L.Flatten(), L.Dense(2, dtype="float64")])
    model.compile("sgd", "mse")
    x, y = np.arange(15).reshape(3, 5), np.ones((3, 2))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m")
    loaded = nc.models.load_model(tmp_path / "m")
    assert loaded.get_weights()[0].dtype == np.float64
    assert loaded.predict(x, verbose=0).tobytes() == model.predict(x, verbose=0).tobytes()


def header(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def test_the_file_is_plain_safetensors(tmp_path):
    model = network()
    path = tmp_path / "m"
    model.save(path)
    entries, data = header(path)
    metadata = entries.pop("__metadata__")
    assert metadata["format"] == "nacre.model"
    assert metadata["format_version"] == "1"
    assert json.loads(metadata["config"])["model"]["config"] == model.get_config()
    begin, end = entries["weights/dense/kernel"]["data_offsets"]
    kernel = np.frombuffer(data[begin:end], "<f4").reshape(entries["weights/dense/kernel"]["shape"])
    assert np.array_equal(kernel, model.get_weights()[0])
    assert {"state/seed", "state/training_calls", "state/epochs_trained", "state/iterations", "state/learning_rate"} <= set(entries)


def test_weights_files(tmp_path):
    a, b = network(1), network(2)
    a.save_weights(tmp_path / "w")
    b.load_weights(tmp_path / "w")
    assert bits(a) == bits(b)
    with pytest.raises(FileExistsError, match="overwrite"):
        a.save_weights(tmp_path / "w", overwrite=False)
    with pytest.raises(nc.errors.FormatError, match="not a whole model"):
        nc.models.load_model(tmp_path / "w")
    other = nc.Sequential([nc.Input((4,)), L.Dense(3)])
    with pytest.raises(nc.errors.FormatError, match="8 weights, the model has 2"):
        other.load_weights(tmp_path / "w")


def test_mutations_are_refused(tmp_path, request):
    """Random changes of a saved model: an error or the same model, never another one, and no crash (one process for all)."""
    rounds = 10000 if request.config.getoption("--full") else 500
    nc.utils.set_random_seed(1)
    model = nc.Sequential([nc.Input((3,)), L.Dense(4, activation="tanh"), L.Dropout(0.5), L.Dense(2)])
    model.compile("adam", "mse", ["mae"])
    x = np.ones((8, 3), "float32")
    model.fit(x, np.zeros((8, 2)), epochs=2, verbose=0)
    path = tmp_path / "m"
    model.save(path)
    seed = path.read_bytes()
    head = 8 + struct.unpack("<Q", seed[:8])[0]
    expected = model.predict(x, verbose=0).tobytes()
    rng = np.random.default_rng(2)
    refused = harmless = 0
    for _ in range(rounds):
        raw = bytearray(seed)
        for _ in range(rng.integers(1, 4)):
            at = int(rng.integers(0, min(head if rng.random() < 0.7 else len(raw), len(raw))))
            kind = rng.integers(0, 5)
            if kind == 0:
                raw[at] = int(rng.integers(0, 256))
            elif kind == 1:
                del raw[at : at + int(rng.integers(1, 40))]
            elif kind == 2:
                raw[at:at] = raw[: int(rng.integers(0, 40))]
            elif kind == 3:
                places = [i for i in range(8, min(head, len(raw))) if chr(raw[i]).isdigit()]
                if places:
                    raw[places[int(rng.integers(0, len(places)))]] = ord("0") + int(rng.integers(0, 10))
            else:
                raw = raw[:at]
            if not raw:
                raw = bytearray(b"x")
        path.write_bytes(raw)
        try:
            loaded = nc.models.load_model(path)
        except (ValueError, TypeError, RuntimeError, OSError, MemoryError):
            refused += 1
            continue
        assert bits(loaded) == bits(model)
        assert loaded.predict(x, verbose=0).tobytes() == expected
        harmless += 1
    assert refused > 0.9 * rounds
    assert refused + harmless == rounds


@pytest.mark.parametrize(
    ("call", "error", "parts"),
    [
        (lambda m, t: nc.models.load_model(t / "none"), OSError, ["load_model", "none"]),
        (lambda m, t: nc.models.load_model(t), (OSError, ValueError), ["load_model"]),
        (lambda m, t: nc.models.load_model(3.5), TypeError, ["load_model", "3.5"]),
        (lambda m, t: nc.models.load_model(""), ValueError, ["load_model"]),
        (lambda m, t: m.save(t / "no" / "folder"), OSError, ["save", "folder"]),
        (lambda m, t: m.save("a\0b"), ValueError, ["save"]),
        (lambda m, t: nc.Sequential([L.Dense(2)]).save_weights(t / "w"), RuntimeError, ["save_weights", "not built"]),
        (lambda m, t: nc.Sequential([L.Dense(2)]).load_weights(t / "w"), RuntimeError, ["load_weights", "not built"]),
    ],
)
def test_messages(tmp_path, call, error, parts):
    with pytest.raises(error) as caught:
        call(network(), tmp_path)
    for part in parts:
        assert part in str(caught.value)


def test_own_loop_state_is_not_lost_by_save_during_fit(tmp_path):
    """A checkpoint written in a callback is a whole model at that moment."""
    x, y = points(40)
    kept = {}

    class Keep(nc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                self.model.save(tmp_path / "m")
                kept["bits"] = bits(self.model)

    model = network()
    model.fit(x, y, batch_size=8, verbose=0, callbacks=[Keep()])
    loaded = nc.models.load_model(tmp_path / "m")
    assert bits(loaded) == kept["bits"]
    assert loaded.optimizer.iterations == 3
