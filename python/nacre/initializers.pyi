# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from typing import Any

from typing_extensions import Self

from . import _core

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "Initializer", "LecunNormal", "LecunUniform",
    "Ones", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros", "get",
]

class Initializer(_core.Initializer):
    """Base of the initializers: call one with a shape, get_config."""

class Zeros(Initializer):
    """All values 0. For weights it keeps all units equal; it is the default of biases."""

    def __init__(self) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Ones(Initializer):
    """All values 1."""

    def __init__(self) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Constant(Initializer):
    """All values the same."""

    def __init__(self, value: float = 0.0) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class RandomNormal(Initializer):
    """Normally distributed values."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class RandomUniform(Initializer):
    """Values evenly distributed over [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class TruncatedNormal(Initializer):
    """Normally distributed values within two standard deviations of the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class VarianceScaling(Initializer):
    """Zero mean and variance scale / fan, from a normal or uniform distribution."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class GlorotUniform(Initializer):
    """U(+-sqrt(6 / (fan_in + fan_out))), Glorot and Bengio 2010, also called Xavier. The default of kernels."""

    def __init__(self, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class GlorotNormal(Initializer):
    """Truncated normal of variance 2 / (fan_in + fan_out), Glorot and Bengio 2010."""

    def __init__(self, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class HeUniform(Initializer):
    """U(+-sqrt(6 / fan_in)), He et al. 2015: for layers followed by relu."""

    def __init__(self, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class HeNormal(Initializer):
    """Truncated normal of variance 2 / fan_in, He et al. 2015: for layers followed by relu."""

    def __init__(self, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class LecunUniform(Initializer):
    """U(+-sqrt(3 / fan_in)), LeCun et al. 1998."""

    def __init__(self, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class LecunNormal(Initializer):
    """Truncated normal of variance 1 / fan_in, LeCun et al. 1998: for selu."""

    def __init__(self, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Orthogonal(Initializer):
    """Orthonormal columns, or rows when there are fewer rows, times gain. More than two axes: the last one against all others. Saxe et al. 2014."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Identity(Initializer):
    """gain on the diagonal of a matrix, 0 elsewhere."""

    def __init__(self, gain: float = 1.0) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

def get(identifier: Any) -> Any:
    """An initializer from a name ("glorot_uniform"), an object, a class, or {"class_name", "config"}."""
