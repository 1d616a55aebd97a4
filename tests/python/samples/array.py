"""Samples of the array family: creation, random numbers, shapes, joining, padding, indexing, order."""

from __future__ import annotations

from . import array_create, array_index, array_shape

SAMPLES = array_create.SAMPLES | array_shape.SAMPLES | array_index.SAMPLES
BAD = array_create.BAD | array_shape.BAD | array_index.BAD
