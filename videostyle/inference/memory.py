"""How much memory the network needs, and how many calls of it fit into the available memory side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from videostyle.errors import DeviceError
from videostyle.inference.backends.current import backend
from videostyle.network.architecture import Architecture
from videostyle.network.precision import dtype_of
from videostyle.resources import available_memory

# Share of the available memory that activations may take; the rest is for frames, decoder and encoder.
SHARE = 0.6
# Bytes that the process holds for each byte of activations in use: the allocator keeps freed blocks of other sizes.
# Measured at 1920x1080 on a CPU: 285 bytes for each pixel in float32 and 153 in bfloat16, of which 144 and 78 in use.
HELD = 2.0

# Bytes for each pixel of the larger of both sizes where frames are scaled before they are painted.
SCALING_BYTES = 90.0


def bytes_per_pixel(architecture: Architecture, precision: str) -> float:
    """Bytes of memory on a CPU for each pixel that the network paints or measures at the same time.

    Args:
        architecture: of the network.
        precision: of the computation (``network.precision``).
    """
    # A convolution holds its input, a copy with mirrored rows and one with mirrored columns as well, and its output.
    widest = max((3 * shape[2] + shape[3]) / cell for shape, cell in architecture.convolutions())
    value_bytes = 4 if dtype_of(precision, "out") == "float32" else 2  # the widest layers are the last ones
    # In addition, the picture itself, and at the end its three colours in float32.
    return HELD * (value_bytes * (widest + 3) + 3 * 4)


def scaling_bytes(size: tuple[int, int], painted: tuple[int, int]) -> float:
    """Bytes of memory on a CPU for each frame that is scaled to another size to be painted, and back.

    Args:
        size: height and width of the frame.
        painted: height and width at which it is painted.
    """
    if size == painted:
        return 0.0
    return SCALING_BYTES * max(size[0] * size[1], painted[0] * painted[1])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, of the backend or of NumPy, means that memory ran out."""
    return isinstance(error, MemoryError) or backend().is_out_of_memory(error)


def does_not_fit(size: tuple[int, int], error: BaseException) -> DeviceError:
    """The error for a frame of which not even the smallest part fits; ``size`` is its height and width in pixels."""
    height, width = size
    return DeviceError(f"a frame of {width}x{height} does not fit into memory", str(error)[:200], "lower `max_size`")


class MemoryBudget:
    """Lets calls run side by side while they fit into memory together; a single call may always run.

    Args:
        total: bytes for all calls.
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
        """Waits until ``size`` bytes are free beside what others have reserved, and reserves them for the block."""
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
    """The budget that all calls of this process on the CPU share.

    It is set at the first call. Later, memory that this process itself holds would no longer count as available.
    """
    return MemoryBudget(SHARE * available_memory())


def budget_of(device: str) -> MemoryBudget:
    """The budget of a device: unlimited for a GPU, whose memory the backend manages itself."""
    return host_budget() if "CPU" in device else MemoryBudget(float("inf"))
