"""What ``bench`` found best for this machine's devices, kept for ``render``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from videostyle.inference.device import PRECISIONS, device_key
from videostyle.media.atomic import read_object, write_object
from videostyle.styles import gallery


@dataclass(frozen=True)
class Tuning:
    """The best way to compute on one device.

    Attributes:
        precision: dtype.
        batch_pixels: pixels of all frames that are computed at once.
        frames_per_second: what was reached with it, of the device alone.
        size: width and height at which it was measured.
        date: when, ISO 8601.
    """

    precision: str
    batch_pixels: int
    frames_per_second: float
    size: tuple[int, int]
    date: str


def path() -> Path:
    """The file in which measurements are kept; it need not exist."""
    return gallery.home() / "tuning.json"


def _read() -> dict[str, Any]:
    return read_object(path(), "run 'videostyle bench' to write it again")


def load(device: str) -> Tuning | None:
    """What was found for TensorFlow's ``device``; None where nothing is kept, or nothing that can be used."""
    entry = _read().get(device_key(device))
    try:
        found = Tuning(**entry) if isinstance(entry, dict) else None
    except TypeError:
        found = None
    usable = found is not None and found.precision in PRECISIONS[1:] and isinstance(found.batch_pixels, int)
    return found if found is not None and usable and 0 < found.batch_pixels < 1 << 32 else None


def save(device: str, tuning: Tuning) -> Path:
    """Keeps ``tuning`` for TensorFlow's ``device``; returns the file."""
    write_object(path(), {**_read(), device_key(device): asdict(tuning)})
    return path()
