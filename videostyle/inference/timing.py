"""How long work on a device takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import tensorflow as tf


def shortest_seconds(work: Callable[[], object], seconds: float) -> float:
    """The shortest time of one call of ``work``, after one call that is not counted.

    Args:
        work: what to measure; it must wait for its own result (``wait_for``).
        seconds: how long to go on trying.
    """
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def wait_for(x: tf.Tensor) -> None:
    """Waits until ``x`` is computed. Reads one value only, so that no copy of the whole is part of the time."""
    float(tf.cast(tf.reshape(x, [-1])[0], tf.float32))
