"""Reads video files through OpenCV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import UInt8Array
from videostyle.media import probe
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.base import SAME_TIME, SEEK_LEAD, SEEKABLE, Frame, FrameReader, Input, ReadOptions

READ_ATTEMPTS = 64  # failed reads in a row after which a video counts as ended
FIRST_ATTEMPTS = 16  # the same before its first frame
SEEK_ATTEMPTS = 4  # key frames that are tried before a video is decoded from its beginning
# OpenCV's conversion of 8-bit 4:2:0 to BGR rounds down: 1.2 levels too dark on average, measured by sending its
# frames back through an exact conversion. One level is given back, except to black, which is exact.
LIFT = np.minimum(np.arange(256) + (np.arange(256) > 0), 255).astype(np.uint8)


class OpenCVReader(FrameReader):
    """A video file through OpenCV, each frame with the time that its container gives it."""

    def __init__(self, source: Input, options: ReadOptions) -> None:
        super().__init__(source, source.info, options, options.frame_rate)
        if source.media is None:
            raise ValueError("pictures are not read with this reader")
        self._media = source.media
        self._resized = False
        self._capture: Any = None
        self._rewind()

    def _rewind(self) -> None:
        if self._capture is not None:
            self._capture.release()
        self._capture = None
        self._grabbed = self._begins_late = False
        self._ahead = 0.0

    def _opened(self) -> Any:
        if self._capture is None:
            cv2 = load_cv2()
            self._capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
            if not self._capture.isOpened():
                raise InputError(
                    f"cannot read '{self.path}'",
                    "OpenCV's decoder refuses it",
                    hint="convert it with ffmpeg first, for instance to H.264 in .mp4",
                )
            # Versions differ in what they do if not asked.
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        return self._capture

    def _grab(self) -> bool:
        """Decodes the next frame, if none waits to be retrieved already."""
        self._grabbed = self._grabbed or bool(self._opened().grab())
        return self._grabbed

    def _retrieve(self) -> Any | None:
        """The frame that was grabbed, uint8 BGR; None if OpenCV cannot convert it."""
        self._grabbed = False
        ok, picture = self._opened().retrieve()
        return picture if ok else None

    def _stamp(self) -> float:
        """What OpenCV says of the time of the grabbed frame: seconds from the stream's start."""
        return float(self._opened().get(load_cv2().CAP_PROP_POS_MSEC)) / 1000.0

    def _first_time(self) -> float:
        if not any(self._grab() for _ in range(FIRST_ATTEMPTS)):
            raise self._undecodable()
        # At a few seconds a frame OpenCV takes a later one for the first.
        self._ahead = min(self._stamp(), 0.0)
        return self._native.start + self._stamp() - self._ahead

    def _time_of(self, number: int) -> float | None:
        return probe.time_of_frame(self._media, number)

    def _seek(self, time: float) -> bool:
        if self._media.format not in SEEKABLE:
            return False
        first = self._first_time()
        shown = probe.shown_at(self._media, time)
        if shown is None or shown <= first:
            return False
        ahead = self._ahead
        for key in islice(probe.key_frames_before(self._media, shown - SEEK_LEAD * self._step), SEEK_ATTEMPTS):
            if key <= first:
                break
            # OpenCV looks for the key frame SEEK_LEAD frames before the time that it is given, and from there goes on
            # by as many frames: it takes the rate for constant.
            goal = key - self._native.start + (SEEK_LEAD + 1) * self._step
            self._opened().set(load_cv2().CAP_PROP_POS_MSEC, 1000.0 * goal)
            self._grabbed, self._ahead = False, ahead
            if self._walk(shown):
                self._begins_late = True
                return True
        # Without a key frame in between: what is skipped is not converted at least.
        self._rewind()
        self._first_time()
        if self._walk(shown):
            self._begins_late = True
            return True
        self._rewind()
        return False

    def _walk(self, time: float) -> bool:
        """Goes on to the frame that is shown at exactly ``time``; False if there is none, or it is behind already."""
        while not self._closed and self._grab():
            found = self._native.start + self._stamp() - self._ahead
            if found > time - SAME_TIME:
                return found < time + SAME_TIME
            self._grabbed = False
        return False

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
        last = -math.inf
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
            stamp = self._stamp()
            if read == 0 and not self._begins_late:
                self._ahead = min(stamp, 0.0)
            stamp -= self._ahead
            # Raw streams carry no times, and OpenCV then says 0 for every frame.
            time = info.start + stamp if stamp > 0 or read == 0 else last + step
            if time <= last:
                time = last + step
            if picture.ndim == 2 or picture.shape[2] != 3:
                picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_BGRA2BGR)
            if read and picture.shape[:2] != (info.height, info.width) and not self._resized:
                self._resized = True
                self._warn(
                    f"the picture changes its size from {info.width}x{info.height} to "
                    f"{picture.shape[1]}x{picture.shape[0]}; it is scaled back"
                )
            last = time
            read += 1
            yield picture, time
        if self._closed:
            return
        if read == 0:
            raise self._undecodable()
        if lost:
            self._warn(f"{lost} damaged frames could not be decoded; the frame before each gap is held")
        self._check_end(self._media, None if self._begins_late else read + lost, last)

    def _converted(self, picture: UInt8Array) -> UInt8Array:
        cv2 = load_cv2()
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        lifted = self._native.pixel_format in ("yuv420p", "yuvj420p")
        return np.asarray(cv2.LUT(picture, LIFT) if lifted else picture, np.uint8)

    def close(self) -> None:
        """Frees the file."""
        super().close()
        if self._capture is not None:
            self._capture.release()
