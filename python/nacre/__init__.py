"""nacre: a deep-learning library with a C++ core and a Keras-like face.

`import nacre as nc` loads the core and little else: the submodules (layers, models, optimizers, ...), NumPy and tqdm are imported when first used.
Every op is here by its name (`nc.matmul`, `nc.softmax`), and in `nc.ops`.
"""

from __future__ import annotations

from . import _core as _core
from ._core import SymbolicTensor as SymbolicTensor
from ._core import Tensor as Tensor
from ._core import __version__ as __version__
from ._core import asarray as asarray
from ._core import convert_to_tensor as convert_to_tensor
from ._core import from_dlpack as from_dlpack
from ._core import num_threads as num_threads
from ._core import set_num_threads as set_num_threads

from_numpy = asarray

_MODULES = frozenset(
    {
        "activations",
        "callbacks",
        "config",
        "datasets",
        "errors",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "models",
        "ops",
        "optimizers",
        "random",
        "saving",
        "utils",
    }
)
# Names that live in a submodule.
_HOMES = {
    "Input": "layers",
    "Model": "models",
    "Sequential": "models",
    "enable_grad": "autograd",
    "grad": "autograd",
    "gradients": "autograd",
    "is_grad_enabled": "autograd",
    "no_grad": "autograd",
    "value_and_grad": "autograd",
}
float16, bfloat16, float32, float64 = "float16", "bfloat16", "float32", "float64"
int8, uint8, int32, int64, bool_ = "int8", "uint8", "int32", "int64", "bool"


def __getattr__(name: str) -> object:
    import importlib

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
    import importlib

    ops = importlib.import_module("nacre.ops")
    return sorted({*globals(), *_MODULES, *_HOMES, *ops.__all__})
