"""The models as torch modules. Layers carry the names of models.py, so weights are brought over by name.

Where Keras pads "same" at stride 2 on one side, torch pads both: the same work. `exact=True` pads as Keras does, for comparing results.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .models import (
    BATCH_NORM_MOMENTUM,
    BETA_1,
    BETA_2,
    DECAY,
    EPSILON,
    MOMENTUM,
    NORM_EPSILON,
    Sizes,
    Spec,
    Weights,
    resnet20_blocks,
    resnet50_blocks,
)


class Conv(nn.Conv2d):
    def __init__(self, inner: int, out: int, size: int, stride: int = 1, exact: bool = False, bias: bool = False):
        self.one_sided = exact and stride > 1 and size > 1
        super().__init__(inner, out, size, stride, 0 if self.one_sided else size // 2, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.one_sided:
            total = self.kernel_size[0] - self.stride[0]
            x = functional.pad(x, (total // 2, total - total // 2) * 2)
        return super().forward(x)


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPSILON, momentum=1 - BATCH_NORM_MOMENTUM)


class MLP(nn.Module):
    def __init__(self, h: Sizes, loss: str):
        super().__init__()
        self.sigmoid = loss == "binary"
        sizes = h["sizes"]
        self.layers = [f"d{i}" for i in range(len(sizes) - 1)]
        for name, a, b in zip(self.layers, sizes, sizes[1:], strict=False):
            self.add_module(name, nn.Linear(a, b))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.layers[:-1]:
            x = torch.relu(getattr(self, name)(x))
        x = getattr(self, self.layers[-1])(x)
        return torch.sigmoid(x) if self.sigmoid else x


class LeNet(nn.Module):
    def __init__(self, h: Sizes, dropout: bool):
        super().__init__()
        first, second = h["channels"]
        side = ((h["image"] - 2) // 2 - 2) // 2
        self.c0, self.c1 = nn.Conv2d(1, first, 3), nn.Conv2d(first, second, 3)
        self.d0, self.d1 = nn.Linear(side * side * second, h["dense"]), nn.Linear(h["dense"], 10)
        self.dropout = nn.Dropout(0.5 if dropout else 0.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.max_pool2d(torch.relu(self.c0(x)), 2)
        x = functional.max_pool2d(torch.relu(self.c1(x)), 2)
        return self.d1(self.dropout(torch.relu(self.d0(torch.flatten(x, 1)))))


class ResNet(nn.Module):
    def __init__(self, h: Sizes, deep: bool, exact: bool):
        super().__init__()
        self.deep, self.exact = deep, exact
        self.stem = Conv(3, h["width"], 7, 2, exact) if deep else Conv(3, h["width"], 3)
        self.stem_bn = norm(h["width"])
        self.plan: list[tuple[str, int, bool]] = []
        if deep:
            for name, inner, middle, out, stride in resnet50_blocks(h):
                self.block(name, [(inner, middle, 1, 1), (middle, middle, 3, stride), (middle, out, 1, 1)], inner, out, stride)
        else:
            for name, inner, out, stride in resnet20_blocks(h):
                self.block(name, [(inner, out, 3, stride), (out, out, 3, 1)], inner, out, stride)
        self.head = nn.Linear((32 if deep else 4) * h["width"], h["classes"] if deep else 10)

    def block(self, name: str, convs: list[tuple[int, int, int, int]], inner: int, out: int, stride: int) -> None:
        for i, (a, b, size, step) in enumerate(convs):
            self.add_module(f"{name}_c{i}", Conv(a, b, size, step, self.exact))
            self.add_module(f"{name}_n{i}", norm(b))
        if inner != out:
            self.add_module(f"{name}_cs", Conv(inner, out, 1, stride))
            self.add_module(f"{name}_ns", norm(out))
        self.plan.append((name, len(convs), inner != out))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.stem_bn(self.stem(x)))
        if self.deep:
            x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 3, 2) if self.exact else functional.max_pool2d(x, 3, 2, 1)
        for name, convs, projected in self.plan:
            y = x
            for i in range(convs):
                y = getattr(self, f"{name}_n{i}")(getattr(self, f"{name}_c{i}")(y))
                if i < convs - 1:
                    y = torch.relu(y)
            shortcut = getattr(self, f"{name}_ns")(getattr(self, f"{name}_cs")(x)) if projected else x
            x = torch.relu(y + shortcut)
        return self.head(x.mean((2, 3)))


class LSTM(nn.Module):
    def __init__(self, h: Sizes):
        super().__init__()
        self.tokens = nn.Embedding(h["vocab"], h["units"])
        self.lstm = nn.LSTM(h["units"], h["units"], batch_first=True)
        self.lstm.bias_hh_l0.requires_grad_(False)  # Keras has one bias
        self.head = nn.Linear(h["units"], h["vocab"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.lstm(self.tokens(x))[0])


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        b, t, d = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, d))


class Positions(nn.Module):
    def __init__(self, length: int, width: int):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(length, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.table


class GPT(nn.Module):
    def __init__(self, h: Sizes):
        super().__init__()
        d = h["width"]
        self.count = h["layers"]
        self.tokens, self.positions = nn.Embedding(h["vocab"], d), Positions(h["length"], d)
        for i in range(self.count):
            self.add_module(f"b{i}_n0", nn.LayerNorm(d, eps=NORM_EPSILON))
            self.add_module(f"b{i}_attention", Attention(d, h["heads"]))
            self.add_module(f"b{i}_n1", nn.LayerNorm(d, eps=NORM_EPSILON))
            self.add_module(f"b{i}_d0", nn.Linear(d, 4 * d))
            self.add_module(f"b{i}_d1", nn.Linear(4 * d, d))
        self.final_norm, self.head = nn.LayerNorm(d, eps=NORM_EPSILON), nn.Linear(d, h["vocab"], bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.positions(self.tokens(x))
        for i in range(self.count):
            part = {n: getattr(self, f"b{i}_{n}") for n in ("n0", "attention", "n1", "d0", "d1")}
            x = x + part["attention"](part["n0"](x))
            x = x + part["d1"](functional.gelu(part["d0"](part["n1"](x))))
        return self.head(self.final_norm(x))


def build(model: str, h: Sizes, loss: str = "sparse", dropout: bool = True, exact: bool = False) -> nn.Module:
    return {
        "mlp": lambda: MLP(h, loss),
        "lenet": lambda: LeNet(h, dropout),
        "resnet20": lambda: ResNet(h, False, exact),
        "resnet50": lambda: ResNet(h, True, exact),
        "lstm": lambda: LSTM(h),
        "gpt": lambda: GPT(h),
    }[model]()


@torch.no_grad()
def load(model: nn.Module, weights: Weights) -> None:
    modules = dict(model.named_modules())
    for name, values in weights.items():
        module, w = modules[name], [torch.from_numpy(np.ascontiguousarray(v)) for v in values]
        if isinstance(module, nn.Linear):
            pairs = [(module.weight, flattened(module, model, name, w[0])), *zip([module.bias], w[1:], strict=False)]
        elif isinstance(module, nn.Conv2d):
            pairs = [(module.weight, w[0].permute(3, 2, 0, 1)), *zip([module.bias], w[1:], strict=False)]
        elif isinstance(module, nn.BatchNorm2d):
            pairs = list(zip([module.weight, module.bias, module.running_mean, module.running_var], w, strict=True))
        elif isinstance(module, nn.LayerNorm):
            pairs = [(module.weight, w[0]), (module.bias, w[1])]
        elif isinstance(module, nn.Embedding):
            pairs = [(module.weight, w[0])]
        elif isinstance(module, Positions):
            pairs = [(module.table, w[0])]
        elif isinstance(module, nn.LSTM):
            pairs = [(module.weight_ih_l0, w[0].T), (module.weight_hh_l0, w[1].T), (module.bias_ih_l0, w[2])]
            pairs.append((module.bias_hh_l0, torch.zeros_like(w[2])))
        else:
            d = w[0].shape[0]
            kernel = torch.cat([w[i].reshape(d, d).T for i in (0, 2, 4)])
            pairs = [(module.qkv.weight, kernel), (module.qkv.bias, torch.cat([w[i].reshape(d) for i in (1, 3, 5)]))]
            pairs += [(module.out.weight, w[6].reshape(d, d).T), (module.out.bias, w[7])]
        for parameter, value in pairs:
            parameter.copy_(value)


def flattened(module: nn.Linear, model: nn.Module, name: str, kernel: torch.Tensor) -> torch.Tensor:
    """The kernel of a Linear; that of LeNet's first, which sees channels last in Keras, with its rows in torch's order."""
    if isinstance(model, LeNet) and name == "d0":
        channels = model.c1.out_channels
        side = round((kernel.shape[0] / channels) ** 0.5)
        kernel = kernel.reshape(side, side, channels, -1).permute(2, 0, 1, 3).reshape(kernel.shape)
    return kernel.T


def optimizer(spec: Spec, parameters: Any, **how: bool) -> torch.optim.Optimizer:
    trained = [p for p in parameters if p.requires_grad]
    adam = {"lr": spec.rate, "betas": (BETA_1, BETA_2), "eps": EPSILON}
    return {
        "sgd": lambda: torch.optim.SGD(trained, lr=spec.rate, **how),
        "momentum": lambda: torch.optim.SGD(trained, lr=spec.rate, momentum=MOMENTUM, **how),
        "adam": lambda: torch.optim.Adam(trained, **adam, **how),
        "adamw": lambda: torch.optim.AdamW(trained, weight_decay=DECAY, **adam, **how),
    }[spec.optimizer]()


def loss_of(spec: Spec, y: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    if spec.loss == "binary":
        return functional.binary_cross_entropy(y, target)
    return functional.cross_entropy(y.reshape(-1, y.shape[-1]), target.reshape(-1))


def as_input(spec_model: str, x: np.ndarray, channels_last: bool = False) -> torch.Tensor:
    """Images become NCHW; tokens int64."""
    t = torch.from_numpy(x)
    if spec_model in ("lenet", "resnet20", "resnet50"):
        t = t.permute(0, 3, 1, 2)
        t = t.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    return t.long() if spec_model in ("lstm", "gpt") else t
