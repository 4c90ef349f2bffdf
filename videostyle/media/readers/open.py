"""Probes an input and chooses the reader for it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from av.error import FFmpegError

from videostyle.errors import InputError
from videostyle.frames import VideoInfo
from videostyle.media import boxes, hdr, packets, probe, webp
from videostyle.media.choices import KEEP_HDR
from videostyle.media.inputs import vet_input
from videostyle.media.readers.base import FrameReader, Input, ReadOptions
from videostyle.media.readers.ffmpeg import FFmpegReader
from videostyle.media.readers.hardware import HardwareReader, why_not
from videostyle.media.readers.images import ImageReader, is_picture, is_wildcard, look_at_images, sequence_files
from videostyle.media.readers.opencv import OpenCVReader
from videostyle.media.readers.pictures import PICTURES
from videostyle.media.survey import survey

# OpenCV converts these primaries to BT.709, but the output is tagged with the primaries of the input.
WIDE_PRIMARIES = ("film", "bt2020", "smpte431", "smpte432")
# Beginnings of names of pixel formats: those with a colour for two or four pixels, and those that are rarer.
HALVED = ("yuv420", "yuvj420", "yuv422", "yuvj422", "nv")
SPARSE = ("yuv411", "yuvj411", "yuv410", "yuv440", "yuvj440")
NOT_IN_OPENCV = ("av1", "libdav1d", "libaom", webp.FORMAT)  # codecs without a decoder in OpenCV's builds


def look_at(path: str | Path) -> Input:
    """Probes a video, a still, a folder of pictures or a printf-style pattern.

    Raises:
        InputError: if it is none of these, or cannot be read.
    """
    files = sequence_files(Path(path)) if "\0" not in str(path) and str(path).isprintable() else None
    if files is not None:
        return look_at_images(Path(path), files)
    file = vet_input(path)
    if is_still(file):
        return look_at_images(file, [file], still=True)
    media = survey(probe.probe(file))
    if media.video is None:
        kinds = ", ".join(sorted({stream.kind for stream in media.others})) or "nothing"
        raise InputError(
            f"'{path}' has no video stream",
            f"it holds: {kinds}",
            hint="give a video; 'videostyle inspect' shows what is in this file",
        )
    return Input(file, (file,), media.video, media)


def is_still(file: Path) -> bool:
    """Whether a file is one picture, by its name and, where that can hold several, by its content."""
    return file.suffix.lower() in (*PICTURES, ".gif", ".apng") and not _is_animated(file)


def expanded(paths: Iterable[str]) -> list[str]:
    """Paths, with those that a shell would have expanded (``*.mp4``) replaced by the files that they match.

    A pattern that matches pictures only stays, as it is a sequence of pictures; so does one that matches nothing.
    """
    found: list[str] = []
    for text in paths:
        path = Path(text)
        matches = sorted(f for f in path.parent.glob(path.name) if f.is_file()) if is_wildcard(path) else []
        found += [text] if all(map(is_picture, matches)) else map(str, matches)
    return found


def _is_animated(file: Path) -> bool:
    """Whether a picture file holds several pictures that follow each other; found by counting up to the second."""
    suffix = file.suffix.lower()
    if suffix == ".webp":
        return webp.frames(file) > 1
    if suffix == ".avif":
        return "avis" in boxes.brands(file)
    if suffix not in (".png", ".apng", ".gif"):
        return False
    try:
        return packets.has_several(file)
    except (InputError, FFmpegError):
        return False


def _needs_ffmpeg(info: VideoInfo) -> bool:
    """Whether OpenCV would decode a video wrongly, or not at all."""
    if info.interlaced or info.changes or info.mirrored or info.color.guessed:
        # It gives an old picture for each interlaced frame, never mirrors, and takes unstated colours for BT.601.
        return True
    if info.pixel_format.startswith(SPARSE) or (
        info.pixel_format.startswith(HALVED) and (info.width % 2 or info.height % 2)
    ):
        return True  # it interpolates colours between pixels, where it repeats them otherwise
    return info.bit_depth > 8 or info.color.primaries in WIDE_PRIMARIES or info.codec in NOT_IN_OPENCV


def open_reader(source: str | Path | Input, options: ReadOptions | None = None) -> FrameReader:
    """Chooses the reader for an input.

    Args:
        source: a path, which is probed; or what ``look_at`` gave, of which nothing is read until frames are.
        options: how to read it.

    Raises:
        InputError: if it cannot be read, or is HDR and the options refuse that.
    """
    options = options or ReadOptions()
    if not isinstance(source, Input):
        source = look_at(source)
    if source.media is None:
        return ImageReader(source, options)
    info = source.info
    reader: FrameReader
    if info.color.is_hdr:
        if not options.hdr:
            raise hdr.refuse(source.path, info.color)
        reader = FFmpegReader(source, options)
        kept = options.tone_map == KEEP_HDR
        what = "is kept; colours beyond BT.709 are lost" if kept else "is mapped to SDR (BT.709)"
        reader.warnings.append(f"HDR ({info.color.transfer}) {what}")
    elif _needs_ffmpeg(info) or (options.alpha and info.has_alpha):
        reader = FFmpegReader(source, options)
        if info.interlaced:
            reader.warnings.append("interlaced video is deinterlaced (bwdif)")
        if info.changes:
            reader.warnings.append("the frame size or format changes; all frames are scaled to the first size")
    else:
        refused = why_not(source, options.hwaccel) if options.hwaccel else ""
        reader = (HardwareReader if options.hwaccel and not refused else OpenCVReader)(source, options)
        if refused:
            reader.warnings.append(f"{options.hwaccel} does not decode it ({refused}); the processor does")
        return reader
    if options.hwaccel:
        reader.warnings.append(
            f"{options.hwaccel} does not decode it (8 bits, progressive, in SDR); the processor does"
        )
    return reader
