"""The pictures to train on: photos, folders of photos and clips are read into memory, scaled to 640 pixels at most."""

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
from videostyle.media.readers.images import is_picture
from videostyle.media.readers.open import open_reader
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.readers.pictures import PICTURES, read_picture
from videostyle.media.scaling import shrunk

log = logging.getLogger("videostyle")

LONG_SIDE = 640  # pixels; training windows have a few hundred
FRAMES_OF_A_CLIP = 24
FRAMES_OF_A_SCENE = 8  # that measure a scene
Neighbours = tuple[UInt8Array, UInt8Array]  # a frame and the one before it
Kept = TypeVar("Kept")


def enlarged(picture: UInt8Array, short_side: int) -> UInt8Array:
    """A picture scaled up so that its short side has at least ``short_side`` pixels."""
    scale = short_side / min(picture.shape[:2])
    if scale <= 1:
        return picture
    cv2 = load_cv2()
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def covering(picture: UInt8Array, width: int, height: int) -> UInt8Array:
    """The middle of a picture, scaled to fill ``width`` x ``height``; the proportions stay, the rest is cropped."""
    rows, columns = picture.shape[:2]
    scale = max(width / columns, height / rows)
    h, w = max(1, min(rows, round(height / scale))), max(1, min(columns, round(width / scale)))
    top, left = (rows - h) // 2, (columns - w) // 2
    cv2 = load_cv2()
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture[top : top + h, left : left + w], (width, height), interpolation=way), np.uint8)


def _spread(source: FrameReader, count: int, keep: Callable[[UInt8Array, UInt8Array | None], Kept]) -> list[Kept]:
    """Applies ``keep`` to up to ``count`` frames spread evenly over a clip.

    The length of a clip is not known in advance: every second result is dropped when there are too many.

    Args:
        source: the clip.
        count: number of results at most.
        keep: called with a frame and the frame before it (None for the first), uint8 ``[H, W, 3]``.
    """
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


def clip_neighbours(source: FrameReader) -> list[Neighbours]:
    """Up to ``FRAMES_OF_A_CLIP`` frames spread over a clip, each with the frame before it (the first with itself)."""

    def keep(frame: UInt8Array, before: UInt8Array | None) -> Neighbours:
        small = shrunk(frame, LONG_SIDE)
        return small, small if before is None else shrunk(before, LONG_SIDE)

    return _spread(source, FRAMES_OF_A_CLIP, keep)


def scene_frames(path: Path, width: int, height: int) -> UInt8Array:
    """Frames spread over a clip, a folder of pictures or a still: uint8 ``[K, height, width, 3]`` RGB.

    Raises:
        InputError: if it cannot be read.
    """
    with open_reader(path, ReadOptions()) as source:
        frames = _spread(source, FRAMES_OF_A_SCENE, lambda frame, _: covering(frame, width, height))
    if not frames:
        raise InputError(f"'{path}' has no frames", hint="give another clip or picture")
    return np.stack(frames)


def read_content(paths: Sequence[str | Path], limit: int = 2000) -> tuple[list[UInt8Array], list[Neighbours]]:
    """Reads pictures and pairs of neighbouring frames from photos, folders and clips.

    Args:
        paths: files and folders. Pictures and clips that lie in a folder itself are read, subfolders are not.
        limit: stop reading files after this many pictures.

    Returns:
        All pictures, frames of clips included, uint8 ``[H, W, 3]`` RGB; and the neighbouring frames of clips.

    Raises:
        InputError: if a file in ``paths`` cannot be read, or there is no picture at all. A file in a folder
            that cannot be read is skipped with a warning.
    """
    pictures: list[UInt8Array] = []
    neighbours: list[Neighbours] = []
    files = list(_expand(paths))
    for number, (path, named) in enumerate(files):
        if len(pictures) >= limit:
            log.warning("%d of %d files are not read: %d pictures are enough", len(files) - number, len(files), limit)
            break
        try:
            if path.suffix.lower() in PICTURES:
                pictures.append(shrunk(read_picture(path), LONG_SIDE))
            else:
                with open_reader(path, ReadOptions()) as source:
                    found = clip_neighbours(source)
                    neighbours.extend(found if isinstance(source, OpenCVReader) else [])
                    pictures.extend(frame for frame, _ in found)
        except InputError as error:
            if named:
                raise
            log.warning("skipped: %s", error)
    if not pictures:
        raise InputError(
            "there is nothing to train on",
            f"no picture or clip in {', '.join(map(str, paths))}",
            hint="give photos, folders of photos, or clips to train on",
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
