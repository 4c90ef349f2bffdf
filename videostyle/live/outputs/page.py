"""Shows the painted picture on a web page of this machine."""

from __future__ import annotations

import contextlib
import hmac
import http.server
import logging
import secrets
import threading
from typing import Any
from urllib.parse import urlsplit

from videostyle.errors import DeviceError
from videostyle.live.frame import LiveFrame
from videostyle.media.opencv import load_cv2

log = logging.getLogger("videostyle")

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>videostyle</title>
<style>html,body{margin:0;height:100%;background:#111}img{width:100%;height:100%;object-fit:contain}</style>
<img alt="painted live" src="frames"></html>
"""


class Page:
    """A web page that shows the picture as motion JPEG, to browsers on this machine only.

    The server listens on 127.0.0.1. Its address contains a random token, and requests must name this host in their
    Host and Origin headers. So a page of another site can neither guess the address nor reach the server through a
    domain name of its own (DNS rebinding).

    Args:
        port: port to listen on; 0 = any free one.
        token: secret part of the address; None = a random one.

    Attributes:
        address: what to open in the browser.

    Raises:
        DeviceError: if the port cannot be used.
    """

    def __init__(self, port: int = 0, token: str | None = None) -> None:
        self.token = token or secrets.token_urlsafe(16)
        self._latest: bytes | None = None
        self._condition = threading.Condition()
        self._number = 0
        self._closed = False
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # else the end of a picture is held back until the browser acknowledges

            def do_GET(self) -> None:  # name given by http.server
                page._answer(self)

            def log_message(self, format: str, *arguments: Any) -> None:  # parameter name given by http.server
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
        with contextlib.suppress(OSError):  # the browser has closed the page
            request.wfile.write(b"--frame\r\n")
            while not self._closed:
                with self._condition:
                    if self._number == seen and not self._closed:
                        self._condition.wait(5.0)
                    seen, data = self._number, self._latest
                if data is not None:
                    # A browser shows a picture only when it has received the boundary after it, so that is sent along.
                    head = f"Content-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    request.wfile.write(head.encode() + data + b"\r\n--frame\r\n")

    def open(self, width: int, height: int, fps: float) -> None:
        """Does nothing: the server listens already."""

    def write(self, frame: LiveFrame) -> None:
        """Encodes a frame as JPEG and sends it to every open page."""
        cv2 = load_cv2()
        bgr = cv2.cvtColor(frame.picture, cv2.COLOR_RGB2BGR)
        ok, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 85])
        if ok:
            with self._condition:
                self._latest, self._number = data.tobytes(), self._number + 1
                self._condition.notify_all()

    def close(self) -> None:
        """Stops the server. May be called twice."""
        if not self._closed:
            self._closed = True
            with self._condition:
                self._condition.notify_all()
            self._server.shutdown()
            self._server.server_close()
