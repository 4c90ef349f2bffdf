"""Optical flow between real frames: OpenCV's DIS (Kroeger et al. 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from videostyle.frames import UInt8Array
from videostyle.media.opencv import load_cv2
from videostyle.motion.flow import Float, visible


def _grey(frame: UInt8Array) -> Any:
    cv2 = load_cv2()
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


def dis_flow(current: UInt8Array, previous: UInt8Array, preset: str = "medium") -> Float:
    """Flow from ``current`` to ``previous`` (see ``motion.flow``), float32 ``[H, W, 2]``.

    Args:
        current: uint8 ``[H, W, 3]`` RGB.
        previous: the same size.
        preset: "fast" or "medium".
    """
    cv2 = load_cv2()
    presets = {"fast": cv2.DISOPTICAL_FLOW_PRESET_FAST, "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM}
    return np.asarray(
        cv2.DISOpticalFlow_create(presets[preset]).calc(_grey(current), _grey(previous), None), np.float32
    )


def flow_and_mask(current: UInt8Array, previous: UInt8Array, preset: str = "medium") -> tuple[Float, Float]:
    """Flow from ``current`` to ``previous`` and where it can be trusted, ``[H, W, 2]`` and ``[H, W, 1]``."""
    flow, back = dis_flow(current, previous, preset), dis_flow(previous, current, preset)
    return flow, visible(flow, back)
