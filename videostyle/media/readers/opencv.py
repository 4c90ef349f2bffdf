"""Reads video files through OpenCV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import UInt8Array
from videostyle.media import probe
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.base import Frame, FrameReader, ReadOptions

READ_ATTEMPTS = 64  # failed reads in a row after which a video counts as ended
# OpenCV's conversion of 8-bit 4:2:0 to BGR rounds down: 1.2 levels too dark on average, measured by sending its
# frames back through an exact conversion. One level is given back, except to black, which is exact.
LIFT = np.minimum(np.arange(256) + (np.arange(256) > 0), 255).astype(np.uint8)


class OpenCVReader(FrameReader):
    """A video file through OpenCV, each frame with the time that its container gives it."""

    def __init__(self, media: probe.MediaInfo, options: ReadOptions) -> None:
        if media.video is None:
            raise InputError(f"'{media.path}' has no video stream")
        super().__init__(media.path, media.video, options)
        self._media = media
        self._grabbed, self._read_before = False, 0
        self._open()

    def _open(self) -> None:
        cv2 = load_cv2()
        self._capture: Any = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise InputError(f"cannot read '{self.path}'", "OpenCV's decoder refuses it")
        # Versions differ in what they do if not asked.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)

    def _seek(self, number: int, time: float) -> bool:
        """Seeks, and looks whether the frame there is shown at the time that was planned for it."""
        cv2, info = load_cv2(), self._native
        half = 0.25 * float(1 / info.fps) if info.fps else 0.005
        if self._capture.set(cv2.CAP_PROP_POS_FRAMES, number) and self._capture.grab():
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if stamp > 0 and abs(info.start + stamp - time) < half:
                self._grabbed, self._read_before = True, number
                return True
        self._capture.release()
        self._open()
        return False

    def _next(self) -> tuple[bool, Any]:
        if self._grabbed:
            self._grabbed = False
            ok, picture = self._capture.retrieve()
        else:
            ok, picture = self._capture.read()
        return bool(ok), picture

    def _frames(self) -> Iterator[Frame]:
        cv2, info = load_cv2(), self._native
        step = float(1 / info.fps) if info.fps else 0.04
        end = info.duration or 0.0
        read, failures, lost = self._read_before, 0, 0
        ahead = 0.0
        last = -math.inf
        while not self._closed:
            ok, picture = self._next()
            if not ok or picture is None:
                failures += 1
                finished = (info.frame_count or 0) <= read or (end and last + 1.5 * step >= info.start + end)
                if finished or failures > READ_ATTEMPTS or (read == 0 and failures > 16):
                    break
                continue
            if failures and read:
                lost += failures
            failures = 0
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if read == 0:
                ahead = min(stamp, 0.0)  # at a few seconds a frame it takes a later one for the first
            stamp -= ahead
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
        if read == 0:
            raise InputError(
                f"cannot decode '{self.path}'", f"no decoder for {info.codec or 'its codec'}, or no intact frame"
            )
        if lost:
            self._warn(f"{lost} damaged frames could not be decoded; the frame before each gap is held")
        self._check_end(self._media, read + lost, last)

    def _converted(self, picture: UInt8Array) -> UInt8Array:
        cv2 = load_cv2()
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        lifted = self._native.pixel_format in ("yuv420p", "yuvj420p")
        return np.asarray(cv2.LUT(picture, LIFT) if lifted else picture, np.uint8)

    _resized = False

    def close(self) -> None:
        """Frees the file."""
        super().close()
        self._capture.release()
