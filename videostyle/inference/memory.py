"""How much memory the network takes, and which calls of it fit side by side into the memory there is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import tensorflow as tf

from videostyle.network.architecture import Architecture
from videostyle.resources import available_memory

# Share of the memory that is available which activations may take; the rest is for frames, the decoder and the encoder.
SHARE = 0.6
# Bytes that the process holds for each byte of activations in use: freed blocks of other sizes stay with the allocator.
# Measured with 1920x1080 on a CPU: 285 bytes a pixel in float32 and 153 in bfloat16 where 144 and 78 are in use.
HELD = 2.0


def bytes_per_pixel(architecture: Architecture, precision: str) -> float:
    """Bytes that the process takes for each pixel that the network paints or measures at a time, on a CPU.

    Args:
        architecture: of the network.
        precision: dtype that it computes in.
    """
    # A convolution holds its input, a copy with mirrored rows and one with mirrored columns as well, and its output.
    widest = max((3 * shape[2] + shape[3]) / cell for shape, cell in architecture.convolutions())
    value_bytes = tf.as_dtype(precision).size
    # Beside that the picture itself, and at the end its three colours in float32.
    return HELD * (value_bytes * (widest + 3) + 3 * 4)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out: TensorFlow's, NumPy's, or one of oneDNN's convolutions."""
    if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
        return True
    # oneDNN's status 1 is dnnl_out_of_memory; TensorFlow passes it on as "aborted".
    return isinstance(error, tf.errors.AbortedError) and "Status: 1," in str(error)


class MemoryBudget:
    """Lets calls run side by side as long as they fit into memory together; a single one may always run.

    Args:
        total: bytes for all of them.
    """

    def __init__(self, total: float) -> None:
        self.total = total
        self._taken: list[float] = []
        self._changed = threading.Condition()

    def calls(self, size: float, most: int) -> int:
        """How many calls of ``size`` bytes fit side by side: 1 to ``most``."""
        return max(1, int(min(most, self.total / size)))

    @contextmanager
    def reserved(self, size: float) -> Iterator[None]:
        """Waits until there is room for ``size`` bytes beside what others have reserved, and keeps it meanwhile."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or sum(self._taken) + size <= self.total)
            self._taken.append(size)
        try:
            yield
        finally:
            with self._changed:
                self._taken.remove(size)
                self._changed.notify_all()


@lru_cache(maxsize=1)
def host_budget() -> MemoryBudget:
    """The budget that all of this process's calls on the CPU share.

    It is set when it is first asked for: later on, memory that this process holds itself would count as taken.
    """
    return MemoryBudget(SHARE * available_memory())


def budget_of(device: str) -> MemoryBudget:
    """The budget of TensorFlow's ``device``: unlimited for a GPU, whose memory TensorFlow keeps account of."""
    return host_budget() if "CPU" in device else MemoryBudget(float("inf"))
