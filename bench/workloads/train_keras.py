"""Training through fit and train_on_batch: nacre and Keras, which are called by the same words, and scikit-learn's epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness.cases import Context, Timed

from . import models, models_keras
from .common import nacre_import
from .models import Spec

CHECK_STEPS = 3


def through_fit(
    K: Any, name: str, spec: Spec, context: Context, units: float, on_batch: bool, **options: Any
) -> Mapping[str, Callable[[], Timed]]:
    def fresh(dropout: bool) -> Any:
        return models_keras.compiled(K, spec, models.make_weights(spec.model, spec.sizes, context.seed), dropout, **options)

    def check() -> list[Any]:
        """The losses of three steps by train_on_batch, and their mean by fit."""
        x, y = models.make_data(spec, CHECK_STEPS * spec.batch, context.seed)
        model, losses = fresh(dropout=False), []
        for i in range(CHECK_STEPS):
            rows = slice(i * spec.batch, (i + 1) * spec.batch)
            if name != "nacre":  # Keras reports a mean since the last reset
                model.reset_metrics()
            loss = model.train_on_batch(x[rows], y[rows])
            losses.append(float(loss[0] if isinstance(loss, (list, tuple)) else loss))
        history = fresh(dropout=False).fit(x, y, batch_size=spec.batch, epochs=1, shuffle=False, verbose=0)
        return [losses, [history.history["loss"][-1]]]

    def make() -> Timed:
        rows = spec.batch * spec.steps
        x, y = models.make_data(spec, 60000 if spec.data == "fashion" and rows > 60000 else rows, context.seed)
        model = fresh(dropout=True)
        if on_batch:
            return Timed(call=lambda: model.train_on_batch(x, y), check=check, units=units)
        return Timed(
            call=lambda: model.fit(x, y, batch_size=spec.batch, epochs=1, verbose=0),
            check=check,
            units=units,
            note=models.data_note(spec),
        )

    return {name: make}


def nacre(spec: Spec, context: Context, units: float, on_batch: bool) -> Mapping[str, Callable[[], Timed]]:
    return through_fit(nacre_import(context), "nacre", spec, context, units, on_batch)


def keras(spec: Spec, context: Context, units: float, on_batch: bool) -> Mapping[str, Callable[[], Timed]]:
    import keras as K

    options = {"jit_compile": False} if K.backend.backend() == "torch" else {}
    return through_fit(K, f"keras-{K.backend.backend()}", spec, context, units, on_batch, **options)


def scikit_learn(spec: Spec, context: Context, units: float, on_batch: bool) -> Mapping[str, Callable[[], Timed]]:
    def make() -> Timed:
        from sklearn.neural_network import MLPClassifier

        x, y = models.make_data(spec, min(60000, spec.batch * spec.steps), context.seed)
        model = MLPClassifier(
            spec.sizes["sizes"][1:-1], batch_size=spec.batch, learning_rate_init=spec.rate, alpha=0.0, random_state=0
        )
        classes = np.unique(y)
        return Timed(call=lambda: model.partial_fit(x, y, classes=classes), units=units, note=models.data_note(spec))

    return {"scikit-learn": make}
