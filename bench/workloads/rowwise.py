"""Softmax, layer norm, batch norm, GELU, max-pool, cross-entropy: forward and forward+backward. Every call makes its results anew, on all sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from harness.cases import Case, Context, Timed, Workload

from .common import integers, jax_timed, nacre_import, nacre_timed, normal, torch_import, torch_timed

OPS = ("softmax", "layer_norm", "batch_norm", "gelu", "max_pool")
CLASSES = 50257
EPSILON = 1e-5


def row_case(op: str, shape: tuple[int, ...], row: str, backward: bool) -> Case:
    """Bytes: forward reads and writes once; backward reads y or x and dy and writes dx. Cross-entropy writes no y."""
    n = 4.0 * int(np.prod(shape))
    moved = n * ((4 if backward else 1) if op == "cross_entropy" else (5 if backward else 2))
    if op == "max_pool":
        moved = n * (1.25 + (1.5 if backward else 0.0))  # y and dy are a quarter; dx is written whole
    name = f"{op}/{'x'.join(map(str, shape))}/{'fwd+bwd' if backward else 'fwd'}"
    return Case(
        name, {"op": op, "shape": shape, "backward": backward}, row, bytes=moved, limit="triad l2" if int(np.prod(shape)) <= 65536 else "triad", tolerance=1e-4,
        quick=row == "rowwise" and op in ("softmax", "layer_norm"),
    )  # fmt: skip


def cases(seed: int) -> Sequence[Case]:
    found = []
    for row, flat, image, tokens in (
        ("rowwise", (4096, 1024), (64, 32, 32, 64), 512),
        ("rowwise-cache", (64, 1024), (4, 32, 32, 16), 4),
    ):
        for op in OPS:
            shape = image if op == "max_pool" else flat
            found += [row_case(op, shape, row, True), row_case(op, shape, "rowwise-fwd", False)]
        found += [
            row_case("cross_entropy", (tokens, CLASSES), row, True),
            row_case("cross_entropy", (tokens, CLASSES), "rowwise-fwd", False),
        ]
    return found


def arrays(case: Case, context: Context) -> tuple[list[Any], Any, Any]:
    """The inputs (x, then gamma and beta for norms), dy or None, labels or None."""
    op, shape = case.params["op"], case.params["shape"]
    inputs = [normal(context, "x", shape)]
    if op in ("layer_norm", "batch_norm"):
        inputs += [1 + normal(context, "gamma", shape[-1:], 0.1), normal(context, "beta", shape[-1:], 0.1)]
    labels = integers(context, "labels", shape[:1], shape[-1]) if op == "cross_entropy" else None
    out: tuple[int, ...] = shape
    if op == "max_pool":
        out = (shape[0], shape[1] // 2, shape[2] // 2, shape[3])
    if op == "cross_entropy":
        out = ()
    dy = None
    if case.params["backward"]:
        dy = normal(context, "dy", out) if out else np.ones((), np.float32)
    return inputs, dy, labels


def nacre_rowwise(case: Case, context: Context) -> Any:
    nc = nacre_import(context)

    def make() -> Timed:
        inputs, dy, labels = arrays(case, context)
        y_true = None if labels is None else nc.asarray(labels.astype(np.int32))
        functions = {
            "softmax": nc.softmax,
            "layer_norm": lambda x, g, b: nc.layer_norm(x, g, b, epsilon=EPSILON),
            "batch_norm": lambda x, g, b: nc.batch_norm_training(x, g, b, epsilon=EPSILON)[0],
            "gelu": nc.gelu,
            "max_pool": lambda x: nc.max_pool(x, 2),
            "cross_entropy": lambda x: nc.mean(nc.sparse_categorical_crossentropy(y_true, x, from_logits=True)),
        }
        return nacre_timed(functions[case.params["op"]], [nc.asarray(a) for a in inputs], None if dy is None else nc.asarray(dy))

    return {"nacre": make}


def torch_rowwise(case: Case, context: Context, compiled: bool = False) -> Any:
    torch = torch_import(context)
    functional, op = torch.nn.functional, case.params["op"]

    def make(layout: Any = None) -> Timed:
        inputs, dy, labels = arrays(case, context)
        y_true = None if labels is None else torch.from_numpy(labels)
        functions = {
            "softmax": lambda x: torch.softmax(x, -1),
            "layer_norm": lambda x, g, b: functional.layer_norm(x, x.shape[-1:], g, b, EPSILON),
            "batch_norm": lambda x, g, b: functional.batch_norm(x, None, None, g, b, training=True, eps=EPSILON),
            "gelu": functional.gelu,
            "max_pool": lambda x: functional.max_pool2d(x, 2),
            "cross_entropy": lambda x: functional.cross_entropy(x, y_true),
        }
        tensors = [torch.from_numpy(np.asarray(a)) for a in (*inputs, dy) if a is not None]
        if op == "max_pool":
            tensors = [t.permute(0, 3, 1, 2).contiguous(memory_format=layout) for t in tensors]
        function = torch.compile(functions[op]) if compiled else functions[op]
        canonical = (lambda i, a: a.permute(0, 2, 3, 1)) if op == "max_pool" else (lambda i, a: a)
        count = len(inputs)
        return torch_timed(function, tensors[:count], tensors[count] if dy is not None else None, canonical=canonical)

    if compiled:
        return {"torch.compile": lambda: make(torch.channels_last)}
    if op == "max_pool":
        return {"torch nhwc": lambda: make(torch.channels_last), "torch nchw": lambda: make(torch.contiguous_format)}
    return {"torch": make}


def jax_rowwise(case: Case, context: Context) -> Any:
    import jax

    def norm(axis: int) -> Any:
        def function(x: Any, g: Any, b: Any) -> Any:
            mean = x.mean(axis, keepdims=True)
            var = jax.numpy.square(x - mean).mean(axis, keepdims=True)
            return g * (x - mean) * jax.lax.rsqrt(var + EPSILON) + b

        return function

    def make() -> Timed:
        inputs, dy, labels = arrays(case, context)
        y_true = None if labels is None else jax.numpy.asarray(labels)
        functions = {
            "softmax": jax.nn.softmax,
            "layer_norm": norm(-1),
            "batch_norm": norm(0),
            "gelu": lambda x: jax.nn.gelu(x, approximate=False),
            "max_pool": lambda x: jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"),
            "cross_entropy": lambda x: -jax.numpy.take_along_axis(jax.nn.log_softmax(x), y_true[:, None], 1).mean(),
        }
        return jax_timed(functions[case.params["op"]], inputs, dy)

    return {"jax": make}


WORKLOADS = [
    Workload(
        "rowwise",
        "row-wise ops and cross-entropy",
        cases,
        {
            "nacre": nacre_rowwise,
            "torch": torch_rowwise,
            "torch.compile": lambda case, context: torch_rowwise(case, context, compiled=True),
            "jax": jax_rowwise,
        },
    )
]
