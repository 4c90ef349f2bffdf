"""A camera that other programs see."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from videostyle.errors import DeviceError
from videostyle.live.frame import LiveFrame


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
        """Opens the system's virtual camera. May be called twice.

        Raises:
            DeviceError: if there is none; says what makes one.
        """
        if self._camera is not None:
            return
        try:
            self._camera = self._library.Camera(width=width, height=height, fps=fps)
        except (RuntimeError, ValueError) as error:
            makes = {
                "linux": "sudo modprobe v4l2loopback devices=1",
                "darwin": "install OBS and start its virtual camera once",
            }
            hint = makes.get(sys.platform, "install OBS, which brings one")
            raise DeviceError("there is no virtual camera", str(error), hint) from error

    def write(self, frame: LiveFrame) -> None:
        """Shows a frame."""
        self._camera.send(frame.picture)

    def close(self) -> None:
        """Lets go of it."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None
