"""Inference of one row from Python: NumPy in, NumPy out, on all sides. ONNX Runtime runs what torch exports, made in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from harness.cases import Case, Context, Timed, Workload

from . import models
from .common import nacre_import, torch_import
from .train import SPECS

# The named model of each training row but the large ones.
MODELS = {
    "mlp": "fashion",
    "lenet": "lenet",
    "resnet20": "resnet20",
    "lstm": "lstm",
    "gpt-nano": "gpt-nano",
    "mlp-2-8-1": "tiny-fit",
    "mlp-13-32-3": "mlp13",
}
QUICK = {"mlp", "lenet"}


def cases(seed: int) -> Sequence[Case]:
    found = []
    for name, key in MODELS.items():
        spec = SPECS[key]
        flops = models.inference_flops(spec.model, spec.sizes, 1)
        found.append(Case(f"infer/{name}/b1", {"key": key}, "infer", flops=flops, tolerance=1e-4, quick=name in QUICK))
    return found


def inputs(case: Case, context: Context) -> tuple[Any, Any, Any]:
    """Spec, weights and one row."""
    import dataclasses

    spec = dataclasses.replace(SPECS[case.params["key"]], data="normal")
    return spec, models.make_weights(spec.model, spec.sizes, context.seed), models.make_data(spec, 1, context.seed)[0]


def timed(run: Callable[[], Any]) -> Timed:
    return Timed(call=run, check=lambda: [np.asarray(run())])


def nacre(case: Case, context: Context) -> Mapping[str, Callable[[], Timed]]:
    nc = nacre_import(context)

    def make() -> Timed:
        from . import models_keras

        spec, weights, x = inputs(case, context)
        model = models_keras.compiled(nc, spec, weights)
        return timed(lambda: model.predict_on_batch(x))

    return {"nacre": make}


def keras(case: Case, context: Context) -> Mapping[str, Callable[[], Timed]]:
    import keras as K

    def make() -> Timed:
        from . import models_keras

        spec, weights, x = inputs(case, context)
        model = models_keras.compiled(K, spec, weights)
        return timed(lambda: model.predict_on_batch(x))

    return {f"keras-{K.backend.backend()}": make}


def torch_eager(case: Case, context: Context, compiled: bool = False) -> Mapping[str, Callable[[], Timed]]:
    torch = torch_import(context)

    def make(frozen: bool = False) -> Timed:
        from . import models_torch

        spec, weights, x = inputs(case, context)
        model = models_torch.build(spec.model, spec.sizes, spec.loss, dropout=False, exact=True).eval()
        models_torch.load(model, weights)
        if compiled:
            model = torch.compile(model)
        if frozen:
            model = torch.jit.freeze(torch.jit.trace(model, models_torch.as_input(spec.model, x)))

        def run() -> Any:
            with torch.inference_mode():
                return model(models_torch.as_input(spec.model, x)).numpy()

        return timed(run)

    return {"torch.compile": make} if compiled else {"torch": make, "torch frozen": lambda: make(True)}


def jax_infer(case: Case, context: Context) -> Mapping[str, Callable[[], Timed]]:
    def make() -> Timed:
        import jax

        from . import models_jax

        spec, weights, x = inputs(case, context)
        norms = {layer[1] for layer in models.layers(spec.model, spec.sizes) if layer[0] == "norm"}
        trained, state = models_jax.split(weights, norms)
        forward = jax.jit(lambda p, s, x: models_jax.forward(spec.model, spec.sizes, p, s, x, loss=spec.loss)[0])
        return timed(lambda: np.asarray(forward(trained, state, x)))

    return {"jax": make}


def export(case: Case, context: Context) -> str:
    """The ONNX file of the model, made by torch in another process so that this one holds ONNX Runtime alone."""
    text = b"".join(Path(__file__).with_name(name).read_bytes() for name in ("models.py", "models_torch.py", "train.py"))
    path = os.path.join(context.cache, f"{case.params['key']}-{context.seed}-{zlib.crc32(text):08x}.onnx")
    if os.path.exists(path):
        return path
    command = [sys.executable, "-m", "workloads.export_onnx", case.params["key"], str(context.seed), path + ".new"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise RuntimeError(f"the export to ONNX failed: {' '.join(last)}")
    os.replace(path + ".new", path)
    return path


def onnxruntime_infer(case: Case, context: Context) -> Mapping[str, Callable[[], Timed]]:
    def make() -> Timed:
        import onnxruntime

        _, _, x = inputs(case, context)
        path = export(case, context)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = context.threads, 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        row = x.transpose(0, 3, 1, 2).copy() if x.ndim == 4 else x.astype(np.int64) if x.dtype == np.int32 else x
        name = session.get_inputs()[0].name
        return timed(lambda: session.run(None, {name: row})[0])

    return {"onnxruntime": make}


WORKLOADS = [
    Workload(
        "infer",
        "inference of one row",
        cases,
        {
            "nacre": nacre,
            "torch": torch_eager,
            "torch.compile": lambda case, context: torch_eager(case, context, compiled=True),
            "jax": jax_infer,
            "keras-jax": keras,
            "keras-torch": keras,
            "onnxruntime": onnxruntime_infer,
        },
    )
]
