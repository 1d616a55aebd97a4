"""Progress of fit, evaluate and predict.

A terminal or notebook gets a tqdm bar, redrawn at most ten times a second. Anything else (a file, a pipe) gets Keras's text: one line
per epoch, written when the epoch is over, so that a log holds no control characters. tqdm is imported when the first bar is drawn.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Shortest time between two drawings, in seconds. fit asks for progress no more often than this.
INTERVAL_S = 0.1

_bar_class: Any = None


def in_notebook() -> bool:
    """True inside a Jupyter kernel, where a bar can be drawn although the output is no terminal."""
    kernel = sys.modules.get("IPython")
    shell = kernel.get_ipython() if kernel is not None and hasattr(kernel, "get_ipython") else None
    return shell is not None and type(shell).__name__ == "ZMQInteractiveShell"


def can_draw(stream: TextIO) -> bool:
    """True when `stream` can show a bar that is redrawn in place."""
    try:
        return stream.isatty() or (stream is sys.stdout and in_notebook())
    except (AttributeError, ValueError):  # no such method, or the stream is closed
        return False


def printable(text: str, stream: Any) -> str:
    """`text` with a question mark for each character that `stream` cannot write.

    >>> class Plain:
    ...     encoding = "ascii"
    >>> printable("größe", Plain())
    'gr??e'
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        return text.encode(encoding, "replace").decode(encoding)
    except LookupError:  # an encoding that Python does not know
        return text.encode("ascii", "replace").decode("ascii")


def _width(stream: TextIO) -> dict[str, Any]:
    # Some containers have a terminal that says it has 0 columns; tqdm would then draw nothing.
    try:
        known = os.get_terminal_size(stream.fileno()).columns > 0
    except (AttributeError, OSError, ValueError):
        known = False
    return {"dynamic_ncols": True} if known else {"ncols": 80}


def format_value(value: Any) -> str:
    """A metric as Keras prints it: four decimals, or four digits when it is tiny.

    >>> format_value(0.98214), format_value(2e-5), format_value(0)
    ('0.9821', '2.0000e-05', '0.0000')
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if number == 0 or abs(number) > 1e-3 else f"{number:.4e}"


def format_logs(logs: Mapping[str, Any]) -> str:
    """The metrics in one line.

    >>> format_logs({"loss": 0.25, "accuracy": 0.5})
    'loss: 0.2500 - accuracy: 0.5000'
    """
    return " - ".join(f"{name}: {format_value(value)}" for name, value in logs.items())


def format_time(seconds: float) -> str:
    """A time for one step, in the unit that suits it.

    >>> format_time(2.5), format_time(0.0123), format_time(42e-6)
    ('2s', '12ms', '42us')
    """
    if seconds >= 1:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def _bar() -> Any:
    # Without the monitor thread that tqdm starts by default: the library starts no thread behind the user's back.
    global _bar_class
    if _bar_class is None:
        if in_notebook():
            from tqdm.auto import tqdm
        else:
            from tqdm import tqdm

        _bar_class = type("Bar", (tqdm,), {"monitor_interval": 0})
    return _bar_class


class Progress:
    """One row of progress: `total` steps, shown on `stream`.

    Args:
        total: number of steps, or None when it is not known.
        verbose: 0 shows nothing, 1 a bar where one can be drawn and a line elsewhere, 2 always a line.
        title: a line written first, such as "Epoch 1/5"; empty for none.
        stream: where to write; default sys.stdout as it is now. Nothing is shown where there is none (pythonw).
    """

    def __init__(self, total: int | None, *, verbose: int = 1, title: str = "", stream: TextIO | None = None) -> None:
        if verbose not in (0, 1, 2):
            raise ValueError(f"Progress: verbose must be 0, 1 or 2, got {verbose!r}.")
        if total is not None and total < 0:
            raise ValueError(f"Progress: total must be >= 0 or None, got {total}.")
        self.total = total
        self.verbose = verbose
        self.stream: Any = sys.stdout if stream is None else stream
        self.draws = 0  # how often the bar was drawn
        self._step = 0
        self._start = time.monotonic()
        self._next_draw = self._start + INTERVAL_S
        self._bar: Any = None
        self._closed = verbose == 0 or self.stream is None
        if self._closed:
            return
        if title:
            self._write(title)
        if verbose == 1 and can_draw(self.stream):
            self._bar = _bar()(
                total=total,
                file=self.stream,
                mininterval=0,  # the pace is kept here
                miniters=1,
                leave=True,
                **_width(self.stream),
                bar_format="{n_fmt}/{total_fmt} |{bar:24}| {elapsed}<{remaining}{postfix}" if total else None,
            )

    def update(self, step: int, logs: Mapping[str, Any] | None = None) -> None:
        """`step` steps are done. Draws when the last drawing is at least INTERVAL_S old."""
        self._step = step
        if self._bar is None or self._closed:
            return
        now = time.monotonic()
        if now < self._next_draw:
            return
        self._next_draw = now + INTERVAL_S
        self._draw(logs or {})

    def _draw(self, logs: Mapping[str, Any]) -> None:
        self.draws += 1
        self._bar.n = self._step
        self._bar.set_postfix_str(printable(format_logs(logs), self.stream), refresh=False)
        self._bar.refresh()

    def close(self, logs: Mapping[str, Any] | None = None) -> None:
        """Shows the last state and ends the row. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        logs = logs or {}
        if self._bar is not None:
            self._draw(logs)
            self._bar.close()
            return
        seconds = time.monotonic() - self._start
        parts = [f"{self._step}/{self._step if self.total is None else self.total}", f"{seconds:.0f}s"]
        if self._step:
            parts.append(f"{format_time(seconds / self._step)}/step")
        if logs:
            parts.append(format_logs(logs))
        self._write(" - ".join(parts))

    def _write(self, line: str) -> None:
        self.stream.write(printable(line, self.stream) + "\n")
        self.stream.flush()
