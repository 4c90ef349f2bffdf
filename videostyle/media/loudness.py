"""Measures the loudness of a clip's sound along time."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from videostyle.errors import InputError
from videostyle.frames import Float32Array, Float64Array
from videostyle.media.probe import open_container

RATE = 8000  # samples a second; loudness needs no more
STEP = 0.02  # seconds between two values
RISE, FALL = 0.06, 0.35  # seconds in which it follows a louder and a quieter sound
QUIET, LOUD = 10, 95  # percentiles of all levels that become 0 and 1
SILENCE = -60.0  # dB of full scale; nothing is quieter
RANGE = 12.0  # dB; smallest difference between quiet and loud, so that an even tone does not flicker


def loudness(path: Path) -> tuple[Float64Array, Float32Array]:
    """The loudness of the first sound of a clip.

    Returns:
        Times in seconds on the container's clock, float64 ``[N]``, and loudness 0..1, float32 ``[N]``.

    Raises:
        InputError: if the clip has no sound that can be decoded.
    """
    found: list[tuple[float | None, Float32Array]] = []
    try:
        with open_container(path) as container:
            if not container.streams.audio:
                raise InputError(f"'{path}' has no sound", hint="give a CSV of times and values instead")
            resampler = av.AudioResampler("flt", "mono", RATE)
            for frame in container.decode(container.streams.audio[0]):
                time = frame.time
                for part in resampler.resample(frame):
                    found.append((time, part.to_ndarray().reshape(-1).astype(np.float32)))
                    time = None
    except FFmpegError as error:
        raise InputError(f"the sound of '{path}' cannot be decoded", str(error), "give a CSV instead") from error
    first = next((time for time, _ in found if time is not None), None)
    if first is None:
        raise InputError(f"the sound of '{path}' is empty", hint="give a CSV of times and values instead")
    levels = _levels(np.concatenate([samples for _, samples in found]))
    times = np.asarray(first + STEP * (np.arange(len(levels)) + 0.5), np.float64)
    return times, _followed(_scaled(levels))


def _levels(samples: Float32Array) -> Float64Array:
    """Level of each step in dB of full scale."""
    size = round(RATE * STEP)
    whole = samples[: max(size, len(samples) // size * size)]
    power = np.array(
        [np.mean(np.square(part, dtype=np.float64)) for part in np.split(whole, max(1, len(whole) // size))]
    )
    return 10 * np.log10(np.maximum(power, 10 ** (SILENCE / 10)))


def _scaled(levels: Float64Array) -> Float64Array:
    low, high = np.percentile(levels, [QUIET, LOUD])
    return np.clip((levels - min(low, high - RANGE)) / max(high - low, RANGE), 0, 1)


def _followed(values: Float64Array) -> Float32Array:
    """Smooths values so that they rise quickly and fall slowly, which looks calmer."""
    found, held = np.empty(len(values), np.float32), float(values[0])
    for number, value in enumerate(values):
        held += (value - held) * min(1.0, STEP / (RISE if value > held else FALL))
        found[number] = held
    return found
