"""Clips as the studio shows them: what they are, and any frame of them, exactly."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.errors import InputError, UsageError
from videostyle.frames import FrameBatch, UInt8Array
from videostyle.inference.stroke_size import chosen_or_usual
from videostyle.media import packets
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.base import FrameReader, Input, ReadOptions
from videostyle.media.readers.open import look_at, open_reader

KEPT_CLIPS = 8
KEPT_READERS = 4
KEPT_BYTES = 96 << 20  # of frames
STEP = 24  # frames that are decoded one after the other rather than sought
BROWSER = ("h264", "vp8", "vp9", "av1", "libdav1d", "theora")  # codecs that browsers usually play
BROWSER_FILES = (".mp4", ".m4v", ".mov", ".webm", ".ogv")


@dataclass(frozen=True)
class Frame:
    """A frame of a clip.

    Attributes:
        picture: uint8 ``[H, W, 3]`` RGB.
        number: counted from 0.
        time: seconds from the beginning of the clip.
        pts: seconds on the file's clock.
    """

    picture: UInt8Array
    number: int
    time: float
    pts: float


@dataclass(frozen=True)
class Clip:
    """A clip that was probed.

    Attributes:
        source: what ``look_at`` gave.
        key: tells this content from another one of the same name.
    """

    source: Input
    key: tuple[str, int, int]

    @cached_property
    def times(self) -> list[float] | None:
        """The time of each frame on the file's clock, from its packets; None where packets do not tell."""
        media, info = self.source.media, self.source.info
        if media is None or info.interlaced or info.changes or media.segments:
            return None
        if info.codec not in packets.FRAME_A_PACKET:
            return None
        found = packets.shown_times(media)
        return found if found and all(map(math.isfinite, found)) else None

    @property
    def frames(self) -> int | None:
        """The number of frames; None if unknown."""
        if self.source.info.still:
            return 1
        return len(self.times) if self.times else self.source.info.frame_count

    def described(self, id: str) -> dict[str, Any]:
        """The clip as JSON."""
        info, media = self.source.info, self.source.media
        plays = info.codec in BROWSER and self.source.path.suffix.lower() in BROWSER_FILES
        return {
            "id": id,
            "name": self.source.path.name,
            "kind": "picture" if info.still else "video",
            "width": info.width,
            "height": info.height,
            "usual_stroke_size": chosen_or_usual(None, info.height, info.width),
            "frames": self.frames,
            "fps": float(info.fps) if info.fps else None,
            "duration": info.duration,
            "start": info.start,
            "sound": media is not None and any(stream.kind == "audio" for stream in media.others),
            "still": info.still,
            "exact": info.still or bool(self.times),
            "browser": plays and info.bit_depth == 8,
        }


@dataclass
class _Open:
    """A reader and its place: the number of the frame that it gives next."""

    reader: FrameReader
    batches: Iterator[FrameBatch]
    place: int


@dataclass
class _Kept:
    """Frames that were read lately, at most ``KEPT_BYTES`` of them."""

    frames: OrderedDict[tuple[Any, ...], Frame] = field(default_factory=OrderedDict)
    size: int = 0

    def get(self, key: tuple[Any, ...]) -> Frame | None:
        if key in self.frames:
            self.frames.move_to_end(key)
        return self.frames.get(key)

    def put(self, key: tuple[Any, ...], frame: Frame) -> None:
        if key not in self.frames:
            self.frames[key] = frame
            self.size += frame.picture.nbytes
        while self.size > KEPT_BYTES and len(self.frames) > 1:
            self.size -= self.frames.popitem(last=False)[1].picture.nbytes


class Clips:
    """Reads clips and their frames. Several threads may call it at once; one reads at a time.

    Readers keep their places, so the next frames of a clip come at once, and so do those that were seen lately.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._clips: OrderedDict[tuple[str, int, int], Clip] = OrderedDict()
        self._readers: OrderedDict[tuple[Any, ...], _Open] = OrderedDict()
        self._kept = _Kept()

    def clip(self, path: Path) -> Clip:
        """A clip.

        Raises:
            InputError: if it cannot be read.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise InputError(
                f"cannot open '{path.name}'", error.strerror or str(error), "look whether it is still there"
            ) from error
        key = (str(path), status.st_mtime_ns, status.st_size)
        with self._lock:
            if key not in self._clips:
                self._clips[key] = Clip(look_at(path), key)
            self._clips.move_to_end(key)
            while len(self._clips) > KEPT_CLIPS:
                self._clips.popitem(last=False)
            return self._clips[key]

    def frame(self, clip: Clip, number: int, size: int | None) -> Frame:
        """A frame of a clip; behind the end, the last one.

        Args:
            clip: the clip.
            number: of the frame, counted from 0.
            size: longest side of the frame in pixels, larger ones are shrunk; None = as it is.

        Raises:
            InputError: if it cannot be decoded.
        """
        with self._lock:
            last = clip.frames - 1 if clip.frames else None
            number = min(number, last) if last is not None else number
            back = 1
            while True:
                found = self._kept.get((clip.key, size, number)) or self._read(clip, number, size)
                if found is not None:
                    return found
                if number == 0:
                    raise InputError(
                        f"cannot decode '{clip.source.path.name}'", "it has no intact frame", "give another clip"
                    )
                # The container promised more frames than there are.
                number, back = max(0, number - back), 2 * back

    def _read(self, clip: Clip, number: int, size: int | None) -> Frame | None:
        near = self._readers.get((clip.key, size))
        if near is None or not 0 <= number - near.place < STEP:
            self._close((clip.key, size))
            near = self._opened(clip, number, size)
            self._readers[clip.key, size] = near
        self._readers.move_to_end((clip.key, size))
        while len(self._readers) > KEPT_READERS:
            self._close(next(iter(self._readers)))
        found: Frame | None = None
        try:
            while near.place <= number:
                batch = next(near.batches)
                pts = float(batch.pts[0])
                time = pts - clip.source.info.start
                found = Frame(np.asarray(batch.frames[0], np.uint8), near.place, time, pts)
                self._kept.put((clip.key, size, near.place), found)
                near.place += 1
        except (StopIteration, UsageError):  # there are fewer frames
            self._close((clip.key, size))
            return None
        except BaseException:
            self._close((clip.key, size))
            raise
        return found

    def _opened(self, clip: Clip, number: int, size: int | None) -> _Open:
        options = ReadOptions(batch_size=1, max_size=size)
        reader = open_reader(clip.source, options)
        if clip.source.info.still:
            return _Open(reader, iter(reader), 0)
        times = clip.times
        reader.read_part(number, (len(times) if times else 1 << 40) - number, times)
        return _Open(reader, iter(reader), number)

    def _close(self, key: tuple[Any, ...]) -> None:
        if (opened := self._readers.pop(key, None)) is not None:
            opened.reader.close()

    def close(self) -> None:
        """Frees all files."""
        with self._lock:
            for key in list(self._readers):
                self._close(key)


def encoded(picture: UInt8Array, kind: str, quality: int = 90) -> bytes:
    """A picture as a file.

    Args:
        picture: uint8 ``[H, W, 3]`` RGB.
        kind: "jpeg", "png" or "webp".
        quality: of JPEG and WebP, 1..100.
    """
    cv2 = load_cv2()
    options = {
        "jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]),
        "png": (".png", [cv2.IMWRITE_PNG_COMPRESSION, 1]),
        "webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, quality]),
    }
    suffix, words = options[kind]
    ok, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), words)
    if not ok:
        raise RuntimeError(f"a picture of {picture.shape} cannot be written as {kind}")
    return bytes(data)
