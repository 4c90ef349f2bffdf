"""High dynamic range: mapped to SDR by ffmpeg, or kept around a painting that is done on an SDR view.

Kept: ``view`` makes an SDR picture of each HDR frame, with the curve of ``mobius``, and a plane that says by how much
each pixel was dimmed. The picture is painted, and ``restored`` makes each pixel as much brighter again: highlights of
the scene stay highlights of the painting, and what is not painted comes back as it was.

*Source:* ITU-R BT.2100 (PQ, HLG), BT.2408 (reference white of 203 cd/m2); the curve is that of ffmpeg's ``tonemap``
filter; SMPTE ST 2086 and CTA-861.3 (mastering display, content light).
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

import numpy as np

from videostyle.errors import InputError
from videostyle.frames import AnyArray, ColorInfo, Float32Array, UInt16Array

# Operators of ffmpeg's ``tonemap`` filter, and how many cd/m2 are 1.0 for them: 203 is white of SDR, but for "hable",
# which dims white, it would be too much.
OPERATORS = {"mobius": 203, "hable": 100, "reinhard": 203, "clip": 203}
VIEW = "mobius"  # the tone map of the SDR view
WHITE = 203.0  # cd/m2
USUAL_PEAK = 1000.0  # cd/m2 of the brightest highlights, where a file does not say
PQ, HLG = "smpte2084", "arib-std-b67"
RANGE = {PQ: 10_000, HLG: 1_000}  # cd/m2 of the largest code
REPEATED = "scale=flags=neighbor+accurate_rnd,format=yuv444p16le"
HALF = np.float32(0.5)  # casting cuts fractions off
GAMMA = 2.4  # of the codes that are painted (BT.1886)
LINEAR = 0.3  # what is darker than this share of white stays as it is


def mastering_display(data: bytes) -> str:
    """A mastering display as x265 takes it, ``G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min)``; "" if the data do not say.

    Args:
        data: ffmpeg's ``AVMasteringDisplayMetadata``.
    """
    if len(data) < 88:
        return ""
    numbers = struct.unpack("=22i", data[:88])
    if not (numbers[20] and numbers[21]):
        return ""
    ratios = [top / bottom if bottom else 0.0 for top, bottom in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
    red, green, blue, white = (tuple(round(50_000 * value) for value in ratios[at : at + 2]) for at in (0, 2, 4, 6))
    darkest, brightest = (round(10_000 * value) for value in ratios[8:10])
    points = zip(("G", "B", "R", "WP"), (green, blue, red, white), strict=True)
    return "".join(f"{name}({x},{y})" for name, (x, y) in points) + f"L({brightest},{darkest})"


def in_decimals(display: str) -> str:
    """A mastering display with its numbers as SVT-AV1 takes them: coordinates and cd/m2."""
    points, light = display.split("L(")
    points = re.sub(r"\d+", lambda number: f"{int(number[0]) / 50_000:.5f}", points)
    return f"{points}L({re.sub(r'[0-9]+', lambda number: f'{int(number[0]) / 10_000:.4f}', light)}"


def content_light(data: bytes) -> str:
    """Largest and mean light of the content as x265 takes them, ``MaxCLL,MaxFALL`` in cd/m2; "" if unknown."""
    if len(data) < 8:
        return ""
    brightest, mean = struct.unpack("=2I", data[:8])
    return f"{brightest},{mean}" if brightest else ""


def peak(color: ColorInfo) -> float:
    """How bright the brightest highlights are, cd/m2: as the file says, within reason, or as usual."""
    stated = 0.0
    if color.content_light:
        stated = float(color.content_light.split(",")[0])
    elif color.mastering:
        stated = float(color.mastering.split("L(")[1].split(",")[0]) / 10_000
    return min(max(stated, 1.2 * WHITE), RANGE[color.transfer]) if stated else USUAL_PEAK


def _source(color: ColorInfo) -> str:
    """What a file is taken for, as options of zscale: what it does not say is that of BT.2020."""
    matrix = color.matrix or "bt2020nc"
    wide = "full" if color.full_range else "limited"
    return f"tin={color.transfer}:pin={color.primaries or 'bt2020'}:min={matrix}:rin={wide}"


def to_sdr(color: ColorInfo, operator: str) -> str:
    """Filters of ffmpeg that map HDR to SDR (BT.709, limited range).

    Args:
        color: of the video, which is HDR.
        operator: one of ``OPERATORS``.
    """
    white = OPERATORS[operator]
    brightest = "" if operator == "clip" else f":peak={peak(color) / white:.4f}"
    linear = f"t=linear:p={color.primaries or 'bt2020'}:m=gbr:r=full:npl={white}"
    return (
        f"{REPEATED},zscale={_source(color)}:{linear},format=gbrpf32le,"
        f"zscale=p=bt709,tonemap={operator}:desat=0{brightest},zscale=t=bt709:m=gbr:r=full,format=gbrp16le"
    )


def to_codes(color: ColorInfo) -> str:
    """Filters of ffmpeg that make HDR the codes that ``view`` takes; a colour is repeated, as by all readers."""
    return (
        f"{REPEATED},zscale={_source(color)}:t=bt709:p=bt709:m=gbr:r=full:npl={RANGE[color.transfer]},format=gbrp16le"
    )


def from_codes(color: ColorInfo, stored: str) -> str:
    """Filters of ffmpeg that make what ``restored`` gave HDR again.

    Args:
        color: of the video.
        stored: pixel format, in ffmpeg's words.
    """
    codes = f"tin=bt709:pin=bt709:min=gbr:rin=full:npl={RANGE[color.transfer]}"
    if stored.startswith("gbr"):
        return f"format=gbrp16le,zscale={codes}:t={color.transfer}:p=bt2020:m=gbr:r=full,format={stored}"
    return (
        f"format=gbrp16le,zscale={codes}:t={color.transfer}:p=bt2020:m=bt2020nc:r=limited,format=yuv444p16le,"
        f"scale=flags=area+accurate_rnd,format={stored}"
    )


def output_color(color: ColorInfo) -> ColorInfo:
    """The colours of HDR that is kept."""
    light = color.content_light
    if light:
        brightest, mean = (int(value) for value in light.split(","))
        light = f"{max(brightest, round(WHITE))},{mean}"  # paint may be as bright as white
    return ColorInfo("bt2020nc", "bt2020", color.transfer, False, False, color.mastering, light)


@lru_cache(maxsize=8)
def _scale(transfer: str, brightest: float) -> Float32Array:
    """For each code, float32 ``[65536]``: its value in the view over the code."""
    codes = np.maximum(np.arange(65536), 1) / 65535.0
    light, top = codes**GAMMA * RANGE[transfer] / WHITE, brightest / WHITE
    a = -LINEAR * LINEAR * (top - 1) / (LINEAR * LINEAR - 2 * LINEAR + top)
    b = (LINEAR * LINEAR - 2 * LINEAR * top + top) / max(top - 1, 1e-6)
    mapped = (b * b + 2 * b * LINEAR + LINEAR * LINEAR) / (b - a) * (light + a) / (light + b)
    seen = np.clip(np.where(light <= LINEAR, light, mapped), 0.0, 1.0) ** (1 / GAMMA)
    return (seen / codes).astype(np.float32)


def view(codes: UInt16Array, color: ColorInfo) -> UInt16Array:
    """An SDR view of a frame.

    Args:
        codes: ``[H, W, 3]`` RGB as ``to_codes`` makes them: gamma 2.4, BT.709 primaries, 65535 = ``RANGE``.
        color: of the video.

    Returns:
        uint16 ``[H, W, 4]``: RGB, 65535 = white of SDR; and what ``restored`` multiplies it by.
    """
    # Channel by channel: NumPy is three times as slow along an axis of three.
    brightest = np.maximum(np.maximum(codes[..., 0], codes[..., 1]), codes[..., 2])
    scale = _scale(color.transfer, peak(color))[brightest]
    seen = np.empty((*codes.shape[:2], 4), np.uint16)
    for channel in range(3):
        seen[..., channel] = np.minimum(codes[..., channel] * scale + HALF, np.float32(65535))
    seen[..., 3] = np.float32(65535) / scale + HALF
    return seen


def restored(frames: AnyArray, dimmed: AnyArray) -> UInt16Array:
    """Painted views as the codes of HDR again.

    Args:
        frames: uint16 ``[T, H, W, 3]`` RGB.
        dimmed: uint16 ``[T, H, W]``, of ``view``.
    """
    share = dimmed.astype(np.float32) * np.float32(1 / 65535)
    codes = np.empty(frames.shape, np.uint16)
    for channel in range(3):
        codes[..., channel] = frames[..., channel] * share + HALF
    return codes


def refuse(path: object, color: ColorInfo) -> InputError:
    """The error of a file that is HDR where that is not wanted."""
    return InputError(f"'{path}' is HDR ({color.transfer})", hint="leave `hdr` out, and it is mapped to SDR")
