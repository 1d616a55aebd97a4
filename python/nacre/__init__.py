"""nacre: a deep-learning library with a C++ core and a Keras-like face.

`import nacre as nc` loads the core and little else: the submodules (layers, models, optimizers, ...), NumPy and tqdm are imported when first used.
Every op is here by its name (`nc.matmul`, `nc.softmax`), and in `nc.ops`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import Tensor, __version__, asarray, convert_to_tensor, from_dlpack, num_threads, set_num_threads

if TYPE_CHECKING:
    from . import (
        activations,
        callbacks,
        config,
        datasets,
        errors,
        initializers,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        random,
        utils,
    )

from_numpy = asarray

_MODULES = frozenset({
    "activations", "callbacks", "config", "datasets", "errors", "initializers", "layers", "losses", "metrics", "models", "ops", "optimizers",
    "random", "utils",
})
# Names that live in a submodule.
_HOMES = {
    "Input": "layers",
    "Sequential": "models",
    "enable_grad": "autograd",
    "grad": "autograd",
    "gradients": "autograd",
    "is_grad_enabled": "autograd",
    "no_grad": "autograd",
    "value_and_grad": "autograd",
}
_functions: dict[str, Any] = _core.op_functions
_internal = frozenset(name for name, record in _core.op_records().items() if record["internal"])
float16, bfloat16, float32, float64 = "float16", "bfloat16", "float32", "float64"
int8, uint8, int32, int64, bool_ = "int8", "uint8", "int32", "int64", "bool"


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"nacre.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"nacre.{_HOMES[name]}"), name)
    elif not name.startswith("_"):
        ops = importlib.import_module("nacre.ops")
        if name not in ops.__all__:
            raise AttributeError(f"module 'nacre' has no attribute {name!r}")
        value = getattr(ops, name)
    else:
        raise AttributeError(f"module 'nacre' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    ops = importlib.import_module("nacre.ops")
    return sorted({*globals(), *_MODULES, *_HOMES, *ops.__all__})
