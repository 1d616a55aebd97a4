"""One step of Adam and AdamW over 10 million parameters in 10 tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.cases import Case, Context, Timed, Workload

from .common import nacre_import, normal, torch_import

TENSORS, SIZE = 10, 1_000_000
RATE, BETA_1, BETA_2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
CHECK_STEPS = 3


def cases(seed: int) -> Sequence[Case]:
    # Parameter, m and v are read and written, the gradient is read.
    return [
        Case(
            f"optim/{name}/10x1M", {"decay": decay}, "optim",
            bytes=7 * 4.0 * TENSORS * SIZE, limit="triad", tolerance=1e-5, quick=not decay,
        )
        for name, decay in (("adam", 0.0), ("adamw", 0.01))
    ]  # fmt: skip


def arrays(context: Context) -> tuple[list[Any], list[Any]]:
    return tuple([normal(context, f"{kind}{i}", (SIZE,)) for i in range(TENSORS)] for kind in "pg")  # type: ignore[return-value]


def nacre_adam(case: Case, context: Context) -> Any:
    nc = nacre_import(context)

    def fresh() -> tuple[Any, list[Any], Any]:
        p, g = arrays(context)
        params, gradients = [nc.Tensor(a) for a in p], [nc.Tensor(a) for a in g]
        decay = case.params["decay"]
        options = {"learning_rate": RATE, "beta_1": BETA_1, "beta_2": BETA_2, "epsilon": EPSILON}
        optimizer = nc.optimizers.AdamW(weight_decay=decay, **options) if decay else nc.optimizers.Adam(**options)
        optimizer.build(params)
        return optimizer, params, gradients

    def make() -> Timed:
        optimizer, params, gradients = fresh()

        def check() -> list[Any]:
            for _ in range(CHECK_STEPS):
                optimizer.apply(gradients, params)
            return [params[0].numpy().copy(), params[-1].numpy().copy()]

        return Timed(call=lambda: optimizer.apply(gradients, params), check=check)

    return {"nacre": make}


def torch_adam(case: Case, context: Context, compiled: bool = False) -> Any:
    torch = torch_import(context)

    def make(**how: bool) -> Timed:
        p, g = arrays(context)
        params = [torch.nn.Parameter(torch.from_numpy(a)) for a in p]
        for param, gradient in zip(params, g, strict=True):
            param.grad = torch.from_numpy(gradient)
        kind = torch.optim.AdamW if case.params["decay"] else torch.optim.Adam
        optimizer = kind(params, lr=RATE, betas=(BETA_1, BETA_2), eps=EPSILON, weight_decay=case.params["decay"], **how)
        step = torch.compile(lambda: optimizer.step()) if compiled else optimizer.step

        def check() -> list[Any]:
            for _ in range(CHECK_STEPS):
                step()
            return [params[0].detach().numpy().copy(), params[-1].detach().numpy().copy()]

        return Timed(call=step, check=check)

    if compiled:
        return {"torch.compile": lambda: make(foreach=True)}
    return {"torch fused": lambda: make(fused=True), "torch": make, "torch foreach": lambda: make(foreach=True)}


def jax_adam(case: Case, context: Context) -> Any:
    import functools

    import jax

    decay = case.params["decay"]

    @functools.partial(jax.jit, donate_argnums=(0,))
    def step(state: Any, gradients: Any) -> Any:
        params, first, second, t = state
        t = t + 1
        first = [BETA_1 * m + (1 - BETA_1) * g for m, g in zip(first, gradients, strict=True)]
        second = [BETA_2 * v + (1 - BETA_2) * g * g for v, g in zip(second, gradients, strict=True)]
        a, b = 1 / (1 - BETA_1**t), 1 / (1 - BETA_2**t)
        params = [
            p * (1 - RATE * decay) - RATE * (m * a) / (jax.numpy.sqrt(v * b) + EPSILON)
            for p, m, v in zip(params, first, second, strict=True)
        ]
        return params, first, second, t

    def make() -> Timed:
        p, g = arrays(context)
        gradients = [jax.numpy.asarray(a) for a in g]
        zeros = [[jax.numpy.zeros(SIZE) for _ in range(TENSORS)] for _ in range(2)]
        state: list[Any] = [([jax.numpy.asarray(a) for a in p], *zeros, jax.numpy.zeros(()))]

        def call() -> None:
            state[0] = step(state[0], gradients)
            jax.block_until_ready(state[0])

        def check() -> list[Any]:
            for _ in range(CHECK_STEPS):
                call()
            return [state[0][0][0], state[0][0][-1]]

        return Timed(call=call, check=check)

    return {"jax": make}


WORKLOADS = [
    Workload(
        "optim",
        "Adam and AdamW",
        cases,
        {
            "nacre": nacre_adam,
            "torch": torch_adam,
            "torch.compile": lambda case, context: torch_adam(case, context, compiled=True),
            "jax": jax_adam,
        },
    )
]
