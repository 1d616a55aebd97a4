"""Samples of the math family: elementwise functions and activations; reductions; matrix products."""

from __future__ import annotations

from . import math_elementwise, math_product, math_reduce

SAMPLES = {**math_elementwise.SAMPLES, **math_reduce.SAMPLES, **math_product.SAMPLES}
BAD = {**math_elementwise.BAD, **math_reduce.BAD, **math_product.BAD}
