# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from collections.abc import Sequence
from typing import Any

from ._core import Activation as Activation
from ._core import Add as Add
from ._core import Average as Average
from ._core import AveragePooling1D as AveragePooling1D
from ._core import AveragePooling2D as AveragePooling2D
from ._core import BatchNormalization as BatchNormalization
from ._core import Concatenate as Concatenate
from ._core import Conv1D as Conv1D
from ._core import Conv2D as Conv2D
from ._core import Conv2DTranspose as Conv2DTranspose
from ._core import Dense as Dense
from ._core import DepthwiseConv2D as DepthwiseConv2D
from ._core import Dropout as Dropout
from ._core import ELU as ELU
from ._core import Embedding as Embedding
from ._core import Flatten as Flatten
from ._core import GRU as GRU
from ._core import GlobalAveragePooling1D as GlobalAveragePooling1D
from ._core import GlobalAveragePooling2D as GlobalAveragePooling2D
from ._core import GlobalMaxPooling1D as GlobalMaxPooling1D
from ._core import GlobalMaxPooling2D as GlobalMaxPooling2D
from ._core import InputLayer as InputLayer
from ._core import LSTM as LSTM
from ._core import LayerNormalization as LayerNormalization
from ._core import LeakyReLU as LeakyReLU
from ._core import MaxPooling1D as MaxPooling1D
from ._core import MaxPooling2D as MaxPooling2D
from ._core import Maximum as Maximum
from ._core import Minimum as Minimum
from ._core import MultiHeadAttention as MultiHeadAttention
from ._core import Multiply as Multiply
from ._core import PReLU as PReLU
from ._core import Permute as Permute
from ._core import ReLU as ReLU
from ._core import Rescaling as Rescaling
from ._core import Reshape as Reshape
from ._core import SimpleRNN as SimpleRNN
from ._core import Softmax as Softmax
from ._core import Subtract as Subtract
from ._core import SymbolicTensor as SymbolicTensor
from ._core import UpSampling2D as UpSampling2D
from ._core import ZeroPadding2D as ZeroPadding2D
from ._custom import Layer as Layer

__all__ = [
    "Activation", "Add", "Average", "AveragePooling1D", "AveragePooling2D", "AvgPool1D", "AvgPool2D", "BatchNormalization",
    "Concatenate", "Conv1D", "Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "Dropout", "ELU", "Embedding", "Flatten",
    "GRU", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalMaxPool1D",
    "GlobalMaxPool2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "Input", "InputLayer", "LSTM", "Layer", "LayerNormalization",
    "LeakyReLU", "MaxPool1D", "MaxPool2D", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum", "MultiHeadAttention", "Multiply",
    "PReLU", "Permute", "ReLU", "Rescaling", "Reshape", "SimpleRNN", "Softmax", "Subtract", "UpSampling2D", "ZeroPadding2D", "get",
]

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D

def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> SymbolicTensor:
    """The input of a model: a symbolic tensor to call layers on, or the first element of a Sequential."""

def get(identifier: Any) -> Layer:
    """A layer from itself or from {"class_name", "config"}."""
