"""A window on this machine's display."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import Any

from videostyle.errors import DeviceError
from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2

ALTERNATIVES = "use `page`, `record`, `stream_to` or `virtual_camera`"


class Window:
    """A window of OpenCV. All methods must be called in the main thread, as most systems require.

    OpenCV must be loaded before PyAV: the wheels of both contain parts of the X library, and with those of PyAV in
    memory, Qt hangs while it looks for the display.

    Args:
        width: initial width of the picture, pixels.
        height: initial height of the picture, pixels.
        fullscreen: whether to fill the screen.

    Raises:
        DeviceError: if there is no display, or if OpenCV was built without windows.
    """

    TITLE = "videostyle"

    def __init__(self, width: int = 640, height: int = 360, *, fullscreen: bool = False) -> None:
        check_display()
        cv2 = load_cv2()
        loaded = list(sys.modules)  # in the order of their import
        if sys.platform == "linux" and "av" in loaded and loaded.index("av") < loaded.index("cv2"):
            raise DeviceError("a window cannot be opened", "PyAV was loaded before OpenCV", "import cv2 before av")
        self._cv2, self._fullscreen = cv2, False
        try:
            # Without Qt's tool bar, which would take some of the keys.
            cv2.namedWindow(self.TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(self.TITLE, width, height)
        except cv2.error as error:
            why = "opencv-python-headless is installed"
            hint = f"pip uninstall opencv-python-headless, pip install opencv-python; or {ALTERNATIVES}"
            raise DeviceError("this OpenCV has no windows", why, hint) from error
        if fullscreen:
            self.toggle_fullscreen()

    def show(self, picture: UInt8Array | None) -> str:
        """Shows a picture and handles the window's events.

        Args:
            picture: uint8 ``[H, W, 3]``, RGB; None = keep the one shown.

        Returns:
            The key that was pressed, "" if none, "q" if the window was closed.
        """
        if picture is not None:
            self._cv2.imshow(self.TITLE, self._framed(self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2BGR)))
        key = self._cv2.waitKey(1) & 0xFF
        if self._cv2.getWindowProperty(self.TITLE, self._cv2.WND_PROP_VISIBLE) < 1:
            return "q"
        return "" if key == 255 else chr(key)

    def _framed(self, picture: Any) -> Any:
        """Adds black borders up to the window's aspect ratio, which Qt would fill with white."""
        height, width = picture.shape[:2]
        try:
            _, _, across, down = self._cv2.getWindowImageRect(self.TITLE)
        except self._cv2.error:
            return picture
        if min(across, down) < 1:
            return picture
        aside = max(0, round((height * across / down - width) / 2))
        above = max(0, round((width * down / across - height) / 2))
        if max(aside, above) < 2:
            return picture
        return self._cv2.copyMakeBorder(picture, above, above, aside, aside, self._cv2.BORDER_CONSTANT)

    def toggle_fullscreen(self) -> None:
        """Switches between full screen and window."""
        self._fullscreen = not self._fullscreen
        mode = self._cv2.WINDOW_FULLSCREEN if self._fullscreen else self._cv2.WINDOW_NORMAL
        self._cv2.setWindowProperty(self.TITLE, self._cv2.WND_PROP_FULLSCREEN, mode)

    def close(self) -> None:
        """Closes the window."""
        with contextlib.suppress(self._cv2.error):  # the user may have closed it
            self._cv2.destroyWindow(self.TITLE)


def check_display() -> None:
    """Checks on Linux that a display can be reached. Without one, Qt ends the whole program.

    Raises:
        DeviceError: if there is no display.
    """
    if sys.platform != "linux":
        return
    display = os.environ.get("DISPLAY", "")
    if not display:
        if not os.environ.get("WAYLAND_DISPLAY"):
            raise DeviceError("there is no display", hint=ALTERNATIVES)
        return
    host, _, number = display.rpartition(":")
    number = number.split(".")[0]
    if not number.isdigit():
        raise DeviceError(f"there is no display '{display}'", hint=ALTERNATIVES)
    paths = [f"\0/tmp/.X11-unix/X{number}", f"/tmp/.X11-unix/X{number}"]  # noqa: S108 - where X servers listen
    try:
        if host not in ("", "unix"):
            socket.create_connection((host, 6000 + int(number)), timeout=2.0).close()
        elif not any(_listens(path) for path in paths):
            raise ConnectionRefusedError("nothing listens there")
    except (OSError, OverflowError) as error:
        raise DeviceError(f"the display '{display}' cannot be reached", str(error), ALTERNATIVES) from error


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2.0)
        return connection.connect_ex(path) == 0
