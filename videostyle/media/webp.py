"""Frames of an animated WebP and for how long they are shown, read from its chunks: PyAV reads none.

*Source:* WebP Container Specification (Google), "Extended file format" and "Animation".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

FORMAT = "webp_anim"  # ffmpeg's name of animations
SHORTEST = 0.011  # seconds for which a frame can be shown; players show shorter ones for a tenth of a second
ANIMATION_FRAME = b"ANMF"
DURATION = slice(12, 15)  # bytes of a frame's header: milliseconds, little-endian


def chunks(data: bytes | bytearray) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and length of the contents of each chunk of a WebP file in memory."""
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, at + 8, length
        at += 8 + length + length % 2


def durations(path: Path) -> list[float]:
    """Seconds for which each frame of an animation is shown; none for a file of one picture.

    Raises:
        ValueError: if it is no WebP file, or not a whole one.
    """
    found = []
    with path.open("rb") as file:
        kind, size, form = struct.unpack("<4sI4s", file.read(12).ljust(12, b"\0"))
        if kind != b"RIFF" or form != b"WEBP" or size + 8 > path.stat().st_size:
            raise ValueError("it is not a complete WebP file")
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            chunk = file.tell()
            if name == ANIMATION_FRAME:
                found.append(int.from_bytes(file.read(16)[DURATION], "little") / 1000.0)
            file.seek(chunk + length + length % 2)
    return found


def duration(path: Path) -> float | None:
    """The duration of all frames together, seconds; None for a file of one picture, which has none.

    (The number of frames cannot be compared: the encoder merges equal neighbours.)

    Raises:
        ValueError: if it is not a complete WebP file.
    """
    shown = durations(path)
    return sum(shown) if shown else None


def frames(path: Path) -> int:
    """How many frames a WebP file has; 1 for a file of one picture, and for what is no WebP file."""
    try:
        return len(durations(path)) or 1
    except (ValueError, OSError):
        return 1


def is_animation(path: Path) -> bool:
    """Whether a file is a WebP of several frames."""
    return frames(path) > 1


def size_and_alpha(path: Path) -> tuple[int, int, bool]:
    """Width, height, and whether a pixel of an animation may be transparent.

    Encoders state an alpha channel where frames are transparent only where the frame before shows through.
    """
    with path.open("rb") as file:
        head = file.read(30)
        width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
        if not head[20] & 0x10:
            return width, height, False
        whole = head[24:30]
        covered = False
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            following = file.tell() + length + length % 2
            if name == ANIMATION_FRAME:
                place = file.read(32)
                cleared, replaces = place[15] & 1, place[15] & 2
                # A lossless picture says it in its header; a lossy one has a chunk of its own.
                opaque = place[16:20] == b"VP8 " or (place[16:20] == b"VP8L" and not place[28] & 0x10)
                covers = place[:6] == bytes(6) and place[6:12] == whole and opaque
                if cleared or not (covers or (covered and (opaque or not replaces))):
                    return width, height, True
                covered = True
            file.seek(following)
    return width, height, not covered


def times(path: Path) -> list[float]:
    """When each frame of an animation is shown, seconds."""
    shown = [0.0, *accumulate(durations(path))]
    return shown[:-1]


def retime(path: Path, times: Sequence[float], end: float, step: float) -> None:
    """Sets when the frames of an animation are shown, to the nearest millisecond.

    Args:
        path: an animation whose frames were encoded ``step`` apart; equal ones may have become one.
        times: when each encoded frame is shown, seconds from any origin.
        end: when the last one stops being shown.
        step: seconds.
    """
    data = bytearray(path.read_bytes())
    now = 0.0
    ticks = [round(1000 * (time - times[0])) for time in [*times, end]]
    for name, begin, _ in chunks(data):
        if name == ANIMATION_FRAME:
            place = begin + DURATION.start
            first = round(now / step)
            now += int.from_bytes(data[place : place + 3], "little") / 1000.0
            last = min(max(first + 1, round(now / step)), len(times))
            data[place : place + 3] = max(1, ticks[last] - ticks[min(first, last - 1)]).to_bytes(3, "little")
    path.write_bytes(data)
