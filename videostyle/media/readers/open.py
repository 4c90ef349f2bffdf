"""Opens the reader that a path asks for."""

from __future__ import annotations

from pathlib import Path

from videostyle.errors import InputError
from videostyle.media import probe
from videostyle.media.inputs import vet_input
from videostyle.media.readers.base import FrameReader, ReadOptions
from videostyle.media.readers.ffmpeg import FFmpegReader
from videostyle.media.readers.images import PICTURES, ImageReader, sequence_files
from videostyle.media.readers.opencv import OpenCVReader

# OpenCV turns the colours of these primaries into those of BT.709, which the painted file would then not say of
# itself; and its builds bring no decoder for these codecs.
WIDE_PRIMARIES = ("film", "bt2020", "smpte431", "smpte432")
UNKNOWN_TO_OPENCV = ("av1", "libdav1d", "libaom")


def open_reader(path: str | Path, options: ReadOptions | None = None) -> FrameReader:
    """Opens whatever ``path`` names: a video, a still, a folder of pictures or a printf-style pattern.

    Raises:
        InputError: if it is none of these, or refused.
    """
    options = options or ReadOptions()
    files = sequence_files(Path(path)) if "\0" not in str(path) and str(path).isprintable() else None
    if files is not None:
        return ImageReader(Path(path), files, options)
    file = vet_input(path)
    if file.suffix.lower() in PICTURES:
        try:
            media = probe.probe(file)
        except InputError:
            media = None
        if (
            file.suffix.lower() not in (".webp", ".png")
            or media is None
            or not media.video
            or (media.video.frame_count or 1) <= 1
        ):
            return ImageReader(file, [file], options, still=True)
    media = probe.probe(file)
    info = media.video
    if info is None:
        kinds = ", ".join(sorted({s.kind for s in media.others})) or "nothing"
        raise InputError(
            f"'{path}' has no video stream",
            f"it holds: {kinds}",
            hint="give a video; 'videostyle inspect' shows what is in this file",
        )
    source: FrameReader
    if info.color.is_hdr:
        if not options.tone_map:
            raise InputError(f"'{path}' is HDR ({info.color.transfer})", hint="leave --no-hdr out to map it to SDR")
        source = FFmpegReader(media, options, tone_map=True)
        source.warnings.append(f"HDR ({info.color.transfer}) was mapped to SDR (BT.709)")
    elif (
        info.interlaced
        or info.bit_depth > 8
        or info.color.primaries in WIDE_PRIMARIES
        or info.codec in UNKNOWN_TO_OPENCV
    ):
        source = FFmpegReader(media, options)
        if info.interlaced:
            source.warnings.append("interlaced: each frame was deinterlaced (bwdif)")
    else:
        source = OpenCVReader(media, options)
    if info.bit_depth > 8 and not info.color.is_hdr:
        source.warnings.append(f"{info.bit_depth}-bit video: painted in 8 bits")
    if info.has_alpha:
        source.warnings.append("the alpha channel is dropped")
    return source
