"""Writes a model of the inference rows as an ONNX file: python -m workloads.export_onnx KEY SEED PATH, in the folder bench."""

from __future__ import annotations

import sys

import torch

from . import models, models_torch
from .train import SPECS


def main() -> None:
    key, seed, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    spec = SPECS[key]
    model = models_torch.build(spec.model, spec.sizes, spec.loss, dropout=False, exact=True).eval()
    models_torch.load(model, models.make_weights(spec.model, spec.sizes, seed))
    shape = (1, *models.input_shape(spec.model, spec.sizes))
    example = torch.zeros(shape, dtype=torch.long) if spec.model in ("lstm", "gpt") else torch.zeros(shape)
    if example.ndim == 4:
        example = example.permute(0, 3, 1, 2).contiguous()
    torch.onnx.export(model, (example,), path, opset_version=17, dynamo=False)


if __name__ == "__main__":
    main()
