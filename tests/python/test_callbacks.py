"""The callbacks, driven by a fake model: no core needed. fit's own use of them is tested in test_fit.py."""

import io
import math
import os
import sys
import warnings

import pytest

from nacre import progress
from nacre.callbacks import (
    HOOKS,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    ModelCheckpoint,
    ProgbarLogger,
    TerminateOnNaN,
    overrides_batch_hooks,
)


class FakeModel:
    def __init__(self):
        self.stop_training = False
        self.weights = 0
        self.saved = []

    def get_weights(self):
        return [self.weights]

    def set_weights(self, weights):
        self.weights = weights[0]

    def save(self, path):
        self.saved.append(("model", path))

    def save_weights(self, path):
        self.saved.append(("weights", path))


def run(callbacks, epochs, steps=2, verbose=0):
    """A training of which only the metrics are known: `epochs` is a list of logs. Returns the model and the history."""
    model = FakeModel()
    params = {"epochs": len(epochs), "steps": steps, "verbose": verbose}
    hooks = CallbackList(callbacks, model=model, params=params, add_history=True, verbose=verbose)
    hooks.on_train_begin()
    for epoch, logs in enumerate(epochs):
        hooks.on_epoch_begin(epoch)
        for step in range(steps):
            if hooks.batch_hooks["train"]:
                hooks.on_train_batch_begin(step)
                hooks.on_train_batch_end(step, {"loss": logs.get("loss", 0.0)})
            elif hooks.progress:
                hooks.on_progress(step + 1, logs)
        model.weights = epoch + 1
        hooks.on_epoch_end(epoch, dict(logs))
        if model.stop_training:
            break
    hooks.on_train_end()
    return model, hooks.history


def losses(*values):
    return [{"val_loss": value} for value in values]


# --- EarlyStopping


@pytest.mark.parametrize(
    ("patience", "values", "epochs_run"),
    [
        (0, (3, 2, 1), 3),
        (0, (3, 3, 1), 2),  # equal is not an improvement
        (1, (3, 3, 1), 2),
        (2, (3, 3, 3, 1), 3),
        (2, (3, 4, 2, 2, 2), 5),  # the improvement of epoch 2 sets the count back
        (3, (1, math.nan, math.nan, math.nan, 0), 4),
        (2, (math.nan, 1, 0.5, 0.4), 4),  # a NaN at first does not stay the best
    ],
)
def test_early_stopping_counts_epochs(patience, values, epochs_run):
    _, history = run(EarlyStopping(patience=patience), losses(*values))
    assert history.epoch == list(range(epochs_run))


def test_early_stopping_min_delta_has_no_sign():
    for delta in (0.5, -0.5):
        _, history = run(EarlyStopping(min_delta=delta, patience=2), losses(3, 2.6, 2.6, 0))
        assert len(history.epoch) == 3


@pytest.mark.parametrize(("monitor", "mode"), [("val_accuracy", "auto"), ("val_auc", "auto"), ("x", "max")])
def test_early_stopping_of_a_growing_metric(monitor, mode):
    _, history = run(EarlyStopping(monitor, patience=1, mode=mode), [{monitor: v} for v in (0.5, 0.6, 0.6, 0.9)])
    assert len(history.epoch) == 3


def test_early_stopping_restores_the_best_weights():
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    model, _ = run(stop, losses(3, 1, 2, 2, 0))
    assert (stop.best, stop.best_epoch, stop.stopped_epoch) == (1, 1, 3)
    assert model.weights == 2  # as they were at the end of epoch 1


def test_early_stopping_restores_also_when_it_never_stopped():
    model, history = run(EarlyStopping(patience=9, restore_best_weights=True), losses(3, 1, 2))
    assert len(history.epoch) == 3
    assert model.weights == 2


def test_early_stopping_baseline_and_first_epoch():
    _, history = run(EarlyStopping(patience=2, baseline=1.0), losses(3, 2, 1.5, 0.1))
    assert len(history.epoch) == 2  # improving, but never below the baseline
    _, history = run(EarlyStopping(patience=1, start_from_epoch=2), losses(1, 2, 3, 3, 0))
    assert len(history.epoch) == 4


def test_early_stopping_forgets_the_last_run():
    stop = EarlyStopping(patience=1)
    run(stop, losses(1, 2))
    _, history = run(stop, losses(5, 4, 3))
    assert len(history.epoch) == 3


def test_early_stopping_warns_when_the_metric_is_missing():
    with pytest.warns(UserWarning, match="EarlyStopping: metric 'val_loss' is not there; known are: loss"):
        run(EarlyStopping(), [{"loss": 1.0}])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"patience": -1}, r"EarlyStopping: patience must be >= 0, got -1\."),
        ({"patience": 1.5}, r"EarlyStopping: patience must be a whole number, got 1\.5\."),
        ({"start_from_epoch": -2}, r"start_from_epoch must be >= 0, got -2"),
        ({"mode": "up"}, r"mode must be 'auto', 'min' or 'max', got 'up'"),
        ({"min_delta": math.nan}, r"min_delta must be finite, got nan"),
        ({"monitor": ""}, r"monitor must be the name of a metric, got ''"),
    ],
)
def test_early_stopping_rejects(arguments, message):
    with pytest.raises(ValueError, match=message):
        EarlyStopping(**arguments)


# --- ModelCheckpoint


def test_checkpoint_each_epoch(tmp_path):
    pattern = tmp_path / "deep" / "m-{epoch:02d}-{val_loss:.2f}.safetensors"
    model, _ = run(ModelCheckpoint(pattern), losses(0.5, 0.25))
    assert model.saved == [("model", str(tmp_path / "deep" / f"m-{name}.safetensors")) for name in ("01-0.50", "02-0.25")]
    assert (tmp_path / "deep").is_dir()


def test_checkpoint_best_only_weights_only(tmp_path):
    model, _ = run(
        ModelCheckpoint(tmp_path / "{epoch}", save_best_only=True, save_weights_only=True), losses(3, 3, math.nan, 2, 2.5, 1)
    )
    assert [(kind, os.path.basename(path)) for kind, path in model.saved] == [("weights", "1"), ("weights", "4"), ("weights", "6")]


def test_checkpoint_threshold(tmp_path):
    model, _ = run(ModelCheckpoint(tmp_path / "{epoch}", save_best_only=True, initial_value_threshold=2.0), losses(3, 2, 1))
    assert [os.path.basename(path) for _, path in model.saved] == ["3"]


def test_checkpoint_each_third_batch(tmp_path):
    every = ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=3)
    assert overrides_batch_hooks(every)
    assert not overrides_batch_hooks(ModelCheckpoint(tmp_path / "x"))
    model, _ = run(every, losses(1, 1, 1), steps=2)
    assert [os.path.basename(path) for _, path in model.saved] == ["2-1", "3-2"]


def test_checkpoint_rejects(tmp_path):
    for arguments, message in [
        ({"save_freq": 0}, "save_freq must be >= 1, got 0"),
        ({"save_freq": "batch"}, "save_freq must be 'epoch' or a number of batches, got 'batch'"),
        ({"mode": "best"}, "ModelCheckpoint: mode must be"),
    ]:
        with pytest.raises(ValueError, match=message):
            ModelCheckpoint(tmp_path / "x", **arguments)
    with pytest.raises(ValueError, match="filepath must not be empty"):
        ModelCheckpoint("")
    with pytest.raises(ValueError, match=r"asks for 'accuracy'; known are \['epoch', 'val_loss'\]"):
        run(ModelCheckpoint(tmp_path / "{accuracy}"), losses(1))


@pytest.mark.parametrize("filepath", [None, 3, b"model", ["a"]])
def test_checkpoint_wants_a_path(filepath):
    with pytest.raises(TypeError, match="ModelCheckpoint: filepath must be a string or path, got ") as caught:
        ModelCheckpoint(filepath)
    assert repr(filepath) in str(caught.value)


@pytest.mark.parametrize(
    "filepath",
    ["{epoch", "epoch}", "{}", "{0}", "{epoch:zz}", "{epoch:.q}", "{val_loss:d}", "{loss:s}", "{epoch.day}", "{epoch[0]}"],
)
def test_checkpoint_wants_fields_that_can_be_filled_in(filepath):
    with pytest.raises(ValueError, match=r"ModelCheckpoint: filepath .* cannot be filled in") as caught:
        ModelCheckpoint(filepath)
    assert repr(filepath) in str(caught.value)


def test_checkpoint_fields_of_other_kinds(tmp_path):
    def add(epoch, logs):
        logs |= {"stage": "warm", "level": 3}

    pattern = tmp_path / "{{a}}-{stage:>5s}-{level:03d}-{val_loss:{epoch}.1f}-{val_loss!r}"
    model, _ = run([LambdaCallback(on_epoch_end=add), ModelCheckpoint(pattern)], losses(0.5))
    assert os.path.basename(model.saved[0][1]) == "{a}- warm-003-0.5-0.5"
    with pytest.raises(ValueError, match=r"ModelCheckpoint: filepath .* cannot be filled in with .*'level': 3"):
        run([LambdaCallback(on_epoch_end=add), ModelCheckpoint(tmp_path / "{level:>s}")], losses(0.5))


# --- the small ones


def test_history_keeps_each_metric():
    _, history = run(None, [{"loss": 2.0, "accuracy": 0.5}, {"loss": 1.0, "accuracy": 0.75}])
    assert history.history == {"loss": [2.0, 1.0], "accuracy": [0.5, 0.75]}
    assert repr(history) == "<History epochs=2 last={'loss': 1.0, 'accuracy': 0.75}>"


def test_history_sees_what_other_callbacks_add():
    def add(epoch, logs):
        logs["rate"] = 0.1 / (epoch + 1)

    _, history = run(LambdaCallback(on_epoch_end=add), [{"loss": 1.0}])
    assert history.history == {"loss": [1.0], "rate": [0.1]}


def test_csv_logger_writes_and_appends(tmp_path):
    file = tmp_path / "log.csv"
    run(CSVLogger(file), [{"loss": 2.0, "b": 1}, {"loss": 1.0}])
    assert file.read_text() == "epoch,loss,b\n0,2.0,1\n1,1.0,NA\n"
    run(CSVLogger(file, append=True), [{"loss": 0.5, "b": 2}])
    assert file.read_text() == "epoch,loss,b\n0,2.0,1\n1,1.0,NA\n0,0.5,2\n"
    run(CSVLogger(file, separator=";"), [{"loss": 0.5}])
    assert file.read_text() == "epoch;loss\n0;0.5\n"
    with pytest.raises(ValueError, match="separator must be one character, got ', '"):
        CSVLogger(file, separator=", ")


def test_lambda_callback_knows_every_hook():
    seen = []
    every = LambdaCallback(**{name: (lambda *a, name=name: seen.append(name)) for name in HOOKS})
    for name in HOOKS:
        getattr(every, name)(0, {})
    assert seen == list(HOOKS)
    with pytest.raises(ValueError, match="there is no hook 'on_epoch'"):
        LambdaCallback(on_epoch=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function, got 3"):
        LambdaCallback(on_epoch_end=3)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_terminate_on_nan(loss):
    model, history = run(TerminateOnNaN(), [{"loss": 1.0}, {"loss": loss}, {"loss": 1.0}])
    assert model.stop_training
    assert history.epoch == [0, 1]


def test_batch_hooks_are_found():
    class Old(Callback):
        def on_batch_end(self, batch, logs=None):
            self.seen = batch

    class Test(Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.seen = batch

    quiet = [Callback(), History(), EarlyStopping(), ProgbarLogger(), LambdaCallback(on_epoch_end=print), CSVLogger("x")]
    assert not any(overrides_batch_hooks(item, phase) for item in quiet for phase in ("train", "test", "predict"))
    assert CallbackList(quiet).batch_hooks == {"train": False, "test": False, "predict": False}
    assert overrides_batch_hooks(Old())
    assert overrides_batch_hooks(LambdaCallback(on_train_batch_begin=print))
    assert CallbackList(Test()).batch_hooks == {"train": False, "test": True, "predict": False}
    old = Old()
    run(old, [{"loss": 1.0}])
    assert old.seen == 1
    with pytest.raises(ValueError, match="phase must be one of"):
        overrides_batch_hooks(old, "fit")


def test_a_callback_without_super_init_works():
    class Careless(Callback):
        def __init__(self):
            self.epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1
            self.model.stop_training = self.epochs == 2

    _, history = run(Careless(), losses(1, 1, 1))
    assert len(history.epoch) == 2


def test_list_rejects_what_is_no_callback():
    with pytest.raises(TypeError, match=r"fit: callbacks\[1\] must be a nacre.callbacks.Callback, got 3\."):
        CallbackList([Callback(), 3])


def test_list_calls_in_order():
    seen = []
    run([LambdaCallback(on_epoch_end=lambda *a, i=i: seen.append(i)) for i in range(3)], [{}])
    assert seen == [0, 1, 2]


# --- progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_text_where_the_output_is_no_terminal(capsys):
    run(None, [{"loss": 0.5, "accuracy": 0.98214}], steps=4, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Epoch 1/1"
    assert lines[1].startswith("4/4 - 0s - ")
    assert lines[1].endswith("/step - loss: 0.5000 - accuracy: 0.9821")
    assert len(lines) == 2


def test_progress_says_nothing_with_verbose_0(capsys):
    run(None, [{"loss": 0.5}])
    assert capsys.readouterr().out == ""


def test_progress_of_evaluate_inside_fit_opens_no_row(capsys):
    hooks = CallbackList(model=FakeModel(), params={"epochs": 1, "steps": 3}, verbose=2)
    hooks.on_train_begin()
    hooks.on_epoch_begin(0)
    hooks.on_progress(3, {})
    hooks.on_test_begin()
    hooks.on_test_end({"loss": 9.0})
    hooks.on_epoch_end(0, {"loss": 1.0, "val_loss": 9.0})
    hooks.on_train_end()
    hooks.on_test_begin()
    hooks.on_progress(3, {"loss": 9.0})
    hooks.on_test_end({"loss": 9.0})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" - ")[-1] for line in lines] == ["Epoch 1/1", "val_loss: 9.0000", "loss: 9.0000"]


def test_bar_is_drawn_at_most_ten_times_a_second(monkeypatch):
    pytest.importorskip("tqdm")
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    stream = Terminal()
    row = progress.Progress(1000, stream=stream)
    for step in range(1000):
        now[0] += 0.001  # a second in all
        row.update(step + 1, {"loss": 1.0 / (step + 1)})
    assert 9 <= row.draws <= 10
    row.close({"loss": 0.001})
    text = stream.getvalue()
    assert "1000/1000" in text
    assert "loss: 1.0000e-03" in text
    row.close()
    assert stream.getvalue() == text


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("columns", [100, 0])
def test_bar_in_a_real_terminal(columns):
    """A terminal that says it has no columns (some containers) gets a bar too."""
    import fcntl
    import pty
    import struct
    import termios

    code = (
        "import sys\nfrom nacre.progress import Progress\nsys.stdin.readline()\n"
        "row = Progress(4, title='Epoch 1/1')\nrow.update(4)\nrow.close({'loss': 0.5})\n"
    )
    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    os.write(terminal, b"\n")  # the size is set: go on
    text = b""
    try:
        while part := os.read(terminal, 4096):
            text += part
    except OSError:  # how Linux says that the other end is closed
        os.close(terminal)
    assert os.waitpid(process, 0)[1] == 0, text.decode()
    assert "Epoch 1/1" in text.decode()
    assert "4/4 |" in text.decode()
    assert "loss: 0.5000" in text.decode()


def test_bar_starts_no_thread():
    pytest.importorskip("tqdm")
    import threading

    before = threading.active_count()
    row = progress.Progress(3, stream=Terminal())
    assert threading.active_count() == before
    row.close()


def test_progress_rejects():
    with pytest.raises(ValueError, match="verbose must be 0, 1 or 2, got 3"):
        progress.Progress(1, verbose=3)
    with pytest.raises(ValueError, match="total must be >= 0 or None, got -1"):
        progress.Progress(-1)


def test_closed_stream_cannot_draw():
    stream = Terminal()
    assert progress.can_draw(stream)
    assert not progress.can_draw(io.StringIO())
    assert not progress.can_draw(None)


def test_no_heavy_imports():
    import subprocess

    code = "import sys, nacre.callbacks; assert not {'numpy', 'tqdm', 'csv'} & set(sys.modules), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_warnings_do_not_repeat_the_values():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(EarlyStopping(), losses(1.0))
