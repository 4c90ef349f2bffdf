"""Chooses the device to compute on, and the precision that is fastest on it."""

from __future__ import annotations

import logging
from functools import lru_cache
from pathlib import Path

import numpy as np
from keras import ops

from videostyle.errors import DeviceError, UsageError
from videostyle.inference.backends.current import backend
from videostyle.inference.timing import shortest_seconds
from videostyle.media.atomic import read_object, write_object
from videostyle.network.precision import MIXED, PRECISIONS
from videostyle.styles.gallery import home

log = logging.getLogger("videostyle")

# Smallest gain over float32 at which bfloat16 is chosen on a CPU. Processors with AVX512-BF16 reach 0.6 or 2.0; the
# threshold is far from both, so that a busy moment does not decide.
BFLOAT16_PAYS = 1.3


def choose_device(name: str = "auto") -> str:
    """The name of a device, "/CPU:0", "/GPU:0", "/GPU:1" and so on, with every backend.

    Args:
        name: "auto" for the first GPU, or the CPU where there is none; "cpu", "gpu", "gpu:1"; or such a name.

    Raises:
        DeviceError: if there is no such device.
    """
    gpus = backend().accelerators()
    name = name.lower().removeprefix("/")
    if name == "auto":
        return "/GPU:0" if gpus else "/CPU:0"
    if name in ("cpu", "cpu:0"):
        return "/CPU:0"
    number = name.removeprefix("gpu").removeprefix(":") or "0"
    if name.startswith("gpu") and number.isdigit() and int(number) < len(gpus):
        return f"/GPU:{number}"
    found = ", ".join(["cpu", *(f"gpu:{i}" for i in range(len(gpus)))])
    raise DeviceError(f"no device '{name}'", f"{backend().NAME} sees: {found}", "run 'videostyle doctor'")


def choose_precision(name: str, device: str, *, deep: bool = False) -> str:
    """The precision to compute in (``network.precision``).

    Args:
        name: one of ``PRECISIONS``. "auto" is the fastest on the device: float16 on a GPU, bfloat16 on a CPU with AMX
            tiles. With AVX512-BF16 alone it depends on the processor and is measured (``bfloat16_gain``). All other
            CPUs compute in float32.
        device: its name, as from ``choose_device``.
        deep: whether more than 8 bits are painted, which bfloat16 does not have: "auto" is then mixed where it would
            be bfloat16.

    Raises:
        UsageError: if there is no such precision.
    """
    if name not in PRECISIONS:
        raise UsageError(f"no precision '{name}'", hint=f"use one of {', '.join(PRECISIONS)}")
    if name != "auto":
        return name
    if "GPU" in device:
        return "float16"
    flags = cpu_flags()
    pays = "amx_bf16" in flags or ("avx512_bf16" in flags and bfloat16_gain() > BFLOAT16_PAYS)
    if not pays:
        return "float32"
    return MIXED if deep else "bfloat16"


def device_name(device: str) -> str:
    """The hardware name of a device, for tables, and to keep measurements of machines apart."""
    if "GPU" in device:
        return backend().accelerators()[int(device.rsplit(":", 1)[1])]
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        lines = []
    return f"{lines[0] if lines else 'CPU'} x{len(lines) or 1}"


def device_key(device: str) -> str:
    """Hardware, backend and its version: measurements, and the last bits of painted frames, may depend on these."""
    return f"{device_name(device)}, {backend().NAME} {backend().version()}"


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """The processor's instruction sets, in Linux's words; empty on other systems."""
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

    It is measured once for each processor and version of the backend (0.3 s) and kept in the user's folder. Otherwise
    other programs on the machine could change the precision, and with it the frames, from one command to the next.
    """
    file, key = home() / "processor.json", f"bfloat16 gain, {device_key('/CPU:0')}"
    kept = read_object(file)
    gain = kept.get(key)
    if isinstance(gain, int | float) and 0 < gain < 1000:
        return float(gain)

    convolved = backend().compiled(lambda x, kernel: ops.conv(x, kernel, padding="same", data_format="channels_last"))

    def seconds(dtype: str) -> float:
        with backend().on("/CPU:0"):
            # Short enough to finish before another program gets the core.
            zeros = [backend().to_device(np.zeros(shape, np.float32)) for shape in ((1, 48, 80, 64), (3, 3, 64, 64))]
            x, kernel = (ops.cast(one, dtype) for one in zeros)
            return shortest_seconds(lambda: backend().wait_for(convolved(x, kernel)), 0.05)

    rounds = [(seconds("float32"), seconds("bfloat16")) for _ in range(3)]
    plain, short = (min(times) for times in zip(*rounds, strict=True))
    gain = plain / short
    try:
        write_object(file, {**kept, key: gain})
    except OSError as error:
        log.warning("the gain of bfloat16 is measured again next time: cannot write '%s': %s", file, error)
    return gain
