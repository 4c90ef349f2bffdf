"""Shows the painted picture on a web page of this machine, and takes the keys that are pressed there."""

from __future__ import annotations

import contextlib
import hmac
import html
import http.server
import json
import logging
import queue
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from videostyle.errors import DeviceError, VideostyleError
from videostyle.live.frame import LiveFrame
from videostyle.live.keys import BUTTONS, PAGE_KEYS, listed
from videostyle.media.opencv import load_cv2
from videostyle.media.readers.pictures import read_picture

log = logging.getLogger("videostyle")

ANSWER_TIME = 2.0  # seconds that a browser waits for the effect of a key
CONTENT_POLICY = "default-src 'none'; img-src 'self'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'"
LARGEST_REQUEST = 256  # bytes of a request's body
Thumbnail = tuple[str, Path | None]  # name of a style, and a picture of it

STYLE_SHEET = """
html,body{margin:0;height:100%;background:#111;color:#fff;font:14px sans-serif}
#frames{width:100%;height:100%;object-fit:contain}
#panel{position:fixed;left:8px;right:8px;bottom:8px;display:flex;flex-wrap:wrap;gap:4px;align-items:end}
#panel[hidden]{display:none}
#panel p{margin:0;padding:4px 8px;background:#0009;width:100%}
button{background:#0009;color:#fff;border:1px solid #fff5;border-radius:4px;padding:4px 8px;cursor:pointer}
button img{display:block;width:72px;height:48px;object-fit:cover;margin-bottom:2px}
"""
SCRIPT = f"""const keys = {json.dumps("".join(sorted(PAGE_KEYS)))};
const line = document.getElementById("status"), panel = document.getElementById("panel");
async function send(key) {{
  const answer = await fetch("key", {{
    method: "POST",
    headers: {{"Content-Type": "application/json"}},
    body: JSON.stringify({{key}}),
  }});
  if (answer.ok) line.textContent = (await answer.json()).status;
}}
document.addEventListener("keydown", (event) => {{
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "o") panel.hidden = !panel.hidden;
  else if (event.key === "f") {{
    if (document.fullscreenElement) document.exitFullscreen();
    else document.documentElement.requestFullscreen();
  }} else if (event.key.length === 1 && keys.includes(event.key)) send(event.key);
}});
for (const button of document.querySelectorAll("button"))
  button.addEventListener("click", () => send(button.dataset.key));
setInterval(() => {{ if (!panel.hidden) send(""); }}, 1000);
"""


def page_html(styles: Sequence[Thumbnail]) -> str:
    """The page: the picture, a button for each style with its painting, and one for each control.

    Args:
        styles: at most nine get a button.
    """
    choices = ""
    for number, (name, picture) in enumerate(styles[:9], 1):
        shown = f'<img alt="" src="style/{number}.jpg">' if picture is not None else ""
        choices += f'<button data-key="{number}" title="key {number}">{shown}{html.escape(name)}</button>'
    controls = "".join(
        f'<button data-key="{html.escape(key)}" title="key {html.escape(key)}">{html.escape(text)}</button>'
        for text, key in BUTTONS.items()
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>videostyle</title>
<style>{STYLE_SHEET}</style>
<img id="frames" alt="painted live" src="frames">
<div id="panel"><p id="status">{html.escape(listed(page=True))}</p>{choices}{controls}</div>
<script src="keys.js"></script></html>
"""


class Page:
    """A web page that shows the picture as motion JPEG, to browsers on this machine only.

    The server listens on 127.0.0.1. Its address contains a random token, and requests must name this host in their
    Host and Origin headers. So a page of another site can neither guess the address nor reach the server through a
    domain name of its own (DNS rebinding). Keys arrive as JSON in POST requests, and only those in ``PAGE_KEYS`` count.

    Args:
        port: port to listen on; 0 = any free one.
        styles: name and picture of each style, for its button.

    Attributes:
        address: what to open in the browser.

    Raises:
        DeviceError: if the port cannot be used.
    """

    def __init__(self, port: int = 0, styles: Sequence[Thumbnail] = ()) -> None:
        self._styles = list(styles)
        self.token = secrets.token_urlsafe(16)
        self._latest: bytes | None = None
        self._condition = threading.Condition()
        self._number = 0
        self._keys: queue.SimpleQueue[tuple[str, Future[str]]] = queue.SimpleQueue()
        self._closed = False
        page = self

        class Handler(http.server.BaseHTTPRequestHandler):
            disable_nagle_algorithm = True  # else the end of a picture is held back until the browser acknowledges

            def do_GET(self) -> None:  # name given by http.server
                if page._allows(self):
                    page._answer(self)

            def do_POST(self) -> None:  # name given by http.server
                if page._allows(self):
                    page._answer_key(self)

            def log_message(self, format: str, *arguments: Any) -> None:  # parameter name given by http.server
                log.debug(format, *arguments)

        try:
            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except (OSError, OverflowError) as error:
            raise DeviceError(f"cannot listen on port {port}", str(error), "choose another `page`, or 0") from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.address = f"http://127.0.0.1:{self.port}/{self.token}/"
        threading.Thread(target=self._server.serve_forever, name="page", daemon=True).start()

    def _allows(self, request: http.server.BaseHTTPRequestHandler) -> bool:
        """Whether a request has the token and names this host; refuses it otherwise."""
        hosts = {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}
        origin = request.headers.get("Origin")
        allowed = request.headers.get("Host", "") in hosts
        if origin is not None:
            allowed = allowed and urlsplit(origin).netloc in hosts
        token = urlsplit(request.path).path.lstrip("/").partition("/")[0]
        allowed = allowed and hmac.compare_digest(token.encode(), self.token.encode())
        if not allowed:
            request.send_error(403)
        return allowed

    @staticmethod
    def _name(request: http.server.BaseHTTPRequestHandler) -> str:
        """The part of the address behind the token."""
        return urlsplit(request.path).path.lstrip("/").partition("/")[2]

    def _answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        rest = self._name(request)
        if rest == "":
            self._send(request, "text/html; charset=utf-8", page_html(self._styles).encode())
        elif rest == "keys.js":
            self._send(request, "text/javascript; charset=utf-8", SCRIPT.encode())
        elif rest == "frame.jpg" and self._latest is not None:
            self._send(request, "image/jpeg", self._latest)
        elif rest == "frames":
            self._stream(request)
        elif (picture := self._thumbnail(rest)) is not None:
            self._send(request, "image/jpeg", picture)
        else:
            request.send_error(404)

    def _thumbnail(self, name: str) -> bytes | None:
        """The picture of a style's button, ``style/1.jpg``; None where there is none."""
        found = re.fullmatch(r"style/([1-9])\.jpg", name)
        path = self._styles[int(found[1]) - 1][1] if found and int(found[1]) <= len(self._styles) else None
        try:
            picture = read_picture(path) if path is not None else None
        except VideostyleError:
            return None
        if picture is None:
            return None
        cv2 = load_cv2()
        height = max(1, round(144 * picture.shape[0] / picture.shape[1]))
        small = cv2.resize(picture, (144, height), interpolation=cv2.INTER_AREA)
        ok, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        return data.tobytes() if ok else None

    def _answer_key(self, request: http.server.BaseHTTPRequestHandler) -> None:
        """Queues the key of a request and sends the status that ``answer_keys`` gives it."""
        # A form of another site cannot send JSON without this server's consent (CORS).
        if self._name(request) != "key" or request.headers.get_content_type() != "application/json":
            request.send_error(404)
            return
        length = request.headers.get("Content-Length", "")
        size = min(int(length), LARGEST_REQUEST) if length.isdecimal() else 0
        try:
            body = json.loads(request.rfile.read(size))
            key = str(body["key"])
        except (ValueError, KeyError, TypeError):
            key = "?"
        if key and key not in PAGE_KEYS:  # no key asks for the status alone
            request.send_error(400)
            return
        status: Future[str] = Future()
        self._keys.put((key, status))
        try:
            answer = status.result(ANSWER_TIME)
        except TimeoutError:
            status.cancel()  # a key must not take effect long after it was pressed
            request.send_error(503)
            return
        self._send(request, "application/json", json.dumps({"status": answer}).encode())

    def answer_keys(self, press: Callable[[str], str]) -> None:
        """Calls ``press`` with each key that has arrived, and sends what it returns, the status, to the browser.

        To be called regularly, by the thread that keys are to be handled in.
        """
        with contextlib.suppress(queue.Empty):
            while True:
                key, status = self._keys.get_nowait()
                if status.set_running_or_notify_cancel():
                    status.set_result(press(key))

    @staticmethod
    def _send(request: http.server.BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.send_header("Cache-Control", "no-store")
        request.send_header("Content-Security-Policy", CONTENT_POLICY)
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
