"""Reads one picture file: upright, in sRGB, with its alpha and what else of it should be kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from videostyle.errors import InputError, OutputError
from videostyle.frames import AnyArray, UInt8Array, bgr_to_rgb, on_white
from videostyle.media import icc
from videostyle.media.ffmpeg.argv import picture_arguments
from videostyle.media.ffmpeg.process import output_of
from videostyle.media.inputs import vet_input
from videostyle.media.opencv import LARGEST_PICTURE, load_cv2
from videostyle.media.picture_metadata import Metadata, clean_exif, read_metadata

# Suffixes of pictures that are read; the first ones are written as well.
WRITTEN = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
BY_FFMPEG = (".heic", ".heif", ".hif", ".avif", ".tga")  # OpenCV reads none of these, or without their grid and turn
PICTURES = (*WRITTEN, ".jfif", *BY_FFMPEG)


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        pixels: uint8 ``[H, W, 3]`` RGB (sRGB), not multiplied by alpha; or uint16 0..65535.
        alpha: ``[H, W]`` of the same dtype, the largest value = opaque; None if it has none.
        exif: what is kept of its EXIF; b"" if there is none.
        icc: its colour profile, where ``pixels`` are still in its colours; b"" where they are sRGB.
    """

    pixels: AnyArray
    alpha: AnyArray | None = None
    exif: bytes = b""
    icc: bytes = b""

    def on_white(self) -> AnyArray:
        """The picture, ``[H, W, 3]`` RGB, on white where it is transparent."""
        return self.pixels if self.alpha is None else on_white(self.pixels, self.alpha)


def read_picture(path: str | Path) -> UInt8Array:
    """Reads a picture file as uint8 ``[H, W, 3]`` RGB (sRGB), upright (EXIF), alpha composited on white.

    Raises:
        InputError: if it is missing, too large, or not a picture.
    """
    return load_picture(path).on_white()


def load_picture(path: str | Path, *, deep: bool = False) -> Picture:
    """Reads a picture file with its alpha and metadata.

    Args:
        path: the file.
        deep: whether pictures of more than 8 bits are given as uint16.

    Raises:
        InputError: if it is missing, too large, or not a picture.
    """
    file = vet_input(path, "picture")
    data = file.read_bytes()
    metadata = read_metadata(data)
    tiff_alpha = data[:4] in (b"II*\0", b"MM\0*")
    stored = None
    if file.suffix.lower() == ".avif":
        stored = _by_opencv(data, path)
        if stored is not None and stored.shape[2] != 4:
            stored = None  # ffmpeg turns it as well, but knows of no alpha
    elif file.suffix.lower() not in BY_FFMPEG:
        stored = _by_opencv(data, path)
        # OpenCV multiplies colours of an 8-bit TIFF by their alpha, and loses what that rounds.
        if stored is not None and tiff_alpha and stored.shape[2] == 4 and stored.dtype == np.uint8:
            raw = _by_ffmpeg(file)
            stored = raw[0] if raw is not None else stored
    if stored is None:
        found = _by_ffmpeg(file)
        if found is None:
            raise InputError(
                f"cannot read the picture '{path}'",
                "it is damaged, or not a picture",
                hint="save it again as PNG or JPEG",
            )
        stored, inside = found
        # ffmpeg has turned it already.
        metadata = metadata._replace(exif=inside.exif, icc=metadata.icc or inside.icc)
        if file.suffix.lower() in BY_FFMPEG:
            metadata = metadata._replace(orientation=1)
    return _finished(stored, metadata, deep)


def kept_metadata(path: Path) -> Metadata:
    """What of the metadata of a picture file a painted one should keep; the file is decoded only if it must be."""
    if path.suffix.lower() in BY_FFMPEG:
        picture = load_picture(path)
        return Metadata(picture.exif, picture.icc)
    found = read_metadata(path.read_bytes())
    exif = clean_exif(found.exif) if found.exif else b""
    return Metadata(exif, found.icc if found.icc and icc.read_profile(found.icc) is None else b"")


def _by_opencv(data: bytes, path: str | Path) -> Any | None:
    """Pixels as OpenCV reads them, BGR or BGRA, not turned; None if it cannot."""
    cv2 = load_cv2()
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "pixels" in str(error).lower():
            raise InputError(
                f"'{path}' is too large", f"the limit is {LARGEST_PICTURE} pixels", hint="scale it down first"
            ) from error
        raise InputError(
            f"cannot read the picture '{path}'", str(error.err), hint="save it again as PNG or JPEG"
        ) from error
    if picture is None:
        return None
    if picture.ndim == 2 or picture.shape[2] == 1:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    elif picture.shape[2] == 2:
        grey = cv2.cvtColor(np.ascontiguousarray(picture[..., 0]), cv2.COLOR_GRAY2BGR)
        picture = np.concatenate([grey, picture[..., 1:]], axis=2)
    return picture


def _by_ffmpeg(file: Path) -> tuple[Any, Metadata] | None:
    """Pixels as ffmpeg reads them, BGR or BGRA, with what it says beside them; None if it cannot."""
    cv2 = load_cv2()
    try:
        png = output_of(picture_arguments(file))
    except OutputError:
        return None
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED) if png else None
    if picture is None:
        return None
    if picture.ndim == 3 and picture.shape[2] == 4 and picture[..., 3].min() == np.iinfo(picture.dtype).max:
        picture = picture[..., :3]
    return picture, read_metadata(png)


def _finished(stored: Any, metadata: Metadata, deep: bool) -> Picture:
    """RGB, straight alpha, upright, sRGB; with 8 bits, unless more are wanted and there."""
    white = float(np.iinfo(stored.dtype).max) if np.issubdtype(stored.dtype, np.integer) else 1.0
    alpha = None
    if stored.shape[2] == 4:
        alpha = stored[..., 3]
        if metadata.premultiplied:
            share = np.maximum(alpha[..., None].astype(np.float32) / white, 1.0 / white)
            colours = np.clip(stored[..., :3] / share, 0.0, white)
            stored = colours if white == 1.0 else np.rint(colours).astype(stored.dtype)
        alpha = _turned(_whole(alpha, white, deep), metadata.orientation)
    pixels = _turned(_whole(bgr_to_rgb(stored[..., :3]), white, deep), metadata.orientation)
    profile = icc.read_profile(metadata.icc) if metadata.icc else None
    if profile is not None and not icc.is_srgb(profile):
        pixels = icc.to_srgb(pixels, profile)
    kept = metadata.icc if profile is None else b""
    return Picture(pixels, alpha, clean_exif(metadata.exif) if metadata.exif else b"", kept)


def _whole(values: Any, white: float, deep: bool) -> AnyArray:
    """Values 0 to ``white`` as uint8, or as uint16 if that is wanted and they have more bits."""
    if values.dtype == np.uint8 or (deep and values.dtype == np.uint16):
        return np.ascontiguousarray(values)
    largest, dtype = (65535.0, np.uint16) if deep else (255.0, np.uint8)
    return np.rint(np.clip(values.astype(np.float32) * (largest / white), 0.0, largest)).astype(dtype)


def _turned(picture: AnyArray, orientation: int) -> AnyArray:
    """A picture as EXIF's orientation says that it should be shown."""
    if orientation in (5, 6, 7, 8):
        picture = np.swapaxes(picture, 0, 1)
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)
