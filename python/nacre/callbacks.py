"""Callbacks: what fit, evaluate and predict call while they run. Names and meaning as in Keras.

The batch loop is C++ and runs without the interpreter lock. It enters Python for a batch hook only when some callback overrides one
(`CallbackList.batch_hooks`), and for progress at most every `progress.INTERVAL_S` seconds (`CallbackList.progress`). So a callback
with epoch hooks alone costs nothing per batch.
"""

from __future__ import annotations

import math
import os
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

from nacre._callback_parts import BATCH_HOOKS, HOOKS, Logs, Monitor, WeakAttribute, columns, file_pattern, fill_in, whole
from nacre.progress import Progress

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "ModelCheckpoint",
    "ProgbarLogger",
    "TerminateOnNaN",
    "overrides_batch_hooks",
]


class Callback:
    """Base of all callbacks. Override the hooks that are wanted; the others cost nothing.

    Attributes:
        model: the model that is trained; set `model.stop_training = True` to end fit after the batch or epoch.
        params: dictionary with `epochs`, `steps` (batches per epoch), `verbose`, and in fit `do_validation`.

    Epochs and batches count from 0. `logs` holds the metrics so far; it is valid during the call only.

    Example:
        >>> class Count(nc.callbacks.Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, sorted(logs))
        >>> model = nc.Sequential([nc.Input((2,)), nc.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> _ = model.fit(nc.ones((4, 2)), nc.ones((4, 1)), epochs=2, verbose=0, callbacks=[Count()])
        0 ['loss']
        1 ['loss']
    """

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called by fit, evaluate and predict before anything else; the model is then `self.model`."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called with "epochs", "steps", "verbose" and, by fit, "do_validation"; they are then `self.params`."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Once, before the first epoch of fit."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Once, after the last epoch of fit; `logs` are those of the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before epoch number `epoch`."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After epoch number `epoch` and its validation (`val_` metrics are in `logs`)."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of on_train_batch_begin."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """The older name of on_train_batch_end."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training batch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training batch; the metrics are means over the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before evaluate, and before the validation of an epoch."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After evaluate, and after the validation of an epoch."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of evaluate or validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of evaluate or validation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before predict."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After predict."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of predict."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of predict."""


def _overrides(callback: Callback, hook: str) -> bool:
    return hook in vars(callback) or getattr(type(callback), hook) is not getattr(Callback, hook)


def overrides_batch_hooks(callback: Callback, phase: str = "train") -> bool:
    """True when `callback` wants to be called for each batch of a phase.

    Args:
        callback: The callback.
        phase: "train", "test" or "predict".

    Returns:
        bool: some batch hook of the phase is not Callback's own.

    Raises:
        ValueError: phase is none of the three.

    Example:
        >>> nc.callbacks.overrides_batch_hooks(nc.callbacks.History())
        False
    """
    if phase not in BATCH_HOOKS:
        raise ValueError(f"overrides_batch_hooks: phase must be one of {sorted(BATCH_HOOKS)}, got {phase!r}.")
    return any(_overrides(callback, hook) for hook in BATCH_HOOKS[phase])


class History(Callback):
    """What fit returns: `history` maps each metric to its values, one per epoch of `epoch`. It does not keep the model alive.

    Example:
        >>> history = nc.callbacks.History()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.epoch, history.history
        ([0], {'loss': [0.5]})
    """

    model = WeakAttribute()

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[Any]] = {}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epoch = []
        self.history = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_weak_model": None}

    def __repr__(self) -> str:
        last = {name: values[-1] for name, values in self.history.items()}
        return f"<History epochs={len(self.epoch)} last={last}>"


class EarlyStopping(Callback):
    """Stops training when a metric no longer improves.

    Args:
        monitor: name of the metric.
        min_delta: a change counts as an improvement when it is larger than this.
        patience: number of epochs without improvement after which training stops; 0 and 1 both stop at the first one.
        verbose: 1 prints when it stops.
        mode: "min", "max", or "auto": "max" for accuracies and the like, "min" otherwise.
        baseline: patience is used up until the metric is better than this.
        restore_best_weights: give the model the weights of its best epoch when training ends.
        start_from_epoch: epochs before this one are not looked at.

    Attributes: `best`, `best_epoch`, `stopped_epoch` (0 when it did not stop), `wait`.

    Example:
        >>> model = nc.Sequential([nc.Input((2,)), nc.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> stop = nc.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, patience=2)
        >>> history = model.fit(nc.ones((4, 2)), nc.ones((4, 1)), epochs=10, verbose=0, callbacks=[stop])
        >>> len(history.epoch), stop.best_epoch
        (3, 0)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__()
        if not math.isfinite(min_delta):
            raise ValueError(f"EarlyStopping: min_delta must be finite, got {min_delta}.")
        self._monitor = Monitor("EarlyStopping", monitor, mode, min_delta)
        self.monitor = monitor
        self.patience = whole("EarlyStopping", "patience", patience, 0)
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = whole("EarlyStopping", "start_from_epoch", start_from_epoch, 0)
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        current = self._monitor.value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)  # in case no epoch ever improves
        self.wait += 1
        if self._monitor.better(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self._monitor.better(current, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(Callback):
    """Saves the model while it is trained.

    Args:
        filepath: the file; may hold `{epoch}` and metrics, as in "model-{epoch:02d}-{val_loss:.2f}.safetensors". Epochs count from 1
            here. Missing folders are made.
        monitor: the metric that `save_best_only` looks at.
        verbose: 1 prints a line for each file.
        save_best_only: save only when the metric improves.
        save_weights_only: save the weights alone.
        mode: "min", "max" or "auto", as in EarlyStopping.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the metric must be better than this at the first save.

    Example:
        >>> import os, tempfile
        >>> model = nc.Sequential([nc.Input((2,)), nc.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save = nc.callbacks.ModelCheckpoint(os.path.join(folder, "model-{epoch:02d}.nacre"))
        ...     _ = model.fit(nc.ones((4, 2)), nc.ones((4, 1)), epochs=2, verbose=0, callbacks=[save])
        ...     sorted(os.listdir(folder))
        ['model-01.nacre', 'model-02.nacre']
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__()
        self.filepath = file_pattern("ModelCheckpoint", filepath)
        self._monitor = Monitor("ModelCheckpoint", monitor, mode)
        self.monitor = monitor
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq: str | int = "epoch"
        self.best = initial_value_threshold
        self._batches = 0
        self._epoch = 0
        if save_freq != "epoch":
            if isinstance(save_freq, str):
                raise ValueError(f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches, got {save_freq!r}.")
            self.save_freq = whole("ModelCheckpoint", "save_freq", save_freq, 1)
            # On the object, so that the batch loop enters Python only for those who asked for it.
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _after_batch(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches % int(self.save_freq) == 0:
            self._save(self._epoch, batch, logs or {})

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        values = {**logs, "epoch": epoch + 1}
        if batch is not None:
            values["batch"] = batch + 1
        return fill_in("ModelCheckpoint", self.filepath, values)

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        if self.save_best_only:
            current = self._monitor.value(logs)
            if current is None:
                return
            if not self._monitor.better(current, self.best):
                if self.verbose:
                    print(f"Epoch {epoch + 1}: {self.monitor} did not improve from {self.best}")
                return
            self.best = current
        path = self._path(epoch, batch, logs)
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        if self.verbose:
            print(f"Epoch {epoch + 1}: saving model to {path}")
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)


class CSVLogger(Callback):
    """Writes one line per epoch to a CSV file: the epoch, then the metrics in the order of the first epoch.

    Metrics of a validation that is not made in each epoch (`validation_freq`) have their columns from the start; NA stands where one is missing.

    Args:
        filename: the file.
        separator: one character between the fields.
        append: add to a file that is there, without a second header.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "log.csv")
        ...     log = nc.callbacks.CSVLogger(path)
        ...     log.on_train_begin()
        ...     log.on_epoch_end(0, {"loss": 0.5})
        ...     log.on_train_end()
        ...     path.read_text()
        'epoch,loss\\n0,0.5\\n'
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: separator must be one character, got {separator!r}.")
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self._file: IO[str] | None = None
        self._writer: Any = None
        self._keys: list[str] | None = None
        self._header = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._header = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename) > 0)
        self._keys = None
        self._file = open(self.filename, "a" if self.append else "w", newline="", encoding="utf-8")  # noqa: SIM115 closed at the end

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        if self._file is None:
            return
        if self._keys is None:
            import csv

            self._keys = columns(logs, getattr(self, "model", None), getattr(self, "params", {}))
            self._writer = csv.writer(self._file, delimiter=self.separator, lineterminator="\n")
            if self._header:
                self._writer.writerow(["epoch", *self._keys])
        self._writer.writerow([epoch, *(logs.get(key, "NA") for key in self._keys)])
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._writer = None


class LambdaCallback(Callback):
    """Functions as callbacks. Any hook's name is a keyword.

    Example:
        >>> show = nc.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs))
        >>> show.on_epoch_end(0, {"loss": 0.5})
        0 {'loss': 0.5}
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        super().__init__()
        for name, function in hooks.items():
            if name not in HOOKS:
                raise ValueError(f"LambdaCallback: there is no hook '{name}'. The hooks are: {', '.join(HOOKS)}.")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"LambdaCallback: {name} must be a function, got {function!r}.")
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite. Looks after each batch.

    Example:
        >>> model = nc.Sequential([nc.Input((2,)), nc.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse")
        >>> stop = nc.callbacks.TerminateOnNaN()
        >>> _ = model.fit(nc.ones((4, 2)), nc.full((4, 1), float("nan")), epochs=10, verbose=0, callbacks=[stop])
        Batch 0: Invalid loss, terminating training
    """

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(float(loss)):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class ProgbarLogger(Callback):
    """The progress that `verbose` asks for. fit, evaluate and predict add it themselves.

    It has no batch hooks: the loop calls `on_progress(steps_done, logs)` when `progress.INTERVAL_S` seconds have passed.

    Example:
        >>> nc.callbacks.overrides_batch_hooks(nc.callbacks.ProgbarLogger(verbose=2))
        False
    """

    def __init__(self, verbose: int = 1) -> None:
        super().__init__()
        self.verbose = verbose
        self._row: Progress | None = None
        self._training = False
        self._done = 0

    def _open(self, title: str) -> None:
        self._row = Progress(self.params.get("steps"), verbose=self.verbose, title=title)
        self._done = 0

    def _close(self, logs: Logs | None) -> None:
        if self._row is not None:
            steps = self.params.get("steps")
            # A stopped epoch shows how far it came; a full one was perhaps too short to be drawn before.
            stopped = bool(getattr(self.model, "stop_training", False)) and self._done
            self._row.update(self._done if steps is None or stopped else steps)
            self._row.close(logs)
            self._row = None

    def on_progress(self, steps_done: int, logs: Logs | None = None) -> None:
        """`steps_done` steps of this epoch are over."""
        self._done = steps_done
        if self._row is not None:
            self._row.update(steps_done, logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._training = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._open(f"Epoch {epoch + 1}/{self.params.get('epochs', '?')}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._close(logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._training:
            self._open("")

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._training:
            self._close(logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._open("")

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._close(logs)


class CallbackList(Callback):
    """The callbacks of one run, called in order: the user's, then History, then the progress.

    Args:
        callbacks: a callback, a list of them, or None.
        model: given to each callback.
        params: dictionary given to each callback (`epochs`, `steps`, `verbose`, `do_validation`).
        add_history: append a History unless one is there; `history` is it.
        verbose: 0, 1 or 2; above 0 appends a ProgbarLogger.

    Attributes:
        batch_hooks: maps "train", "test" and "predict" to whether the loop must call the batch hooks.
        progress: whether the loop should call `on_progress` (from time to time, when it calls no batch hooks).

    Example:
        >>> hooks = nc.callbacks.CallbackList(nc.callbacks.TerminateOnNaN(), add_history=True)
        >>> [type(item).__name__ for item in hooks.callbacks], hooks.batch_hooks["train"]
        (['TerminateOnNaN', 'History'], True)
    """

    def __init__(
        self,
        callbacks: Callback | Iterable[Callback] | None = None,
        *,
        model: Any = None,
        params: dict[str, Any] | None = None,
        add_history: bool = False,
        verbose: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(callbacks, CallbackList):
            callbacks = list(callbacks.callbacks)
        if callbacks is not None and not isinstance(callbacks, Callback) and not hasattr(callbacks, "__iter__"):
            raise TypeError(f"fit: callbacks must be a callback or a list of them, got {callbacks!r}.")
        items: list[Callback] = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or [])
        for place, item in enumerate(items):
            if not isinstance(item, Callback):
                raise TypeError(f"fit: callbacks[{place}] must be a nacre.callbacks.Callback, got {item!r}.")
        self.history: History | None = next((item for item in items if isinstance(item, History)), None)
        if add_history and self.history is None:
            self.history = History()
            items.append(self.history)
        bars = [item for item in items if isinstance(item, ProgbarLogger)]
        if verbose and not bars:
            bars = [ProgbarLogger(verbose)]
            items += bars
        self.callbacks: list[Callback] = items
        self._bars = bars
        self.progress = any(bar.verbose for bar in bars)
        self.batch_hooks = {phase: any(overrides_batch_hooks(item, phase) for item in items) for phase in BATCH_HOOKS}
        self._listeners = {phase: [item for item in items if overrides_batch_hooks(item, phase)] for phase in BATCH_HOOKS}
        self.set_params(params or {})
        if model is not None:
            self.set_model(model)

    def set_model(self, model: Any) -> None:
        """Hands the model to every callback."""
        self.model = model
        for item in self.callbacks:
            item.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Hands the parameters to every callback."""
        self.params = params
        for item in self.callbacks:
            item.set_params(params)

    def on_progress(self, steps_done: int, logs: Logs | None = None) -> None:
        """`steps_done` steps of this epoch are over."""
        for bar in self._bars:
            bar.on_progress(steps_done, logs)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_train_begin(logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_train_end(logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_epoch_begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        for item in self.callbacks:
            item.on_epoch_end(epoch, logs)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        for item in self._listeners["train"]:
            item.on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        for item in self._listeners["train"]:
            item.on_train_batch_end(batch, logs)
        self.on_progress(batch + 1, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_test_begin(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_test_end(logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        for item in self._listeners["test"]:
            item.on_test_batch_begin(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        for item in self._listeners["test"]:
            item.on_test_batch_end(batch, logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_predict_begin(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        for item in self.callbacks:
            item.on_predict_end(logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        for item in self._listeners["predict"]:
            item.on_predict_batch_begin(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        for item in self._listeners["predict"]:
            item.on_predict_batch_end(batch, logs)
