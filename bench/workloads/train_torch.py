"""Training in torch: the customary loop, eager with the fused optimizer, and with the model compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.cases import Context, Timed

from . import models
from .common import torch_import
from .models import Spec
from .train_keras import CHECK_STEPS


def timed(
    spec: Spec, context: Context, units: float, on_batch: bool, compile_it: bool = False, channels_last: bool = False
) -> Timed:
    torch = torch_import(context)
    from . import models_torch

    def fresh(exact: bool) -> tuple[Any, Any]:
        torch.manual_seed(context.seed)
        model = models_torch.build(spec.model, spec.sizes, spec.loss, dropout=not exact, exact=exact)
        models_torch.load(model, models.make_weights(spec.model, spec.sizes, context.seed))
        if channels_last:
            model = model.to(memory_format=torch.channels_last)
        return model.train(), models_torch.optimizer(spec, model.parameters(), fused=True)

    def step(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = models_torch.loss_of(spec, model(x), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    def data(rows: int) -> tuple[Any, Any]:
        x, y = models.make_data(spec, rows, context.seed)
        target = torch.from_numpy(y)
        return models_torch.as_input(spec.model, x, channels_last), target if spec.loss == "binary" else target.long()

    def check() -> list[Any]:
        x, y = data(CHECK_STEPS * spec.batch)
        model, optimizer = fresh(exact=True)
        pieces = [slice(i * spec.batch, (i + 1) * spec.batch) for i in range(CHECK_STEPS)]
        losses = [float(step(model, optimizer, x[rows], y[rows])) for rows in pieces]
        return [losses, [sum(losses) / len(losses)]]

    model, optimizer = fresh(exact=False)
    if compile_it:
        model = torch.compile(model)
    if on_batch:
        arrays = models.make_data(spec, spec.batch, context.seed)
        return Timed(call=lambda: step(model, optimizer, *(torch.from_numpy(a) for a in arrays)).item(), check=check, units=units)
    x, y = data(min(60000, spec.batch * spec.steps) if spec.data == "fashion" else spec.batch * spec.steps)

    def epoch() -> float:
        order = torch.randperm(len(x))
        total = 0.0
        for at in range(0, len(x), spec.batch):
            rows = order[at : at + spec.batch]
            total += step(model, optimizer, x[rows], y[rows]) * len(rows)  # fit reports the mean loss too
        return float(total) / len(x)

    return Timed(call=epoch, check=check, units=units, note=models.data_note(spec))


def eager(spec: Spec, context: Context, units: float, on_batch: bool) -> Mapping[str, Callable[[], Timed]]:
    found = {"torch fused": lambda: timed(spec, context, units, on_batch)}
    if spec.model in ("lenet", "resnet20", "resnet50"):
        found["torch fused nhwc"] = lambda: timed(spec, context, units, on_batch, channels_last=True)
    return found


def compiled(spec: Spec, context: Context, units: float, on_batch: bool) -> Mapping[str, Callable[[], Timed]]:
    return {"torch.compile": lambda: timed(spec, context, units, on_batch, compile_it=True)}
