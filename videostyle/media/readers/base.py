"""What all readers of frames share: options, trimming, constant rate, shrinking and batching.

Every reader delivers ``FrameBatch`` (RGB, upright, progressive) in order of presentation, each frame with its
own time. What a reader could not deliver is said in ``warnings``; with ``strict`` it is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, takewhile
from pathlib import Path
from types import TracebackType

import numpy as np

from videostyle.errors import InputError, UsageError
from videostyle.frames import FrameBatch, UInt8Array, VideoInfo
from videostyle.media import probe
from videostyle.media.opencv import load_cv2
from videostyle.media.probe import SAME_TIME
from videostyle.media.timecode import TimePoint

log = logging.getLogger("videostyle")

SEQUENCE_RATE = Fraction(25)
# Containers that store the time of every frame, and where key frames are, in ffmpeg's names. Raw streams have neither,
# and frames of animated pictures build on all before.
SEEKABLE = (*("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "flv", "nut", "mxf", "asf", "ogg"),)
SEEK_LEAD = 16  # frames before the wanted one that are decoded as well: codecs reorder no more
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
            raise UsageError(f"cannot read {self.batch_size} frames at once", hint="give at least 1")
        if self.max_size is not None and self.max_size < 16:
            raise UsageError(f"--max-size {self.max_size} is too small", hint="give at least 16")
        if self.frame_rate is not None and not 0 < self.frame_rate <= 1000:
            raise UsageError(f"--fps {self.frame_rate} is out of range", hint="give above 0 and at most 1000")


@dataclass(frozen=True)
class Input:
    """An input that was looked at once (``open.look_at``): whoever reads it or copies from it need not do so again.

    Attributes:
        path: the video, the still, the folder or the printf-style pattern.
        files: the files that it consists of, in order.
        info: what its frames are like; of pictures, at ``SEQUENCE_RATE``.
        media: what a video file holds; None for pictures.
    """

    path: Path
    files: tuple[Path, ...]
    info: VideoInfo
    media: probe.MediaInfo | None = None


class FrameReader:
    """What all readers share: trimming, constant rate, shrinking and batching of the frames of ``_frames``.

    A reader opens its file when the first frame is asked for.

    Args:
        source: what to read.
        info: what the frames of the file are like.
        options: how to read it.
        rate: constant rate to deliver at, instead of at the frames' own times.

    Attributes:
        input: what is read; hand it to ``open_reader`` to read it again.
        path: as in ``input``.
        files: as in ``input``.
        options: as given.
        info: what the delivered frames are like.
        warnings: what is not delivered as it is stored, and damage that was met so far.
    """

    def __init__(self, source: Input, info: VideoInfo, options: ReadOptions, rate: Fraction | None) -> None:
        self.input = source
        self.path, self.files = source.path, list(source.files)
        self.options = options
        self._constant_rate = rate
        self.warnings: list[str] = []
        self._native = info
        self.info = self._delivered(info)
        self._closed = False
        self._first = 0
        self._count: int | None = None
        self._times: Sequence[float] | None = None

    def _delivered(self, info: VideoInfo) -> VideoInfo:
        options = self.options
        limit = options.max_size
        if limit and max(info.width, info.height) > limit:
            scale = limit / max(info.width, info.height)
            # Even sides, which every codec can store.
            width, height = (max(2, 2 * round(side * scale / 2)) for side in (info.width, info.height))
            info = replace(info, width=width, height=height)
        if self._constant_rate:
            info = replace(info, fps=self._constant_rate, time_base=1 / self._constant_rate, frame_count=None)
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
        return self._selected()

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

    def read_part(self, first: int, count: int, times: Sequence[float] | None = None) -> None:
        """Restricts the reader to some of its frames; to be called before the first of them is read.

        The frames, their times and their numbers are those that reading everything gives, bit for bit. With
        ``times`` the reader seeks: it decodes from a key frame before the part, and a frame that is shown at
        exactly the known time must come by. Where none does, where a container has no times to seek by, and
        without ``times``, everything before the part is decoded and dropped.

        Args:
            first: number of the first frame, counted from 0 among the frames that the options leave.
            count: how many.
            times: when each of these frames is shown, not only those of the part, in seconds on the file's clock:
                what a reader with the same options gave before. None for a damaged file: what a decoder makes of
                the damage may depend on where it began.
        """
        self._first, self._count, self._times = first, count, times

    def _first_time(self) -> float:
        """When the first frame of the file is shown, seconds on the file's clock; asked before ``_frames`` is.

        Raises:
            InputError: if it cannot be decoded.
        """
        raise NotImplementedError

    def _time_of(self, number: int) -> float | None:
        """When frame ``number`` of the file is shown, found without decoding; None where that cannot be trusted."""
        return None

    def _seek(self, time: float) -> bool:
        """Makes ``_frames`` begin with a frame that is shown at ``time`` or before; False if it cannot.

        All frames from there on must be those that decoding from the beginning gives. If it fails, ``_frames``
        begins with the first frame of the file.
        """
        return False

    def _rewind(self) -> None:
        """Makes ``_frames`` begin with the first frame of the file."""
        raise NotImplementedError

    def _selected(self) -> Iterator[Frame]:
        """The frames that the options and ``read_part`` ask for."""
        begin, frames = self._resumed() or (0, self._begun())
        for number, frame in enumerate(frames, begin):
            if number >= self._first:
                yield frame
            if self._count is not None and number + 1 >= self._first + self._count:
                return

    def _resumed(self) -> tuple[int, Iterator[Frame]] | None:
        """The number of the first frame of the part, and the frames from it on, by seeking; None if that fails."""
        first, times, end, rate = self._first, self._times, self.options.end, self._constant_rate
        if times is None or not 0 < first < len(times):
            return None
        if rate is None:
            frames = self._sought(times[first])
            return (first, frames) if frames is not None else None
        if end is not None and end.frame is not None:
            return None  # after a seek the numbers of the file's frames are not known
        origin = times[0] if self.options.start is None or end is None else self._first_time()
        # The frame that is shown at the part's first tick may have been due before it.
        if not self._seek(times[first]):
            return None
        frames = takewhile(lambda frame: end is None or not end.reached(frame[1] - origin, 0), self._frames())
        return first, self._constant(frames, rate, times[0], first)

    def _begun(self) -> Iterator[Frame]:
        """The frames that the options ask for; ``start`` is sought if possible."""
        start, end, rate = self.options.start, self.options.end, self._constant_rate
        frames, number, origin = None, 0, None
        if start is not None:
            origin = self._first_time()
            if start.frame is not None:
                time = self._time_of(start.frame)
                frames = self._sought(time) if time is not None else None
                number = start.frame if frames is not None else 0
            elif (end is None or end.frame is None) and self._seek(origin + (start.seconds or 0.0)):
                frames = self._frames()
        frames = self._trimmed(self._frames() if frames is None else frames, number, origin)
        return self._constant(frames, rate) if rate else frames

    def _sought(self, time: float) -> Iterator[Frame] | None:
        """The frames from the one on that is shown at exactly ``time``; None, and rewound, if a seek finds none."""
        if not self._seek(time):
            return None
        said = len(self.warnings)
        try:
            frames = self._frames()
            for frame in frames:
                if frame[1] > time - SAME_TIME:
                    if frame[1] < time + SAME_TIME:
                        return chain([frame], frames)
                    break
        except InputError:
            pass  # decoding from the beginning tells whether it is the file's fault
        del self.warnings[said:]
        self._rewind()
        return None

    def _warn(self, message: str) -> None:
        """Notes damage; raises instead where the user asked to be strict."""
        if self.options.strict:
            raise InputError(f"'{self.path}': {message}", hint="leave --strict out to paint what there is")
        self.warnings.append(message)
        log.warning("%s: %s", self.path.name, message)

    def _check_end(self, media: probe.MediaInfo, read: int | None, last: float) -> None:
        """Says so where a file ends before it should: cut off as it was copied, or damaged to its end.

        Args:
            media: what the file says of itself.
            read: frames of the file that were read, those that could not be decoded included; None = unknown.
            last: when the last of them is shown, seconds on the container's clock.
        """
        info, index = self._native, media.video_index or 0
        step = float(1 / info.fps) if info.fps else 0.04
        length, promised = info.duration or 0.0, info.frame_count or 0
        counted = media.counted and (read is None or read <= promised)
        if media.format == "avi":
            # What it counts are ticks of its clock, and its length is that of what is there.
            counted, length = False, max(length, promised * float(info.time_base))
        if not length or info.start + length - last <= 1.25 * step + 0.01:
            return
        if counted and (read is None or read < promised):
            there = probe.packets_there(self.path, index)
            if there < promised:
                self._warn(
                    f"it ends early: {there if read is None else read} of about {promised} frames could be read; "
                    "is it cut off?"
                )
                return
        # A sound that is longer than the picture ends the file; so every stream is looked at, and the length that the
        # container was given, which counts from its zero.
        shown, end, unsaid = probe.extent(self.path, index)
        ends = max(media.duration or 0.0, length)
        cut = not counted and end < ends - max(0.75 * step, 1.5 * unsaid, 0.1)
        if cut or shown > last + 1.5 * step:
            reached = end if cut else last + step
            self._warn(f"it ends early: it could be read to {reached:.2f} of {ends:.2f} seconds; is it cut off?")

    def _trimmed(self, frames: Iterator[Frame], begin: int, origin: float | None) -> Iterator[Frame]:
        """The frames between ``start`` and ``end``.

        Args:
            frames: some or all frames of the file.
            begin: number of the first of them; counts only where a point is a frame number.
            origin: when the first frame of the file is shown; None = when the first of ``frames`` is.
        """
        start, end = self.options.start, self.options.end
        delivered = False
        for number, (picture, time) in enumerate(frames, begin):
            origin = time if origin is None else origin
            if end is not None and end.reached(time - origin, number):
                break
            if start is None or start.reached(time - origin, number):
                delivered = True
                yield picture, time
        if not delivered and (start or end):
            raise UsageError(
                f"no frame of '{self.path.name}' lies between --start and --end",
                hint="'videostyle inspect' shows how long it is",
            )

    def _constant(
        self, frames: Iterator[Frame], rate: Fraction, origin: float | None = None, tick: int = 0
    ) -> Iterator[Frame]:
        """Repeats and drops frames so that one is shown at every tick of ``rate``.

        Args:
            frames: begin at or before the first tick.
            rate: ticks a second.
            origin: time of tick 0; None = that of the first of ``frames``.
            tick: number of the first tick.
        """
        held: Frame | None = None
        for frame in frames:
            origin = frame[1] if origin is None else origin
            while held is not None and origin + float(tick / rate) < frame[1] - 1e-9:
                yield held[0], origin + float(tick / rate)
                tick += 1
            held = frame
        if held is not None and origin is not None:
            # The last one is shown for as long as a frame of the file is: as many more as that is nearest to.
            end = held[1] + float(1 / (self._native.fps or SEQUENCE_RATE))
            while tick == 0 or origin + float((tick + Fraction(1, 2)) / rate) <= end + 1e-9:
                yield held[0], origin + float(tick / rate)
                tick += 1

    def __iter__(self) -> Iterator[FrameBatch]:
        size, count = (self.info.height, self.info.width), self.options.batch_size
        buffer = np.empty((count, *size, 3), np.uint8)
        times: list[float] = []
        index = self._first
        for picture, time in self._selected():
            buffer[len(times)] = self.delivered(picture)
            times.append(time)
            if len(times) == count:
                yield FrameBatch(buffer, np.array(times), index)
                index += count
                # The batch is on its way through other threads: the next one needs its own memory.
                buffer, times = np.empty_like(buffer), []
        if times:
            yield FrameBatch(buffer[: len(times)], np.array(times), index)

    def stop(self) -> None:
        """Ends the iteration that another thread is in, before its next frame; the file stays open."""
        self._closed = True

    def close(self) -> None:
        """Frees the file. No other thread may be reading from it."""
        self.stop()

    def __enter__(self) -> FrameReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
