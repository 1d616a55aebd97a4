"""copy and pickle of models, optimizers, losses, metrics, initializers and histories; what a model keeps of its last fit."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import tempfile
import weakref

import numpy as np
import pytest
from test_model import bits, network, points

import nacre as nc

L = nc.layers
WAYS = [copy.deepcopy, copy.copy, lambda value: pickle.loads(pickle.dumps(value))]
MODULES = [nc.optimizers, nc.losses, nc.metrics, nc.initializers]
# Classes with an argument that must be given.
GIVEN = {"Constant": {"value": 0.5}}


def classes():
    for module in MODULES:
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type) and "from_config" in vars(value):
                yield value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("made", list(classes()), ids=lambda made: f"{made.__module__}.{made.__name__}")
def test_registered_objects(made, way):
    given = made(**GIVEN.get(made.__name__, {}))
    given.note = ["mine"]
    clone = way(given)
    assert type(clone) is made
    assert clone is not given
    assert clone.get_config() == given.get_config()
    assert clone.note == ["mine"]


@pytest.mark.parametrize("way", WAYS)
def test_options_and_state(way):
    w = nc.Tensor([1.0], requires_grad=True)
    adam = nc.optimizers.Adam(0.5, beta_1=0.8)
    adam.build([w])
    adam.apply([nc.Tensor([1.0])])
    adam.learning_rate = 0.25
    clone = way(adam)
    assert (clone.learning_rate, clone.get_config()["beta_1"]) == (0.25, 0.8)
    assert (clone.built, clone.iterations) == (False, 0)
    metric = nc.metrics.BinaryAccuracy(threshold=0.4, name="at_0.4")
    metric.update_state([1.0], [0.45])
    assert (way(metric).get_config(), way(metric).result()) == (metric.get_config(), 0.0)
    assert metric.result() == 1.0
    normal = nc.initializers.HeNormal(seed=3)
    assert way(normal)((4, 4)).tolist() == normal((4, 4)).tolist()


@pytest.mark.parametrize("way", WAYS)
def test_a_model_trains_on_as_its_file_does(way, tmp_path, monkeypatch):
    x, y = points(60)
    model = network(loss=nc.losses.SparseCategoricalCrossentropy(), optimizer=nc.optimizers.AdamW(0.01), metrics=["accuracy"])
    model.layers[0].trainable = False
    model.compile(model.optimizer, model.loss, ["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    model.note = "mine"
    model.save(tmp_path / "model")
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "empty"))
    clone, loaded = way(model), nc.models.load_model(tmp_path / "model")
    assert os.listdir(tmp_path / "empty") == []
    assert type(clone) is nc.Sequential
    assert (clone.note, clone.name, clone.history) == ("mine", model.name, None)
    assert clone.get_config() == loaded.get_config() == model.get_config()
    assert clone.get_compile_config() == loaded.get_compile_config()
    assert bits(clone) == bits(model)
    assert type(clone.optimizer) is nc.optimizers.AdamW
    assert type(clone.loss) is nc.losses.SparseCategoricalCrossentropy
    assert clone.optimizer.iterations == model.optimizer.iterations
    old = bits(model)
    clone.fit(x, y, verbose=0)
    assert bits(model) == old
    loaded.fit(x, y, verbose=0)
    model.fit(x, y, verbose=0)
    assert bits(clone) == bits(loaded) == bits(model)


@pytest.mark.parametrize("way", WAYS)
def test_models_without_weights_or_compile(way):
    assert way(nc.Sequential(name="empty")).name == "empty"
    unbuilt = way(nc.Sequential([L.Dense(3, activation="relu")]))
    assert not unbuilt.built
    assert unbuilt(nc.ones((2, 4))).shape == (2, 3)
    built = nc.Sequential([nc.Input((4,)), L.Dense(3)])
    clone = way(built)
    assert not clone.compiled
    assert bits(clone) == bits(built)
    compiled = nc.Sequential([L.Dense(1)])
    compiled.compile(nc.optimizers.SGD(0.5), "mse", ["mae"])
    clone = way(compiled)
    assert clone.compiled
    assert not clone.built
    assert clone.optimizer.learning_rate == 0.5
    clone.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)


class Named(nc.Sequential):
    def __init__(self, labels):
        super().__init__([nc.Input((4,)), L.Dense(len(labels))])
        self.labels = labels


@pytest.mark.parametrize("way", WAYS)
def test_a_class_of_ones_own_comes_back(way):
    model = Named(["a", "b"])
    clone = way(model)
    assert type(clone) is Named
    assert clone.labels == ["a", "b"]
    assert bits(clone) == bits(model)


def test_pickled_models_are_checked_as_files_are():
    restore, (cls, content), _ = network().__reduce__()
    assert bits(restore(cls, content)) == bits(network())
    for damaged in (b"", content[:-1], content[:200] + b"\x01" + content[201:]):
        with pytest.raises(nc.errors.FormatError):
            restore(cls, damaged)


def test_another_process_reads_a_pickle(tmp_path):
    x, y = points(12)
    model = network()
    history = model.fit(x, y, verbose=0)
    with open(tmp_path / "all", "wb") as file:
        pickle.dump((model, model.optimizer, history, nc.losses.Huber(2.0)), file)
    code = "import pickle, sys; print(*(type(v).__module__ for v in pickle.load(open(sys.argv[1], 'rb'))))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "all"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["nacre.models", "nacre.optimizers", "nacre.callbacks", "nacre.losses"]


@pytest.mark.parametrize("way", WAYS)
def test_history(way):
    x, y = points(12)
    model = network()
    history = model.fit(x, y, epochs=2, verbose=0)
    clone = way(history)
    assert (clone.history, clone.epoch, clone.params) == (history.history, [0, 1], history.params)
    assert clone.model is None
    assert history.model is model


def test_a_model_keeps_the_history_of_its_last_fit():
    x, y = points(12)
    model = network()
    assert model.history is None
    seen = []
    own = nc.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.history))
    first = model.fit(x, y, verbose=0, callbacks=[own])
    assert model.history is first is seen[0]
    second = model.fit(x, y, verbose=0)
    assert model.history is second


def test_a_trained_model_is_freed_with_its_last_name():
    x, y = points(12)
    model = network()
    model.fit(x, y, verbose=0)
    gone = weakref.ref(model)
    gc.collect()
    gc.disable()
    try:
        del model
        assert gone() is None
    finally:
        gc.enable()
