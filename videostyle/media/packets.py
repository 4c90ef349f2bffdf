"""Counts and times of the packets of a file. Only ``frame_times`` decodes."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
from av.error import FFmpegError

from videostyle.media import webp
from videostyle.media.clock import SegmentFinder
from videostyle.media.probe import MediaInfo, open_container

# Codecs, in ffmpeg's names, with one frame in each packet of progressive video.
FRAME_A_PACKET = ("h264", "hevc", "vp9", "libdav1d", "av1", "libaom-av1", "prores", "mjpeg", "ffv1", "png")
REORDERED = 64  # packets; no codec reorders more
SAME_TIME = 1e-5  # seconds; two readings of the time of a frame differ by less


def packet_times(path: Path, index: int) -> list[Fraction]:
    """Presentation times in seconds of a stream's packets, as they are stored, in order of presentation.

    Args:
        path: the file.
        index: number of the stream.
    """
    if webp.is_animation(path):
        return [Fraction(time).limit_denominator(1000) for time in webp.times(path)]
    times: list[Fraction] = []
    with open_container(path) as container:
        stream = container.streams[index]
        with contextlib.suppress(FFmpegError):  # of a file that is cut off, the times up to there
            for packet in container.demux(stream):
                if packet.pts is not None and not packet.is_discard:
                    times.append(packet.pts * packet.time_base)
    return sorted(times)


def shown_times(media: MediaInfo) -> list[float]:
    """Presentation times in seconds of the video's packets, jumps of the clock put right, in order of presentation.

    Args:
        media: the file; it has a video.
    """
    if media.format == webp.FORMAT:
        return webp.times(media.path)
    times: list[float] = []
    rate = media.video.fps if media.video is not None else None
    finder = SegmentFinder(float(1 / rate) if rate else 0.04)
    with open_container(media.path) as container:
        stream = container.streams[media.video_index or 0]
        with contextlib.suppress(FFmpegError):  # of a file that is cut off, the times up to there
            for packet in container.demux(stream):
                if packet.pts is None or packet.is_discard or not packet.size:
                    continue
                time = float(packet.pts * packet.time_base)
                if media.segments:
                    decoded = float(packet.dts * packet.time_base) if packet.dts is not None else time
                    time += finder.add(decoded, time, float((packet.duration or 0) * packet.time_base))
                times.append(time)
    return sorted(times)


def time_of_frame(media: MediaInfo, number: int) -> float | None:
    """The time at which frame ``number`` of the video is shown, seconds; the file is read up to there.

    Returns:
        Infinity if there are fewer frames. None if packets have no times, or cannot be counted for frames: in
        interlaced video a packet may hold one field only, in some codecs a frame that is never shown.
    """
    if media.video is None or media.video.interlaced or media.segments or media.video.codec not in FRAME_A_PACKET:
        return None
    times: list[Fraction] = []
    with open_container(media.path) as container, contextlib.suppress(FFmpegError):
        for packet in container.demux(container.streams[media.video_index or 0]):
            if packet.pts is None and packet.size:
                return None  # a raw stream stores no times
            if packet.pts is not None and not packet.is_discard:
                times.append(packet.pts * packet.time_base)
            if len(times) > number + REORDERED:
                break
    return float(sorted(times)[number]) if number < len(times) else math.inf


def shown_at(media: MediaInfo, time: float) -> float | None:
    """The presentation time of the frame that is on the screen at ``time``.

    Args:
        media: the file.
        time: seconds on the container's clock.

    Returns:
        Seconds; None if seeking does not find it.
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
    """Presentation times in seconds of the key frames up to ``time``, the nearest first."""
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
            # Some containers seek by decoding time, which may be earlier.
            decoded = packet.pts if packet.dts is None else min(packet.pts, packet.dts)
            if decoded > goal:
                return  # there is none before it
            goal = decoded - 1


def decodable(media: MediaInfo, begin: float = -math.inf) -> int:
    """The number of frames that decoding the video should give: those it gives, and one for each damaged packet.

    Packets may also hold frames that are never shown, or that cannot be decoded where a file begins.

    Args:
        media: the file; it has a video, whose clock does not jump where ``begin`` is given.
        begin: frames that are shown earlier are not counted, seconds.
    """
    count = 0
    if media.format == webp.FORMAT:
        return sum(time > begin - SAME_TIME for time in webp.times(media.path))
    with open_container(media.path) as container:
        stream = container.streams[media.video_index or 0]
        stream.thread_type = "AUTO"
        with contextlib.suppress(FFmpegError):
            for packet in container.demux(stream):
                if packet.pts is not None and not packet.size:
                    continue  # the frame before is shown again; an empty packet would end decoding
                try:
                    for frame in packet.decode():
                        count += frame.pts is None or float(frame.pts * frame.time_base) > begin - SAME_TIME
                except FFmpegError:
                    count += packet.pts is None or float(packet.pts * packet.time_base) > begin - SAME_TIME
    return count


class Extent(NamedTuple):
    """The end of a file according to its packets, in seconds on the container's clock.

    Attributes:
        last_shown: time of the last frame of the video.
        end: end of the last packet of any stream.
        uncertainty: time by which ``end`` may be later, if the last packet of the video has no duration.
    """

    last_shown: float
    end: float
    uncertainty: float


def extent(path: Path, index: int) -> Extent:
    """Reads the packets of all streams of a file to find where they end.

    Args:
        path: the file.
        index: number of its video stream.
    """
    last = before = end = uncertainty = 0.0
    with open_container(path) as container, contextlib.suppress(FFmpegError):
        for packet in container.demux():
            if packet.pts is None or packet.is_discard:
                continue
            time = float(packet.pts * packet.time_base)
            end = max(end, time + float((packet.duration or 0) * packet.time_base))
            if packet.stream.index == index:
                before, last = sorted((before, last, time))[1:]
                uncertainty = 0.0 if packet.duration else last - before
    return Extent(last, end, uncertainty)


def intact_packets(path: Path, index: int) -> int:
    """The number of intact packets of a stream, including those that an edit list hides (a cut without encoding)."""
    count = 0
    with open_container(path, ignore_editlist="1") as container, contextlib.suppress(FFmpegError):
        for packet in container.demux(container.streams[index]):
            count += bool(packet.size and not packet.is_corrupt)
    return count


def has_several(path: Path) -> bool:
    """Whether the first video stream of a file has more than one packet; they are read up to the second."""
    count = 0
    with open_container(path) as container, contextlib.suppress(FFmpegError):
        for packet in container.demux(video=0):
            count += bool(packet.size)
            if count > 1:
                return True
    return False


def stored_header(path: Path) -> bytes:
    """The codec parameters that an encoder wrote before the first frame; they must be equal in files to be joined.

    Raises:
        FFmpegError: if it cannot be read.
    """
    with av.open(f"file:{path}") as container:
        return bytes(container.streams.video[0].codec_context.extradata or b"")


def stored_frames(path: Path) -> int:
    """The number of frames in the first video stream of a file that this program wrote.

    Raises:
        FFmpegError: if it cannot be read.
    """
    with av.open(f"file:{path}") as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)
