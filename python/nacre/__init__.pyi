# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from . import _core as _core
from . import activations as activations
from . import callbacks as callbacks
from . import config as config
from . import datasets as datasets
from . import errors as errors
from . import initializers as initializers
from . import layers as layers
from . import losses as losses
from . import metrics as metrics
from . import models as models
from . import ops as ops
from . import optimizers as optimizers
from . import random as random
from . import saving as saving
from . import utils as utils
from ._core import SymbolicTensor as SymbolicTensor
from ._core import Tensor as Tensor
from ._core import __version__ as __version__
from ._core import asarray as asarray
from ._core import convert_to_tensor as convert_to_tensor
from ._core import from_dlpack as from_dlpack
from ._core import num_threads as num_threads
from ._core import set_num_threads as set_num_threads
from .autograd import enable_grad as enable_grad
from .autograd import grad as grad
from .autograd import gradients as gradients
from .autograd import is_grad_enabled as is_grad_enabled
from .autograd import no_grad as no_grad
from .autograd import value_and_grad as value_and_grad
from .layers import Input as Input
from .models import Model as Model
from .models import Sequential as Sequential
from .ops import *

from_numpy = asarray
bfloat16: str
bool_: str
float16: str
float32: str
float64: str
int32: str
int64: str
int8: str
uint8: str
_HOMES: dict[str, str]
_MODULES: frozenset[str]

def __dir__() -> list[str]: ...
