# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from collections.abc import Callable
from typing import Any

from ._core import Tensor
from .ops import elu as elu
from .ops import gelu as gelu
from .ops import hard_sigmoid as hard_sigmoid
from .ops import leaky_relu as leaky_relu
from .ops import log_softmax as log_softmax
from .ops import mish as mish
from .ops import relu as relu
from .ops import relu6 as relu6
from .ops import selu as selu
from .ops import sigmoid as sigmoid
from .ops import silu as silu
from .ops import softmax as softmax
from .ops import softplus as softplus
from .ops import softsign as softsign
from .ops import tanh as tanh

__all__ = [
    "elu", "exponential", "gelu", "gelu_tanh", "get", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish", "relu",
    "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh",
]

def exponential(x: Any) -> Tensor:
    """e^x."""

def gelu_tanh(x: Any) -> Tensor:
    """The tanh form of gelu, up to 4.7e-4 from the exact one."""

def get(identifier: Any) -> Callable[..., Tensor]:
    """The function of a name; None is linear. Functions are returned as they are."""

def linear(x: Any) -> Tensor:
    """x as it is."""

def swish(x: Any, beta: float = 1.0) -> Tensor:
    """x sigmoid(beta x); beta = 1 is silu, and what activation="swish" means."""
