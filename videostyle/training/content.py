"""Pictures to train on: photos, folders of photos and clips, read into memory at a modest size."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import UInt8Array, evenly_spread
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.images import PICTURES, is_picture, read_picture
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.opencv import OpenCVReader

log = logging.getLogger("videostyle")

LONG_SIDE = 640  # pixels; training looks at windows of a few hundred
FRAMES_OF_A_CLIP = 24
Neighbours = tuple[UInt8Array, UInt8Array]  # a frame and the one before it
Kept = TypeVar("Kept")


def shrunk(picture: UInt8Array, long_side: int = LONG_SIDE) -> UInt8Array:
    """A picture at a long side of at most ``long_side``."""
    scale = long_side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    cv2 = load_cv2()
    size = tuple(max(1, round(side * scale)) for side in (picture.shape[1], picture.shape[0]))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(picture: UInt8Array, short_side: int) -> UInt8Array:
    """A picture at a short side of at least ``short_side``."""
    scale = short_side / min(picture.shape[:2])
    if scale <= 1:
        return picture
    cv2 = load_cv2()
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def covering(picture: UInt8Array, width: int, height: int) -> UInt8Array:
    """The middle of a picture, scaled so that it fills ``width`` x ``height`` with nothing stretched."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    h, w = max(1, min(rows, round(height / scale))), max(1, min(columns, round(width / scale)))
    top, left = (rows - h) // 2, (columns - w) // 2
    cv2 = load_cv2()
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture[top : top + h, left : left + w], (width, height), interpolation=way), np.uint8)


def _spread(source: FrameReader, count: int, keep: Callable[[UInt8Array, UInt8Array | None], Kept]) -> list[Kept]:
    """What ``keep`` makes of up to ``count`` frames spread over a clip, each given with the one before it."""
    kept: list[Kept] = []
    step, number, before = 1, 0, None
    for batch in source:
        for frame in batch.frames:
            if number % step == 0:
                kept.append(keep(frame, before))
                if len(kept) > 2 * count:
                    kept, step = kept[::2], 2 * step
            before = frame
            number += 1
    return [kept[i] for i in evenly_spread(len(kept), count)]


def clip_neighbours(source: FrameReader, count: int = FRAMES_OF_A_CLIP) -> list[Neighbours]:
    """Up to ``count`` frames spread over a clip, each with the frame before it."""

    def keep(frame: UInt8Array, before: UInt8Array | None) -> Neighbours:
        small = shrunk(frame)
        return small, small if before is None else shrunk(before)

    return _spread(source, count, keep)


def scene_frames(path: Path, width: int, height: int, count: int = 8) -> UInt8Array:
    """Up to ``count`` frames spread over a clip, a folder of pictures or a still, uint8 ``[K, height, width, 3]`` RGB.

    Raises:
        InputError: if it cannot be read.
    """
    with open_reader(path, ReadOptions()) as source:
        frames = _spread(source, count, lambda frame, _: covering(frame, width, height))
    if not frames:
        raise InputError(f"'{path}' has no frames", hint="give another clip or picture")
    return np.stack(frames)


def read_content(paths: Sequence[str | Path], limit: int = 2000) -> tuple[list[UInt8Array], list[Neighbours]]:
    """Pictures and neighbouring frames from any mix of photos, folders and clips.

    Args:
        paths: files and folders; a folder's own pictures and clips are taken, not those of folders in it.
        limit: pictures at most.

    Raises:
        InputError: if a named file cannot be read, or there is nothing to train on. Files that a folder
            merely contains are passed over with a warning.
    """
    pictures: list[UInt8Array] = []
    neighbours: list[Neighbours] = []
    files = list(_expand(paths))
    for number, (path, named) in enumerate(files):
        if len(pictures) >= limit:
            log.warning("%d pictures are enough: %d of %d files are not read", limit, len(files) - number, len(files))
            break
        try:
            if path.suffix.lower() in PICTURES:
                pictures.append(shrunk(read_picture(path)))
            else:
                with open_reader(path, ReadOptions()) as source:
                    found = clip_neighbours(source)
                    neighbours.extend(found if isinstance(source, OpenCVReader) else [])
                    pictures.extend(frame for frame, _ in found)
        except InputError as error:
            if named:
                raise
            log.warning("left out: %s", error)
    if not pictures:
        raise InputError(
            "there is nothing to train on",
            f"no picture or clip in {', '.join(map(str, paths))}",
            hint="name photos, folders or clips with --content",
        )
    return pictures, neighbours


def _expand(paths: Iterable[str | Path]) -> Iterable[tuple[Path, bool]]:
    videos = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".ts", ".flv")
    for path in map(Path, paths):
        if path.is_dir():
            for file in sorted(path.iterdir()):
                if is_picture(file) or (file.suffix.lower() in videos and not file.name.startswith(".")):
                    yield file, False
        else:
            yield path, True
