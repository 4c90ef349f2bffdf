"""Deliveries: what an output is for, as codec, quality and size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Delivery:
    """Settings for a purpose.

    Attributes:
        text: what they come to, for people.
        settings: by the names of ``RenderSettings``. The container follows the codec.
    """

    text: str
    settings: Mapping[str, Any]


UNSET: Mapping[str, Any] = {"crf": None, "preset": None, "pix_fmt": None}  # whatever a configuration file says
DELIVERIES = {
    "web": Delivery(
        "H.264 in .mp4, crf 23, longest side 1920 at most",
        {"codec": "h264", "crf": 23, "preset": "slow", "pix_fmt": "yuv420p", "max_size": 1920},
    ),
    "social": Delivery(
        "H.264 in .mp4, crf 20, longest side 1280 at most",
        {"codec": "h264", "crf": 20, "preset": "medium", "pix_fmt": "yuv420p", "max_size": 1280},
    ),
    "edit": Delivery("ProRes 422 HQ, 10 bits, in .mov, full size", {"codec": "prores", **UNSET}),
    "archive": Delivery("FFV1 in .mkv, lossless, full size", {"codec": "ffv1", **UNSET}),
}
