"""What painting needs of a backend beyond ``keras.ops``: devices, compiling, copies, and the meaning of its errors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from videostyle.frames import AnyArray

Tensor = Any
Margins = tuple[int, int]  # pixels before and behind


class Backend(Protocol):
    """The functions of a backend's module. Devices are called "/CPU:0", "/GPU:0", "/GPU:1" everywhere."""

    NAME: str  # as users know it
    # Whether a function compiles for longer than it runs, so that one that is called once is better left as it is.
    SLOW_TO_COMPILE: bool

    def version(self) -> str:
        """The version of the library."""

    def prepare(self, threads: int) -> None:
        """Sets, once and before anything is computed, how many threads compute one operation on the CPU."""

    def accelerators(self) -> list[str]:
        """The hardware names of all GPUs, or what the backend has in place of them, in the order of their numbers."""

    def one_thread_each(self) -> bool:
        """Whether each operation on the CPU is computed on one thread, so that calls side by side fill the cores."""

    def on(self, device: str) -> AbstractContextManager[Any]:
        """Within it, tensors are made and computed on a device, in the calling thread, without gradients."""

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of tensors, and of nested tuples and dictionaries of them, as one program for each shape.

        It is called within ``on``. In float32 it computes in float32 throughout.
        """

    def to_device(self, array: AnyArray) -> Tensor:
        """Begins to copy an array to the device of ``on``; what is computed with it waits for the copy."""

    def to_host(self, tensor: Tensor) -> AnyArray:
        """The values of a tensor, which it waits for. The array may be read-only."""

    def wait_for(self, tensor: Tensor) -> None:
        """Waits until a tensor is computed, without copying all of it."""

    def symmetric_pad(self, x: Tensor, rows: Margins, columns: Margins) -> Tensor:
        """Pads ``[B, H, W, C]`` by its mirror image, edges repeated; margins are no larger than the sides."""

    def wide(self) -> AbstractContextManager[str]:
        """Within it, the widest float type that the device of ``on`` computes in: "float64" where it can."""

    def is_out_of_memory(self, error: BaseException) -> bool:
        """Whether an error of the library means that memory ran out."""
