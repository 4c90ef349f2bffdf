"""JAX: ``jax.jit`` compiles; what is computed and copied runs beside the host until a value is read."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from videostyle.frames import AnyArray
from videostyle.inference.backends.protocol import Margins, Tensor
from videostyle.resources import usable_cores
from videostyle.styles.gallery import home

NAME = "JAX"
SLOW_TO_COMPILE = True


def version() -> str:
    """The version of the library."""
    return str(jax.__version__)


def prepare(threads: int) -> None:
    """See ``protocol.Backend``. XLA has one pool of threads, for all operations of all calls together."""
    os.environ.setdefault("NPROC", str(max(threads, usable_cores())))
    if _gpus() and not jax.config.jax_compilation_cache_dir:
        # Compiling for a GPU takes a minute. (What is kept for a processor may not run on a similar one.)
        jax.config.update("jax_compilation_cache_dir", str(home() / "jax"))


def _gpus() -> list[Any]:
    return [device for device in jax.local_devices() if device.platform != "cpu"]


def accelerators() -> list[str]:
    """See ``protocol.Backend``."""
    return [str(device.device_kind) for device in _gpus()]


def one_thread_each() -> bool:
    """See ``protocol.Backend``."""
    return False


def _device(name: str) -> Any:
    number = int(name.rsplit(":", 1)[1])
    return _gpus()[number] if "GPU" in name else jax.local_devices(backend="cpu")[number]


def on(device: str) -> AbstractContextManager[Any]:
    """See ``protocol.Backend``."""
    found: AbstractContextManager[Any] = jax.default_device(_device(device))
    return found


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """See ``protocol.Backend``."""

    @wraps(function)
    def exact(*arguments: Any) -> Any:
        # Otherwise a GPU computes float32 with the 10 bits of TF32. Without effect on types of 16 bits.
        with jax.default_matmul_precision("highest"):
            return function(*arguments)

    made: Callable[..., Any] = jax.jit(exact)
    return made


def to_device(array: AnyArray) -> Tensor:
    """See ``protocol.Backend``."""
    return jax.device_put(array, jax.config.jax_default_device)


def to_host(tensor: Tensor) -> AnyArray:
    """See ``protocol.Backend``."""
    return np.asarray(tensor)


def wait_for(tensor: Tensor) -> None:
    """See ``protocol.Backend``."""
    jax.block_until_ready(tensor)


def symmetric_pad(x: Tensor, rows: Margins, columns: Margins) -> Tensor:
    """See ``protocol.Backend``."""
    return jnp.pad(x, ((0, 0), rows, columns, (0, 0)), mode="symmetric")


@contextlib.contextmanager
def wide() -> Iterator[str]:
    """See ``protocol.Backend``."""
    with jax.enable_x64(True):
        yield "float64"


def is_out_of_memory(error: BaseException) -> bool:
    """See ``protocol.Backend``."""
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
