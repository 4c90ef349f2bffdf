"""Looks into a media file before anything is decoded: streams, timing, colour (PyAV)."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
from av.error import FFmpegError

from videostyle.errors import InputError
from videostyle.frames import ColorInfo, VideoInfo
from videostyle.media.inputs import vet_input
from videostyle.media.opencv import FORMATS, LARGEST_PICTURE

# Numbers of ISO/IEC 23091-2 to ffmpeg's names; 2 is "unspecified".
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
# Codecs, in ffmpeg's names, whose packets hold one frame each (of progressive video).
FRAME_A_PACKET = ("h264", "hevc", "vp9", "libdav1d", "av1", "libaom-av1", "prores", "mjpeg", "ffv1", "png")
REORDERED = 64  # packets, more than any codec reorders
SAME_TIME = 1e-5  # seconds; times read twice from the same file agree but for the rounding of floats


@dataclass(frozen=True)
class StreamInfo:
    """A stream beside the video: its number in the file, kind ("audio", "subtitle"...), codec and tags."""

    index: int
    kind: str
    codec: str
    metadata: dict[str, str] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds.

    Attributes:
        path: absolute path.
        format: ffmpeg's name of the container.
        duration: seconds; None where the container does not say.
        start: earliest timestamp in seconds.
        video: the first real video stream; None if there is none.
        video_index: its number.
        others: all other streams.
        metadata: tags of the container.
        chapters: chapters as PyAV gives them.
        size: bytes.
        counted: whether the container states how many video frames it holds (else ``frame_count`` is an estimate).
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
    """Opens a vetted file with PyAV: local files of real containers only; ``more`` are options of its demuxer.

    Raises:
        InputError: if it cannot be opened.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": str(LARGEST_PICTURE)}
    try:
        return av.open(f"file:{path}", options=options | more, metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        head = path.open("rb").read(4096)
        reason = str(getattr(error, "strerror", None) or error)
        if b"ftyp" in head[:64]:
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
    """Clockwise rotation and interlacing, which only a decoded frame tells for sure; (0, False) if none decodes."""
    with contextlib.suppress(FFmpegError, StopIteration):
        for tries, packet in enumerate(container.demux(stream)):
            for frame in packet.decode():
                return -int(frame.rotation) % 360, bool(frame.interlaced_frame)
            if tries > 200:
                break
    return 0, False


def _is_video(stream: Any) -> bool:
    return (
        stream.type == "video" and stream.codec_context is not None and not int(stream.disposition) & 0x400
    )  # 0x400: attached picture (cover)


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
    # FLV and the like call their clock a frame rate.
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
    """Looks into a media file.

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


def packet_times(path: Path, index: int) -> list[Fraction]:
    """Presentation times in seconds of a stream's packets, in order of presentation; nothing is decoded."""
    times: list[Fraction] = []
    with open_container(path) as container:
        stream = container.streams[index]
        with contextlib.suppress(FFmpegError):  # a file that is cut off holds what comes before
            for packet in container.demux(stream):
                if packet.pts is not None and not packet.is_discard:
                    times.append(packet.pts * packet.time_base)
    return sorted(times)


def time_of_frame(media: MediaInfo, number: int) -> float | None:
    """When frame ``number`` of the video is shown, seconds; read from packets, as far into the file as needed.

    None where a packet is not a frame (fields, frames that are decoded and never shown), and behind the last one.
    """
    if media.video is None or media.video.interlaced or media.video.codec not in FRAME_A_PACKET:
        return None
    times: list[Fraction] = []
    with open_container(media.path) as container, contextlib.suppress(FFmpegError):
        for packet in container.demux(container.streams[media.video_index or 0]):
            if packet.pts is not None and not packet.is_discard:
                times.append(packet.pts * packet.time_base)
            if len(times) > number + REORDERED:
                break
    return float(sorted(times)[number]) if number < len(times) else None


def shown_at(media: MediaInfo, time: float) -> float | None:
    """When the frame that is shown at ``time``, or else the last one, is due; None if a seek finds none.

    Packets are read from the key frame before it on; nothing is decoded. Times in seconds on the container's clock.
    """
    found, later = None, 0
    with open_container(media.path) as container, contextlib.suppress(FFmpegError):
        stream = container.streams[media.video_index or 0]
        container.seek(math.floor(time / stream.time_base), stream=stream)
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            due = float(packet.pts * packet.time_base)
            if due > time + SAME_TIME:
                later += 1
            elif not packet.is_discard:
                found = due if found is None else max(found, due)
            if later > REORDERED:
                break
    return found


def key_frames_before(media: MediaInfo, time: float) -> Iterator[float]:
    """Times of key frames that are shown at ``time`` or before, the nearest first; nothing is decoded."""
    with open_container(media.path) as container, contextlib.suppress(FFmpegError):
        stream = container.streams[media.video_index or 0]
        goal = math.floor(time / stream.time_base)
        while True:
            container.seek(goal, stream=stream)
            packet = next((p for p in container.demux(stream) if p.pts is not None), None)
            if packet is None:
                return
            key = float(packet.pts * packet.time_base)
            if packet.is_keyframe and key <= time:
                yield key
            # Containers look for it by the time of decoding, which may be earlier.
            decoded = packet.pts if packet.dts is None else min(packet.pts, packet.dts)
            if decoded > goal:
                return  # it is the first one
            goal = decoded - 1


def frame_times(path: Path, index: int) -> list[Fraction]:
    """Presentation times in seconds of a stream's frames, found by decoding them."""
    times: list[Fraction] = []
    with open_container(path) as container:
        stream = container.streams[index]
        with contextlib.suppress(FFmpegError):
            for packet in container.demux(stream):
                with contextlib.suppress(FFmpegError):
                    times.extend(frame.pts * frame.time_base for frame in packet.decode() if frame.pts is not None)
    return sorted(times)


def extent(path: Path, index: int) -> tuple[float, float, float]:
    """How far a file really goes, found by walking through the packets of all its streams.

    Returns:
        When the last picture of stream ``index`` is shown; where the last packet of any stream ends; and by how much
        more that may be as the last picture does not say how long it is shown. In seconds on the container's clock.
    """
    last = before = end = unsaid = 0.0
    with open_container(path) as container, contextlib.suppress(FFmpegError):
        for packet in container.demux():
            if packet.pts is None or packet.is_discard:
                continue
            time = float(packet.pts * packet.time_base)
            end = max(end, time + float((packet.duration or 0) * packet.time_base))
            if packet.stream.index == index:
                before, last = sorted((before, last, time))[1:]
                unsaid = 0.0 if packet.duration else last - before
    return last, end, unsaid


def packets_there(path: Path, index: int) -> int:
    """Whole packets of a stream, those included that an edit list (a cut without encoding) keeps from being shown."""
    count = 0
    with open_container(path, ignore_editlist="1") as container, contextlib.suppress(FFmpegError):
        for packet in container.demux(container.streams[index]):
            count += bool(packet.size and not packet.is_corrupt)
    return count


def stored_header(path: Path) -> bytes:
    """What the encoder of a file of ours wrote before the first frame; files are joined only if it is the same.

    Raises:
        FFmpegError: if it cannot be read.
    """
    with av.open(f"file:{path}") as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def stored_frames(path: Path) -> int:
    """Frames that a file of ours holds in its first video stream, counted without decoding.

    Raises:
        FFmpegError: if it cannot be read.
    """
    with av.open(f"file:{path}") as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


def raw_frames(stream: IO[bytes]) -> Iterator[tuple[bytes, float | None]]:
    """Raw frames and their times in seconds from a pipe that carries NUT (``argv.decode_arguments``).

    Raises:
        OSError: if the pipe breaks; nothing, if it ends before the first frame.
    """
    try:
        container = av.open(stream, format="nut")
    except (FFmpegError, ValueError, IndexError):
        return  # nothing came
    with container:
        try:
            for packet in container.demux(video=0):
                if packet.size:
                    yield bytes(packet), float(packet.pts * packet.time_base) if packet.pts is not None else None
        except FFmpegError as error:
            raise OSError(str(error)) from error
