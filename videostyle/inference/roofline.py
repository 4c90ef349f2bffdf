"""Measures the limits of a device, matrix products and memory bandwidth, to compare the device program with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from keras import ops

from videostyle.inference.backends.current import backend
from videostyle.inference.timing import shortest_seconds

SECONDS = 1.0  # for which each measurement is repeated


def matmul_peak(device: str, precision: str, workers: int = 1) -> float:
    """The highest FLOP/s that large square matrix products in ``precision`` reach on all cores together.

    Args:
        device: its name, as from ``choose_device``.
        precision: a dtype.
        workers: products computed side by side, where each operation is computed on one thread.
    """
    sizes: Sequence[int] = (2048, 4096, 8192) if "GPU" in device else (512, 1024, 2048)
    best, rng = 0.0, np.random.default_rng(0)
    product = backend().compiled(ops.matmul)

    def multiplied(factors: tuple[Any, Any]) -> None:
        with backend().on(device):
            backend().wait_for(product(*factors))

    with ThreadPoolExecutor(workers) as pool:
        for size in sizes:
            with backend().on(device):
                numbers = [rng.standard_normal((size, size), np.float32) for _ in range(2)]
                factors = [ops.cast(backend().to_device(one), precision) for one in numbers]
                backend().wait_for(factors[1])
            operands = [(factors[0], factors[1])] * workers

            def work(operands: list[tuple[Any, Any]] = operands) -> None:
                list(pool.map(multiplied, operands))

            best = max(best, workers * 2.0 * size**3 / shortest_seconds(work, SECONDS))
    return best


def copy_bandwidth(device: str) -> float:
    """Bytes/s, read and written together, of adding a number to 256 MiB of float32."""
    added = backend().compiled(lambda x: x + 1.0)
    with backend().on(device):
        x = backend().to_device(np.zeros(1 << 26, np.float32))
        return 2.0 * 4 * (1 << 26) / shortest_seconds(lambda: backend().wait_for(added(x)), SECONDS)
