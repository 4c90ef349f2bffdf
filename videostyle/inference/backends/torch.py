"""PyTorch: runs operations as they come; on a GPU each thread has a stream, so that copies overlap with computing."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
import torch

from videostyle.frames import AnyArray
from videostyle.inference.backends.protocol import Margins, Tensor

NAME = "PyTorch"
SLOW_TO_COMPILE = False


class _Local(threading.local):
    """What belongs to a thread: the device of ``on``, and its stream on each GPU."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.streams: dict[str, Any] = {}


_local = _Local()


def version() -> str:
    """The version of the library."""
    return str(torch.__version__)


def prepare(threads: int) -> None:
    """See ``protocol.Backend``."""
    torch.set_num_threads(threads)
    # Otherwise a GPU computes float32 with the 10 bits of TF32. Without effect on types of 16 bits.
    torch.backends.cudnn.allow_tf32 = False
    # Nothing is written into frames that were decoded, so it does not matter that they may be read-only.
    warnings.filterwarnings("ignore", message="The given NumPy array is not writable")


def accelerators() -> list[str]:
    """See ``protocol.Backend``. ROCm has the names of CUDA."""
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return ["Apple GPU"] if torch.backends.mps.is_available() else []


def one_thread_each() -> bool:
    """See ``protocol.Backend``."""
    return torch.get_num_threads() == 1


def _device(name: str) -> torch.device:
    if "CPU" in name:
        return torch.device("cpu")
    return torch.device("cuda", int(name.rsplit(":", 1)[1])) if torch.cuda.is_available() else torch.device("mps")


@contextlib.contextmanager
def on(device: str) -> Iterator[None]:
    """See ``protocol.Backend``."""
    before, _local.device = _local.device, _device(device)
    try:
        with keras.device(str(_local.device)), torch.inference_mode(), _stream(device):
            yield
    finally:
        _local.device = before


def _stream(device: str) -> AbstractContextManager[Any]:
    if _local.device.type != "cuda":
        return contextlib.nullcontext()
    if device not in _local.streams:
        _local.streams[device] = torch.cuda.Stream(_local.device)
    found: AbstractContextManager[Any] = torch.cuda.stream(_local.streams[device])
    return found


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself: PyTorch runs it as it is."""
    return function


def to_device(array: AnyArray) -> Tensor:
    """See ``protocol.Backend``. From pinned memory, the copy runs beside the host."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    if _local.device.type == "cuda":
        return tensor.pin_memory().to(_local.device, non_blocking=True)
    return tensor.to(_local.device)


def to_host(tensor: Tensor) -> AnyArray:
    """See ``protocol.Backend``."""
    if tensor.device.type == "cuda":
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        pinned.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(tensor.device).synchronize()
        tensor = pinned
    return np.asarray(tensor.cpu().numpy())


def wait_for(tensor: Tensor) -> None:
    """Waits for all that was begun on the device."""
    if tensor.device.type == "cuda":
        torch.cuda.current_stream(tensor.device).synchronize()
    elif tensor.device.type == "mps":
        torch.mps.synchronize()


def symmetric_pad(x: Tensor, rows: Margins, columns: Margins) -> Tensor:
    """See ``protocol.Backend``. PyTorch itself has no such padding for bytes."""
    for axis, (before, after) in ((1, rows), (2, columns)):
        side = x.shape[axis]
        first = torch.flip(x.narrow(axis, 0, before), (axis,))
        last = torch.flip(x.narrow(axis, side - after, after), (axis,))
        x = torch.cat([first, x, last], dim=axis)
    return x


@contextlib.contextmanager
def wide() -> Iterator[str]:
    """See ``protocol.Backend``. Apple's GPUs have no float64."""
    yield "float32" if _local.device.type == "mps" else "float64"


def is_out_of_memory(error: BaseException) -> bool:
    """See ``protocol.Backend``."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    message = str(error)
    return isinstance(error, RuntimeError) and ("can't allocate memory" in message or "out of memory" in message)
