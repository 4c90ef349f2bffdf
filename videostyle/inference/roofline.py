"""Measures the limits of a device, matrix products and memory bandwidth, to compare the device program with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import tensorflow as tf

from videostyle.inference.timing import shortest_seconds, wait_for


def matmul_peak(device: str, precision: str, workers: int = 1, seconds: float = 1.0) -> float:
    """The highest FLOP/s that large square matrix products in ``precision`` reach on all cores together.

    Args:
        device: TensorFlow's name.
        precision: a dtype.
        workers: products computed side by side, where TensorFlow computes each operation on one thread.
        seconds: how long to measure each size.
    """
    sizes: Sequence[int] = (2048, 4096, 8192) if "GPU" in device else (512, 1024, 2048)
    best = 0.0
    with ThreadPoolExecutor(workers) as pool, tf.device(device):
        for size in sizes:
            operands = [
                (
                    tf.cast(tf.random.stateless_normal((size, size), (1, i)), precision),
                    tf.cast(tf.random.stateless_normal((size, size), (2, i)), precision),
                )
                for i in range(workers)
            ]

            def work(operands: list[tuple[tf.Tensor, tf.Tensor]] = operands) -> None:
                list(pool.map(lambda factors: wait_for(tf.matmul(*factors)), operands))

            best = max(best, workers * 2.0 * size**3 / shortest_seconds(work, seconds))
    return best


def copy_bandwidth(device: str, seconds: float = 1.0) -> float:
    """Bytes/s, read and written together, of adding a number to 256 MiB of float32."""
    with tf.device(device):
        x = tf.zeros(1 << 26)
        return 2.0 * 4 * (1 << 26) / shortest_seconds(lambda: wait_for(x + 1.0), seconds)
