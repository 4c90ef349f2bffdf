"""Reads the headers of a media file with PyAV: streams, duration, colour, tags, chapters."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from videostyle.errors import InputError
from videostyle.frames import ColorInfo, VideoInfo
from videostyle.media.inputs import vet_input
from videostyle.media.opencv import FORMATS, LARGEST_PICTURE

# Code points of ISO/IEC 23091-2, and ffmpeg's names for them; 2 is "unspecified".
MATRICES = {0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 9: "bt2020nc", 10: "bt2020c"}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    11: "smpte431",
    12: "smpte432",
}
TRANSFERS = {
    **{1: "bt709", 4: "gamma22", 5: "gamma28", 6: "smpte170m", 7: "smpte240m", 8: "linear", 11: "iec61966-2-4"},
    **{13: "iec61966-2-1", 14: "bt2020-10", 15: "bt2020-12", 16: "smpte2084", 18: "arib-std-b67"},
}

COVER = 0x400  # ffmpeg's disposition of a picture that is attached to an audio or video file
FIRST_PACKETS = 200  # packets of the video in which its first frame is looked for


@dataclass(frozen=True)
class StreamInfo:
    """A stream other than the video.

    Attributes:
        index: its number in the file.
        kind: "audio", "subtitle", "data", or "picture" for a cover or another video.
        codec: ffmpeg's name; "" if unknown.
        metadata: its tags.
        detail: a description for people, such as "48000 Hz, stereo".
    """

    index: int
    kind: str
    codec: str
    metadata: dict[str, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class MediaInfo:
    """The content of a file, according to its headers and its first frame.

    Attributes:
        path: absolute path.
        format: ffmpeg's name of the container.
        duration: seconds; None if the container does not state it.
        start: earliest timestamp of audio and video in seconds.
        video: the first video stream that is not a cover; None if there is none.
        video_index: its number in the file.
        others: all other streams.
        metadata: tags of the container.
        chapters: chapters as PyAV gives them.
        size: bytes.
        counted: whether the container states the number of video frames; otherwise ``video.frame_count`` is an
            estimate.
    """

    path: Path
    format: str
    duration: float | None
    start: float
    video: VideoInfo | None
    video_index: int | None
    others: tuple[StreamInfo, ...]
    metadata: dict[str, str]
    chapters: tuple[dict[str, Any], ...]
    size: int
    counted: bool = False


def open_container(path: Path, **more: str) -> Any:
    """Opens a local file with PyAV; formats that name other files (playlists) are not opened.

    Args:
        path: a file that ``vet_input`` accepted.
        **more: options of the demuxer.

    Raises:
        InputError: if it cannot be opened.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": str(LARGEST_PICTURE)}
    try:
        return av.open(f"file:{path}", options=options | more, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        with path.open("rb") as file:
            head = file.read(64)
        reason = str(getattr(error, "strerror", None) or error)
        if b"ftyp" in head:
            reason, hint = "not a complete video (moov missing): truncated upload?", "copy or download it again"
        else:
            hint = "it is not a video that can be read"
        raise InputError(f"cannot read '{path}'", reason, hint) from error


def _color(context: Any) -> ColorInfo:
    pixel_format = context.pix_fmt or ""
    ranges = {1: False, 2: True}
    full = True if pixel_format.startswith("yuvj") else ranges.get(int(context.color_range or 0))
    return ColorInfo(
        matrix=MATRICES.get(int(context.colorspace), "")
        if not pixel_format.startswith(("rgb", "gbr", "bgr", "pal"))
        else "",
        primaries=PRIMARIES.get(int(context.color_primaries or 2), ""),
        transfer=TRANSFERS.get(int(context.color_trc or 2), ""),
        full_range=full,
    )


def _first_frame(container: Any, stream: Any) -> tuple[int, bool]:
    """Clockwise rotation and interlacing of the first frame, which headers may lack; (0, False) if none decodes."""
    with contextlib.suppress(FFmpegError, StopIteration):
        for tries, packet in enumerate(container.demux(stream)):
            for frame in packet.decode():
                return -int(frame.rotation) % 360, bool(frame.interlaced_frame)
            if tries > FIRST_PACKETS:
                break
    return 0, False


def _is_video(stream: Any) -> bool:
    return stream.type == "video" and stream.codec_context is not None and not int(stream.disposition) & COVER


def _video_info(container: Any, stream: Any) -> VideoInfo:
    context = stream.codec_context
    aspect = Fraction(context.sample_aspect_ratio or 1)
    if aspect <= 0:
        aspect = Fraction(1)
    duration = None
    if stream.duration:
        duration = float(stream.duration * stream.time_base)
    elif container.duration:
        duration = container.duration / av.time_base
    rate = stream.average_rate or stream.guessed_rate
    # FLV and others give the ticks of their clock as the average rate.
    if rate and rate > 240 and stream.guessed_rate:
        rate = stream.guessed_rate
    count = stream.frames or (round(duration * rate) if duration and rate else None)
    components = context.format.components if context.format is not None else ()
    info = VideoInfo(
        width=context.width,
        height=context.height,
        fps=Fraction(rate) if rate else None,
        frame_count=count,
        duration=duration,
        time_base=Fraction(stream.time_base),
        start=float((stream.start_time or 0) * stream.time_base),
        sample_aspect=aspect,
        color=_color(context),
        pixel_format=context.pix_fmt or "",
        bit_depth=max((c.bits for c in components), default=8),
        has_alpha=any(c.is_alpha for c in components) or stream.metadata.get("alpha_mode") == "1",
        codec=context.name,
    )
    # Decoding comes last: it changes what the context says.
    rotation, interlaced = _first_frame(container, stream)
    if rotation in (90, 270):
        info = replace(info, width=info.height, height=info.width, sample_aspect=1 / aspect)
    return replace(info, rotation=rotation, interlaced=interlaced)


def probe(path: str | Path) -> MediaInfo:
    """Reads the headers of a media file and decodes its first frame.

    Raises:
        InputError: if it is not a readable media file.
    """
    file = vet_input(path)
    with open_container(file) as container:
        video = next((s for s in container.streams if _is_video(s)), None)
        others = []
        for stream in container.streams:
            if stream is video:
                continue
            context = getattr(stream, "codec_context", None)
            detail = ""
            if stream.type == "audio" and context is not None:
                detail = f"{context.sample_rate} Hz, {getattr(context.layout, 'name', '')}"
            kind = "picture" if stream.type == "video" else str(stream.type)
            others.append(
                StreamInfo(stream.index, kind, getattr(context, "name", "") or "", dict(stream.metadata), detail)
            )
        if video is not None and video.codec_context.width * video.codec_context.height > LARGEST_PICTURE:
            size = f"{video.codec_context.width}x{video.codec_context.height}"
            raise InputError(
                f"'{path}' is too large",
                f"{size} pixels, the limit is 8192x8192",
                hint="scale it down first, with ffmpeg for instance",
            )
        starts = [
            float(s.start_time * s.time_base)
            for s in container.streams
            if s.start_time is not None and s.type in ("video", "audio")
        ]
        media = MediaInfo(
            path=file,
            format=container.format.name,
            duration=container.duration / av.time_base if container.duration else None,
            start=min(starts, default=0.0),
            video=None,
            video_index=video.index if video is not None else None,
            others=tuple(others),
            metadata=dict(container.metadata),
            chapters=tuple(container.chapters()),
            size=file.stat().st_size,
            counted=bool(video is not None and video.frames),
        )
        if video is None or not video.codec_context.width:
            return media
        return replace(media, video=_video_info(container, video))
