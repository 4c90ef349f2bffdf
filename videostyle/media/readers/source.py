"""Where frames come from: video files, stills, folders of pictures and numbered sequences.

Every source delivers ``FrameBatch`` (RGB, upright, progressive) in order of presentation, each frame with its
own time. What a source could not deliver is said in ``warnings``; with ``strict`` it is an error.
"""

from __future__ import annotations

import logging
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from videostyle.errors import InputError, UsageError
from videostyle.frames import ColorInfo, FrameBatch, UInt8Array, VideoInfo, bgr_to_rgb
from videostyle.media import ffmpeg, probe
from videostyle.media.atomic import vet_input
from videostyle.media.opencv import LARGEST_PICTURE, load_cv2
from videostyle.media.timecode import TimePoint

log = logging.getLogger("videostyle")

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
READ_ATTEMPTS = 64  # failed reads in a row after which a video counts as ended
SEQUENCE_RATE = Fraction(25)
# OpenCV turns the colours of these primaries into those of BT.709, which the painted file would then not say of
# itself; and its builds bring no decoder for these codecs.
WIDE_PRIMARIES = ("film", "bt2020", "smpte431", "smpte432")
UNKNOWN_TO_OPENCV = ("av1", "libdav1d", "libaom")
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


class Source(Protocol):
    """A run of frames with what is known of it beforehand."""

    info: VideoInfo
    path: Path
    warnings: list[str]

    def __iter__(self) -> Iterator[FrameBatch]:
        """The batches, once."""

    def close(self) -> None:
        """Frees the file. May be called twice."""


class FrameSource:
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

    def __enter__(self) -> FrameSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


# OpenCV's conversion of 8-bit 4:2:0 to BGR rounds down: 1.2 levels too dark on average, measured by sending its
# frames back through an exact conversion. One level is given back, except to black, which is exact.
LIFT = np.minimum(np.arange(256) + (np.arange(256) > 0), 255).astype(np.uint8)


class VideoSource(FrameSource):
    """A video file through OpenCV, each frame with the time that its container gives it."""

    def __init__(self, media: probe.MediaInfo, options: ReadOptions) -> None:
        if media.video is None:
            raise InputError(f"'{media.path}' has no video stream")
        super().__init__(media.path, media.video, options)
        self._media = media
        self._grabbed, self._read_before = False, 0
        self._open()

    def _open(self) -> None:
        cv2 = load_cv2()
        self._capture: Any = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        if not self._capture.isOpened():
            raise InputError(f"cannot read '{self.path}'", "OpenCV's decoder refuses it")
        # Versions differ in what they do if not asked.
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)

    def _seek(self, number: int, time: float) -> bool:
        """Seeks, and looks whether the frame there is shown at the time that was planned for it."""
        cv2, info = load_cv2(), self._native
        half = 0.25 * float(1 / info.fps) if info.fps else 0.005
        if self._capture.set(cv2.CAP_PROP_POS_FRAMES, number) and self._capture.grab():
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if stamp > 0 and abs(info.start + stamp - time) < half:
                self._grabbed, self._read_before = True, number
                return True
        self._capture.release()
        self._open()
        return False

    def _next(self) -> tuple[bool, Any]:
        if self._grabbed:
            self._grabbed = False
            ok, picture = self._capture.retrieve()
        else:
            ok, picture = self._capture.read()
        return bool(ok), picture

    def _frames(self) -> Iterator[Frame]:
        cv2, info = load_cv2(), self._native
        step = float(1 / info.fps) if info.fps else 0.04
        end = info.duration or 0.0
        read, failures, lost = self._read_before, 0, 0
        ahead = 0.0
        last = -math.inf
        while not self._closed:
            ok, picture = self._next()
            if not ok or picture is None:
                failures += 1
                finished = (info.frame_count or 0) <= read or (end and last + 1.5 * step >= info.start + end)
                if finished or failures > READ_ATTEMPTS or (read == 0 and failures > 16):
                    break
                continue
            if failures and read:
                lost += failures
            failures = 0
            stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            if read == 0:
                ahead = min(stamp, 0.0)  # at a few seconds a frame it takes a later one for the first
            stamp -= ahead
            # Raw streams carry no times, and OpenCV then says 0 for every frame.
            time = info.start + stamp if stamp > 0 or read == 0 else last + step
            if time <= last:
                time = last + step
            if picture.ndim == 2 or picture.shape[2] != 3:
                picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR if picture.ndim == 2 else cv2.COLOR_BGRA2BGR)
            if read and picture.shape[:2] != (info.height, info.width) and not self._resized:
                self._resized = True
                self._warn(
                    f"the picture changes its size from {info.width}x{info.height} to "
                    f"{picture.shape[1]}x{picture.shape[0]}; it is scaled back"
                )
            last = time
            read += 1
            yield picture, time
        if read == 0:
            raise InputError(
                f"cannot decode '{self.path}'", f"no decoder for {info.codec or 'its codec'}, or no intact frame"
            )
        if lost:
            self._warn(f"{lost} damaged frames could not be decoded; the frame before each gap is held")
        self._check_end(self._media, read + lost, last)

    def _converted(self, picture: UInt8Array) -> UInt8Array:
        cv2 = load_cv2()
        picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        lifted = self._native.pixel_format in ("yuv420p", "yuvj420p")
        return np.asarray(cv2.LUT(picture, LIFT) if lifted else picture, np.uint8)

    _resized = False

    def close(self) -> None:
        """Frees the file."""
        super().close()
        self._capture.release()


class FFmpegSource(FrameSource):
    """A video that OpenCV gets wrong (interlaced, HDR, wide gamut), through an ffmpeg pipe with the packets' times."""

    def __init__(self, media: probe.MediaInfo, options: ReadOptions, *, tone_map: bool = False) -> None:
        if media.video is None or media.video_index is None:
            raise InputError(f"'{media.path}' has no video stream")
        info = media.video
        super().__init__(media.path, info, options)
        self._media = media
        self._process: ffmpeg.Process | None = None
        self._tone_map, self._stream = tone_map, media.video_index
        if tone_map:
            color = replace(info.color, matrix="bt709", primaries="bt709", transfer="bt709", full_range=False)
            self.info = replace(self.info, color=color, bit_depth=8)

    def _frames(self) -> Iterator[Frame]:
        info = self._native
        self._process = ffmpeg.Process(
            ffmpeg.decode_command(self.path, info, stream=self._stream, tone_map=self._tone_map), write=False
        )
        size = info.width * info.height * 3
        step = float(1 / info.fps) if info.fps else 0.04
        read, last = 0, info.start - step
        try:
            for data, time in probe.raw_frames(self._process.stdout):
                if self._closed or len(data) < size:
                    break
                last = time if time is not None and time > last else last + step
                read += 1
                yield np.frombuffer(data, np.uint8, size).reshape(info.height, info.width, 3), last
        except OSError:
            pass  # the pipe broke: ffmpeg's exit status says why
        failure = "" if self._closed else self._process.failed
        if read == 0:
            raise InputError(f"cannot decode '{self.path}'", failure or "no intact frame")
        if self._closed:
            return
        # A packet may hold one field only, and two make a frame: these are counted as decoded.
        times = probe.frame_times if info.interlaced else probe.packet_times
        expected = len(times(self.path, self._stream))
        if failure or read < expected:
            self._warn(f"{read} of {expected} frames could be read {failure}".strip())
        self._check_end(self._media, read, last)

    def close(self) -> None:
        """Ends ffmpeg."""
        super().close()
        if self._process is not None:
            self._process.kill()


def read_picture(path: str | Path) -> UInt8Array:
    """A picture file as uint8 ``[H, W, 3]`` RGB, upright (EXIF), alpha composited on white.

    Raises:
        InputError: if it is missing, too large, or not a picture.
    """
    cv2 = load_cv2()
    file = vet_input(path, "picture")
    data = np.fromfile(file, np.uint8)
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        if picture is not None and not (picture.ndim == 3 and picture.shape[2] == 4):
            picture = cv2.imdecode(data, cv2.IMREAD_COLOR)  # upright, 8 bits, three channels
    except cv2.error as error:
        if "pixels" in str(error).lower():
            raise InputError(f"'{path}' is too large", f"the limit is {LARGEST_PICTURE} pixels") from error
        raise InputError(f"cannot read the picture '{path}'", str(error.err)) from error
    if picture is None:
        raise InputError(f"cannot read the picture '{path}'", "it is damaged, or not a picture")
    if picture.shape[2] == 4:
        scale = 255.0 if picture.dtype == np.uint8 else 65535.0
        alpha = picture[..., 3:] / scale
        picture = np.rint(255.0 * (picture[..., :3] / scale * alpha + (1.0 - alpha))).astype(np.uint8)
    return np.ascontiguousarray(bgr_to_rgb(picture))


class SequenceSource(FrameSource):
    """Pictures as frames: one still, or files in order at a constant rate."""

    def __init__(self, path: Path, files: list[Path], options: ReadOptions, *, still: bool = False) -> None:
        first = read_picture(files[0])
        rate = options.frame_rate or SEQUENCE_RATE
        info = VideoInfo(
            width=first.shape[1],
            height=first.shape[0],
            fps=rate,
            frame_count=len(files),
            duration=float(len(files) / rate),
            time_base=1 / rate,
            still=still,
            # Pictures are RGB: a video made of them is stored as players expect one that says nothing else.
            color=ColorInfo("bt709", "bt709", "bt709", False),
        )
        # A rate says how fast these are shown, not that some should be dropped.
        super().__init__(path, info, replace(options, frame_rate=None))
        self.files = self._files = files
        self._rate = rate

    def _frames(self) -> Iterator[Frame]:
        size = (self._native.height, self._native.width)
        for number, file in enumerate(self._files):
            if self._closed:
                return
            picture = read_picture(file)
            if picture.shape[:2] != size:
                raise InputError(
                    f"'{file}' is {picture.shape[1]}x{picture.shape[0]}", f"the first picture is {size[1]}x{size[0]}"
                )
            yield picture, float(number / self._rate)


def _natural(path: Path) -> list[Any]:
    """Sorts frame2 before frame10."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


def _names(path: Path) -> re.Pattern[str] | None:
    """What the names of files look like that a printf-style pattern stands for, the number in a group."""
    match = re.fullmatch(r"(.*)%0?(\d*)d(.*)", path.name)
    if match is None:
        return None
    digits = rf"\d{{{match[2]},}}" if match[2] else r"\d+"
    return re.compile(re.escape(match[1]) + f"({digits})" + re.escape(match[3]))


def _entries(folder: Path) -> list[Path]:
    """What a folder holds.

    Raises:
        InputError: if it may not be looked into.
    """
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot read the folder '{folder}'", error.strerror or str(error)) from error


def in_sequence(path: Path, file: Path) -> bool:
    """Whether ``sequence_files`` of a folder or a pattern would find a file of that name, if it were there."""
    if os.path.isdir(path):
        return file.suffix.lower() in PICTURES and file.parent.resolve() == path.resolve()
    pattern = _names(path)
    alike = pattern is not None and not os.path.exists(path) and pattern.fullmatch(file.name) is not None
    return alike and file.parent.resolve() == path.parent.resolve()


def sequence_files(path: Path) -> list[Path] | None:
    """The files of a folder of pictures or of a printf-style pattern (``shot_%04d.png``); None if it is neither.

    Raises:
        InputError: if it is one of these and there are no pictures.
    """
    if os.path.isdir(path):
        files = sorted((f for f in _entries(path) if f.suffix.lower() in PICTURES and f.is_file()), key=_natural)
        if not files:
            raise InputError(f"the folder '{path}' holds no pictures", hint=f"looked for {', '.join(PICTURES)}")
        return files
    pattern = _names(path)
    if pattern is None or os.path.exists(path):
        return None
    found = [
        (int(m[1]), f)
        for f in (_entries(path.parent) if os.path.isdir(path.parent) else ())
        if (m := pattern.fullmatch(f.name))
    ]
    if not found:
        raise InputError(f"no file matches '{path}'")
    return [file for _, file in sorted(found)]


def open_source(path: str | Path, options: ReadOptions | None = None) -> FrameSource:
    """Opens whatever ``path`` names: a video, a still, a folder of pictures or a printf-style pattern.

    Raises:
        InputError: if it is none of these, or refused.
    """
    options = options or ReadOptions()
    files = sequence_files(Path(path)) if "\0" not in str(path) and str(path).isprintable() else None
    if files is not None:
        return SequenceSource(Path(path), files, options)
    file = vet_input(path)
    if file.suffix.lower() in PICTURES:
        try:
            media = probe.probe(file)
        except InputError:
            media = None
        if (
            file.suffix.lower() not in (".webp", ".png")
            or media is None
            or not media.video
            or (media.video.frame_count or 1) <= 1
        ):
            return SequenceSource(file, [file], options, still=True)
    media = probe.probe(file)
    info = media.video
    if info is None:
        kinds = ", ".join(sorted({s.kind for s in media.others})) or "nothing"
        raise InputError(f"'{path}' has no video stream", f"it holds: {kinds}")
    source: FrameSource
    if info.color.is_hdr:
        if not options.tone_map:
            raise InputError(f"'{path}' is HDR ({info.color.transfer})", hint="leave --no-hdr out to map it to SDR")
        source = FFmpegSource(media, options, tone_map=True)
        source.warnings.append(f"HDR ({info.color.transfer}) was mapped to SDR (BT.709)")
    elif (
        info.interlaced
        or info.bit_depth > 8
        or info.color.primaries in WIDE_PRIMARIES
        or info.codec in UNKNOWN_TO_OPENCV
    ):
        source = FFmpegSource(media, options)
        if info.interlaced:
            source.warnings.append("interlaced: each frame was deinterlaced (bwdif)")
    else:
        source = VideoSource(media, options)
    if info.bit_depth > 8 and not info.color.is_hdr:
        source.warnings.append(f"{info.bit_depth}-bit video: painted in 8 bits")
    if info.has_alpha:
        source.warnings.append("the alpha channel is dropped")
    return source
