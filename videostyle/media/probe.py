"""Reads the headers of a media file with PyAV: streams, duration, colour, tags, chapters."""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.error import FFmpegError

from videostyle.errors import InputError
from videostyle.frames import ColorInfo, VideoInfo
from videostyle.media import boxes, hdr, webp
from videostyle.media.clock import Segment
from videostyle.media.inputs import vet_input
from videostyle.media.opencv import FORMATS, LARGEST_PICTURE
from videostyle.media.programmes import programmes

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
# Players take larger pictures that do not state their matrix for BT.709, smaller ones for BT.601.
LARGEST_SD = 576  # rows
BT2020 = 9  # code point of these primaries
FIRST_PACKETS = 200  # packets of the video in which its first frame is looked for
CAPTIONED = 4  # first frames in which captions are looked for


@dataclass(frozen=True)
class StreamInfo:
    """A stream other than the video.

    Attributes:
        index: its number in the file.
        kind: "audio", "subtitle", "data", or "picture" for a cover or another video.
        codec: ffmpeg's name; "" if unknown.
        metadata: its tags.
        detail: a description for people, such as "48000 Hz, stereo".
        elsewhere: whether it belongs to another programme of a transport stream than the video.
    """

    index: int
    kind: str
    codec: str
    metadata: dict[str, str] = field(default_factory=dict)
    detail: str = ""
    elsewhere: bool = False


@dataclass(frozen=True)
class MediaInfo:
    """The content of a file, according to its headers and its first frame.

    Attributes:
        path: absolute path.
        format: ffmpeg's name of the container.
        duration: seconds; None if the container does not state it.
        start: earliest timestamp of audio and video in seconds; of the video's programme only.
        video: the first video stream that is not a cover; None if there is none.
        video_index: its number in the file.
        others: all other streams.
        metadata: tags of the container.
        chapters: chapters as PyAV gives them.
        size: bytes.
        origin: earliest timestamp of all streams in seconds: ffmpeg's program counts from there.
        counted: whether the container states the number of video frames; otherwise ``video.frame_count`` is an
            estimate.
        video_metadata: tags of the video stream.
        first_shown: when the first frame that can be decoded is shown, seconds; None = unknown.
        end: when the last frame of the video stops being shown, seconds; None = unknown (``survey`` finds it).
        segments: of the video, if its clock jumps (``survey``); otherwise ().
        embedded: what the pictures of the video carry besides, such as "captions", in words for people.
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
    origin: float = 0.0
    counted: bool = False
    video_metadata: dict[str, str] = field(default_factory=dict)
    first_shown: float | None = None
    end: float | None = None
    segments: tuple[Segment, ...] = ()
    embedded: tuple[str, ...] = ()

    @property
    def video_rate(self) -> Fraction | None:
        """Frames a second of the video; None = unknown."""
        return self.video.fps if self.video is not None else None


def open_container(path: Path, hwaccel: Any = None, **more: str) -> Any:
    """Opens a local file with PyAV; formats that name other files (playlists) are not opened.

    Args:
        path: a file that ``vet_input`` accepted.
        hwaccel: what decodes its video, from ``av.codec.hwaccel``; None = the processor.
        **more: options of the demuxer.

    Raises:
        InputError: if it cannot be opened.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS, "max_pixels": str(LARGEST_PICTURE)}
    try:
        return av.open(f"file:{path}", options=options | more, metadata_errors="replace", hwaccel=hwaccel)
    except (FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def encrypted(path: Path) -> InputError:
    """The error of a file whose video is encrypted."""
    return InputError(
        f"cannot read '{path}'", "it is encrypted (DRM)", hint="only what is not protected can be painted"
    )


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = str(getattr(error, "strerror", None) or error)
    hint = "it is not a video that can be read"
    if boxes.is_mp4(path):
        if boxes.is_encrypted(path):
            return encrypted(path)
        if not boxes.has_index(path):
            reason, hint = "not a complete video (moov missing): truncated upload?", "copy or download it again"
        else:
            hint = "it is damaged, or of a kind that cannot be read; copy or download it again"
    return InputError(f"cannot read '{path}'", reason, hint)


def _color(context: Any) -> ColorInfo:
    pixel_format = context.pix_fmt or ""
    ranges = {1: False, 2: True}
    full = True if pixel_format.startswith("yuvj") else ranges.get(int(context.color_range or 0))
    matrix, guessed = "", False
    if pixel_format.startswith(("yuv", "nv", "p0", "p2")):
        matrix = MATRICES.get(int(context.colorspace), "")
        if not matrix and context.color_primaries == BT2020:
            matrix, guessed = "bt2020nc", True
        elif not matrix and context.height > LARGEST_SD:
            matrix, guessed = "bt709", True
    return ColorInfo(
        matrix=matrix,
        primaries=PRIMARIES.get(int(context.color_primaries or 2), ""),
        transfer=TRANSFERS.get(int(context.color_trc or 2), ""),
        full_range=full,
        guessed=guessed,
    )


class _FirstFrame(NamedTuple):
    """What a file's first frame says that headers may not.

    Attributes:
        rotation: clockwise degrees.
        mirrored: whether it is mirrored before it is turned.
        interlaced: whether it is.
        embedded: as in ``MediaInfo``.
        time: when it is shown, seconds on the file's clock; None = unknown.
        mastering: as in ``ColorInfo``.
        content_light: as there.
        opaque: whether it is a GIF's that has no transparent pixel: ffmpeg gives all of them an alpha channel.
    """

    rotation: int = 0
    mirrored: bool = False
    interlaced: bool = False
    embedded: tuple[str, ...] = ()
    time: float | None = None
    opaque: bool = False
    mastering: str = ""
    content_light: str = ""


# Names of side data, in PyAV's words, that a painted stream does not carry on.
EMBEDDED = {
    **{"A53_CC": "captions", "STEREO3D": "stereo flag", "SPHERICAL": "spherical mapping"},
    **{"DYNAMIC_HDR_PLUS": "HDR10+ metadata", "DOVI_METADATA": "Dolby Vision metadata"},
}


def _first_frame(container: Any, stream: Any) -> _FirstFrame:
    """What the first frames of a stream say; the defaults if none decodes."""
    first: _FirstFrame | None = None
    frames = 0
    with contextlib.suppress(FFmpegError, StopIteration):
        for tries, packet in enumerate(container.demux(stream)):
            for frame in packet.decode():
                data = {side.type.name: bytes(side) for side in frame.side_data}
                embedded = tuple(word for name, word in EMBEDDED.items() if name in data)
                if first is None:
                    mirrored = _mirrors(data.get("DISPLAYMATRIX", b""))
                    rotation = -int(frame.rotation) % 360
                    opaque = stream.codec_context.name == "gif" and _is_opaque(frame)
                    time = None if frame.pts is None else float(frame.pts * frame.time_base)
                    first = _FirstFrame(
                        rotation,
                        mirrored,
                        bool(frame.interlaced_frame),
                        embedded,
                        time,
                        opaque,
                        hdr.mastering_display(data.get("MASTERING_DISPLAY_METADATA", b"")),
                        hdr.content_light(data.get("CONTENT_LIGHT_LEVEL", b"")),
                    )
                # Captions come with every frame or with every second one.
                first = first._replace(embedded=tuple(dict.fromkeys((*first.embedded, *embedded))))
                frames += 1
            if frames >= CAPTIONED or tries > FIRST_PACKETS:
                break
    return first or _FirstFrame()


def _is_opaque(frame: Any) -> bool:
    return bool((frame.to_ndarray(format="rgba")[..., 3] == 255).all())


def _mirrors(matrix: bytes) -> bool:
    """Whether a display matrix (nine native 32-bit numbers) reflects: its determinant is negative."""
    if len(matrix) < 36:
        return False
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    return bool(a * d - b * c < 0)


def _is_video(stream: Any) -> bool:
    return stream.type == "video" and stream.codec_context is not None and not int(stream.disposition) & COVER


def _video_info(container: Any, stream: Any) -> tuple[VideoInfo, _FirstFrame]:
    """What the frames of a stream are like, and what the first one says."""
    context = stream.codec_context
    # The container's comes before the codec's own.
    aspect = Fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio or 1)
    if aspect <= 0:
        aspect = Fraction(1)
    tags = {key.lower(): value for key, value in stream.metadata.items()}  # Matroska may shout them
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
        has_alpha=any(c.is_alpha for c in components) or tags.get("alpha_mode") == "1",
        codec=context.name,
    )
    # Decoding comes last: it changes what the context says.
    first = _first_frame(container, stream)
    if first.rotation in (90, 270):
        info = replace(info, width=info.height, height=info.width, sample_aspect=1 / aspect)
    if info.color.is_hdr:
        color = replace(info.color, mastering=first.mastering, content_light=first.content_light)
        info = replace(info, color=color)
    info = replace(info, rotation=first.rotation, mirrored=first.mirrored, interlaced=first.interlaced)
    return replace(info, has_alpha=info.has_alpha and not first.opaque), first


def _chosen_video(container: Any, file: Path) -> Any | None:
    """The first video stream that is not a cover; of an animated picture, the track rather than its first picture."""
    videos = [stream for stream in container.streams if _is_video(stream)]
    if videos and "avis" in boxes.brands(file):
        return max(videos, key=lambda stream: int(stream.frames or 0))
    return videos[0] if videos else None


def _refuse_unknown(container: Any, file: Path) -> None:
    """Refuses a file whose only video has a codec that nothing knows, or is encrypted."""
    if boxes.is_encrypted(file) or any("enc_key_id" in stream.metadata for stream in container.streams):
        raise encrypted(file)
    unknown = [stream for stream in container.streams if stream.type == "video" and stream.codec_context is None]
    if unknown and not any(_is_video(stream) for stream in container.streams):
        name = boxes.video_codec(file)
        raise InputError(
            f"cannot read '{file}'",
            f"the codec of its video{f' ({name})' if name else ''} is not known",
            hint="convert it with the program that made it, for instance to H.264 in .mp4",
        )


def _elsewhere(container: Any, file: Path, video: Any | None) -> frozenset[int]:
    """Numbers of the streams that belong to other programmes of a transport stream than the video only."""
    if container.format.name != "mpegts" or video is None:
        return frozenset()
    groups = programmes(file)
    own: set[int] = set().union(*(group for group in groups if video.id in group))
    other: set[int] = set().union(*groups) - own
    return frozenset(stream.index for stream in container.streams if own and stream.id in other)


def _animated_webp(file: Path) -> MediaInfo:
    shown = webp.durations(file)
    width, height, alpha = webp.size_and_alpha(file)
    length = sum(shown)
    info = VideoInfo(
        width=width,
        height=height,
        fps=Fraction(len(shown) / length).limit_denominator(1000) if length else Fraction(10),
        frame_count=len(shown),
        duration=length,
        has_alpha=alpha,
        codec=webp.FORMAT,
    )
    return MediaInfo(
        path=file,
        format=webp.FORMAT,
        duration=length,
        start=0.0,
        video=info,
        video_index=0,
        others=(),
        metadata={},
        chapters=(),
        size=file.stat().st_size,
        counted=True,
        end=length,
    )


def probe(path: str | Path) -> MediaInfo:
    """Reads the headers of a media file and decodes its first frame.

    Raises:
        InputError: if it is not a readable media file.
    """
    file = vet_input(path)
    if webp.is_animation(file):
        return _animated_webp(file)
    with open_container(file) as container:
        _refuse_unknown(container, file)
        video = _chosen_video(container, file)
        elsewhere = _elsewhere(container, file, video)
        others = []
        titles = boxes.chapter_tracks(file) if container.chapters() else ()
        for stream in container.streams:
            if stream is video or (stream.type == "data" and stream.id in titles):
                continue
            context = getattr(stream, "codec_context", None)
            detail = ""
            if stream.type == "audio" and context is not None:
                detail = f"{context.sample_rate} Hz, {getattr(context.layout, 'name', '')}"
            kind = "picture" if stream.type == "video" else str(stream.type)
            name = getattr(context, "name", "") or ""
            tags = dict(stream.metadata)
            others.append(StreamInfo(stream.index, kind, name, tags, detail, stream.index in elsewhere))
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
            if s.start_time is not None and s.type in ("video", "audio") and s.index not in elsewhere
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
            origin=container.start_time / av.time_base if container.start_time is not None else 0.0,
            counted=bool(video is not None and video.frames),
            video_metadata=dict(video.metadata) if video is not None else {},
        )
        if video is None or not video.codec_context.width:
            return media
        info, first = _video_info(container, video)
        return replace(media, video=info, embedded=first.embedded, first_shown=first.time)
