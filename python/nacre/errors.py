"""The typed errors. Each is a subclass of the Python error that fits: ShapeError of ValueError, DTypeError of TypeError, ..."""

from ._core import DTypeError, FormatError, IndexError, IoError, OutOfMemoryError, ShapeError, StateError

__all__ = ["DTypeError", "FormatError", "IndexError", "IoError", "OutOfMemoryError", "ShapeError", "StateError"]
