"""Sets for how long each frame of a GIF file is shown, and writes XMP into it.

*Source:* GIF89a specification (CompuServe, 1990); XMP specification part 3, 1.1.2 (storage in GIF).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

TICK = 0.01  # seconds
SHORTEST = 0.02  # seconds for which a frame can be shown; players show shorter ones for a tenth of a second
EXTENSION, IMAGE, TRAILER = 0x21, 0x2C, 0x3B
CONTROL = 0xF9  # label of the extension that holds a frame's delay
DELAY = 4  # where that extension holds it, from its introducer on


def _after_palette(data: bytes | bytearray) -> int:
    """Where the header ends, with the palette of all frames if there is one."""
    return 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)


def _after_blocks(data: bytes | bytearray, at: int) -> int:
    """Where a row of data sub-blocks ends."""
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _delays(data: bytes | bytearray) -> Iterator[int]:
    """Where the delay of each frame is stored, two bytes.

    Raises:
        ValueError: if it is no GIF file, or not a whole one.
    """
    if data[:3] != b"GIF":
        raise ValueError("it is not a GIF file")
    try:
        at = _after_palette(data)
        while data[at] != TRAILER:
            if data[at] == EXTENSION:
                if data[at + 1] == CONTROL:
                    yield at + DELAY
                at = _after_blocks(data, at + 2)
            elif data[at] == IMAGE:
                flags = data[at + 9]
                at = _after_blocks(data, at + 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
            else:
                raise ValueError("it is damaged")
    except IndexError as error:
        raise ValueError("it is cut off") from error


def durations(path: Path) -> list[float]:
    """Seconds for which each frame of a GIF file is shown.

    Raises:
        ValueError: if it is no GIF file, or not a whole one.
    """
    data = path.read_bytes()
    return [TICK * int.from_bytes(data[at : at + 2], "little") for at in _delays(data)]


def retime(path: Path, times: Sequence[float], end: float) -> None:
    """Sets when the frames of a GIF file are shown, to the nearest tick.

    Args:
        path: the file.
        times: when each frame is shown, seconds from any origin, at least ``SHORTEST`` apart.
        end: when the last frame stops being shown.

    Raises:
        ValueError: if the file has another number of frames.
    """
    data = bytearray(path.read_bytes())
    places = list(_delays(data))
    if len(places) != len(times):
        raise ValueError(f"{len(places)} of {len(times)} frames are in the file")
    ticks = [round((time - times[0]) / TICK) for time in [*times, end]]
    for place, first, last in zip(places, ticks, ticks[1:], strict=False):
        data[place : place + 2] = min(max(last - first, 2), 0xFFFF).to_bytes(2, "little")
    path.write_bytes(data)


def add_xmp(path: Path, xmp: bytes) -> None:
    """Writes an XMP packet into a complete GIF file, before its frames: readers take what follows them for another."""
    data = path.read_bytes()
    at = _after_palette(data)
    # A decoder that reads the packet as sub-blocks ends in this run of numbers, which leads to the extension's end.
    leading_out = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    path.write_bytes(data[:at] + b"\x21\xff\x0bXMP DataXMP" + xmp + leading_out + data[at:])
