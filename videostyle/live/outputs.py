"""Where live frames go: a recording, a stream, a page for a browser, a virtual camera. Each in its own thread.

An output takes the newest frame when it has time for one; it never makes the painting wait. One that fails is
closed and said, or tried again with growing pauses where that makes sense; the others go on.
"""

from __future__ import annotations

import contextlib
import hmac
import http.server
import importlib
import logging
import os
import secrets
import sys
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import av
import numpy as np
from av.error import FFmpegError

from videostyle.errors import DeviceError, OutputError, UsageError, VideostyleError
from videostyle.frames import UInt8Array
from videostyle.io.files import PendingOutput, disk_error
from videostyle.io.opencv import load_cv2
from videostyle.io.sink import MUXERS
from videostyle.live.newest import Newest
from videostyle.provenance import Painted, embed

log = logging.getLogger("videostyle")

CLOCK = Fraction(1, 90_000)
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0  # seconds between attempts to reach a stream's server


@dataclass(frozen=True)
class LiveFrame:
    """A painted frame on its way out.

    Attributes:
        picture: uint8 ``[H, W, 3]`` RGB.
        captured: when it was captured, ``time.monotonic``.
        number: of the captured frame.
    """

    picture: UInt8Array
    captured: float
    number: int


class Output(Protocol):
    """Takes frames, one after the other, in a thread of its own."""

    def open(self, width: int, height: int, fps: float) -> None:
        """Gets ready."""

    def write(self, frame: LiveFrame) -> None:
        """Takes a frame."""

    def close(self) -> None:
        """Finishes. May be called twice."""


class _Encoder:
    """H.264 with every frame's own time, into a container that PyAV writes."""

    def __init__(
        self, target: str, container: str, options: dict[str, str], width: int, height: int, fps: float
    ) -> None:
        self._container = av.open(target, "w", format=container, options=options, timeout=(5.0, 5.0))
        # The name of a stream's codec decides its class, which the types do not know.
        stream: Any = self._container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = width - width % 2, height - height % 2, "yuv420p"
        stream.time_base = stream.codec_context.time_base = CLOCK
        stream.codec_context.gop_size = max(1, round(fps))
        context = stream.codec_context
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1  # BT.709
        stream.options = {"preset": "veryfast", "tune": "zerolatency", "crf": "20"}
        self._stream, self._last = stream, -1
        self._first: float | None = None

    def write(self, frame: LiveFrame) -> None:
        picture = np.ascontiguousarray(frame.picture[: self._stream.height, : self._stream.width])
        self._first = frame.captured if self._first is None else self._first
        tick = max(self._last + 1, round((frame.captured - self._first) / CLOCK))
        self._last = tick
        image = av.VideoFrame.from_ndarray(picture, format="rgb24")
        image = image.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        image.pts, image.time_base = tick, CLOCK
        for packet in self._stream.encode(image):
            self._container.mux(packet)

    def close(self) -> None:
        try:
            for packet in self._stream.encode(None):
                self._container.mux(packet)
        finally:
            self._container.close()


class Recording:
    """A recording with the times at which frames were captured.

    It is written in fragments beside its final name (``NAME.recording.mp4``), which plays up to the last second
    after a kill; on a proper end it is put in order, without encoding again, under the name asked for.

    Args:
        path: an .mp4, .mov or .mkv file.
        overwrite: whether it may be replaced.
        painted: what the file shall say of itself.
    """

    def __init__(self, path: str | Path, *, overwrite: bool = False, painted: Painted | None = None) -> None:
        if Path(path).suffix.lower() not in (".mp4", ".mov", ".mkv"):
            raise UsageError(f"cannot record to '{path}'", hint="use .mp4, .mov or .mkv")
        self._pending = PendingOutput(path, overwrite=overwrite)
        self.path = self._pending.path
        self.running = self.path.with_name(f"{self.path.stem}.recording{self.path.suffix}")
        self._painted = painted
        self._format = MUXERS[self.path.suffix.lower()]
        self._encoder: _Encoder | None = None
        self._frames = 0

    def open(self, width: int, height: int, fps: float) -> None:
        """Begins the file.

        Raises:
            OutputError: if it cannot be written.
        """
        fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "flush_packets": "1"}
        options = fragments if self._format in ("mp4", "mov") else {}
        try:
            self._encoder = _Encoder(f"file:{self.running}", self._format, options, width, height, fps)
        except (FFmpegError, OSError) as error:
            raise OutputError(f"cannot record to '{self.path}'", str(error)) from error

    def write(self, frame: LiveFrame) -> None:
        """Takes a frame."""
        if self._encoder is None:
            raise ValueError("open() comes first")
        try:
            self._encoder.write(frame)
        except OSError as error:
            raise disk_error(self.path, error) from error
        self._frames += 1

    def close(self) -> None:
        """Puts the recording in order under its name."""
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            self._pending.abort()
            return
        try:
            encoder.close()
            if not self._frames:
                self._pending.abort()
                self.running.unlink(missing_ok=True)
                return
            with av.open(f"file:{self.running}") as source:
                options = {"movflags": "+faststart+use_metadata_tags"} if self._format in ("mp4", "mov") else {}
                with av.open(f"file:{self._pending.temporary}", "w", format=self._format, options=options) as target:
                    copy = target.add_stream_from_template(source.streams.video[0])
                    if self._painted is not None:
                        target.metadata.update(self._painted.tags())
                    for packet in source.demux(source.streams.video[0]):
                        if packet.dts is not None:
                            packet.stream = copy
                            target.mux(packet)
            if self._painted is not None:
                embed(self._pending.temporary, self._painted.xmp())
            self._pending.commit()
            self.running.unlink(missing_ok=True)
        except (FFmpegError, OSError) as error:
            self._pending.abort()
            raise OutputError(f"'{self.path}' was not finished", str(error), f"'{self.running.name}' plays") from error


class StreamOut:
    """A network stream by its address; when its server goes, frames are let go and it is tried again.

    Args:
        url: rtmp://, srt://, udp:// or rtp:// address.
    """

    FORMATS = {"rtmp": "flv", "rtmps": "flv", "srt": "mpegts", "udp": "mpegts", "rtp": "rtp_mpegts", "tcp": "mpegts"}  # noqa: RUF012

    def __init__(self, url: str) -> None:
        scheme = url.split("://", 1)[0].lower()
        if "://" not in url or scheme not in self.FORMATS:
            raise UsageError(f"cannot stream to '{url}'", hint="use rtmp://, srt://, udp://, rtp:// or tcp://")
        self._url, self._format = url, self.FORMATS[scheme]
        self._encoder: _Encoder | None = None
        self._size = (0, 0, 0.0)
        self._pause, self._again = FIRST_PAUSE, 0.0
        self.reconnects = 0

    def open(self, width: int, height: int, fps: float) -> None:
        """Remembers the size; the first frame connects."""
        self._size = (width, height, fps)

    def write(self, frame: LiveFrame) -> None:
        """Sends a frame, or lets it go while the server is away."""
        try:
            if self._encoder is None:
                if time.monotonic() < self._again:
                    return
                self._encoder = _Encoder(self._url, self._format, {}, *self._size)
                self._pause = FIRST_PAUSE
            self._encoder.write(frame)
        except (FFmpegError, OSError) as error:
            log.warning("the stream '%s' is broken: %s; tried again in %.1f s", self._url, error, self._pause)
            self._drop()
            self.reconnects += 1
            self._again = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _drop(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            with contextlib.suppress(FFmpegError, OSError):
                encoder.close()

    def close(self) -> None:
        """Ends the stream."""
        self._drop()


class VirtualCamera:
    """A camera that other programs see, through pyvirtualcam (the ``[live]`` extra).

    Raises:
        DeviceError: if the extra, or the system's virtual camera, is missing.
    """

    def __init__(self) -> None:
        try:
            self._library: Any = importlib.import_module("pyvirtualcam")
        except ImportError as error:
            raise DeviceError(
                "a virtual camera needs an extra", str(error), "pip install 'videostyle[live]'"
            ) from error
        self._camera: Any = None

    def open(self, width: int, height: int, fps: float) -> None:
        """Opens the system's virtual camera."""
        try:
            self._camera = self._library.Camera(width=width, height=height, fps=fps)
        except RuntimeError as error:
            raise DeviceError("there is no virtual camera", str(error), "on Linux: modprobe v4l2loopback") from error

    def write(self, frame: LiveFrame) -> None:
        """Shows a frame."""
        self._camera.send(frame.picture)

    def close(self) -> None:
        """Lets go of it."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>videostyle</title>
<style>html,body{margin:0;height:100%;background:#111}img{width:100%;height:100%;object-fit:contain}</style>
<img alt="painted live" src="frames"></html>
"""


class Page:
    """A page for a browser: motion JPEG on this machine alone.

    It listens on 127.0.0.1, under an address that holds a random token, and answers only requests that name
    this very host: a page of another site can neither guess the address nor reach it under another name.

    Args:
        port: to listen on; 0 = any free one.
        token: part of the address; None = a random one.
    """

    def __init__(self, port: int = 0, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(16)
        self._latest: bytes | None = None
        self._condition = threading.Condition()
        self._number = 0
        self._closed = False
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name that http.server asks for
                page._answer(self)

            def log_message(self, format: str, *arguments: Any) -> None:  # its parameter's name
                log.debug(format, *arguments)

        try:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except (OSError, OverflowError) as error:
            raise DeviceError(f"cannot listen on port {port}", str(error), "give another --page PORT, or 0") from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.address = f"http://127.0.0.1:{self.port}/{self.token}/"
        threading.Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    def _answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        origin = request.headers.get("Origin")
        allowed = request.headers.get("Host", "") in hosts
        if origin is not None:
            allowed = allowed and urlsplit(origin).netloc in hosts
        token, _, rest = urlsplit(request.path).path.lstrip("/").partition("/")
        if not allowed or not hmac.compare_digest(token.encode(), self.token.encode()):
            request.send_error(403)
        elif rest == "":
            self._send(request, "text/html; charset=utf-8", PAGE.encode())
        elif rest == "frame.jpg" and self._latest is not None:
            self._send(request, "image/jpeg", self._latest)
        elif rest == "frames":
            self._stream(request)
        else:
            request.send_error(404)

    @staticmethod
    def _send(request: http.server.BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Cache-Control", "no-store")
        request.send_header("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'")
        request.send_header("Referrer-Policy", "no-referrer")
        request.end_headers()
        request.wfile.write(body)

    def _stream(self, request: http.server.BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.send_header("Cache-Control", "no-store")
        request.end_headers()
        seen = 0
        with contextlib.suppress(OSError):  # the browser has gone
            request.wfile.write(b"--frame\r\n")
            while not self._closed:
                with self._condition:
                    if self._number == seen and not self._closed:
                        self._condition.wait(5.0)
                    seen, data = self._number, self._latest
                if data is not None:
                    # A browser shows a part when it sees the border behind it, not before: it is sent at once.
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    request.wfile.write(head.encode() + data + b"\r\n--frame\r\n")

    def open(self, width: int, height: int, fps: float) -> None:
        """Nothing: browsers come when they like."""

    def write(self, frame: LiveFrame) -> None:
        """Shows a frame to whoever looks."""
        cv2 = load_cv2()
        bgr = cv2.cvtColor(frame.picture, cv2.COLOR_RGB2BGR)
        ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
        if ok:
            with self._condition:
                self._latest, self._number = data.tobytes(), self._number + 1
                self._condition.notify_all()

    def close(self) -> None:
        """Stops listening."""
        if not self._closed:
            self._closed = True
            with self._condition:
                self._condition.notify_all()
            self._server.shutdown()
            self._server.server_close()


class Window:
    """A window on this machine's display, for the thread that calls ``show``: most systems insist on the first.

    Raises:
        DeviceError: if there is no display, or this OpenCV has no windows.
    """

    TITLE = "videostyle"

    def __init__(self, *, fullscreen: bool = False) -> None:
        cv2 = load_cv2()
        instead = "use --page, --record, --stream-to or --virtual-camera"
        if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise DeviceError("there is no display", hint=instead)
        try:
            cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL)
            if fullscreen:
                cv2.setWindowProperty(self.TITLE, cv2.WND_PROP_FULLSCREEN, cv2.WINDOW_FULLSCREEN)
        except cv2.error as error:
            why = "opencv-python-headless is installed"
            raise DeviceError("this OpenCV has no windows", why, f"pip install opencv-python; or {instead}") from error
        self._cv2 = cv2

    def show(self, picture: UInt8Array) -> str:
        """Shows a frame RGB; returns the key that was pressed, "" if none, "q" if the window was closed."""
        self._cv2.imshow(self.TITLE, self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2BGR))
        key = self._cv2.waitKey(1) & 0xFF
        if self._cv2.getWindowProperty(self.TITLE, self._cv2.WND_PROP_VISIBLE) < 1:
            return "q"
        return "" if key == 255 else chr(key)

    def close(self) -> None:
        """Closes the window."""
        self._cv2.destroyWindow(self.TITLE)


class Runner:
    """Feeds one output from a thread of its own.

    Args:
        name: for messages.
        output: what to feed.
        width: of the frames.
        height: of the frames.
        fps: expected rate.
    """

    def __init__(self, name: str, output: Output, width: int, height: int, fps: float) -> None:
        self.name, self.output = name, output
        self.slot: Newest[LiveFrame] = Newest()
        self.frames = 0
        self.delays: list[float] = []
        self.error: VideostyleError | None = None
        output.open(width, height, fps)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            while not self.slot.over:
                frame = self.slot.get(0.5)
                if frame is not None:
                    self.output.write(frame)
                    self.frames += 1
                    self.delays.append(time.monotonic() - frame.captured)
                    del self.delays[:-3000]
        except VideostyleError as error:
            self.error = error
        except (FFmpegError, OSError, RuntimeError) as error:
            self.error = OutputError(f"{self.name} failed", str(error))
        if self.error is not None:
            log.warning("%s; the rest goes on", self.error)

    @property
    def alive(self) -> bool:
        """Whether it still takes frames."""
        return self._thread.is_alive() and self.error is None

    def close(self) -> None:
        """Lets it finish what it has, then finishes the output.

        Raises:
            VideostyleError: if it cannot be finished.
        """
        self.slot.close()
        self._thread.join(10)
        self.output.close()
