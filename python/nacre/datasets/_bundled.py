"""The data files in the package: a small safetensors reader and the split into training and test rows.

The files are our own, so their checksum is the whole check: a file that was changed or cut is refused before it is parsed.
"""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Split = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

SHA256 = {
    "digits": "14a6dc39e6dd8b94642427e8ff52576a24176d1a18bfe3a36daa7d3568834df8",
    "iris": "37d504004ec0f79b0c713d953f3ccfffd0a54c06d233dd77b547204490d41a2b",
    "wine": "6ebd78537de32057ec7f6f0a704de67b4638a8f8624e68e95c1e86130332897c",
}


def path_of(name: str) -> str:
    """Where the package keeps the file of this data set. C++ programs can open it too."""
    return os.path.join(os.path.dirname(__file__), "data", f"{name}.safetensors")


def read(name: str) -> tuple[NDArray[Any], NDArray[Any], dict[str, str]]:
    """The whole set: x, y and the metadata (title, creators, source, licence)."""
    import hashlib
    import json

    import numpy as np

    with open(path_of(name), "rb") as file:
        content = file.read()
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256[name]:
        raise ValueError(f"{name}: the file {path_of(name)} has SHA-256 {found}, not {SHA256[name]}. Install the package again.")
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    arrays = {}
    for key, dtype in (("x", {"U8": np.uint8, "F32": np.float32}), ("y", {"U8": np.uint8})):
        entry = header[key]
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        arrays[key] = np.frombuffer(content[begin:end], dtype[entry["dtype"]]).reshape(entry["shape"]).copy()
    return arrays["x"], arrays["y"], header["__metadata__"]


def split(name: str, x: NDArray[Any], y: NDArray[Any], test_fraction: float, seed: int) -> Split:
    """Rows into training and test part, both in random order, each class divided in the same proportion.

    The order comes from NumPy's RandomState, whose stream is frozen, so a seed gives the same rows with every NumPy.
    """
    import numpy as np

    if not isinstance(test_fraction, (int, float)) or not math.isfinite(test_fraction) or not 0 <= test_fraction < 1:
        raise ValueError(f"{name}: test_fraction must be in [0, 1), got {test_fraction!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ValueError(f"{name}: seed must be a whole number in [0, 2**32), got {seed!r}.")
    random = np.random.RandomState(seed)
    order = random.permutation(len(x))
    is_test = np.zeros(len(x), dtype=bool)
    for label in np.unique(y):
        rows = order[y[order] == label]
        is_test[rows[: round(len(rows) * test_fraction)]] = True
    # Shuffled again: `order` gives its first rows of each class to the test part, so what is left of it begins unevenly.
    train = random.permutation(np.flatnonzero(~is_test))
    test = random.permutation(np.flatnonzero(is_test))
    return (x[train], y[train]), (x[test], y[test])


def load(name: str, test_fraction: float, seed: int) -> Split:
    x, y, _ = read(name)
    return split(name, x, y, test_fraction, seed)
