"""Training in JAX: one jitted step per batch gathered in NumPy, and the whole pass in one lax.scan that gathers by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from harness.cases import Context, NotAvailable, Timed

from . import models
from .models import Spec
from .train_keras import CHECK_STEPS


def timed(spec: Spec, context: Context, units: float, on_batch: bool, scan: bool) -> Timed:
    import jax

    from . import models_jax

    norms = {layer[1] for layer in models.layers(spec.model, spec.sizes) if layer[0] == "norm"}

    def start() -> Any:
        trained, state = models_jax.split(models.make_weights(spec.model, spec.sizes, context.seed), norms)
        return trained, state, models_jax.initial(spec, trained), jax.random.key(context.seed)

    step = models_jax.make_step(spec)
    one = jax.jit(step, donate_argnums=(0,))

    def check() -> list[Any]:
        x, y = models.make_data(spec, CHECK_STEPS * spec.batch, context.seed)
        exact = jax.jit(models_jax.make_step(spec, dropout=False))
        carry, losses = start(), []
        for i in range(CHECK_STEPS):
            rows = slice(i * spec.batch, (i + 1) * spec.batch)
            carry, loss = exact(carry, x[rows], y[rows])
            losses.append(float(loss))
        return [losses, [sum(losses) / len(losses)]]

    carry = [start()]
    rows = min(60000, spec.batch * spec.steps) if spec.data == "fashion" else spec.batch * spec.steps
    x, y = models.make_data(spec, rows, context.seed)
    source = np.random.default_rng(context.seed)

    def call_batch() -> float:
        carry[0], loss = one(carry[0], x, y)
        return float(loss)

    def epoch_of_steps() -> float:
        order = source.permutation(rows)
        total = 0.0
        for at in range(0, rows, spec.batch):
            chosen = order[at : at + spec.batch]
            carry[0], loss = one(carry[0], x[chosen], y[chosen])
            total = total + loss * len(chosen)
        return float(total) / rows

    if on_batch:
        if scan:
            raise NotAvailable("a scan takes no single batch")
        return Timed(call=call_batch, check=check, units=units)
    if not scan:
        return Timed(call=epoch_of_steps, check=check, units=units, note=models.data_note(spec))

    whole = rows // spec.batch
    x_kept, y_kept = jax.numpy.asarray(x), jax.numpy.asarray(y)

    @jax.jit
    def pass_over(carry: Any, order: Any, x: Any, y: Any) -> Any:
        full, losses = jax.lax.scan(
            lambda c, chosen: step(c, x[chosen], y[chosen]), carry, order[: whole * spec.batch].reshape(whole, spec.batch)
        )
        total = losses.sum() * spec.batch
        if rows % spec.batch:  # the last, smaller batch
            chosen = order[whole * spec.batch :]
            full, loss = step(full, x[chosen], y[chosen])
            total = total + loss * (rows % spec.batch)
        return full, total / rows

    def epoch_of_scan() -> float:
        carry[0], loss = pass_over(carry[0], source.permutation(rows), x_kept, y_kept)
        return float(loss)

    return Timed(call=epoch_of_scan, check=check, units=units, note=models.data_note(spec))


def jit_and_scan(spec: Spec, context: Context, units: float, on_batch: bool) -> Mapping[str, Callable[[], Timed]]:
    found = {"jax": lambda: timed(spec, context, units, on_batch, scan=False)}
    if not on_batch:
        found["jax scan"] = lambda: timed(spec, context, units, on_batch, scan=True)
    return found
