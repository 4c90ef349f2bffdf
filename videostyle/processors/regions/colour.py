"""What has a certain colour."""

from __future__ import annotations

import numpy as np
from pydantic import Field, field_validator

from videostyle.frames import UInt8Array, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.processors.regions.protocol import Region, RegionOptions
from videostyle.processors.regions.window import Window


def rgb_of(text: str) -> tuple[int, int, int]:
    """Red, green and blue of "#3fa0ff", 0..255.

    Raises:
        ValueError: if it is no such colour.
    """
    digits = text.strip().lstrip("#")
    if len(digits) != 6:
        raise ValueError("give a colour as #3fa0ff")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


class ColourOptions(RegionOptions):
    """Which colours."""

    feather: float = Field(2.0, ge=0, le=500, description="pixels over which its edge is soft, to each side")
    smooth: int = Field(2, ge=0, le=12, description="frames over which its edge is smoothed, along the motion")
    color: str = Field("#00b140", description="the colour, as #00b140")
    within: float = Field(
        20.0, ge=1, le=100, description="how unlike it a colour may be, in CIELAB: 5 hardly to be seen, 20 a shade"
    )
    light: float = Field(0.5, ge=0, le=1, description="how much lightness counts: 0 any light, 1 as much as hue")

    @field_validator("color")
    @classmethod
    def _readable(cls, text: str) -> str:
        rgb_of(text)
        return text


class Colour(Region[ColourOptions]):
    """What has a colour, or nearly so: a green screen, the sky, a red coat."""

    schema = ColourOptions

    def open(self, info: VideoInfo) -> None:
        """Converts the colour."""
        cv2 = load_cv2()
        picture = np.array([[rgb_of(self.options.color)]], np.float32) / 255
        self._lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[0, 0]

    def find(self, window: Window, at: int) -> UInt8Array:
        """Where the frame has the colour."""
        cv2 = load_cv2()
        # 8 bits of Lab are L * 255 / 100, and a and b beside 128.
        lab = cv2.cvtColor(window.frames[at].frame, cv2.COLOR_RGB2LAB).astype(np.float32)
        lab -= np.array([self._lab[0] * 2.55, self._lab[1] + 128, self._lab[2] + 128], np.float32)
        lab *= np.array([self.options.light / 2.55, 1, 1], np.float32)
        distance = np.sqrt(np.einsum("hwc,hwc->hw", lab, lab))
        share = np.clip(1.5 - distance / np.float32(self.options.within), 0, 1)  # half at the limit
        return np.asarray(cv2.medianBlur(np.rint(255 * share).astype(np.uint8), 3), np.uint8)
