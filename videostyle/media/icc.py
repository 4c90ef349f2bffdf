"""Converts pictures from the colours of their ICC profile to sRGB, where the profile is a matrix and curves.

Cameras, phones and editors embed such profiles (Display P3, Adobe RGB, ProPhoto, grey scales). Tables of printers and
scanners are not read.

*Source:* ICC.1:2022 (profile format; 10.6 curveType, 10.18 parametricCurveType), IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from videostyle.frames import AnyArray, Float32Array

LARGEST = 1 << 24  # bytes of a profile that is read
STEPS = 1 << 12  # of the table that encodes light as sRGB
# XYZ of the profile connection space (D50, Bradford-adapted) to linear sRGB.
XYZ_TO_SRGB = np.array(
    [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]],
    np.float32,
)
SAME = 1.0  # levels; a profile that changes no colour by more is sRGB


@dataclass(frozen=True)
class Profile:
    """A profile of a matrix and curves.

    Attributes:
        curves: float32 ``[3, 256]``, light 0..1 for each value of R, G and B.
        matrix: float32 ``[3, 3]``, from linear RGB of the profile to linear sRGB.
    """

    curves: Float32Array
    matrix: Float32Array


def read_profile(data: bytes) -> Profile | None:
    """Reads an ICC profile; None if it is damaged, or holds something other than a matrix and curves."""
    try:
        return _read(data)
    except (struct.error, ValueError, IndexError, KeyError):
        return None


def _read(data: bytes) -> Profile | None:
    if len(data) > LARGEST or data[36:40] != b"acsp" or data[20:24] != b"XYZ ":
        return None
    (count,) = struct.unpack_from(">I", data, 128)
    tags = {}
    for number in range(min(count, 256)):
        name, offset, size = struct.unpack_from(">4sII", data, 132 + 12 * number)
        tags[name] = data[offset : offset + size]
    if data[16:20] == b"GRAY":
        curve = _curve(tags[b"kTRC"])
        return Profile(np.stack([curve] * 3), np.eye(3, dtype=np.float32))
    if data[16:20] != b"RGB ":
        return None
    columns = [_xyz(tags[name]) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
    curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    return Profile(np.stack(curves), XYZ_TO_SRGB @ np.stack(columns, axis=1))


def _xyz(tag: bytes) -> Float32Array:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return np.array(struct.unpack_from(">3i", tag, 8), np.float32) / np.float32(65536)


def _curve(tag: bytes) -> Float32Array:
    """The light of each of 256 values."""
    x = np.linspace(0, 1, 256)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        values = np.array(struct.unpack_from(f">{count}H", tag, 12), np.float64)
        if count == 0:
            return x.astype(np.float32)
        if count == 1:
            return (x ** (values[0] / 256)).astype(np.float32)
        return np.interp(x, np.linspace(0, 1, count), values / 65535).astype(np.float32)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    g, *rest = [value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    a, b, c, d, e, f = (rest + [0.0] * 6)[:6] if rest else (1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    power = np.maximum(a * x + b, 0.0) ** g
    if kind == 0:
        return (x**g).astype(np.float32)
    if kind in (1, 2):
        below = c if kind == 2 else 0.0
        return np.where(x >= -b / a, power + below, below).astype(np.float32)
    return np.where(x >= d, power + e, c * x + f).astype(np.float32)


def _encoded(light: Float32Array) -> Float32Array:
    """Linear light 0..1 as sRGB 0..1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def to_srgb(picture: AnyArray, profile: Profile) -> AnyArray:
    """Converts a picture; colours outside sRGB are clipped.

    Args:
        picture: ``[H, W, 3]`` RGB in the profile's colours, uint8 or uint16 0..65535.
        profile: of the picture.

    Returns:
        sRGB of the same shape and dtype.
    """
    if picture.dtype == np.uint16:
        return _words_to_srgb(picture, profile)
    # The square root spreads the table's steps over dark colours, where sRGB is steep.
    table = np.rint(255 * _encoded(np.linspace(0, 1, STEPS + 1, dtype=np.float32) ** 2)).astype(np.uint8)
    converted = np.empty_like(picture)
    for row in range(0, picture.shape[0], 256):  # piece by piece: floats take four times the room
        part = picture[row : row + 256]
        light = np.stack([profile.curves[channel][part[..., channel]] for channel in range(3)], axis=-1)
        light = np.clip(light @ profile.matrix.T, 0.0, 1.0)
        converted[row : row + 256] = table[np.rint(STEPS * np.sqrt(light)).astype(np.int32)]
    return converted


def _words_to_srgb(picture: AnyArray, profile: Profile) -> AnyArray:
    """The same for 16 bits; curves are straight between their 256 values."""
    at = np.linspace(0, 65535, 256)
    curves = np.stack([np.interp(np.arange(65536), at, curve) for curve in profile.curves]).astype(np.float32)
    converted = np.empty_like(picture)
    for row in range(0, picture.shape[0], 256):
        part = picture[row : row + 256]
        light = np.stack([curves[channel][part[..., channel]] for channel in range(3)], axis=-1)
        encoded = _encoded(np.clip(light @ profile.matrix.T, 0.0, 1.0))
        converted[row : row + 256] = np.rint(65535 * encoded)
    return converted


def is_srgb(profile: Profile) -> bool:
    """Whether a profile's colours are those of sRGB."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(27, 27, 3)
    difference = to_srgb(cube, profile).astype(int) - cube
    return bool(np.abs(difference).max() <= 2 * SAME)
