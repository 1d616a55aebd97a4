"""Matrix products, linear layers with bias and activation, matrix-vector products."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.cases import Case, Context, Timed, Workload

from .common import jax_timed, nacre_import, nacre_timed, normal, torch_import, torch_timed

SMALL = [(16, 16, 16), (32, 32, 32), (64, 64, 64), (128, 128, 128), (64, 10, 256)]  # M, N, K
LARGE = [(256, 256, 256), (512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048)]
SKINNY = [(32, 128, 784), (128, 512, 512), (4096, 64, 64)]
LINEAR = [(64, 256, 784), (128, 512, 512), (512, 1024, 1024), (2048, 512, 128)]
QUICK = {(64, 64, 64), (64, 10, 256), (256, 256, 256), (32, 128, 784)}


def product(m: int, n: int, k: int, row: str) -> Case:
    return Case(
        f"gemm/{m}x{k}x{n}",
        {"m": m, "n": n, "k": k},
        row,
        flops=2.0 * m * n * k,
        limit="fma",
        tolerance=2e-5,
        quick=(m, n, k) in QUICK,
    )


def vector(order: str) -> Case:
    size = 4096
    m, n = (1, size) if order == "xW" else (size, 1)
    return Case(
        f"gemv/{order}/{size}", {"m": m, "n": n, "k": size}, "gemv",
        flops=2.0 * size * size, bytes=4.0 * size * size, limit="read", tolerance=2e-5, quick=order == "xW",
    )  # fmt: skip


def linear(m: int, n: int, k: int, activation: str) -> Case:
    return Case(
        f"linear/{m}x{k}x{n}/{activation}", {"m": m, "n": n, "k": k, "activation": activation}, "linear",
        flops=2.0 * m * n * k, limit="fma", tolerance=5e-5, 
    )  # fmt: skip


def operands(case: Case, context: Context) -> tuple[Any, Any]:
    p = case.params
    return normal(context, "a", (p["m"], p["k"])), normal(context, "b", (p["k"], p["n"]), p["k"] ** -0.5)


def numpy_product(case: Case, context: Context) -> Any:
    def make() -> Timed:
        a, b = operands(case, context)
        return Timed(call=lambda: a @ b, check=lambda: [a @ b])

    return {"numpy": make}


def torch_product(case: Case, context: Context) -> Any:
    torch = torch_import(context)
    return {"torch": lambda: torch_timed(torch.mm, [torch.from_numpy(v) for v in operands(case, context)])}


def jax_product(case: Case, context: Context) -> Any:
    return {"jax": lambda: jax_timed(lambda a, b: a @ b, operands(case, context))}


def nacre_product(case: Case, context: Context) -> Any:
    nc = nacre_import(context)
    return {"nacre": lambda: nacre_timed(nc.matmul, [nc.asarray(v) for v in operands(case, context)])}


def linear_operands(case: Case, context: Context) -> tuple[Any, Any, Any]:
    return (*operands(case, context), normal(context, "bias", (case.params["n"],)))


def torch_linear(case: Case, context: Context) -> Any:
    torch = torch_import(context)
    functional = torch.nn.functional
    activation = getattr(functional, case.params["activation"])

    def forward(x: Any, weight: Any, bias: Any) -> Any:
        return activation(functional.linear(x, weight, bias))

    def make(compiled: bool = False) -> Timed:
        x, weight, bias = (torch.from_numpy(v) for v in linear_operands(case, context))
        return torch_timed(torch.compile(forward) if compiled else forward, [x, weight.T.contiguous(), bias])

    return {"eager": make, "compiled": lambda: make(True)}


def jax_linear(case: Case, context: Context) -> Any:
    import jax

    activation = {"relu": jax.nn.relu, "gelu": lambda v: jax.nn.gelu(v, approximate=False)}[case.params["activation"]]
    return {"jax": lambda: jax_timed(lambda x, weight, bias: activation(x @ weight + bias), linear_operands(case, context))}


def nacre_linear(case: Case, context: Context) -> Any:
    nc = nacre_import(context)
    forward = {
        "relu": lambda x, weight, bias: nc.dense(x, weight, bias, activation="relu"),
        "gelu": lambda x, weight, bias: nc.gelu(nc.dense(x, weight, bias)),
    }[case.params["activation"]]
    return {"nacre": lambda: nacre_timed(forward, [nc.asarray(v) for v in linear_operands(case, context)])}


def only(runner: Any, key: str, name: str) -> Any:
    """One variant of a runner under the name of its framework."""
    return lambda case, context: {name: runner(case, context)[key]}


PRODUCT = {"nacre": nacre_product, "numpy": numpy_product, "torch": torch_product, "jax": jax_product}


def product_cases(seed: int) -> Sequence[Case]:
    small = [product(*s, "gemm-small") for s in SMALL]
    return [*small, *(product(*s, "gemm") for s in LARGE + SKINNY), vector("xW"), vector("Wx")]


WORKLOADS = [
    Workload("gemm", "matrix products and matrix-vector products", product_cases, PRODUCT),
    Workload(
        "linear",
        "linear layers with bias and activation",
        lambda seed: [linear(*s, activation) for s in LINEAR for activation in ("relu", "gelu")],
        {
            "nacre": nacre_linear,
            "torch": only(torch_linear, "eager", "torch"),
            "torch.compile": only(torch_linear, "compiled", "torch.compile"),
            "jax": jax_linear,
        },
    ),
]
