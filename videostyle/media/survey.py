"""Scans a whole video file for what its headers and its first frame do not say; nothing is converted.

One pass over the packets finds jumps of the clock, for how long the last frame is shown, and whether frames may be
interlaced or change their shape. Only streams that may hold interlaced frames are decoded too, up to the first one.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from av.error import FFmpegError

from videostyle.media import webp
from videostyle.media.clock import JUMPING, SegmentFinder
from videostyle.media.parameter_sets import SEARCHED, Sequence, length_size_of, sequences, stored_sequences
from videostyle.media.probe import MediaInfo, open_container

# Codecs whose parameter sets are read; of others in ``MAY_CHANGE`` every frame is decoded.
WITH_PARAMETER_SETS = ("h264", "hevc")
MAY_CHANGE = ("mpeg1video", "mpeg2video", "mpeg4", "vc1", "wmv3", "cavs", "avs2", "h261", "h263")


def survey(media: MediaInfo) -> MediaInfo:
    """What is known of a file after all its packets were looked at.

    Args:
        media: what ``probe`` found; it has a video.

    Returns:
        The same with ``end`` and ``segments``; and of the video, whether any frame is interlaced, whether its shape
        changes, and, where the clock jumps, its true duration.
    """
    info, index = media.video, media.video_index
    if info is None or index is None or media.format == webp.FORMAT:
        return media
    step = float(1 / info.fps) if info.fps else 0.04
    finder = SegmentFinder(step)
    jumping = media.format in JUMPING
    found: set[Sequence] = set()
    last, duration = float("-inf"), 0.0
    with open_container(media.path) as container, contextlib.suppress(FFmpegError):
        stream = container.streams[index]
        sets = info.codec in WITH_PARAMETER_SETS
        extradata = bytes(stream.codec_context.extradata or b"")
        length_size = length_size_of(info.codec, extradata)
        if sets:
            found.update(stored_sequences(info.codec, extradata))
        for packet in container.demux(stream):
            if packet.pts is None or packet.is_discard or not packet.size:
                continue
            time = float(packet.pts * packet.time_base)
            length = float((packet.duration or 0) * packet.time_base)
            if jumping:
                decoded = float(packet.dts * packet.time_base) if packet.dts is not None else time
                time += finder.add(decoded, time, length)
            if time > last:
                last, duration = time, length
            if sets and packet.is_keyframe:
                found.update(sequences(info.codec, bytes(memoryview(packet)[:SEARCHED]), length_size))
    if last == float("-inf"):
        return media
    segments = finder.segments if len(finder.segments) > 1 else ()
    changes = len({sequence.shape for sequence in found}) > 1
    interlaced = info.interlaced
    if not interlaced and (any(s.fields for s in found) or info.codec in MAY_CHANGE):
        interlaced, reshaped = _decoded(media)
        changes = changes or reshaped
    info = replace(info, interlaced=interlaced, changes=changes)
    # AVI numbers its frames, and B-frames by a tick more than they are shown at.
    end = last + duration if duration and media.format != "avi" else None
    if segments:
        length = last + (duration or step) - info.start
        info = replace(info, duration=length)
        media = replace(media, duration=length + info.start - media.start)
    return replace(media, video=info, segments=segments, end=end)


def _decoded(media: MediaInfo) -> tuple[bool, bool]:
    """Whether any frame of the video is interlaced, and whether frames before it differ in shape."""
    shapes: set[tuple[Any, ...]] = set()
    with open_container(media.path) as container, contextlib.suppress(FFmpegError):
        stream = container.streams[media.video_index or 0]
        stream.thread_type = "AUTO"
        for packet in container.demux(stream):
            with contextlib.suppress(FFmpegError):
                for frame in packet.decode():
                    shapes.add((frame.width, frame.height, frame.format.name))
                    if frame.interlaced_frame:
                        return True, len(shapes) > 1
    return False, len(shapes) > 1
