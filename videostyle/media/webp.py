"""The duration of an animated WebP, read from its chunks, because PyAV sees only its first picture.

*Source:* WebP Container Specification (Google), "Extended file format" and "Animation".
"""

from __future__ import annotations

import struct
from pathlib import Path

ANIMATION_FRAME = b"ANMF"
DURATION = slice(12, 15)  # bytes of a frame's header: milliseconds, little-endian


def duration(path: Path) -> float | None:
    """The duration of all frames together, seconds; None for a file of one picture, which has none.

    (The number of frames cannot be compared: the encoder merges equal neighbours.)

    Raises:
        ValueError: if it is not a complete WebP file.
    """
    shown: float | None = None
    with path.open("rb") as file:
        kind, size, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        if kind != b"RIFF" or form != b"WEBP" or size + 8 > path.stat().st_size:
            raise ValueError("it is not a complete WebP file")
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            chunk = file.tell()
            if name == ANIMATION_FRAME:
                shown = (shown or 0.0) + int.from_bytes(file.read(16)[DURATION], "little") / 1000.0
            file.seek(chunk + length + length % 2)
    return shown
