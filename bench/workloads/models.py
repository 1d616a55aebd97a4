"""The models of the training and inference rows: sizes, flops, weights and data, the same for every framework.

A model is a name and a dictionary of sizes `h`. Weights are a dictionary of layer name to arrays in Keras's order and layout (kernel [in, out],
convolutions [KH, KW, in, out], LSTM gates i f g o); each framework's module brings them to its own.
"""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import math
import os
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

Weights = dict[str, list[np.ndarray]]
Sizes = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Spec:
    """A training row: model, sizes, batch, optimizer."""

    name: str
    model: str  # mlp, lenet, resnet20, resnet50, lstm, gpt
    sizes: Sizes
    batch: int
    optimizer: str  # sgd, momentum, adam, adamw
    rate: float
    loss: str = "sparse"  # sparse (logits, classes per row or per position) or binary (probabilities)
    steps: int = 8  # batches of one fit
    data: str = "normal"  # or fashion


RATES = {"sgd": 0.1, "momentum": 0.05, "adam": 1e-3, "adamw": 1e-3}
MOMENTUM, BETA_1, BETA_2, EPSILON, DECAY = 0.9, 0.9, 0.999, 1e-8, 0.01
NORM_EPSILON, BATCH_NORM_MOMENTUM = 1e-5, 0.9


# ---- layers: (name, kind, sizes...) in the order of the forward pass, from which weights and flops follow ----


def resnet20_blocks(h: Sizes) -> list[tuple[str, int, int, int]]:
    """(name, in, out, stride) of the nine basic blocks."""
    found, channels = [], h["width"]
    for stage in range(3):
        for block in range(h.get("blocks", 3)):
            out = h["width"] * 2**stage
            found.append((f"s{stage}b{block}", channels, out, 2 if stage and not block else 1))
            channels = out
    return found


def resnet50_blocks(h: Sizes) -> list[tuple[str, int, int, int, int]]:
    """(name, in, middle, out, stride) of the sixteen bottlenecks."""
    found, channels = [], h["width"]
    for stage, count in enumerate((3, 4, 6, 3)):
        for block in range(count):
            middle = h["width"] * 2**stage
            found.append((f"s{stage}b{block}", channels, middle, 4 * middle, 2 if stage and not block else 1))
            channels = 4 * middle
    return found


def layers(model: str, h: Sizes) -> list[tuple[Any, ...]]:
    """dense: name, in, out, rows per sample, bias; conv: name, kernel, in, out, output side, bias; and those that multiply nothing."""
    found: list[tuple[Any, ...]] = []
    if model == "mlp":
        sizes = h["sizes"]
        return [("dense", f"d{i}", a, b, 1, True) for i, (a, b) in enumerate(itertools.pairwise(sizes))]
    if model == "lenet":
        side, (first, second) = h["image"], h["channels"]
        a, b = side - 2, (side - 2) // 2 - 2
        found = [("conv", "c0", 3, 1, first, a, True), ("conv", "c1", 3, first, second, b, True)]
        flat = (b // 2) ** 2 * second
        return [*found, ("dense", "d0", flat, h["dense"], 1, True), ("dense", "d1", h["dense"], 10, 1, True)]
    if model == "resnet20":
        side = h["image"]
        found = [("conv", "stem", 3, 3, h["width"], side, False), ("norm", "stem_bn", h["width"])]
        for name, inner, out, stride in resnet20_blocks(h):
            side //= stride
            found += [("conv", f"{name}_c0", 3, inner, out, side, False), ("norm", f"{name}_n0", out)]
            found += [("conv", f"{name}_c1", 3, out, out, side, False), ("norm", f"{name}_n1", out)]
            if inner != out:
                found += [("conv", f"{name}_cs", 1, inner, out, side, False), ("norm", f"{name}_ns", out)]
        return [*found, ("dense", "head", 4 * h["width"], 10, 1, True)]
    if model == "resnet50":
        side = h["image"] // 2
        found = [("conv", "stem", 7, 3, h["width"], side, False), ("norm", "stem_bn", h["width"])]
        side //= 2
        for name, inner, middle, out, stride in resnet50_blocks(h):
            found += [("conv", f"{name}_c0", 1, inner, middle, side, False), ("norm", f"{name}_n0", middle)]
            side //= stride
            found += [("conv", f"{name}_c1", 3, middle, middle, side, False), ("norm", f"{name}_n1", middle)]
            found += [("conv", f"{name}_c2", 1, middle, out, side, False), ("norm", f"{name}_n2", out)]
            if inner != out:
                found += [("conv", f"{name}_cs", 1, inner, out, side, False), ("norm", f"{name}_ns", out)]
        return [*found, ("dense", "head", 32 * h["width"], h["classes"], 1, True)]
    if model == "lstm":
        v, u, t = h["vocab"], h["units"], h["length"]
        return [("embedding", "tokens", v, u), ("lstm", "lstm", u, u, t), ("dense", "head", u, v, t, True)]
    if model == "gpt":
        v, d, t = h["vocab"], h["width"], h["length"]
        found = [("embedding", "tokens", v, d), ("position", "positions", t, d)]
        for i in range(h["layers"]):
            found += [
                ("layer_norm", f"b{i}_n0", d),
                ("attention", f"b{i}_attention", d, h["heads"], t),
                ("layer_norm", f"b{i}_n1", d),
            ]
            found += [("dense", f"b{i}_d0", d, 4 * d, t, True), ("dense", f"b{i}_d1", 4 * d, d, t, True)]
        return [*found, ("layer_norm", "final_norm", d), ("dense", "head", d, v, t, False)]
    raise ValueError(f"there is no model '{model}'.")


def forward_flops(layer: tuple[Any, ...]) -> float:
    """Of one sample; additions of biases, norms and activations are not counted."""
    kind = layer[0]
    if kind == "dense":
        return 2.0 * layer[2] * layer[3] * layer[4]
    if kind == "conv":
        return 2.0 * layer[2] ** 2 * layer[3] * layer[4] * layer[5] ** 2
    if kind == "lstm":
        return 2.0 * 4 * layer[3] * (layer[2] + layer[3]) * layer[4]
    if kind == "attention":
        return 2.0 * 4 * layer[2] ** 2 * layer[4] + 4.0 * layer[4] ** 2 * layer[2]
    return 0.0


def inference_flops(model: str, h: Sizes, batch: int) -> float:
    return batch * sum(forward_flops(layer) for layer in layers(model, h))


def training_flops(model: str, h: Sizes, batch: int) -> float:
    """Forward x 3, less the gradient of the input of a first layer that takes numbers (an embedding's output needs its own)."""
    all_layers = layers(model, h)
    first = forward_flops(all_layers[0]) if all_layers[0][0] in ("dense", "conv") else 0.0
    return 3 * inference_flops(model, h, batch) - batch * first


def make_weights(model: str, h: Sizes, seed: int) -> Weights:
    found: Weights = {}
    for layer in layers(model, h):
        kind, name = layer[:2]
        source = np.random.default_rng([seed, zlib.crc32(name.encode())])

        def normal(*shape: int, fan: int, source: np.random.Generator = source) -> np.ndarray:
            return source.standard_normal(shape, dtype=np.float32) * np.float32(1 / math.sqrt(fan))

        def zeros(*shape: int) -> np.ndarray:
            return np.zeros(shape, np.float32)

        if kind == "dense":
            found[name] = [normal(layer[2], layer[3], fan=layer[2])] + ([zeros(layer[3])] if layer[5] else [])
        elif kind == "conv":
            k, inner, out = layer[2:5]
            found[name] = [normal(k, k, inner, out, fan=k * k * inner)] + ([zeros(out)] if layer[6] else [])
        elif kind == "norm":
            c = layer[2]
            found[name] = [np.ones(c, np.float32), zeros(c), zeros(c), np.ones(c, np.float32)]
        elif kind == "layer_norm":
            found[name] = [np.ones(layer[2], np.float32), zeros(layer[2])]
        elif kind == "embedding":
            found[name] = [normal(layer[2], layer[3], fan=4)]
        elif kind == "position":
            found[name] = [normal(layer[2], layer[3], fan=100)]
        elif kind == "lstm":
            inner, units = layer[2:4]
            bias = zeros(4 * units)
            bias[units : 2 * units] = 1
            found[name] = [normal(inner, 4 * units, fan=inner), normal(units, 4 * units, fan=units), bias]
        elif kind == "attention":
            d, heads = layer[2:4]
            width = d // heads
            found[name] = []
            for _ in range(3):
                found[name] += [normal(d, heads, width, fan=d), zeros(heads, width)]
            found[name] += [normal(heads, width, d, fan=d), zeros(d)]
    return found


# ---- data ----


def make_data(spec: Spec, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """x (float32, or int32 tokens) and integer targets (float32 for the binary loss)."""
    source, h = np.random.default_rng([seed, 77]), spec.sizes
    if spec.data == "fashion":
        x, y, _ = fashion()
        return x[:rows], y[:rows]
    if spec.model in ("lstm", "gpt"):
        tokens = source.integers(0, h["vocab"], (rows, h["length"] + 1)).astype(np.int32)
        return np.ascontiguousarray(tokens[:, :-1]), np.ascontiguousarray(tokens[:, 1:])
    x = source.standard_normal((rows, *input_shape(spec.model, h)), dtype=np.float32)
    if spec.loss == "binary":
        return x, (x[:, :1] * x[:, 1:2] > 0).astype(np.float32)
    return x, source.integers(0, classes(spec.model, h), rows).astype(np.int32)


def input_shape(model: str, h: Sizes) -> tuple[int, ...]:
    if model == "mlp":
        return (h["sizes"][0],)
    if model == "lenet":
        return (h["image"], h["image"], 1)
    if model in ("resnet20", "resnet50"):
        return (h["image"], h["image"], 3)
    return (h["length"],)


def classes(model: str, h: Sizes) -> int:
    if model == "mlp":
        return int(h["sizes"][-1])
    return int(h.get("classes", h.get("vocab", 10)))


FASHION = "dataset-fashion-mnist"  # the package whose files are looked for
_fashion: list[tuple[np.ndarray, np.ndarray, bool]] = []


def fashion_folders() -> list[str]:
    return [os.environ.get("FASHION_MNIST", ""), "/usr/share/datasets/fashion-mnist"]


def fashion() -> tuple[np.ndarray, np.ndarray, bool]:
    """60,000 images as rows of 784 in [0, 1], their classes, and whether they are the real ones: without the files, noise of the same shape."""
    if not _fashion:
        for folder in fashion_folders():
            images = os.path.join(folder, "train-images-idx3-ubyte.gz")
            if folder and os.path.exists(images):
                with gzip.open(images) as file:
                    x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784).astype(np.float32) / np.float32(255)
                with gzip.open(os.path.join(folder, "train-labels-idx1-ubyte.gz")) as file:
                    y = np.frombuffer(file.read(), np.uint8, offset=8).astype(np.int32)
                _fashion.append((x, y, True))
                break
        else:
            source = np.random.default_rng(0)
            _fashion.append((source.random((60000, 784), dtype=np.float32), source.integers(0, 10, 60000).astype(np.int32), False))
    return _fashion[0]


def data_note(spec: Spec) -> str:
    return f"synthetic data: the files of {FASHION} were not found" if spec.data == "fashion" and not fashion()[2] else ""
