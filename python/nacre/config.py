"""Library-wide settings."""

from ._core import floatx, set_floatx

__all__ = ["floatx", "set_floatx"]
