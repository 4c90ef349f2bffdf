"""Reads the boxes of MP4 and related files for what ffmpeg does not report, such as why a file cannot be read.

*Source:* ISO/IEC 14496-12 (file format: boxes), ISO/IEC 14496-12, 8.12 (protected streams: ``sinf``, ``encv``).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

NESTED = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
PROTECTED = (b"encv", b"drmi")  # sample entries of encrypted video: common encryption, and Apple's


def is_mp4(path: Path) -> bool:
    """Whether a file consists of boxes: the first one states its brand."""
    with path.open("rb") as file:
        return file.read(12)[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free")


def brands(path: Path) -> tuple[str, ...]:
    """The brands that an MP4 file states, the major one first; none if it is no such file."""
    with path.open("rb") as file:
        head = file.read(256)
    if head[4:8] != b"ftyp":
        return ()
    size = min(int.from_bytes(head[:4], "big"), len(head))
    names = [head[8:12], *(head[at : at + 4] for at in range(16, size - 3, 4))]
    return tuple(name.decode("latin-1") for name in names)


def _boxes(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of the contents of each box between two places in a file."""
    at = begin
    while at + 8 <= end:
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return
        size, start = int.from_bytes(header[:4], "big"), 8
        if size == 1 and len(header) == 16:
            size, start = int.from_bytes(header[8:], "big"), 16
        elif size == 0:
            size = end - at
        if size < start:
            return
        yield header[4:8], at + start, min(end, at + size)
        at += size


def has_index(path: Path) -> bool:
    """Whether an MP4 file has its index, the ``moov`` box, and has it whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        for name, begin, end in _boxes(file, 0, size):
            if name == b"moov":
                file.seek(at)
                stated = int.from_bytes(file.read(4), "big")
                return stated < 2 or at + stated <= size
            at = end
            if begin > end:
                return False
    return False


def sample_entries(path: Path) -> list[tuple[bytes, bytes]]:
    """Handler (``vide``, ``soun``...) and name (``avc1``...) of each sample entry of an MP4 file."""
    found: list[tuple[bytes, bytes]] = []
    handler = b""

    def walk(file: BinaryIO, begin: int, end: int) -> None:
        nonlocal handler
        for name, start, stop in _boxes(file, begin, end):
            if name in NESTED:
                walk(file, start, stop)
            elif name == b"hdlr":
                file.seek(start + 8)
                handler = file.read(4)
            elif name == b"stsd":
                found.extend((handler, entry) for entry, _, _ in _boxes(file, start + 8, stop))

    with path.open("rb") as file:
        walk(file, 0, min(path.stat().st_size, 1 << 62))
    return found


def chapter_tracks(path: Path) -> frozenset[int]:
    """Numbers of the tracks of an MP4 file that hold the titles of its chapters."""
    found: set[int] = set()

    def walk(file: BinaryIO, begin: int, end: int) -> None:
        for name, start, stop in _boxes(file, begin, end):
            if name in (b"moov", b"trak", b"tref"):
                walk(file, start, stop)
            elif name == b"chap":
                file.seek(start)
                numbers = file.read(min(stop - start, 4096))
                found.update(int.from_bytes(numbers[at : at + 4], "big") for at in range(0, len(numbers) - 3, 4))

    if is_mp4(path):
        with path.open("rb") as file:
            walk(file, 0, min(path.stat().st_size, 1 << 62))
    return frozenset(found)


def is_encrypted(path: Path) -> bool:
    """Whether the video of an MP4 file is encrypted."""
    return is_mp4(path) and any(entry in PROTECTED for _, entry in sample_entries(path))


def video_codec(path: Path) -> str:
    """The name that an MP4 file gives the codec of its first video, as ``avc1``; "" if it has none."""
    entries = sample_entries(path) if is_mp4(path) else []
    return next((entry.decode("latin-1") for handler, entry in entries if handler == b"vide"), "")
