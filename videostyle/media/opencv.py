"""Loads OpenCV with the settings that this program needs; no other module imports ``cv2``."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

from videostyle.errors import DeviceError

LARGEST_PICTURE = 8192 * 8192  # pixels; a malicious file may declare any size
# Containers that hold frames themselves; playlists (concat, HLS, DASH) name other files and are left out.
FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,gif,nut,mxf,asf,ogg,h264,hevc,m4v,ivf,obu,"
    "mjpeg,h261,h263,vc1,dirac,wtv,gxf,rm,amv,nsv,"
    "apng,image2,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,webp,webp_anim,yuv4mpegpipe,dv,wav,mp3,flac,aac"
)


@lru_cache(maxsize=1)
def load_cv2() -> Any:
    """The ``cv2`` module.

    It opens local files only, no playlists, and no pictures of more than ``LARGEST_PICTURE`` pixels. OpenCV reads these
    limits from the environment when it is imported.

    Raises:
        DeviceError: if a system library that OpenCV needs is missing; the hint names the package to install.
    """
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", f"protocol_whitelist;file|format_whitelist;{FORMATS}")
    os.environ.setdefault("OPENCV_FFMPEG_READ_ATTEMPTS", "65536")
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(LARGEST_PICTURE))
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault(
        "OPENCV_FFMPEG_LOGLEVEL", "-8"
    )  # messages of its decoders; damage is found by counting frames
    try:
        import cv2
    except ImportError as error:
        packages = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0", "libglib-2.0.so.0": "libglib2.0-0"}
        missing = next((package for library, package in packages.items() if library in str(error)), "")
        hint = f"apt install {missing}" if missing else "pip install opencv-python-headless"
        raise DeviceError("OpenCV cannot be loaded", str(error), hint) from error
    return cv2
