"""fit: equal bits on every way to train, threads, validation, callbacks with real models, progress, Ctrl-C."""

import csv
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from test_model import bits, network, points

import nacre as nc

L = nc.layers


def test_history_and_logs():
    x, y = points(90)
    history = network().fit(x, y, epochs=12, validation_split=0.2, verbose=0)
    assert isinstance(history, nc.callbacks.History)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert history.epoch == list(range(12))
    assert all(len(v) == 12 and all(type(number) is float for number in v) for v in history.history.values())
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_fit_train_on_batch_and_own_loop_give_the_same_bits():
    x, y = points(50)
    by_fit, by_batch, by_step, by_apply = (network() for _ in range(4))
    by_fit.fit(x, y, batch_size=16, epochs=3, shuffle=False, verbose=0)
    loss_of = nc.losses.SparseCategoricalCrossentropy()
    step = nc.optimizers.Adam()
    step.build(by_step.trainable_weights)
    apply = nc.optimizers.Adam()
    for _ in range(3):
        for begin in range(0, 50, 16):
            xs, ys = x[begin : begin + 16], y[begin : begin + 16]
            by_batch.train_on_batch(xs, ys)
            loss = loss_of(ys, by_step(xs, training=True))
            loss.backward()
            step.step()
            step.zero_grad()
            loss = loss_of(ys, by_apply(xs, training=True))
            apply.apply(nc.gradients(loss, by_apply.trainable_weights), by_apply.trainable_weights)
    assert bits(by_fit) == bits(by_batch)
    assert bits(by_fit) == bits(by_step)
    assert bits(by_fit) == bits(by_apply)
    assert bits(by_fit) != bits(network())


def test_training_is_the_same_with_1_and_2_threads():
    (x, y), _ = nc.datasets.digits.load_data()
    x = x[:400, :, :, None] / 16
    before, results = nc.num_threads(), []
    try:
        for threads in (1, 2):
            nc.set_num_threads(threads)
            nc.utils.set_random_seed(3)
            model = nc.Sequential(
                [nc.Input((8, 8, 1)), L.Conv2D(8, 3, padding="same", activation="relu"), L.BatchNormalization(), L.MaxPooling2D(), L.Flatten(),
                 L.Dropout(0.3), L.Dense(10, activation="softmax")]
            )  # fmt: skip
            model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
            history = model.fit(x, y[:400], epochs=2, validation_split=0.1, verbose=0)
            results.append((bits(model), history.history))
    finally:
        nc.set_num_threads(before)
    assert results[0] == results[1]


def test_arrays_of_many_kinds_train_alike():
    x, y = points(40)
    reference = network()
    reference.fit(x, y, verbose=0)
    frozen = x.copy()
    frozen.flags.writeable = False
    for inputs, labels in [
        (x.astype("float64"), y),
        (np.asfortranarray(x), y),
        (np.repeat(x, 2, axis=1)[:, ::2], y.astype("int64")),
        (frozen, y.astype("uint8")),
        (x.astype(">f4"), y[:, None]),
        (nc.convert_to_tensor(x), nc.convert_to_tensor(y)),
        (x.tolist(), y.tolist()),
    ]:
        model = network()
        model.fit(inputs, labels, verbose=0)
        assert bits(model) == bits(reference)
    assert np.array_equal(frozen, x)


def test_continuing_with_fit_is_one_long_fit():
    x, y = points(60)
    a, b = network(), network()
    a.fit(x, y, epochs=4, verbose=0)
    b.fit(x, y, epochs=2, verbose=0)
    b.fit(x, y, epochs=4, initial_epoch=2, verbose=0)
    assert bits(a) == bits(b)


def test_validation_data_split_and_freq():
    x, y = points(40)
    model = network()
    history = model.fit(x[:30], y[:30], epochs=4, validation_data=(x[30:], y[30:]), validation_freq=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert model.evaluate(x[30:], y[30:], verbose=0, return_dict=True) == pytest.approx(
        {"loss": history.history["val_loss"][-1], "accuracy": history.history["val_accuracy"][-1]}
    )
    other = network()
    split = other.fit(x, y, epochs=4, validation_split=0.25, validation_freq=[1, 4], verbose=0)
    assert len(split.history["val_loss"]) == 2
    assert bits(model) == bits(other)  # the same 30 rows


def test_class_weight_is_sample_weight():
    x, y = points(40)
    weights = {0: 3.0, 2: 0.5}
    a, b = network(), network()
    a.fit(x, y, class_weight=weights, verbose=0)
    b.fit(x, y, sample_weight=np.array([weights.get(k, 1.0) for k in y]), verbose=0)
    assert bits(a) == bits(b)
    assert bits(a) != bits(network())
    c = network(loss="categorical_crossentropy")
    c.fit(x, nc.utils.to_categorical(y), class_weight=weights, verbose=0)
    # one-hot and sparse forms of the loss round differently: a float32 unit or two per step
    assert all(np.allclose(p, q, atol=1e-5) for p, q in zip(a.get_weights(), c.get_weights(), strict=True))


def test_limits_of_steps():
    x, y = points(40)
    model = network()
    model.fit(x, y, batch_size=10, steps_per_epoch=3, verbose=0)
    assert model.optimizer.iterations == 3
    assert model.predict(x, batch_size=10, steps=2, verbose=0).shape == (20, 3)


def test_early_stopping_restores_the_best_weights():
    x, y = points(60)
    model = network(optimizer=nc.optimizers.SGD(50.0, momentum=0.9))  # diverges: no epoch improves for long
    best = {}

    class Keep(nc.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if np.isfinite(logs["val_loss"]) and logs["val_loss"] < best.get("loss", np.inf):
                best.update(loss=logs["val_loss"], bits=bits(self.model))

    stopper = nc.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(x, y, epochs=200, validation_split=0.3, verbose=0, callbacks=[Keep(), stopper])
    assert len(history.epoch) < 200
    assert stopper.best_epoch == len(history.epoch) - 1 - 3
    assert bits(model) == best["bits"]


def test_checkpoint_csv_lambda_and_nan(tmp_path, capsys):
    x, y = points(40)
    model = network()
    seen = []
    model.fit(
        x,
        y,
        epochs=3,
        batch_size=8,
        verbose=0,
        callbacks=[
            nc.callbacks.ModelCheckpoint(tmp_path / "m-{epoch}.safetensors"),
            nc.callbacks.ModelCheckpoint(tmp_path / "w.safetensors", save_weights_only=True, save_freq=5),
            nc.callbacks.CSVLogger(tmp_path / "log.csv"),
            nc.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, logs["loss"]))),
        ],
    )
    assert [batch for batch, _ in seen] == [0, 1, 2, 3, 4] * 3
    assert bits(nc.models.load_model(tmp_path / "m-3.safetensors")) == bits(model)
    other = network(7)
    other.load_weights(tmp_path / "w.safetensors")
    assert bits(other) == bits(model)
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert set(rows[0]) == {"epoch", "loss", "accuracy"}

    bad = x.copy()
    bad[20] = np.nan
    history = network().fit(bad, y, epochs=3, batch_size=8, shuffle=False, verbose=0, callbacks=[nc.callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1
    assert "Batch 2: Invalid loss" in capsys.readouterr().out


@pytest.mark.parametrize("given", [{"validation_data": True}, {"validation_split": 0.25}, {}])
def test_csv_has_columns_for_a_later_validation(tmp_path, given):
    x, y = points(40)
    if "validation_data" in given:
        given = {"validation_data": (x, y)}

    def add(epoch, logs):
        logs["rate"] = 0.5

    callbacks = [nc.callbacks.LambdaCallback(on_epoch_end=add), nc.callbacks.CSVLogger(tmp_path / "log.csv")]
    history = network().fit(x, y, epochs=3, verbose=0, callbacks=callbacks, validation_freq=2, **given)
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    late = ["val_loss", "val_accuracy"] if given else []
    assert list(rows[0]) == ["epoch", "loss", "accuracy", "rate", *late]
    for name in late:
        assert [row[name] for row in rows] == ["NA", str(history.history[name][0]), "NA"]
    assert history.params["do_validation"] == bool(given)


def test_a_callback_may_use_the_model_and_its_error_ends_fit():
    x, y = points(40)
    model = network()

    class Use(nc.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            assert self.model.predict(x, verbose=0).shape == (40, 3)
            assert len(self.model.evaluate(x, y, verbose=0)) == 2
            if batch == 2:
                raise ZeroDivisionError("from the callback")

    with pytest.raises(ZeroDivisionError, match="from the callback"):
        model.fit(x, y, batch_size=8, verbose=0, callbacks=[Use()])
    assert model.optimizer.iterations == 3
    model.fit(x, y, verbose=0)  # the model is usable


def test_no_python_runs_inside_an_epoch():
    """With verbose=0 and no batch hooks, a profiler sees no Python call between the begin and the end of an epoch."""
    x, y = points(400)
    calls, counting = [], [False]

    class Edges(nc.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            counting[0] = True

        def on_epoch_end(self, epoch, logs=None):
            counting[0] = False

    def profile(frame, event, argument):
        if counting[0] and event == "call":
            calls.append(frame.f_code.co_name)

    model = network()
    sys.setprofile(profile)
    try:
        model.fit(x, y, batch_size=4, epochs=1, verbose=0, callbacks=[Edges()])
    finally:
        sys.setprofile(None)
    # The edges themselves, which CallbackList hands on.
    assert set(calls) <= {"on_epoch_begin", "on_epoch_end"}
    assert len(calls) <= 6


def test_verbose_prints_keras_lines(capsys):
    x, y = points(40)
    model = network()
    model.fit(x, y, epochs=2, verbose=1, validation_split=0.25)
    text = capsys.readouterr().out
    assert "Epoch 1/2" in text
    assert "1/1" in text
    assert "val_accuracy: " in text
    model.evaluate(x, y)
    assert "2/2" in capsys.readouterr().out
    model.fit(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capsys.readouterr().out == ""


INTERRUPT = """
    import os, signal, sys, threading, time
    import numpy as np
    import nacre as nc

    # A shell that starts the tests in the background has them ignore SIGINT; this process must not.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    x, y = np.ones((2000, 800), "float32"), np.zeros((2000, 800), "float32")
    model = nc.Sequential([nc.Input((800,))] + [nc.layers.Dense(800, activation="relu") for _ in range(4)])
    model.compile("sgd", "mse")
    asked = []

    def stop():
        time.sleep(0.5)
        asked.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    for name, call in [("fit", lambda: model.fit(x, y, batch_size=2000, epochs=100000, verbose=0)),
                       ("predict", lambda: [model.predict(x, verbose=0) for _ in range(100000)]),
                       ("evaluate", lambda: model.evaluate(np.tile(x, (20, 1)), np.tile(y, (20, 1)), batch_size=2000, verbose=0) and [
                           model.evaluate(x, y, verbose=0) for _ in range(100000)])]:
        threading.Thread(target=stop).start()
        try:
            call()
            print(name, "ended by itself")
        except KeyboardInterrupt:
            print(name, "interrupted after", round(time.monotonic() - asked[-1], 3))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    print("finite", all(np.isfinite(w).all() for w in model.get_weights()))
    print("fits", len(model.fit(x[:100], y[:100], verbose=0).epoch))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent the POSIX way")
def test_ctrl_c_returns_soon_and_leaves_a_usable_model():
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(INTERRUPT)], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    for name, line in zip(("fit", "predict", "evaluate"), lines, strict=False):
        assert line.startswith(f"{name} interrupted after"), run.stdout
        # 0.1 s is the promise on a machine that does nothing else; tests share theirs.
        assert float(line.split()[-1]) < 0.5, line
    assert lines[3:] == ["finite True", "fits 1"]


def test_a_handler_of_ones_own_is_called_and_stays():
    x, y = points(40)
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:

        class Press(nc.callbacks.Callback):
            def on_train_batch_end(self, batch, logs=None):
                if batch == 1:
                    os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            network().fit(x, y, batch_size=8, verbose=0, callbacks=[Press()])
        assert seen == [1]
        assert signal.getsignal(signal.SIGINT) is not before
        assert network().predict(x, verbose=0).shape == (40, 3)
    finally:
        signal.signal(signal.SIGINT, before)
