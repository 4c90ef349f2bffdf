"""Shows the painted picture to other programs as a camera."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from videostyle.errors import DeviceError
from videostyle.live.frame import LiveFrame


class VirtualCamera:
    """The system's virtual camera, through pyvirtualcam (the ``[live]`` extra).

    Raises:
        DeviceError: if pyvirtualcam is not installed.
    """

    def __init__(self) -> None:
        try:
            self._library: Any = importlib.import_module("pyvirtualcam")
        except ImportError as error:
            hint = "pip install 'videostyle[live]'"
            raise DeviceError("a virtual camera needs the package pyvirtualcam", str(error), hint) from error
        self._camera: Any = None

    def open(self, width: int, height: int, fps: float) -> None:
        """Opens the system's virtual camera; a second call does nothing.

        Raises:
            DeviceError: if there is none; the hint says how to create one.
        """
        if self._camera is not None:
            return
        try:
            self._camera = self._library.Camera(width=width, height=height, fps=fps)
        except (RuntimeError, ValueError) as error:
            remedies = {
                "linux": "sudo modprobe v4l2loopback devices=1",
                "darwin": "install OBS and start its virtual camera once",
            }
            hint = remedies.get(sys.platform, "install OBS, which contains one")
            raise DeviceError("there is no virtual camera", str(error), hint) from error

    def write(self, frame: LiveFrame) -> None:
        """Sends a frame."""
        self._camera.send(frame.picture)

    def close(self) -> None:
        """Releases the virtual camera. May be called twice."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None
