"""What the machine itself can do, measured: the roof under which the device program works."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import tensorflow as tf

from videostyle.media.atomic import read_object, write_object
from videostyle.styles.gallery import home

log = logging.getLogger("videostyle")


def device_name(device: str) -> str:
    """A name of the hardware behind TensorFlow's ``device``, for tables and for keeping measurements apart."""
    if "GPU" in device:
        gpus = tf.config.list_physical_devices("GPU")
        number = int(device.rsplit(":", 1)[1])
        return str(tf.config.experimental.get_device_details(gpus[number]).get("device_name", device))
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        lines = []
    return f"{lines[0] if lines else 'CPU'} x{len(lines) or 1}"


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """What instructions the processor has, in Linux's words; empty elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    return frozenset(
        next((line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith("flags")), [])
    )


@lru_cache(maxsize=1)
def bfloat16_gain() -> float:
    """How many times faster a convolution of 64 channels is in bfloat16 than in float32 on this CPU.

    Measured once for a processor and a TensorFlow (0.3 s) and then kept in the user's folder: what else runs at
    the moment must not change how a clip is painted from one command to the next.
    """
    file, key = home() / "processor.json", f"bfloat16 gain, {device_key('/CPU:0')}"
    kept = read_object(file)
    gain = kept.get(key)
    if isinstance(gain, int | float) and 0 < gain < 1000:
        return float(gain)

    def seconds(dtype: str) -> float:
        with tf.device("/CPU:0"):
            # Small enough to be computed between two turns of another program.
            x, kernel = tf.zeros((1, 48, 80, 64), dtype), tf.zeros((3, 3, 64, 64), dtype)
            return _best(lambda: _fetch(tf.nn.conv2d(x, kernel, 1, "SAME")), 0.05)

    rounds = [(seconds("float32"), seconds("bfloat16")) for _ in range(3)]
    plain, short = (min(times) for times in zip(*rounds, strict=True))
    gain = plain / short
    try:
        write_object(file, {**kept, key: gain})
    except OSError as error:
        log.warning("the gain of bfloat16 is measured anew each time: %s", error)
    return gain


def device_key(device: str) -> str:
    """Hardware and TensorFlow together: what a measurement, or a painted frame's last bit, may depend on."""
    return f"{device_name(device)}, TensorFlow {tf.__version__}"


def _best(work: Callable[[], object], seconds: float) -> float:
    """Shortest time of one call within about ``seconds``."""
    work()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def _fetch(x: tf.Tensor) -> None:
    """Waits for a computation without copying its result: one value is read."""
    float(tf.cast(tf.reshape(x, [-1])[0], tf.float32))


def matmul_peak(device: str, precision: str, workers: int = 1, seconds: float = 1.0) -> float:
    """FLOP/s of the best of some large square matrix products in ``precision``, all cores together.

    Args:
        device: TensorFlow's name.
        precision: a dtype.
        workers: products computed side by side, for a TensorFlow that computes each operation on one thread.
        seconds: how long to try each size.
    """
    from concurrent.futures import ThreadPoolExecutor

    sizes: Sequence[int] = (2048, 4096, 8192) if "GPU" in device else (512, 1024, 2048)
    best = 0.0
    with ThreadPoolExecutor(workers) as pool, tf.device(device):
        for size in sizes:
            pairs = [
                (
                    tf.cast(tf.random.stateless_normal((size, size), (1, i)), precision),
                    tf.cast(tf.random.stateless_normal((size, size), (2, i)), precision),
                )
                for i in range(workers)
            ]

            def work(pairs: list[tuple[tf.Tensor, tf.Tensor]] = pairs) -> None:
                list(pool.map(lambda pair: _fetch(tf.matmul(*pair)), pairs))

            best = max(best, workers * 2.0 * size**3 / _best(work, seconds))
    return best


def copy_bandwidth(device: str, seconds: float = 1.0) -> float:
    """Bytes/s, read and written, of adding a number to 256 MiB of float32."""
    with tf.device(device):
        x = tf.zeros(1 << 26)
        return 2.0 * 4 * (1 << 26) / _best(lambda: _fetch(x + 1.0), seconds)
