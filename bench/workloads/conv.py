"""Two-dimensional convolutions: forward, and forward+backward with all gradients. We and JAX take NHWC, torch both layouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.cases import Case, Context, Timed, Workload

from .common import jax_timed, nacre_import, nacre_timed, normal, torch_import, torch_timed


def conv_case(row: str, backward: bool, n: int, c: int, h: int, o: int, k: int = 3, stride: int = 1, dilation: int = 1, groups: int = 1,
              quick: bool = False, image_gradient: bool = True) -> Case:  # fmt: skip
    """Padding keeps the size at stride 1: pads of dilation * (k - 1) / 2 on every side."""
    out = (h - 1) // stride + 1
    flops = 2.0 * n * out * out * o * k * k * (c // groups)
    parts = [f"{k}x{k}", f"{n}x{c}x{h}x{h}->{o}"]
    parts += [f"{word}{value}" for word, value in (("stride", stride), ("dilation", dilation), ("groups", groups)) if value > 1]
    parts.append(("fwd+bwd" if image_gradient else "fwd+dweight") if backward else "fwd")
    return Case(
        "conv/" + "/".join(parts),
        {"n": n, "c": c, "h": h, "o": o, "k": k, "stride": stride, "dilation": dilation, "groups": groups,
         "backward": backward, "image_gradient": image_gradient},
        row, flops=flops * ((3 if image_gradient else 2) if backward else 1), limit="fma",
        # Winograd's transforms lose some bits; sums of dweight are long.
        tolerance=2e-4, quick=quick,
    )  # fmt: skip


WIDE = [(32, 64, 32, 64), (32, 128, 16, 128), (8, 64, 56, 64)]  # N, C, H = W, out


def wide_cases(seed: int) -> Sequence[Case]:
    forward = [conv_case("conv-fwd", False, *s, quick=s[1] == 128) for s in WIDE]
    return forward + [conv_case("conv-bwd", True, *s, quick=s[1] == 128) for s in WIDE]


def narrow_cases(seed: int) -> Sequence[Case]:
    return [conv_case("conv-narrow", True, *s) for s in ((64, 16, 32, 16), (64, 32, 16, 32), (32, 32, 32, 32), (64, 16, 32, 32))]


def first_cases(seed: int) -> Sequence[Case]:
    found = []
    for shape in ((64, 1, 28, 32), (32, 3, 32, 32), (32, 3, 32, 64), (64, 3, 32, 16)):
        # The first layer of a model needs no gradient of the image; the peers' figures in the notes have it, so both are timed.
        found += [conv_case("conv-first", True, *shape), conv_case("conv-first", True, *shape, image_gradient=False)]
        found.append(conv_case("conv-other-fwd", False, *shape))
    for groups, shape in ((64, (32, 64, 32, 64)), (128, (32, 128, 16, 128))):
        found.append(conv_case("conv-first", True, *shape, groups=groups))
        found.append(conv_case("conv-other-fwd", False, *shape, groups=groups))
    return found


OTHER: list[dict[str, Any]] = [
    {"n": 32, "c": 256, "h": 14, "o": 256, "k": 1},
    {"n": 32, "c": 64, "h": 32, "o": 128, "k": 1, "stride": 2},
    {"n": 32, "c": 64, "h": 32, "o": 128, "stride": 2},
    {"n": 16, "c": 32, "h": 32, "o": 32, "k": 5},
    {"n": 4, "c": 3, "h": 224, "o": 64, "k": 7, "stride": 2},
    {"n": 16, "c": 64, "h": 32, "o": 64, "dilation": 2},
    {"n": 32, "c": 64, "h": 32, "o": 64, "groups": 4},
]


def other_cases(seed: int) -> Sequence[Case]:
    return [conv_case("conv-other", True, **s) for s in OTHER] + [conv_case("conv-other-fwd", False, **s) for s in OTHER]


def arrays(case: Case, context: Context) -> tuple[Any, Any, Any]:
    """x NHWC, weight HWIO, dy NHWC or None."""
    p = case.params
    x = normal(context, "x", (p["n"], p["h"], p["h"], p["c"]))
    inner = p["c"] // p["groups"]
    weight = normal(context, "w", (p["k"], p["k"], inner, p["o"]), (p["k"] * p["k"] * inner) ** -0.5)
    out = (p["h"] - 1) // p["stride"] + 1
    return x, weight, normal(context, "dy", (p["n"], out, out, p["o"])) if p["backward"] else None


def pad(case: Case) -> int:
    return int(case.params["dilation"] * (case.params["k"] - 1) // 2)


def wanted(case: Case) -> tuple[int, ...]:
    return (0, 1) if case.params["image_gradient"] else (1,)


def nacre_conv(case: Case, context: Context) -> Any:
    nc, p = nacre_import(context), case.params

    def forward(x: Any, weight: Any) -> Any:
        return nc.conv2d(
            x, weight, strides=p["stride"], padding="explicit", pads=pad(case), dilation=p["dilation"], groups=p["groups"]
        )

    def make() -> Timed:
        x, weight, dy = arrays(case, context)
        return nacre_timed(forward, [nc.asarray(x), nc.asarray(weight)], None if dy is None else nc.asarray(dy), wanted(case))

    return {"nacre": make}


def torch_conv(case: Case, context: Context, compiled: bool = False) -> Any:
    torch, p = torch_import(context), case.params

    def forward(x: Any, weight: Any) -> Any:
        return torch.nn.functional.conv2d(x, weight, None, p["stride"], pad(case), p["dilation"], p["groups"])

    def canonical(i: int, a: Any) -> Any:
        is_weight = i == 1 + wanted(case).index(1) if i else False
        return a.permute(2, 3, 1, 0) if is_weight else a.permute(0, 2, 3, 1)

    def make(layout: Any) -> Timed:
        x, weight, dy = arrays(case, context)
        image = [torch.from_numpy(a).permute(0, 3, 1, 2).contiguous(memory_format=layout) for a in (x, dy) if a is not None]
        kernel = torch.from_numpy(weight).permute(3, 2, 0, 1).contiguous(memory_format=layout)
        function = torch.compile(forward) if compiled else forward
        return torch_timed(function, [image[0], kernel], image[1] if dy is not None else None, wanted(case), canonical)

    if compiled:
        return {"torch.compile": lambda: make(torch.channels_last)}
    return {"torch nhwc": lambda: make(torch.channels_last), "torch nchw": lambda: make(torch.contiguous_format)}


def jax_conv(case: Case, context: Context) -> Any:
    import jax

    p = case.params

    def forward(x: Any, weight: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x, weight, (p["stride"],) * 2, [(pad(case),) * 2] * 2, rhs_dilation=(p["dilation"],) * 2,
            dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=p["groups"],
        )  # fmt: skip

    def make() -> Timed:
        x, weight, dy = arrays(case, context)
        return jax_timed(forward, [x, weight], dy, wanted(case))

    return {"jax": make}


RUNNERS = {
    "nacre": nacre_conv,
    "torch": torch_conv,
    "torch.compile": lambda case, context: torch_conv(case, context, compiled=True),
    "jax": jax_conv,
}

WORKLOADS = [
    Workload("conv", "3x3 convolutions of 64 and 128 channels", wide_cases, RUNNERS),
    Workload("conv-narrow", "3x3 convolutions of 16 and 32 channels", narrow_cases, RUNNERS),
    Workload("conv-first", "first layers and depthwise convolutions", first_cases, RUNNERS),
    Workload("conv-other", "1x1, strided, large, dilated and grouped convolutions", other_cases, RUNNERS),
]
