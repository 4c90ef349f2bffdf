"""What all readers of frames share: options, the probed input, selection of frames, seeking, batches.

Every reader delivers ``FrameBatch`` (RGB, upright, progressive) in order of presentation, each frame at its own time.
``warnings`` lists what is delivered otherwise than it is stored, and damage; with ``strict``, damage is an error.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType

import numpy as np

from videostyle.errors import InputError, UsageError
from videostyle.frames import AnyArray, FrameBatch, VideoInfo
from videostyle.media.opencv import load_cv2
from videostyle.media.packets import SAME_TIME
from videostyle.media.picture_metadata import Metadata
from videostyle.media.probe import MediaInfo
from videostyle.media.readers.timing import Frame, at_constant_rate, trim
from videostyle.media.timecode import TimePoint

log = logging.getLogger("videostyle")

SEQUENCE_RATE = Fraction(25)  # frames per second of pictures, if the user gives no rate
# Containers, in ffmpeg's names, that store the time of every frame and know where key frames are. Raw streams have
# neither, and a frame of an animated picture builds on all frames before it.
SEEKABLE = (*("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "flv", "nut", "mxf", "asf", "ogg"),)
SEEK_LEAD = 16  # frames to decode before the wanted one; no codec reorders more


@dataclass(frozen=True)
class ReadOptions:
    """How an input is read.

    Attributes:
        batch_size: frames in a batch; the last batch may be shorter.
        start: the first frame to deliver, counted from the first frame of the file; None = from the beginning.
        end: the frame at which to stop, which is not delivered; None = to the end.
        max_size: longest side of a delivered frame in pixels; larger frames are shrunk.
        frame_rate: deliver at this constant rate instead of the frames' own times; for pictures, their rate.
        strict: damage is an error instead of a warning.
        hdr: whether HDR is taken; otherwise it is refused.
        tone_map: what becomes of it, one of ``choices.TONE_MAPS``.
        deep: deliver frames of more than 8 bits as 16 bits ("rgb48"); otherwise all frames have 8.
        alpha: deliver the alpha channel, where there is one; otherwise pictures are put on white, and that of a
            video is dropped.
        hwaccel: the decoder in hardware to use where it works, one of ``choices.HARDWARE_DECODERS``; None = decode on
            the processor.

    Raises:
        UsageError: if a value is out of range.
    """

    batch_size: int = 4
    start: TimePoint | None = None
    end: TimePoint | None = None
    max_size: int | None = None
    frame_rate: Fraction | None = None
    strict: bool = False
    hdr: bool = True
    tone_map: str = "mobius"
    deep: bool = False
    alpha: bool = False
    hwaccel: str | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise UsageError(f"cannot read {self.batch_size} frames at once", hint="give at least 1")
        if self.max_size is not None and self.max_size < 16:
            raise UsageError(f"`max_size` {self.max_size} is too small", hint="give at least 16")
        if self.frame_rate is not None and not 0 < self.frame_rate <= 1000:
            raise UsageError(f"`fps` {self.frame_rate} is out of range", hint="give above 0 and at most 1000")


@dataclass(frozen=True)
class Input:
    """An input that was probed (``open.look_at``); it is read and copied without probing it again.

    Attributes:
        path: the video, the still, the folder or the printf-style pattern.
        files: the files that it consists of, in order.
        info: description of its frames; pictures get ``SEQUENCE_RATE``.
        media: the content of a video file; None for pictures.
        metadata: EXIF and colour profile that a picture should keep, of several those of the first; None for videos.
    """

    path: Path
    files: tuple[Path, ...]
    info: VideoInfo
    media: MediaInfo | None = None
    metadata: Metadata | None = None


class FrameReader:
    """Base of all readers: selects, shrinks and batches the frames that ``_frames`` of a subclass decodes.

    A reader opens its file when the first frame is requested, and reads it once.

    Args:
        source: the input.
        info: description of the frames in the file.
        options: how to read it.
        rate: constant rate to deliver at; None = at the frames' own times.

    Attributes:
        input: the input; ``open_reader`` takes it to read it again.
        path: as in ``input``.
        files: as in ``input``.
        options: as given.
        info: description of the delivered frames.
        warnings: what is delivered otherwise than it is stored, and damage so far.
        numbers: of numbered pictures, the numbers of those that are delivered; else ().
        pictures: of pictures, the files of those that are delivered; else ().
    """

    def __init__(self, source: Input, info: VideoInfo, options: ReadOptions, rate: Fraction | None) -> None:
        self.input = source
        self.path, self.files = source.path, list(source.files)
        self.options = options
        self.warnings: list[str] = []
        self.numbers: tuple[int, ...] = ()
        self.pictures: tuple[Path, ...] = ()
        self._constant_rate = rate
        self._native = info
        self.info = self._delivered(info)
        self._closed = False
        self._first = 0
        self._count: int | None = None
        self._times: Sequence[float] | None = None

    def __iter__(self) -> Iterator[FrameBatch]:
        size, count = (self.info.height, self.info.width), self.options.batch_size
        buffer = np.empty((count, *size, 4 if self.with_alpha else 3), np.uint16 if self.deep else np.uint8)
        times: list[float] = []
        index = self._first
        for picture, time in self._selected():
            place = buffer[len(times)]
            frame = self.delivered(picture, place)
            if not np.may_share_memory(frame, place):
                place[:] = frame
            times.append(time)
            if len(times) == count:
                yield self._batch(buffer, times, index)
                index += count
                # Other threads still use the batch: the next one needs its own memory.
                buffer, times = np.empty_like(buffer), []
        if times:
            yield self._batch(buffer[: len(times)], times, index)

    @property
    def with_alpha(self) -> bool:
        """Whether batches have the alpha of their frames."""
        return self.options.alpha and self._native.has_alpha

    @property
    def deep(self) -> bool:
        """Whether batches have frames of 16 bits ("rgb48")."""
        return self.options.deep and self._native.bit_depth > 8

    def _batch(self, frames: AnyArray, times: Sequence[float], index: int) -> FrameBatch:
        alpha = np.ascontiguousarray(frames[..., 3]) if self.with_alpha else None
        pixels = "rgb48" if self.deep else "rgb24"
        return FrameBatch(np.ascontiguousarray(frames[..., :3]), np.array(times), index, pixels, alpha)

    def raw_frames(self) -> Iterator[Frame]:
        """The same frames one by one, as decoded.

        Their size and the order of their channels may differ from those of batches. ``delivered`` converts them, which
        takes longer than decoding. The arrays belong to the caller.
        """
        return self._selected()

    def delivered(self, picture: AnyArray, out: AnyArray | None = None) -> AnyArray:
        """Converts a frame of ``raw_frames`` to what batches hold: ``[H, W, 3]`` RGB of the size in ``info``.

        With ``options.deep`` and ``options.alpha`` it is uint16 and has alpha as a fourth channel, where the file does.

        Args:
            picture: the frame.
            out: an array for the result, which the reader need not use.
        """
        size = (self.info.height, self.info.width)
        picture = self._converted(picture, out if picture.shape[:2] == size else None)
        if picture.shape[:2] == size:
            return picture
        cv2 = load_cv2()
        shrinking = picture.shape[0] * picture.shape[1] > size[0] * size[1]
        method = cv2.INTER_AREA if shrinking else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=method), picture.dtype)

    def read_part(self, first: int, count: int, times: Sequence[float] | None = None) -> None:
        """Restricts the reader to a part: consecutive frames. It must be called before the first frame is read.

        Frames, times and numbers are exactly those of reading everything. With ``times``, the reader seeks to a key
        frame before the part and decodes from there. It accepts the seek only if a frame with exactly the expected time
        comes. Otherwise, and in containers without times, it decodes from the beginning and drops the frames before the
        part. The result is always right, and usually fast.

        Args:
            first: number of the first frame, counted from 0 among the frames that ``options`` select.
            count: number of frames.
            times: the times of all frames that ``options`` select, in seconds on the file's clock, from a reader with
                the same options (``FrameBatch.pts``, ``raw_frames``). Give None if that reader warned of damage,
                because how a decoder conceals damage depends on where it begins.
        """
        self._first, self._count, self._times = first, count, times

    def stop(self) -> None:
        """Ends an iteration in another thread before its next frame; the file stays open."""
        self._closed = True

    def close(self) -> None:
        """Frees the file. No other thread may be reading from it. May be called twice."""
        self.stop()

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- for subclasses ------------------------------------------------------------------------------------------

    def _frames(self) -> Iterator[Frame]:
        """Decodes the frames of the file in order of presentation, from the beginning or from the result of ``_seek``.

        Raises:
            InputError: if no frame can be decoded.
        """
        raise NotImplementedError

    def _converted(self, picture: AnyArray, out: AnyArray | None = None) -> AnyArray:
        """Converts a picture of ``_frames`` to RGB, at its own size; ``out`` is as for ``delivered``."""
        return picture

    def _first_time(self) -> float:
        """The time of the first frame of the file, seconds on the file's clock. Called before ``_frames``.

        Raises:
            InputError: if it cannot be decoded.
        """
        raise NotImplementedError

    def _time_of(self, number: int) -> float | None:
        """The time of frame ``number`` of the file, found without decoding; None if that is not possible.

        Infinity if the file has fewer frames.
        """
        return None

    def _seek(self, time: float) -> bool:
        """Makes ``_frames`` begin with a frame that is shown at ``time`` or earlier.

        From there on, frames must be exactly those of decoding from the beginning.

        Returns:
            False if that is not possible; ``_frames`` then begins with the first frame of the file.
        """
        return False

    def _rewind(self) -> None:
        """Makes ``_frames`` begin with the first frame of the file."""
        raise NotImplementedError

    def _warn(self, message: str) -> None:
        """Adds a warning of damage; with ``strict``, raises it as an error."""
        if self.options.strict:
            raise InputError(f"'{self.path}': {message}", hint="leave `strict` out to paint what there is")
        self.warnings.append(message)
        log.warning("%s: %s", self.path.name, message)

    # -- which frames are delivered ------------------------------------------------------------------------------

    def _end_of_file(self) -> float | None:
        """When the last frame of the file stops being shown, seconds on its clock; None = unknown."""
        return self.input.media.end if self.input.media is not None else None

    def _shown_until(self) -> float | None:
        """When the last of the frames that the options select stops being shown; None = unknown."""
        end, known = self.options.end, self._end_of_file()
        if end is None:
            return known
        if end.seconds is None:
            return None
        cut = self._native.start + end.seconds
        return cut if known is None else min(cut, known)

    @property
    def shown_until(self) -> float | None:
        """When the last delivered frame stops being shown, seconds on the file's clock.

        None = unknown, or one tick of the constant rate after it begins.
        """
        return None if self._constant_rate else self._shown_until()

    def _delivered(self, info: VideoInfo) -> VideoInfo:
        """The description of the delivered frames."""
        options, rate = self.options, self._constant_rate
        if options.max_size and max(info.width, info.height) > options.max_size:
            scale = options.max_size / max(info.width, info.height)
            # Even sides, which every codec can store.
            width, height = (max(2, 2 * round(side * scale / 2)) for side in (info.width, info.height))
            info = replace(info, width=width, height=height)
        if rate:
            info = replace(info, fps=rate, time_base=1 / rate, frame_count=None)
        if info.still or not (options.start or options.end):
            return info
        start, end = (self._frame_number(point) for point in (options.start, options.end))
        ends = [number for number in (end, info.frame_count) if number is not None]
        if not ends or (start is None and options.start):
            return replace(info, frame_count=None)
        return replace(info, frame_count=max(0, min(ends) - (start or 0)))

    def _frame_number(self, point: TimePoint | None) -> int | None:
        """The number of the frame at a point, from the average rate; None if the rate is unknown."""
        if point is None or point.frame is not None:
            return point.frame if point is not None else None
        rate = self._native.fps
        return round((point.seconds or 0.0) * rate) if rate else None

    def _selected(self) -> Iterator[Frame]:
        """The frames that the options and ``read_part`` select."""
        first_number, frames = self._part_by_seeking() or (0, self._all_selected())
        for number, frame in enumerate(frames, first_number):
            if number >= self._first:
                yield frame
            if self._count is not None and number + 1 >= self._first + self._count:
                return

    def _part_by_seeking(self) -> tuple[int, Iterator[Frame]] | None:
        """The number of the first frame of the part, and the frames from it on; None if seeking fails."""
        first, times, rate = self._first, self._times, self._constant_rate
        if times is None or not 0 < first < len(times):
            return None
        if rate is None:
            frames = self._seek_exactly(times[first])
            return None if frames is None else (first, frames)
        origin = times[0] if self.options.start is None or self.options.end is None else self._first_time()
        end = self._timed_end(origin)
        if end is not None and end.frame is not None:
            return None  # after a seek, the numbers of the file's frames are not known
        # The frame that is shown at the first tick of the part may begin before it.
        if not self._seek(times[first]):
            return None
        return first, self._at_rate(trim(self._frames(), None, end, origin=origin), rate, times[0], first)

    def _all_selected(self) -> Iterator[Frame]:
        """The frames that the options select; the reader seeks to ``start`` if it can."""
        start, end, rate = self.options.start, self.options.end, self._constant_rate
        frames: Iterator[Frame] | None = None
        number, origin = 0, None
        if start is not None:
            origin = self._first_time()
            if start.frame is not None:
                time = self._time_of(start.frame)
                if time is not None:
                    frames = self._seek_exactly(time) if time < math.inf else iter(())
                number = start.frame if frames is not None else 0
            else:
                timed = self._timed_end(origin)
                if (timed is None or timed.frame is None) and self._seek(origin + (start.seconds or 0.0)):
                    frames, end = self._frames(), timed
        frames = self._frames() if frames is None else frames
        if start is not None or end is not None:
            selected = trim(
                frames,
                start,
                end,
                first_number=number,
                origin=origin,
                until=self._end_of_file(),
            )
            frames = self._refuse_none(selected)
        return self._at_rate(frames, rate) if rate else frames

    def _timed_end(self, origin: float) -> TimePoint | None:
        """The ``end`` of the options as a time, which can be checked after a seek too; unchanged if it is not known.

        Args:
            origin: time of the first frame of the file, seconds.
        """
        end = self.options.end
        if end is None or end.frame is None:
            return end
        time = self._time_of(end.frame)
        return end if time is None else TimePoint(seconds=time - origin - SAME_TIME)

    def _seek_exactly(self, time: float) -> Iterator[Frame] | None:
        """The frames from the one at exactly ``time`` on; None, after a rewind, if seeking fails."""
        if not self._seek(time):
            return None
        known = len(self.warnings)
        try:
            frames = self._frames()
            for frame in frames:
                if frame[1] > time - SAME_TIME:
                    if frame[1] < time + SAME_TIME:
                        return chain([frame], frames)
                    break
        except InputError:
            pass  # decoding from the beginning tells whether the file is at fault
        del self.warnings[known:]
        self._rewind()
        return None

    def _at_rate(
        self, frames: Iterator[Frame], rate: Fraction, origin: float | None = None, first_tick: int = 0
    ) -> Iterator[Frame]:
        last_duration = float(1 / (self._native.fps or SEQUENCE_RATE))
        until = self._shown_until()
        return at_constant_rate(frames, rate, last_duration, origin=origin, first_tick=first_tick, until=until)

    def _refuse_none(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """Passes frames on; an error if there are none."""
        first = next(frames, None)
        if first is None:
            start, end = self.options.start, self.options.end
            what = f"no frame of '{self.path.name}' lies between `start` and `end`"
            if start is not None and end is None:
                what = f"'{self.path.name}' has no frame at {start} or later"
            raise UsageError(what, hint="'videostyle inspect' shows how long it is")
        yield first
        yield from frames
