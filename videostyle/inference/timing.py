"""Measures how long work on a device takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def shortest_seconds(work: Callable[[], object], seconds: float) -> float:
    """The shortest time of a call of ``work``, after one call that is not counted.

    Args:
        work: what to measure; it must wait for its result (``Backend.wait_for``).
        seconds: how long to repeat it.
    """
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best
