"""TensorFlow: ``tf.function`` compiles, and copies wait."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import tensorflow as tf

from videostyle.frames import AnyArray
from videostyle.inference.backends.protocol import Margins, Tensor

NAME = "TensorFlow"
SLOW_TO_COMPILE = False


def version() -> str:
    """The version of the library."""
    return str(tf.__version__)


def prepare(threads: int) -> None:
    """See ``protocol.Backend``; without effect where TensorFlow runs already, with its own number of threads."""
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)


def accelerators() -> list[str]:
    """See ``protocol.Backend``."""
    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details
    return [str(details(gpu).get("device_name", f"GPU {number}")) for number, gpu in enumerate(gpus)]


def one_thread_each() -> bool:
    """See ``protocol.Backend``."""
    return bool(tf.config.threading.get_intra_op_parallelism_threads() == 1)


def on(device: str) -> AbstractContextManager[Any]:
    """See ``protocol.Backend``."""
    found: AbstractContextManager[Any] = tf.device(device)
    return found


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """See ``protocol.Backend``. It is traced once for each shape, and locks while it is."""
    made: Callable[..., Any] = tf.function(function, autograph=False)
    return made


def to_device(array: AnyArray) -> Tensor:
    """See ``protocol.Backend``."""
    return tf.constant(array)


def to_host(tensor: Tensor) -> AnyArray:
    """See ``protocol.Backend``."""
    return np.asarray(tensor)


def wait_for(tensor: Tensor) -> None:
    """Reads one value."""
    float(tf.cast(tf.reshape(tensor, [-1])[0], tf.float32))


def symmetric_pad(x: Tensor, rows: Margins, columns: Margins) -> Tensor:
    """See ``protocol.Backend``. ``tf.pad`` takes ten times as long."""
    (top, bottom), (left, right) = rows, columns
    height, width = x.shape[1:3]
    x = tf.concat([tf.reverse(x[:, :top], [1]), x, tf.reverse(x[:, height - bottom :], [1])], 1)
    return tf.concat([tf.reverse(x[:, :, :left], [2]), x, tf.reverse(x[:, :, width - right :], [2])], 2)


@contextlib.contextmanager
def wide() -> Iterator[str]:
    """See ``protocol.Backend``."""
    yield "float64"


def is_out_of_memory(error: BaseException) -> bool:
    """See ``protocol.Backend``."""
    if isinstance(error, tf.errors.ResourceExhaustedError):
        return True
    # Status 1 of oneDNN is dnnl_out_of_memory; TensorFlow reports it as "aborted".
    return isinstance(error, tf.errors.AbortedError) and "Status: 1," in str(error)
