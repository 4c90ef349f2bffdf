"""Keeps the fastest settings that ``bench`` found for the devices of this machine; ``render`` uses them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videostyle.inference.device import device_key
from videostyle.media.atomic import read_object, write_object
from videostyle.network.precision import PRECISIONS
from videostyle.styles import gallery


@dataclass(frozen=True)
class Tuning:
    """The fastest settings of one device.

    Attributes:
        precision: dtype of the computation.
        batch_pixels: pixels of all frames in a batch together.
        frames_per_second: rate of the device alone with these settings.
        size: width and height of the frames that were measured.
        date: date of the measurement, ISO 8601.
    """

    precision: str
    batch_pixels: int
    frames_per_second: float
    size: tuple[int, int]
    date: str


def path() -> Path:
    """The file of measurements, which may not exist."""
    return gallery.measured_at()


def _read() -> dict[str, Any]:
    return read_object(path(), "run 'videostyle bench' to write it again")


def load(device: str) -> Tuning | None:
    """The settings kept for a device; None if there are none, or they cannot be used."""
    entry = _read().get(device_key(device))
    try:
        found = Tuning(**entry) if isinstance(entry, dict) else None
    except TypeError:
        found = None
    usable = found is not None and found.precision in PRECISIONS[1:] and isinstance(found.batch_pixels, int)
    return found if found is not None and usable and 0 < found.batch_pixels < 1 << 32 else None


def save(device: str, tuning: Tuning) -> Path:
    """Saves settings for a device; returns the file."""
    write_object(path(), {**_read(), device_key(device): asdict(tuning)})
    return path()
