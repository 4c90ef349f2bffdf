"""What all readers of frames share: options, trimming, constant rate, shrinking and batching.

Every reader delivers ``FrameBatch`` (RGB, upright, progressive) in order of presentation, each frame with its
own time. What a reader could not deliver is said in ``warnings``; with ``strict`` it is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np

from videostyle.errors import InputError, UsageError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media import probe
from videostyle.media.opencv import load_cv2
from videostyle.media.timecode import TimePoint

log = logging.getLogger("videostyle")

SEQUENCE_RATE = Fraction(25)
# A frame as its decoder gives it, uint8 [H, W, 3], and its time in seconds on the source's clock; ``delivered``
# makes it RGB of the promised size, which takes longer than decoding and is left out where only times, or a
# glance, are wanted.
Frame = tuple[UInt8Array, float]


@dataclass(frozen=True)
class ReadOptions:
    """How a source is read.

    Attributes:
        batch_size: frames in a batch; the last may be shorter.
        start: first frame wanted, from the first frame of the source; None = from the beginning.
        end: the frame at which to stop, not included; None = to the end.
        max_size: longest side of a delivered frame in pixels; larger ones are shrunk.
        frame_rate: deliver at this constant rate instead of at the source's own times.
        strict: damage is an error rather than a warning.
        tone_map: whether HDR may be mapped to SDR (else it is refused).
    """

    batch_size: int = 4
    start: TimePoint | None = None
    end: TimePoint | None = None
    max_size: int | None = None
    frame_rate: Fraction | None = None
    strict: bool = False
    tone_map: bool = True

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError("the batch size must be at least 1")
        if self.max_size is not None and self.max_size < 16:
            raise UsageError("--max-size must be at least 16")
        if self.frame_rate is not None and not 0 < self.frame_rate <= 1000:
            raise UsageError("--fps must be above 0 and at most 1000")


class FrameReader:
    """What all sources share: trimming, constant rate, shrinking and batching of the frames of ``_frames``."""

    def __init__(self, path: Path, info: VideoInfo, options: ReadOptions) -> None:
        self.path = path
        self.files: list[Path] = [path]
        self.options = options
        self.warnings: list[str] = []
        self._native = info
        self.info = self._delivered(info)
        self._closed = False
        self._first = 0
        self._count: int | None = None
        self._first_time: float | None = None

    def _delivered(self, info: VideoInfo) -> VideoInfo:
        options = self.options
        limit = options.max_size
        if limit and max(info.width, info.height) > limit:
            scale = limit / max(info.width, info.height)
            # Even sides, which every codec can store.
            width, height = (max(2, 2 * round(side * scale / 2)) for side in (info.width, info.height))
            info = replace(info, width=width, height=height)
        if options.frame_rate:
            info = replace(info, fps=options.frame_rate, time_base=1 / options.frame_rate, frame_count=None)
        if info.still:
            return info
        if options.start or options.end:
            first, last = (self._frame_number(p) for p in (options.start, options.end))
            total = (
                info.frame_count if last is None else last if info.frame_count is None else min(last, info.frame_count)
            )
            if total is None or (first is None and options.start):
                return replace(info, frame_count=None)
            return replace(info, frame_count=max(0, total - (first or 0)))
        return info

    def _frame_number(self, point: TimePoint | None) -> int | None:
        if point is None:
            return None
        if point.frame is not None:
            return point.frame
        rate = self._native.fps
        return round((point.seconds or 0.0) * rate) if rate else None

    def _frames(self) -> Iterator[Frame]:
        raise NotImplementedError

    def raw_frames(self) -> Iterator[Frame]:
        """The frames that batches would hold, once, one by one, as they leave the decoder.

        Sizes and the order of channels may differ from those of batches; ``delivered`` mends both. The arrays
        are the caller's to keep.
        """
        return self._wanted()

    def delivered(self, picture: UInt8Array) -> UInt8Array:
        """A frame of ``raw_frames`` as batches hold it: uint8 ``[H, W, 3]`` RGB of the promised size."""
        picture = self._converted(picture)
        size = (self.info.height, self.info.width)
        if picture.shape[:2] == size:
            return picture
        cv2 = load_cv2()
        shrinking = picture.shape[0] * picture.shape[1] > size[0] * size[1]
        method = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=method), np.uint8)

    def _converted(self, picture: UInt8Array) -> UInt8Array:
        """RGB of what ``_frames`` gave, in its own size."""
        return picture

    def part(self, first: int, count: int, time: float | None = None) -> None:
        """Delivers only ``count`` frames from number ``first`` on, of those it would deliver otherwise.

        Args:
            first: number of the first frame; batches keep the numbers of the whole.
            count: frames to deliver.
            time: when the first is shown, if that is known of an intact file: the source may then seek, and
                checks where it arrived. None = everything before is decoded and dropped.
        """
        self._first, self._count, self._first_time = first, count, time

    def _seek(self, number: int, time: float) -> bool:
        """Goes to a frame before ``_frames`` is asked for the first; False, with nothing changed, if it cannot."""
        return False

    def _wanted(self) -> Iterator[Frame]:
        """The frames of the part asked for."""
        first = 0
        untouched = not (self.options.start or self.options.end or self.options.frame_rate)
        if self._first and self._first_time is not None and untouched and self._seek(self._first, self._first_time):
            first = self._first
        frames = self._trimmed()
        if self.options.frame_rate:
            frames = self._constant(frames, self.options.frame_rate)
        for number, frame in enumerate(frames, first):
            if number >= self._first:
                yield frame
            if self._count is not None and number + 1 >= self._first + self._count:
                return

    def _warn(self, message: str) -> None:
        """Notes damage; raises instead where the user asked to be strict."""
        if self.options.strict:
            raise InputError(f"'{self.path}': {message}", hint="leave --strict out to paint what there is")
        self.warnings.append(message)
        log.warning("%s: %s", self.path.name, message)

    def _check_end(self, media: probe.MediaInfo, read: int, last: float) -> None:
        """Says so where a file ends before it should: cut off as it was copied, or damaged to its end.

        Args:
            media: what the file says of itself.
            read: frames that were read, those that could not be decoded included.
            last: when the last of them is shown, seconds on the container's clock.
        """
        info, index = self._native, media.video_index or 0
        step = float(1 / info.fps) if info.fps else 0.04
        length, promised = info.duration or 0.0, info.frame_count or 0
        counted = media.counted and read <= promised
        if media.format == "avi":
            # What it counts are ticks of its clock, and its length is that of what is there.
            counted, length = False, max(length, promised * float(info.time_base))
        if not length or info.start + length - last <= 1.25 * step + 0.01:
            return
        if counted and read < promised and probe.packets_there(self.path, index) < promised:
            self._warn(f"it ends early: {read} of about {promised} frames could be read; is it cut off?")
            return
        # A sound that is longer than the picture ends the file; so every stream is looked at, and the length that the
        # container was given, which counts from its zero.
        shown, end, unsaid = probe.extent(self.path, index)
        ends = max(media.duration or 0.0, length)
        cut = not counted and end < ends - max(0.75 * step, 1.5 * unsaid, 0.1)
        if cut or shown > last + 1.5 * step:
            reached = end if cut else last + step
            self._warn(
                f"it ends early: {read} frames could be read, to {reached:.2f} of {ends:.2f} seconds; is it cut off?"
            )

    def _trimmed(self) -> Iterator[Frame]:
        start, end = self.options.start, self.options.end
        origin: float | None = None
        delivered = False
        for number, (picture, time) in enumerate(self._frames()):
            origin = time if origin is None else origin
            if end is not None and end.reached(time - origin, number):
                break
            if start is None or start.reached(time - origin, number):
                delivered = True
                yield picture, time
        if not delivered and (start or end):
            raise UsageError(f"no frame of '{self.path.name}' lies between --start and --end")

    def _constant(self, frames: Iterator[Frame], rate: Fraction) -> Iterator[Frame]:
        """Repeats and drops frames so that one is shown at every tick of ``rate``."""
        held: Frame | None = None
        origin, tick = 0.0, 0
        for frame in frames:
            if held is None:
                held, origin = frame, frame[1]
                continue
            while origin + float(tick / rate) < frame[1] - 1e-9:
                yield held[0], origin + float(tick / rate)
                tick += 1
            held = frame
        if held is not None:
            # The last one is shown for as long as a frame of the source is: as many more as that is nearest to.
            end = held[1] + float(1 / (self._native.fps or SEQUENCE_RATE))
            while tick == 0 or origin + float((tick + Fraction(1, 2)) / rate) <= end + 1e-9:
                yield held[0], origin + float(tick / rate)
                tick += 1

    def __iter__(self) -> Iterator[FrameBatch]:
        size, count = (self.info.height, self.info.width), self.options.batch_size
        buffer = np.empty((count, *size, 3), np.uint8)
        times: list[float] = []
        index = self._first
        for picture, time in self._wanted():
            buffer[len(times)] = self.delivered(picture)
            times.append(time)
            if len(times) == count:
                yield FrameBatch(buffer, np.array(times), index)
                index += count
                # The batch is on its way through other threads: the next one needs its own memory.
                buffer, times = np.empty_like(buffer), []
        if times:
            yield FrameBatch(buffer[: len(times)], np.array(times), index)

    def close(self) -> None:
        """Frees the file."""
        self._closed = True

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
