"""Reads video files through OpenCV."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import AnyArray
from videostyle.media import packets
from videostyle.media.clock import SteadyClock
from videostyle.media.opencv import load_cv2
from videostyle.media.packets import SAME_TIME
from videostyle.media.readers.base import SEEK_LEAD, SEEKABLE, FrameReader, Input, ReadOptions
from videostyle.media.readers.completeness import missing_end
from videostyle.media.readers.timing import Frame

READ_ATTEMPTS = 64  # failed reads in a row after which a video counts as ended
FIRST_ATTEMPTS = 16  # the same before its first frame
UNSHIFTED = ("avi",)  # formats whose first frame is shown at the start, though its number says otherwise
SEEK_ATTEMPTS = 4  # key frames that are tried before a video is decoded from its beginning
# OpenCV's conversion of 8-bit 4:2:0 to BGR rounds down and makes pictures 1.2 levels too dark on average (measured by
# converting its frames back exactly). One level is added, except to black, which is exact.
ROUNDED_DOWN = ("yuv420p", "yuvj420p")


class OpenCVReader(FrameReader):
    """Reads a video file through OpenCV, each frame with its time in the container.

    Args:
        source: a video.
        options: how to read it.
    """

    def __init__(self, source: Input, options: ReadOptions) -> None:
        super().__init__(source, source.info, options, options.frame_rate)
        if source.media is None:
            raise ValueError(f"'{source.path}' is not a video")
        self._media = source.media
        self._resized = False
        self._capture: Any = None
        self._rewind()

    def _rewind(self) -> None:
        if self._capture is not None:
            self._capture.release()
        self._capture = None
        self._grabbed = self._sought = False
        self._clock_offset = 0.0

    def _opened(self) -> Any:
        if self._capture is None:
            cv2 = load_cv2()
            self._capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
            if not self._capture.isOpened():
                if not os.path.exists(self.path):
                    hint = "put it back, and run the same command again"
                    raise InputError(f"cannot read '{self.path}'", "it is no longer there", hint)
                raise InputError(
                    f"cannot read '{self.path}'",
                    "OpenCV's decoder refuses it",
                    hint="convert it with ffmpeg first, for instance to H.264 in .mp4",
                )
            # The default differs between versions of OpenCV.
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        return self._capture

    def _grab(self) -> bool:
        """Decodes the next frame, unless one is waiting for ``_retrieve``; False if there is none."""
        self._grabbed = self._grabbed or bool(self._opened().grab())
        return self._grabbed

    def _retrieve(self) -> Any | None:
        """The frame that ``_grab`` decoded, as OpenCV converts it, usually uint8 BGR; None if it cannot."""
        self._grabbed = False
        ok, picture = self._opened().retrieve()
        return picture if ok else None

    def _position(self) -> float:
        """OpenCV's time of the grabbed frame, in seconds from what it takes for the start of the stream."""
        return float(self._opened().get(load_cv2().CAP_PROP_POS_MSEC)) / 1000.0

    def _first_time(self) -> float:
        if not any(self._grab() for _ in range(FIRST_ATTEMPTS)):
            raise self._undecodable()
        self._clock_offset = self._position()
        return self._anchor

    def _time_of(self, number: int) -> float | None:
        return packets.time_of_frame(self._media, number)

    def _seek(self, time: float) -> bool:
        if self._media.format not in SEEKABLE or self._media.segments:
            return False
        first = self._first_time()
        shown = packets.shown_at(self._media, time)
        if shown is None or shown <= first:
            return False
        offset = self._clock_offset
        for key in islice(packets.key_frames_before(self._media, shown - SEEK_LEAD * self._step), SEEK_ATTEMPTS):
            if key <= first:
                break
            # OpenCV seeks to the key frame SEEK_LEAD frames before the time that it is given, then decodes as many
            # frames as lie between at the average rate. Aiming just behind a known key frame keeps that number small,
            # so that it does not go too far where frames are sparse.
            goal = key - self._anchor + offset + (SEEK_LEAD + 1) * self._step
            self._opened().set(load_cv2().CAP_PROP_POS_MSEC, 1000.0 * goal)
            self._grabbed, self._clock_offset = False, offset
            if self._walk(shown):
                self._sought = True
                return True
        # No key frame helps: decode from the beginning, but convert only what is wanted.
        self._rewind()
        self._first_time()
        if self._walk(shown):
            self._sought = True
            return True
        self._rewind()
        return False

    def _walk(self, time: float) -> bool:
        """Decodes up to the frame that is shown at exactly ``time``; False if there is none, or it has passed."""
        while not self._closed and self._grab():
            found = self._anchor + self._position() - self._clock_offset
            if found > time - SAME_TIME:
                return found < time + SAME_TIME
            self._grabbed = False
        return False

    @property
    def _anchor(self) -> float:
        """When the first frame is shown, seconds on the file's clock.

        OpenCV counts from what it takes for the start of the stream, which is not always that of its first frame.
        """
        known = self._media.first_shown
        return self._native.start if known is None or self._media.format in UNSHIFTED else known

    @property
    def _step(self) -> float:
        """Seconds between two frames, on average."""
        return float(1 / self._native.fps) if self._native.fps else 0.04

    def _undecodable(self) -> InputError:
        return InputError(
            f"cannot decode '{self.path}'",
            f"no decoder for {self._native.codec or 'its codec'}, or no intact frame",
            hint="convert it with ffmpeg first, for instance to H.264 in .mp4",
        )

    def _frames(self) -> Iterator[Frame]:
        cv2, info, step = load_cv2(), self._native, self._step
        end = info.duration or 0.0
        read, failures, lost = 0, 0, 0
        begin = last = -math.inf
        clock = SteadyClock(self._media.segments)
        while not self._closed:
            picture = self._retrieve() if self._grab() else None
            if picture is None:
                failures += 1
                finished = (info.frame_count or 0) <= read or (end and last + 1.5 * step >= info.start + end)
                if finished or failures > READ_ATTEMPTS or (read == 0 and failures > FIRST_ATTEMPTS):
                    break
                continue
            if failures and read:
                lost += failures
            failures = 0
            position = self._position()
            if read == 0 and not self._sought:
                self._clock_offset = position
            position -= self._clock_offset
            # OpenCV gives 0 for every frame of a raw stream, which stores no times.
            stored = position > 0 or read == 0 or self._media.segments
            time = self._anchor + position if stored else last + step
            time += clock.offset(time)
            if time <= last:
                time = last + step
            if picture.ndim == 2 or picture.shape[2] != 3:
                picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_BGRA2BGR)
            if read and picture.shape[:2] != (info.height, info.width) and not self._resized:
                self._resized = True
                self._warn(
                    f"the frame size changes from {info.width}x{info.height} to "
                    f"{picture.shape[1]}x{picture.shape[0]}; later frames are scaled to the first size"
                )
            last = time
            begin = last if read == 0 and self._sought else begin
            read += 1
            yield picture, time
        if self._closed:
            return
        if read == 0:
            raise self._undecodable()
        # Some codecs (Theora) repeat a frame by an empty packet. Decoding again tells these from damage; it is slow.
        if lost and packets.decodable(self._media, begin) > read:
            self._warn(f"{lost} damaged frames could not be decoded; the frame before each gap is held")
        missing = missing_end(self._media, None if self._sought else read + lost, last)
        if missing:
            self._warn(missing)

    def _converted(self, picture: AnyArray, out: AnyArray | None = None) -> AnyArray:
        cv2 = load_cv2()
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, dst=out)
        if self._native.pixel_format in ROUNDED_DOWN:
            # A table of 256 values takes twice as long.
            picture = cv2.add(picture, cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY)[1], dst=picture)
        return np.asarray(picture, np.uint8)

    def close(self) -> None:
        """Frees the file."""
        super().close()
        if self._capture is not None:
            self._capture.release()
