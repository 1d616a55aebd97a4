# Written by tools/make_stubs.py. Do not edit: change the op, the class or tools/core.pyi.in, and run it again.
from collections.abc import Iterable, Sequence
from typing import Any

from typing_extensions import Self

from . import _core

__all__ = [
    "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "SGD", "get",
]

class Optimizer(_core.Optimizer):
    """Base of the optimizers: learning_rate, iterations, build, apply, step, zero_grad, get_config."""

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """One step from pairs (gradient, variable), as in Keras."""

class SGD(Optimizer):
    """Stochastic gradient descent."""

    def __init__(
        self,
        learning_rate: float = 0.01,
        momentum: float = 0.0,
        nesterov: bool | str = False,
        lr_in_velocity: bool = True,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        exclude_from_weight_decay: Sequence[str] | None = None,
        weight_decay_mask: str = "all",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class RMSprop(Optimizer):
    """RMSProp (Tieleman and Hinton 2012)."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-07,
        centered: bool = False,
        epsilon_mode: str = "inside",
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        exclude_from_weight_decay: Sequence[str] | None = None,
        weight_decay_mask: str = "all",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Adam(Optimizer):
    """Adam (Kingma and Ba 2015)."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-08,
        amsgrad: bool = False,
        bias_correction: bool = True,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        exclude_from_weight_decay: Sequence[str] | None = None,
        weight_decay_mask: str = "all",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class AdamW(Optimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-08,
        amsgrad: bool = False,
        bias_correction: bool = True,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        exclude_from_weight_decay: Sequence[str] | None = None,
        weight_decay_mask: str = "all",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

class Adagrad(Optimizer):
    """AdaGrad (Duchi, Hazan and Singer 2011)."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-07,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        exclude_from_weight_decay: Sequence[str] | None = None,
        weight_decay_mask: str = "all",
        name: str | None = None,
    ) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self: ...

def get(identifier: Any) -> Any:
    """An optimizer from a name ("adam"), an object, a class, or {"class_name", "config"}."""
