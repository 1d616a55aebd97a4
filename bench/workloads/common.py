"""What the families share: inputs from a seed, and forward+backward in the words of each framework."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from harness.cases import Context, Timed


def normal(context: Context, name: str, shape: Sequence[int], scale: float = 1.0) -> np.ndarray:
    """The same float32 numbers in every framework's process."""
    source = np.random.default_rng([context.seed, zlib.crc32(name.encode())])
    return source.standard_normal(tuple(shape), dtype=np.float32) * np.float32(scale)


def integers(context: Context, name: str, shape: Sequence[int], high: int) -> np.ndarray:
    return np.random.default_rng([context.seed, zlib.crc32(name.encode())]).integers(0, high, tuple(shape))


def nacre_import(context: Context) -> Any:
    import nacre as nc

    nc.set_num_threads(context.threads)
    return nc


def torch_import(context: Context) -> Any:
    import torch

    torch.set_num_threads(context.threads)
    return torch


def nacre_timed(function: Callable[..., Any], inputs: Sequence[Any], dy: Any = None, wanted: Sequence[int] | None = None) -> Timed:
    """function(*inputs) alone, or with the gradients of the `wanted` inputs for the output gradient dy."""
    import nacre as nc

    if dy is None:  # no input requires a gradient: nothing is recorded
        return Timed(call=lambda: function(*inputs), check=lambda: [function(*inputs).numpy()])
    chosen = [inputs[i] for i in (range(len(inputs)) if wanted is None else wanted)]
    for leaf in chosen:
        leaf.requires_grad = True

    def both() -> Any:
        y = function(*inputs)
        return y, nc.gradients(y, chosen, dy)

    def check() -> list[Any]:
        y, gradients = both()
        return [a.detach().numpy() for a in (y, *gradients)]

    return Timed(call=both, check=check)


def torch_timed(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    dy: Any = None,
    wanted: Sequence[int] | None = None,
    canonical: Callable[[int, Any], Any] = lambda i, a: a,
) -> Timed:
    """The same for torch; canonical(i, result) brings y (0) and the gradients (1, 2, ...) to the layout of nacre's."""
    import torch

    if dy is None:
        return Timed(call=lambda: function(*inputs), check=lambda: [canonical(0, function(*inputs)).numpy()])
    chosen = [inputs[i] for i in (range(len(inputs)) if wanted is None else wanted)]
    for leaf in chosen:
        leaf.requires_grad_(True)

    def both() -> Any:
        y = function(*inputs)
        return y, torch.autograd.grad(y, chosen, dy)

    def check() -> list[Any]:
        y, gradients = both()
        return [canonical(i, a).detach().numpy() for i, a in enumerate((y, *gradients))]

    return Timed(call=both, check=check)


def jax_timed(function: Callable[..., Any], inputs: Sequence[Any], dy: Any = None, wanted: Sequence[int] | None = None) -> Timed:
    import jax

    values = [jax.numpy.asarray(a) for a in inputs]
    if dy is None:
        compiled = jax.jit(function)
        return Timed(call=lambda: compiled(*values).block_until_ready(), check=lambda: [compiled(*values)])
    places = tuple(range(len(inputs))) if wanted is None else tuple(wanted)
    slope = jax.numpy.asarray(dy)

    def both(slope: Any, *values: Any) -> Any:
        def of_wanted(*chosen: Any) -> Any:
            full = list(values)
            for place, value in zip(places, chosen, strict=True):
                full[place] = value
            return function(*full)

        y, back = jax.vjp(of_wanted, *(values[i] for i in places))
        return (y, *back(slope))

    compiled_both = jax.jit(both)
    return Timed(
        call=lambda: jax.block_until_ready(compiled_both(slope, *values)),
        check=lambda: list(compiled_both(slope, *values)),
    )
