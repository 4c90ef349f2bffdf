"""Where live frames come from: a camera, a stream's address, or a file played at its own pace.

A grabber gives frames as they come; what is to be done with one that comes too late is not its business. One
that ends gives None; one that fails raises ``DeviceError``.
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from videostyle.errors import DeviceError, InputError, VideostyleError
from videostyle.frames import UInt8Array, VideoInfo
from videostyle.media.address import INPUTS, is_address, parse_address
from videostyle.media.ffmpeg.argv import receive_arguments
from videostyle.media.ffmpeg.process import Process
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.base import SEQUENCE_RATE, ReadOptions
from videostyle.media.readers.open import open_reader

TIMEOUT = 5.0  # seconds for a stream to open, and to give its next frame
FIRST_FRAME = 15.0  # seconds for a stream to give its first whole picture: key frames may be ten seconds apart
HELD = 1.0  # seconds after which a file's picture that stays is given again


class Grabber(Protocol):
    """Gives frames of one size, each with the moment at which it was there (``time.monotonic``)."""

    info: VideoInfo
    warnings: list[str]  # what it gives other than it was asked for
    position: float | None  # the device's own time of the last frame, seconds; None for files and streams

    def read(self) -> tuple[UInt8Array, float] | None:
        """Waits for the next frame, uint8 ``[H, W, 3]`` RGB; None when there will be no more."""

    def close(self) -> None:
        """Lets go of the device. May be called twice, and from another thread."""


def list_cameras() -> list[str]:
    """Cameras that the system shows, as ``/dev/video0``; empty where it has another way of naming them."""
    folder = Path("/dev")
    found = folder.glob("video*") if folder.is_dir() else iter(())
    return sorted((str(path) for path in found), key=lambda name: int(re.sub(r"\D", "", name) or 0))


class _OneAtATime:
    """Lets one thread read while another closes: decoders crash if they are freed while they work.

    A read that hangs in a driver keeps the device; the program must be able to end all the same.
    """

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._done = threading.Event()

    def _next(self) -> tuple[UInt8Array, float] | None:
        raise NotImplementedError

    def _free(self) -> None:
        raise NotImplementedError

    def read(self) -> tuple[UInt8Array, float] | None:
        """Waits for the next frame; None when there will be no more."""
        with self._reading:
            return None if self._done.is_set() else self._next()

    def close(self) -> None:
        """Lets go of the device, after the frame that is being read."""
        if self._done.is_set():
            return
        self._done.set()
        if self._reading.acquire(timeout=1.0):
            try:
                self._free()
            finally:
                self._reading.release()


class Camera(_OneAtATime):
    """A camera through OpenCV, asked for MJPEG first, which most deliver faster than raw pictures.

    Args:
        number: of the camera, from 0.
        size: width and height to ask for; None = what it gives.
        fps: rate to ask for.
        pixels: four letters of the format to ask for, as "YUYV"; "auto" = MJPG, and its own where it has none.

    Raises:
        DeviceError: if it is missing or busy; lists the cameras there are.
    """

    def __init__(
        self, number: int, size: tuple[int, int] | None = None, fps: float | None = None, pixels: str = "auto"
    ) -> None:
        cv2 = load_cv2()
        super().__init__()
        self._cv2 = cv2
        self.position: float | None = None
        self._capture: Any = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            found = list_cameras()
            there = f"there are: {', '.join(found)}" if found else "this system shows no camera"
            busy = f"/dev/video{number}" in found
            why = "another program uses it, or its driver failed" if busy else there
            raise DeviceError(f"cannot open camera {number}", why, "try another --camera, or --input FILE")
        wanted = "MJPG" if pixels == "auto" else pixels.upper()
        # The format comes first: which sizes and rates there are depends on it.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*wanted))
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps is not None:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an old frame is worth nothing
        try:
            first = self.read()
        except DeviceError as error:
            self.close()
            why = "it opened, but reading failed: another program may use it"
            raise DeviceError(
                f"camera {number} gives no picture", why, "close that, or try another --camera"
            ) from error
        if first is None:
            raise ValueError("a camera that was just opened is not closed")
        height, width = first[0].shape[:2]
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        fraction = Fraction(rate).limit_denominator(1001) if 1 <= rate <= 1000 else Fraction(30)
        self.info = VideoInfo(width=width, height=height, fps=fraction)
        self.warnings: list[str] = []
        if size is not None and size != (width, height):
            self.warnings.append(f"camera {number} gives {width}x{height} instead of {size[0]}x{size[1]}")
        if fps is not None and abs(float(fraction) - fps) > 0.5:
            self.warnings.append(f"camera {number} gives {float(fraction):g} frames/s instead of {fps:g}")
        code = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        given = "".join(chr(code >> 8 * i & 0x7F) for i in range(4)) if code > 0 else ""
        if pixels != "auto" and given.isprintable() and given != wanted:
            self.warnings.append(f"camera {number} gives the format '{given.strip()}' instead of '{wanted}'")

    def _next(self) -> tuple[UInt8Array, float] | None:
        if not self._capture.grab():
            raise DeviceError("it gives no more frames", "was it unplugged?")
        moment = time.monotonic()  # before the picture is unpacked: that is part of the delay
        ok, picture = self._capture.retrieve()
        if not ok or picture is None:
            raise DeviceError("it gives frames that cannot be read")
        self.position = self._capture.get(self._cv2.CAP_PROP_POS_MSEC) / 1000.0
        return self._cv2.cvtColor(picture, self._cv2.COLOR_BGR2RGB), moment

    def _free(self) -> None:
        self._capture.release()


class PacedFile(_OneAtATime):
    """A file's frames at the pace of their own times: a camera for trying things out.

    A picture that stays for long is given again now and then. A still is one frame; begun anew, it comes as often
    as the frames of a sequence of pictures would.

    Args:
        path: a video, or whatever ``open_reader`` reads.
        repeat: begin anew at the end.
    """

    position: float | None = None

    def __init__(self, path: str | Path, *, repeat: bool = False) -> None:
        super().__init__()
        self._path, self._repeat = path, repeat
        self._source = open_reader(path, ReadOptions(batch_size=1))
        self.warnings: list[str] = []
        self.info = self._source.info
        self._frames = self._run()

    def _run(self) -> Iterator[tuple[UInt8Array, float]]:
        last = float(1 / (self.info.fps or SEQUENCE_RATE))  # seconds that the last frame stays
        picture: UInt8Array | None = None
        due = 0.0
        while True:
            began = first = 0.0
            frames = 0
            for batch in self._source:
                shown, now = float(batch.pts[0]), time.monotonic()
                frames += 1
                if frames == 1:
                    began, first = max(now, due + last), shown
                due = began + shown - first
                yield from self._held(picture, due)
                if not self._await(due):
                    return
                picture = batch.frames[0]
                # A frame that was decoded too late was there when it was due, as with a camera.
                yield picture.copy(), max(due, now - 0.5)
            if not self._repeat or picture is None:
                return
            while frames == 1:  # opened again, it would give the same picture
                due = max(due + last, time.monotonic())
                yield from self._held(picture, due)
                if not self._await(due):
                    return
                yield picture.copy(), due
            self._source.close()
            self._source = open_reader(self._path, ReadOptions(batch_size=1))

    def _held(self, picture: UInt8Array | None, due: float) -> Iterator[tuple[UInt8Array, float]]:
        """The picture that stays until ``due``, again and again: whoever waits for a frame would think it gone."""
        while picture is not None and due - time.monotonic() > HELD and self._await(time.monotonic() + HELD):
            yield picture.copy(), time.monotonic()

    def _await(self, due: float) -> bool:
        """Waits until a frame is due; False if it was closed meanwhile."""
        left = due - time.monotonic()
        if left > 0:
            self._done.wait(left)
        return not self._done.is_set()

    def _next(self) -> tuple[UInt8Array, float] | None:
        return next(self._frames, None)

    def _free(self) -> None:
        self._source.close()


class NetworkStream(_OneAtATime):
    """A stream by its address, through PyAV; SRT, which PyAV lacks, through ffmpeg.

    Whoever joins a stream comes between two key frames, and packets get lost on the way: what cannot be decoded is
    passed over. The size is known from the first whole picture, which the first ``read`` gives.

    Raises:
        UsageError: if the address is of no known kind.
        DeviceError: if it cannot be opened, or gives no picture.
    """

    position: float | None = None

    def __init__(self, url: str) -> None:
        import av
        from av.error import FFmpegError

        super().__init__()
        address = parse_address(url, INPUTS, "open")
        self._errors = (FFmpegError, OSError)
        self._relay: Process | None = None
        self._first: tuple[UInt8Array, float] | None = None
        self.warnings: list[str] = []
        options = {"fflags": "nobuffer", "analyzeduration": "500000"}  # ffmpeg would look at five seconds
        try:
            if address.scheme == "srt":
                self._relay = Process(receive_arguments(url), write=False)
                # A sender that never speaks would be waited for without end.
                guard = threading.Timer(2 * TIMEOUT, self._relay.kill)
                guard.start()
                try:
                    self._container = av.open(self._relay.stdout, format="nut", options=options)
                finally:
                    guard.cancel()
            else:
                self._container = av.open(url, timeout=(TIMEOUT, TIMEOUT), options=options)
            stream = self._container.streams.video[0]
        except (*self._errors, IndexError, ValueError) as error:
            why = str(error)
            if self._relay is not None:
                self._relay.kill()
                why = self._relay.last_words or why
            raise DeviceError(f"cannot open the stream '{address}'", why, "is it being sent?") from error
        stream.thread_type = "SLICE"  # frame threads would hold frames back
        self._frames = self._decoded(stream)
        self._first = self._wait_for_first()
        if self._first is None:
            self.close()
            why = f"nothing in {FIRST_FRAME:.0f} s could be decoded, or it ended"
            raise DeviceError(f"the stream '{address}' gives no picture", why, "is it being sent?")
        height, width = self._first[0].shape[:2]
        rate = stream.average_rate or Fraction(30)
        self.info = VideoInfo(width=width, height=height, fps=Fraction(rate) if 1 <= rate <= 1000 else Fraction(30))

    def _wait_for_first(self) -> tuple[UInt8Array, float] | None:
        # A relay has no time limit of its own: a sender that falls silent now would be waited for without end.
        guard = threading.Timer(FIRST_FRAME, self._relay.kill) if self._relay is not None else None
        if guard is not None:
            guard.start()
        try:
            return self._next()
        finally:
            if guard is not None:
                guard.cancel()

    def _decoded(self, stream: Any) -> Iterator[Any]:
        """Frames, packet by packet; ends where the sender does, or if the first one does not come."""
        deadline = time.monotonic() + FIRST_FRAME
        for packet in self._container.demux(stream):
            frames = []
            try:
                frames = packet.decode()
            except self._errors:
                pass  # the rest of a picture whose beginning was not sent, or what was lost on the way
            for frame in frames:
                deadline = math.inf
                yield frame
            if self._done.is_set() or time.monotonic() > deadline:
                return

    def _next(self) -> tuple[UInt8Array, float] | None:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        try:
            frame = next(self._frames, None)
        except self._errors:
            return None  # the sender has gone
        return None if frame is None else (frame.to_ndarray(format="rgb24"), time.monotonic())

    def close(self) -> None:
        """Lets go of the address; one that is silent is cut off."""
        if self._relay is not None:
            self._relay.kill()
        super().close()

    def _free(self) -> None:
        self._container.close()


def open_grabber(
    camera: int = 0,
    source: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    pixels: str = "auto",
    repeat: bool = False,
) -> Grabber:
    """Opens a camera, or the file or address ``source`` instead.

    Args:
        camera: number of the camera.
        source: a path or an address; None = the camera.
        size: width and height to ask the camera for.
        fps: rate to ask the camera for, frames/s.
        pixels: format to ask the camera for; see ``Camera``.
        repeat: begin a file anew at its end.

    Raises:
        VideostyleError: if it cannot be opened.
    """
    if source is None:
        return Camera(camera, size, fps, pixels)
    if is_address(source):
        return NetworkStream(source)
    try:
        return PacedFile(source, repeat=repeat)
    except VideostyleError:
        raise
    except OSError as error:
        raise InputError(f"cannot open '{source}'", str(error)) from error
