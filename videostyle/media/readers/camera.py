"""Live sources: cameras, network streams, and files played at their own pace.

All are grabbers: they give one frame at a time together with the time of its capture, or None when there will be no
more. A camera that fails raises ``DeviceError``.
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
from videostyle.media.readers.square import square_info, squared

TIMEOUT = 5.0  # seconds that a stream may take to open, and to send its next packet
FIRST_FRAME = 15.0  # seconds that a stream may take to its first key frame; those may be ten seconds apart
HELD = 1.0  # seconds after which a picture that a file shows for long is given again


class Grabber(Protocol):
    """Gives frames one by one as they are captured.

    Attributes:
        info: size and rate of the frames.
        warnings: how the frames differ from what was asked for.
        device_time: time of the last frame on the device's own clock, seconds; None for files and streams.
    """

    info: VideoInfo
    warnings: list[str]
    device_time: float | None

    def read(self) -> tuple[UInt8Array, float] | None:
        """Waits for the next frame.

        Returns:
            The frame, uint8 ``[H, W, 3]``, RGB, and the time of its capture, seconds of ``time.monotonic``; None
            when there will be no more.

        Raises:
            DeviceError: if the device fails.
        """

    def close(self) -> None:
        """Releases the device. May be called twice, and from another thread."""


def list_cameras() -> list[str]:
    """Cameras found in ``/dev``, such as ``/dev/video0``; empty on systems that name them differently."""
    folder = Path("/dev")
    found = folder.glob("video*") if folder.is_dir() else iter(())
    return sorted((str(path) for path in found), key=lambda name: int(re.sub(r"\D", "", name) or 0))


class _SafelyClosed:
    """A grabber that may be closed by one thread while another reads.

    A decoder that is freed while it works can crash the program, so ``close`` waits for the read in progress. It waits
    for a second only: a read that hangs in a driver keeps the device, and the program can end.
    """

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._closed = threading.Event()

    def _read_next(self) -> tuple[UInt8Array, float] | None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError

    def read(self) -> tuple[UInt8Array, float] | None:
        """Waits for the next frame; see ``Grabber.read``."""
        with self._reading:
            return None if self._closed.is_set() else self._read_next()

    def close(self) -> None:
        """Releases the device after the frame that is being read."""
        if self._closed.is_set():
            return
        self._closed.set()
        if self._reading.acquire(timeout=1.0):
            try:
                self._release()
            finally:
                self._reading.release()


class Camera(_SafelyClosed):
    """A camera, through OpenCV.

    Args:
        number: index of the camera, from 0.
        size: width and height to ask for, pixels; None = the camera's default.
        fps: rate to ask for, frames/s; None = the camera's default.
        pixels: pixel format to ask for, a FourCC such as "YUYV". "auto" asks for MJPG, which most cameras deliver
            faster than raw pictures; a camera without it keeps its default.

    Raises:
        DeviceError: if it is missing or busy; the message lists the cameras that were found.
    """

    def __init__(
        self, number: int, size: tuple[int, int] | None = None, fps: float | None = None, pixels: str = "auto"
    ) -> None:
        cv2 = load_cv2()
        super().__init__()
        self._cv2 = cv2
        self.device_time: float | None = None
        self._capture: Any = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            found = list_cameras()
            others = f"cameras found: {', '.join(found)}" if found else "no camera was found"
            busy = f"/dev/video{number}" in found
            why = "another program uses it, or its driver failed" if busy else others
            raise DeviceError(f"cannot open camera {number}", why, "try another `camera`, or a file as `input`")
        wanted = "MJPG" if pixels == "auto" else pixels.upper()
        # The format comes first, as the available sizes and rates depend on it.
        self._capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*wanted))
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps is not None:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # no queue of old frames in the driver
        try:
            first = self.read()
        except DeviceError as error:
            self.close()
            why = "it opened, but reading failed: another program may use it"
            raise DeviceError(
                f"camera {number} gives no picture", why, "close that, or try another `camera`"
            ) from error
        if first is None:
            raise DeviceError(
                f"camera {number} gives no picture", "it was closed while it was opened", hint="try again"
            )
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

    def _read_next(self) -> tuple[UInt8Array, float] | None:
        if not self._capture.grab():
            raise DeviceError(
                "it delivers no more frames", "was it unplugged?", hint="plug it in again; `reconnect` waits for that"
            )
        captured = time.monotonic()  # before decoding, which is part of the latency
        ok, picture = self._capture.retrieve()
        if not ok or picture is None:
            raise DeviceError(
                "it delivers frames that cannot be decoded", hint="try another `camera_format`, such as YUYV"
            )
        self.device_time = self._capture.get(self._cv2.CAP_PROP_POS_MSEC) / 1000.0
        return self._cv2.cvtColor(picture, self._cv2.COLOR_BGR2RGB), captured

    def _release(self) -> None:
        self._capture.release()


class PacedFile(_SafelyClosed):
    """Plays a file at its own pace, in place of a camera.

    A frame that is shown for long is given again every ``HELD`` seconds, so that the file does not count as stalled.
    A still image is a single frame; repeated, it is given ``SEQUENCE_RATE`` times per second. Pixels are made square.

    Args:
        path: whatever ``open_reader`` reads.
        repeat: start again at the end.

    Raises:
        InputError: if the file cannot be read.
    """

    device_time: float | None = None

    def __init__(self, path: str | Path, *, repeat: bool = False) -> None:
        super().__init__()
        self._path, self._repeat = path, repeat
        self._source = open_reader(path, ReadOptions(batch_size=1))
        self.warnings: list[str] = []
        self.info = square_info(self._source.info)
        self._waits, self._playing = False, threading.Event()
        self._frames = self._run()

    def hold(self) -> None:
        """Waits behind the first frame for ``play``, so that a clip does not run out while a painter is prepared."""
        self._waits = True

    def play(self) -> None:
        """Goes on from the first frame, which is given once more."""
        self._playing.set()

    def close(self) -> None:
        """Releases the file after the frame that is being read."""
        self._playing.set()
        super().close()

    def _run(self) -> Iterator[tuple[UInt8Array, float]]:
        last = float(1 / (self.info.fps or SEQUENCE_RATE))  # seconds for which the last frame is shown
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
                picture = squared(batch.frames[0], self.info)
                # A frame that was decoded late counts as captured when it was due, as with a camera.
                yield picture.copy(), max(due, now - 0.5)
                if self._waits:
                    self._playing.wait()
                    self._waits = False
                    due = began = time.monotonic()
                    yield picture.copy(), began
            if not self._repeat or picture is None:
                return
            while frames == 1:  # no need to open a still image again
                due = max(due + last, time.monotonic())
                yield from self._held(picture, due)
                if not self._await(due):
                    return
                yield picture.copy(), due
            self._source.close()
            self._source = open_reader(self._path, ReadOptions(batch_size=1))

    def _held(self, picture: UInt8Array | None, due: float) -> Iterator[tuple[UInt8Array, float]]:
        """Gives the current picture every ``HELD`` seconds until the next one is due."""
        while picture is not None and due - time.monotonic() > HELD and self._await(time.monotonic() + HELD):
            yield picture.copy(), time.monotonic()

    def _await(self, due: float) -> bool:
        """Waits until time ``due``, seconds; False if the file was closed in the meantime."""
        left = due - time.monotonic()
        if left > 0:
            self._closed.wait(left)
        return not self._closed.is_set()

    def _read_next(self) -> tuple[UInt8Array, float] | None:
        return next(self._frames, None)

    def _release(self) -> None:
        self._source.close()


class NetworkStream(_SafelyClosed):
    """A network stream, through PyAV; for SRT, which PyAV's wheels lack, ffmpeg receives and PyAV decodes.

    A stream is usually joined between two key frames, and packets get lost on the way: packets that cannot be decoded
    are skipped. The constructor waits for the first decoded frame, as only that tells the size. Pixels are made square.

    Args:
        url: address of one of the schemes in ``media.address.INPUTS``.

    Raises:
        UsageError: if the address is of another kind.
        DeviceError: if the stream cannot be opened, or no frame arrives in ``FIRST_FRAME`` seconds.
    """

    device_time: float | None = None

    def __init__(self, url: str) -> None:
        import av
        from av.error import FFmpegError

        super().__init__()
        address = parse_address(url, INPUTS, "open")
        self._errors = (FFmpegError, OSError)
        self._relay: Process | None = None
        self._first: tuple[UInt8Array, float] | None = None
        self._stored: tuple[int, int] | None = None  # height and width of the frames that are stretched
        self.warnings: list[str] = []
        options = {"fflags": "nobuffer", "analyzeduration": "500000"}  # microseconds; the default is five seconds
        try:
            if address.scheme == "srt":
                self._relay = Process(receive_arguments(url), write=False)
                # ffmpeg itself would wait for a silent sender without end.
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
                why = self._relay.last_message or why
            raise DeviceError(f"cannot open the stream '{address}'", why, "is it being sent?") from error
        stream.thread_type = "SLICE"  # decoding several frames at once would delay them
        self._frames = _progressive(self._decoded(stream))
        self._first = self._wait_for_first()
        if self._first is None:
            self.close()
            why = f"no frame could be decoded in {FIRST_FRAME:.0f} s, or the stream ended"
            raise DeviceError(f"the stream '{address}' gives no picture", why, "is it being sent?")
        height, width = self._first[0].shape[:2]
        rate = stream.average_rate or Fraction(30)
        rate = Fraction(rate) if 1 <= rate <= 1000 else Fraction(30)
        # The container's shape of pixels comes before the codec's own.
        codec = getattr(stream, "codec_context", None)
        stated = getattr(stream, "sample_aspect_ratio", None) or getattr(codec, "sample_aspect_ratio", None)
        self.info = square_info(VideoInfo(width, height, rate, sample_aspect=Fraction(stated or 1)))
        self._stored = height, width

    def _wait_for_first(self) -> tuple[UInt8Array, float] | None:
        # Reading from ffmpeg has no timeout: a sender that falls silent now would be waited for without end.
        guard = threading.Timer(FIRST_FRAME, self._relay.kill) if self._relay is not None else None
        if guard is not None:
            guard.start()
        try:
            return self._read_next()
        finally:
            if guard is not None:
                guard.cancel()

    def _decoded(self, stream: Any) -> Iterator[Any]:
        """Decodes packet by packet; ends with the stream, or if the first frame does not arrive in time."""
        deadline = time.monotonic() + FIRST_FRAME
        for packet in self._container.demux(stream):
            frames = []
            try:
                frames = packet.decode()
            except self._errors:
                pass  # the stream was joined between two key frames, or packets were lost
            for frame in frames:
                deadline = math.inf
                yield frame
            if self._closed.is_set() or time.monotonic() > deadline:
                return

    def _read_next(self) -> tuple[UInt8Array, float] | None:
        if self._first is not None:
            first, self._first = self._first, None
            return squared(first[0], self.info), first[1]
        try:
            frame = next(self._frames, None)
        except self._errors:
            return None  # the sender has disconnected
        if frame is None:
            return None
        picture = frame.to_ndarray(format="rgb24")
        # ``live.capture`` scales frames whose size changes later.
        return (squared(picture, self.info) if picture.shape[:2] == self._stored else picture), time.monotonic()

    def close(self) -> None:
        """Disconnects, even if the sender is silent."""
        if self._relay is not None:
            self._relay.kill()
        super().close()

    def _release(self) -> None:
        self._container.close()


def _progressive(frames: Iterator[Any]) -> Iterator[Any]:
    """PyAV's frames; from the first interlaced one on they are deinterlaced (bwdif), which delays them by one."""
    from av.error import BlockingIOError as NotYet
    from av.filter import Graph

    graph: Any = None
    shape = None
    for frame in frames:
        if graph is None and not frame.interlaced_frame:
            yield frame
            continue
        if graph is None or shape != (frame.width, frame.height, frame.format.name):
            shape = frame.width, frame.height, frame.format.name
            graph = Graph()
            source = graph.add_buffer(width=shape[0], height=shape[1], format=shape[2], time_base=frame.time_base)
            deinterlace = graph.add("bwdif", "mode=send_frame:deint=interlaced")
            source.link_to(deinterlace)
            deinterlace.link_to(graph.add("buffersink"))
            graph.configure()
        graph.push(frame)
        try:
            while True:
                yield graph.pull()
        except NotYet:
            continue  # it waits for the next frame


def open_grabber(
    camera: int = 0,
    source: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    pixels: str = "auto",
    repeat: bool = False,
) -> Grabber:
    """Opens a camera, a file or a network stream.

    Args:
        camera: index of the camera, from 0; used if ``source`` is None.
        source: path of a file or address of a stream.
        size: width and height to ask a camera for, pixels.
        fps: rate to ask a camera for, frames/s.
        pixels: pixel format to ask a camera for, see ``Camera``.
        repeat: start a file again at its end.

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
        raise InputError(
            f"cannot open '{source}'", str(error), hint="check the path or address of the `input`"
        ) from error
