"""Optimizers, made from the registry of the core. Defaults: see each class; formulas in the documentation of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import _core
from ._classes import make_classes, resolve


class Optimizer(_core.Optimizer):
    """Base of the optimizers: learning_rate, iterations, build, apply, step, zero_grad, get_config.

    copy.deepcopy and pickle make an unbuilt one with the same options; the state travels with a copy or pickle of the model.

    Example:
        >>> w = nc.Tensor([1.0], requires_grad=True)
        >>> optimizer = nc.optimizers.SGD(learning_rate=0.25)
        >>> optimizer.build([w])
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist(), optimizer.iterations
        ([0.5], 1)
    """

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """One step from pairs (gradient, variable), as in Keras."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])


_classes = make_classes(Optimizer, _core.optimizer_classes(), __name__)
globals().update(_classes)


def get(identifier: Any) -> Any:
    """An optimizer from a name ("adam"), an object, a class, or {"class_name", "config"}.

    Args:
        identifier: Name, object, class or configuration of an optimizer.

    Returns:
        The object; one that is given is returned as it is.

    Raises:
        ValueError: The name or class is unknown.
        TypeError: identifier is none of these.

    Example:
        >>> nc.optimizers.get("sgd")
        SGD()
    """
    return resolve(identifier, _core.Optimizer, _classes, _core.make_optimizer, "optimizer")


__all__ = ["Optimizer", "get", *_classes]  # noqa: PLE0604
