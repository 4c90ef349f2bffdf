"""How long an animated WebP lasts, read from its chunks: PyAV sees its first picture only.

*Source:* WebP Container Specification (Google), "Extended file format" and "Animation".
"""

from __future__ import annotations

import struct
from pathlib import Path

ANIMATION_FRAME = b"ANMF"
DURATION = slice(12, 15)  # bytes of a frame's header: milliseconds, little-endian


def duration(path: Path) -> float | None:
    """Seconds for which all frames together are shown; None for a file of one picture, which says nothing of it.

    The encoder makes one frame of equal ones that follow each other, so that their number tells less.

    Raises:
        ValueError: if it is no WebP file, or not a whole one.
    """
    shown: float | None = None
    with path.open("rb") as file:
        kind, size, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        if kind != b"RIFF" or form != b"WEBP" or size + 8 > path.stat().st_size:
            raise ValueError("it is not a whole WebP file")
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            chunk = file.tell()
            if name == ANIMATION_FRAME:
                shown = (shown or 0.0) + int.from_bytes(file.read(16)[DURATION], "little") / 1000.0
            file.seek(chunk + length + length % 2)
    return shown
