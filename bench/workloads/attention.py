"""Scaled dot-product attention: plain, causal, with a padding mask; forward and forward+backward (query, key and value)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from harness.cases import Case, Context, Timed, Workload

from .common import jax_timed, nacre_import, nacre_timed, normal, torch_import, torch_timed

SIZES = [(8, 128), (8, 512), (1, 2048)]  # B, S
HEADS, WIDTH = 8, 64


def attention_case(row: str, batch: int, length: int, form: str, backward: bool) -> Case:
    # Causal work is half; backward is 2.5 times the forward products.
    flops = 4.0 * batch * HEADS * length * length * WIDTH * (0.5 if form == "causal" else 1.0)
    name = f"attention/B{batch}xH{HEADS}xS{length}xD{WIDTH}/{form}/{'fwd+bwd' if backward else 'fwd'}"
    params = {"batch": batch, "length": length, "form": form, "backward": backward}
    return Case(
        name,
        params,
        row,
        flops=flops * (3.5 if backward else 1),
        limit="fma",
        tolerance=1e-4,
        quick=length == 128 and form != "mask",
    )


def cases(seed: int) -> Sequence[Case]:
    found = []
    for batch, length in SIZES:
        found.append(attention_case("attention-fwd", batch, length, "plain", False))
        found.append(attention_case("attention-bwd", batch, length, "plain", True))
        for form in ("causal", "mask"):
            found += [attention_case(f"attention-{form}", batch, length, form, backward) for backward in (False, True)]
    return found


def arrays(case: Case, context: Context) -> tuple[list[Any], Any, Any]:
    """query, key, value [B, S, H, D]; the padding mask [B, 1, 1, S] or None; dy or None."""
    p = case.params
    shape = (p["batch"], p["length"], HEADS, WIDTH)
    mask = None
    if p["form"] == "mask":  # the rows end after 60 to 100 % of the length
        lengths = np.linspace(0.6, 1.0, p["batch"] + 1)[1:] * p["length"]
        mask = (np.arange(p["length"])[None, :] < lengths[:, None])[:, None, None, :]
    return [normal(context, name, shape) for name in "qkv"], mask, normal(context, "dy", shape) if p["backward"] else None


def nacre_attention(case: Case, context: Context) -> Any:
    nc = nacre_import(context)

    def make() -> Timed:
        qkv, mask, dy = arrays(case, context)
        hidden = None if mask is None else nc.asarray(mask)
        causal = case.params["form"] == "causal"
        return nacre_timed(
            lambda q, k, v: nc.dot_product_attention(q, k, v, mask=hidden, causal=causal),
            [nc.asarray(a) for a in qkv], None if dy is None else nc.asarray(dy),
        )  # fmt: skip

    return {"nacre": make}


def torch_attention(case: Case, context: Context, compiled: bool = False) -> Any:
    torch = torch_import(context)

    def make(naive: bool) -> Timed:
        qkv, mask, dy = arrays(case, context)
        heads_first = [torch.from_numpy(a).transpose(1, 2).contiguous() for a in (*qkv, dy) if a is not None]
        causal, length = case.params["form"] == "causal", case.params["length"]
        hidden = None if mask is None else torch.from_numpy(mask)
        if naive and causal:
            hidden = torch.ones(length, length, dtype=torch.bool).tril()

        def plain(q: Any, k: Any, v: Any) -> Any:
            scores = q @ k.transpose(-1, -2) * (1 / math.sqrt(WIDTH))
            if hidden is not None:
                scores = scores.masked_fill(~hidden, -math.inf)
            return torch.softmax(scores, -1) @ v

        def fused(q: Any, k: Any, v: Any) -> Any:
            return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=hidden, is_causal=causal)

        function = plain if naive else fused
        if compiled:
            function = torch.compile(function)
        return torch_timed(
            function, heads_first[:3], heads_first[3] if dy is not None else None, canonical=lambda i, a: a.transpose(1, 2)
        )

    if compiled:
        return {"torch.compile": lambda: make(False)}
    return {"torch sdpa": lambda: make(False), "torch naive": lambda: make(True)}


def jax_attention(case: Case, context: Context) -> Any:
    import jax

    def make() -> Timed:
        qkv, mask, dy = arrays(case, context)
        hidden = None if mask is None else jax.numpy.asarray(mask)
        causal = case.params["form"] == "causal"
        return jax_timed(lambda q, k, v: jax.nn.dot_product_attention(q, k, v, mask=hidden, is_causal=causal), qkv, dy)

    return {"jax": make}


WORKLOADS = [
    Workload(
        "attention",
        "scaled dot-product attention",
        cases,
        {
            "nacre": nacre_attention,
            "torch": torch_attention,
            "torch.compile": lambda case, context: torch_attention(case, context, compiled=True),
            "jax": jax_attention,
        },
    )
]
