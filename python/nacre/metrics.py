"""Metrics: update_state adds a batch, result reads the mean so far, reset_state starts anew."""

from __future__ import annotations

from typing import Any

from . import _core
from ._classes import make_classes, resolve


class Metric(_core.Metric):
    """Base of the metrics.

    copy.deepcopy and pickle make one with the same options that counts from zero.

    Example:
        >>> metric = nc.metrics.Mean()
        >>> metric.update_state([1.0, 2.0])
        >>> metric.update_state([6.0])
        >>> metric.result()
        3.0
        >>> metric.reset_state()
        >>> metric.result()
        0.0
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch; sample_weight gives one weight per sample."""
        self._update(y_true, y_pred, sample_weight)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """Adds a batch and returns the result so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


_classes = make_classes(Metric, _core.metric_classes(), __name__)
globals().update(_classes)


def _update_mean(self: Any, values: Any, sample_weight: Any = None) -> None:
    """Adds values; sample_weight gives one weight per value."""
    self._update(None, values, sample_weight)


def _call_mean(self: Any, values: Any, sample_weight: Any = None) -> float:
    """Adds values and returns the mean so far."""
    self._update(None, values, sample_weight)
    return self.result()


_classes["Mean"].update_state = _update_mean  # type: ignore[attr-defined]
_classes["Mean"].__call__ = _call_mean  # type: ignore[operator]


def get(identifier: Any) -> Any:
    """A metric from a name ("mae"), an object, a class, or {"class_name", "config"}.

    Args:
        identifier: Name, object, class or configuration of a metric.

    Returns:
        The object; one that is given is returned as it is.

    Raises:
        ValueError: The name or class is unknown.
        TypeError: identifier is none of these.

    Example:
        >>> nc.metrics.get("mse").result()
        0.0
    """
    return resolve(identifier, _core.Metric, _classes, _core.make_metric, "metric")


__all__ = ["Metric", "get", *_classes]  # noqa: PLE0604
