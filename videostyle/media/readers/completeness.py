"""Detects a file that ends too early: cut off while it was copied, or damaged up to its end."""

from __future__ import annotations

from videostyle.media import packets, webp
from videostyle.media.probe import MediaInfo

SLACK = 0.01  # seconds; containers round times to their clock
SHORTEST_GAP = 0.1  # seconds that must be missing from a file that does not count its frames


def missing_end(media: MediaInfo, read: int | None, last: float) -> str:
    """A message about what is missing at the end of a file that was read as far as possible; "" if nothing is.

    Args:
        media: the headers of the file; it has a video.
        read: frames of the file that were read, including those that could not be decoded; None = unknown.
        last: time of the last of them, seconds on the container's clock.
    """
    info, index = media.video, media.video_index
    if info is None or index is None:
        raise ValueError(f"'{media.path}' has no video stream")
    if media.segments or media.format == webp.FORMAT:
        return ""  # the container's length is the distance between two clocks, or is not stated
    step = float(1 / info.fps) if info.fps else 0.04
    length, promised = info.duration or 0.0, info.frame_count or 0
    counted = media.counted and (read is None or read <= promised)
    if media.format == "avi":
        # AVI counts ticks of its clock rather than frames, and ffmpeg shortens its length to what is there.
        counted, length = False, max(length, promised * float(info.time_base))
    if not length or info.start + length - last <= 1.25 * step + SLACK:
        return ""
    if counted and (read is None or read < promised):
        stored = packets.intact_packets(media.path, index)
        if stored < promised:
            found = stored if read is None else read
            return f"it ends early: {found} of about {promised} frames could be read; is it cut off?"
    # Audio may outlast the video, and the container's length counts from 0 rather than from the first frame: so the
    # packets of every stream are looked at.
    extent = packets.extent(media.path, index)
    ends = max(media.duration or 0.0, length)
    cut = not counted and extent.end < ends - max(0.75 * step, 1.5 * extent.uncertainty, SHORTEST_GAP)
    if cut or extent.last_shown > last + 1.5 * step:
        reached = extent.end if cut else last + step
        return f"it ends early: it could be read to {reached:.2f} of {ends:.2f} seconds; is it cut off?"
    return ""
