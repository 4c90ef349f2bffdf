"""Starts the studio's server on this machine, and opens its page."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from videostyle.errors import DeviceError
from videostyle.studio.app import make_app
from videostyle.studio.studio import UPLOAD_LIMIT, Studio

HOST = "127.0.0.1"
GRACE = 3  # seconds that requests have to end in


def listening(port: int) -> socket.socket:
    """A socket that listens on this machine only.

    Args:
        port: 0 = any free one.

    Raises:
        DeviceError: if the port cannot be used.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((HOST, port))
    except (OSError, OverflowError) as error:
        found.close()
        raise DeviceError(f"cannot listen on port {port}", str(error), "choose another `port`, or 0") from error
    return found


def kept_token(work: Path) -> str:
    """The secret of the studio of a folder; made at first, so that a page that is open finds the studio again.

    Args:
        work: folder that only this user may write to; the secret's file only this user may read.
    """
    path = work / "token"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = path.read_text(encoding="ascii").strip()
        if re.fullmatch(r"[A-Za-z0-9_-]{32,64}", found):
            return found
    token = secrets.token_urlsafe(24)
    with contextlib.suppress(OSError):  # then the next studio has another one
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, token.encode())
        finally:
            os.close(file)
    return token


def serve(
    named: list[Path],
    work: Path,
    *,
    port: int = 0,
    upload_limit: int = UPLOAD_LIMIT,
    browser: bool = True,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serves the studio until it is interrupted.

    Args:
        named: folders and files that may be seen.
        work: folder for uploads, results and the queue.
        port: to listen on; 0 = any free one.
        upload_limit: bytes of an upload.
        browser: open the page.
        on_ready: called with the address, token included, when the server answers.

    Raises:
        VideostyleError: if the folders or the port cannot be used.
    """
    taken = listening(port)
    port = int(taken.getsockname()[1])
    try:
        studio = Studio(named, work, upload_limit)
    except BaseException:
        taken.close()
        raise
    try:
        token = kept_token(work)
        address = f"http://{HOST}:{port}/?token={token}"
        config = uvicorn.Config(
            make_app(studio, port, token),
            log_level="critical",
            access_log=False,
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        server = _Server(config, studio, lambda: _opened(address, browser, on_ready))
        studio.start()
        server.run(sockets=[taken])
    finally:
        studio.close()
        taken.close()


def _opened(address: str, browser: bool, on_ready: Callable[[str], None]) -> None:
    on_ready(address)
    if browser:
        # Some browsers return only when they are closed.
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


class _Server(uvicorn.Server):
    """A server that says when it is ready, and ends the streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, studio: Studio, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._studio, self._on_ready = studio, on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._studio.events.close()
        await super().shutdown(sockets)
