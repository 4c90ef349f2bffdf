"""Chooses the sound and subtitle streams of the original that the container of the output can hold."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import av
from av.error import FFmpegError

from videostyle.media.probe import MediaInfo, open_container
from videostyle.media.writers import ffmpeg_copy
from videostyle.media.writers.sound import ENCODERS, NAMES, layout_of

MUXERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".mkv": "matroska",
    ".webm": "webm",
    ".avi": "avi",
    ".ts": "mpegts",
    ".flv": "flv",
}
# Codecs that have a stream type in MPEG transport streams. ffmpeg writes other codecs as private data, without a
# message, and players do not find these.
TRANSPORT_CODECS = (
    *("aac", "aac_latm", "mp2", "mp3", "ac3", "eac3", "dts", "opus"),
    *("dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle"),
)
UNPLACED = re.compile(r"\d+ channels.*")  # ffmpeg's name of a layout that states a number of channels only
USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
TRIED_PACKETS = 500  # packets of the original in which the first one of each stream is looked for


@dataclass(frozen=True)
class Chosen:
    """What becomes of the sound and the subtitles of a file.

    Attributes:
        copied: numbers, in the file, of the streams that are copied.
        encoded: number and encoder of each stream of sound that is encoded anew.
        by_ffmpeg: numbers of the streams that the ffmpeg program copies (``writers.ffmpeg_copy``).
        warnings: messages about what is not copied.
    """

    copied: tuple[int, ...] = ()
    encoded: Mapping[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    by_ffmpeg: tuple[int, ...] = ()


def choose_streams(media: MediaInfo, suffix: str, *, copy: bool) -> Chosen:
    """Finds the sound and subtitle streams of a file that a container can hold.

    It is called before the first frame is painted, because a refusal at the end would cost the whole render.

    Args:
        media: the original.
        suffix: suffix of the output.
        copy: whether streams are to be copied at all.

    Returns:
        What to copy, what to encode, and a warning for each stream that is not copied.
    """
    chosen: list[int] = []
    encoded: dict[int, str] = {}
    beside: list[int] = []
    warnings = [
        f"video stream {stream.index} (a cover or another video) is not copied"
        for stream in media.others
        if stream.kind == "picture" and not stream.elsewhere
    ]
    if elsewhere := [str(stream.index) for stream in media.others if stream.elsewhere]:
        warnings.append(f"streams {', '.join(elsewhere)} belong to another programme; they are not copied")
    candidates = [s.index for s in media.others if s.kind in ("audio", "subtitle") and not s.elsewhere]
    if not copy or not candidates:
        return Chosen((), {}, tuple(warnings))
    with open_container(media.path) as source:
        streams = [source.streams[index] for index in candidates]
        firsts: dict[int, Any] = {}
        with contextlib.suppress(FFmpegError):
            for number, packet in enumerate(source.demux(streams)):
                if packet.size:
                    firsts.setdefault(packet.stream.index, packet)
                if len(firsts) == len(streams) or number > TRIED_PACKETS:
                    break
        for stream in streams:
            context: Any = stream.codec_context
            codec, why = "unknown", "no decoder knows it"
            if context is not None:
                codec, why = context.name, _refusal(stream, firsts.get(stream.index), MUXERS[suffix.lower()])
            encoder = ENCODERS[suffix.lower()]
            sounds = stream.type == "audio" and context is not None and stream.index in firsts
            if why and sounds and ffmpeg_copy.can_copy(media.path, stream, suffix.lower(), MUXERS[suffix.lower()]):
                beside.append(stream.index)
            elif why and sounds:
                encoded[stream.index] = encoder
                fewer = stream.codec_context.layout.nb_channels > 2 and layout_of(stream, encoder) == "stereo"
                how = NAMES[encoder] + (", stereo" if fewer else "")
                warnings.append(f"audio stream {stream.index} ({codec}) is encoded as {how}: {suffix} cannot hold it")
            elif why:
                warnings.append(f"{stream.type} stream {stream.index} ({codec}) cannot be copied into {suffix}: {why}")
            else:
                chosen.append(stream.index)
    return Chosen(tuple(chosen), encoded, tuple(warnings), tuple(beside))


def add_copy(muxer: Any, stream: Any) -> Any:
    """Adds a stream to a muxer that takes packets of a stream of another file as they are."""
    copy = muxer.add_stream_from_template(stream, opaque=True)
    context = copy.codec_context
    if stream.type == "audio" and context is not None and UNPLACED.fullmatch(stream.codec_context.layout.name):
        # Some containers do not state which channel is which, and others insist on it.
        usual = USUAL_LAYOUTS.get(stream.codec_context.channels)
        if usual is not None:
            context.layout = usual
    return copy


def _refusal(stream: Any, packet: Any, container: str) -> str:
    """Why a container cannot hold a stream; "" if it can.

    A file of a header and the stream's first packet is written to memory and read again: what a container lists as
    allowed may be less than it takes, or more.

    Args:
        stream: of the original.
        packet: its first packet; None if it has none.
        container: ffmpeg's name of the muxer.
    """
    codec = stream.codec_context.codec
    names = {codec.name, getattr(codec, "canonical_name", codec.name)}
    if container == "mpegts" and names.isdisjoint(TRANSPORT_CODECS):
        return "the container does not allow it"
    written = io.BytesIO()
    try:
        with av.open(written, "w", format=container) as trial:
            copy = add_copy(trial, stream)
            if packet is None:
                trial.start_encoding()
            else:
                packet.pts = packet.dts = 0
                packet.stream = copy
                trial.mux(packet)
    except (FFmpegError, ValueError) as error:
        return f"the container does not allow it ({getattr(error, 'strerror', None) or error})"
    return ""
