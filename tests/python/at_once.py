"""Calls from several threads at one time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


def in_threads(n: int, work: Callable[[], Any]) -> None:
    """work() in n threads; fails with what any of them raised."""
    failures: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - reported by the caller
            failures.append(error)

    threads = [threading.Thread(target=run) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures, failures
