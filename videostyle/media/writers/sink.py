"""Where painted frames go: a video with the original's sound, a still, or a sequence of pictures."""

from __future__ import annotations

import bisect
import contextlib
import errno
import heapq
import io
import logging
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Protocol

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError

from videostyle.errors import OutputError, UsageError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media import ffmpeg
from videostyle.media.atomic import PendingOutput, disk_error, lock_file, short_name
from videostyle.media.opencv import load_cv2
from videostyle.media.probe import open_container, stored_frames
from videostyle.media.readers.source import PICTURES

log = logging.getLogger("videostyle")

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
# What players find in a transport stream. It takes anything, and ffmpeg cannot be asked: what has no number of its
# own there is written as data that nobody plays.
TRANSPORT = (
    *("aac", "aac_latm", "mp2", "mp3", "ac3", "eac3", "dts", "opus"),
    *("dvb_subtitle", "dvb_teletext", "hdmv_pgs_subtitle"),
)
TRIED_PACKETS = 500  # of the original's, to find the first of each stream
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
FREE_CLOCK = (".mp4", ".m4v", ".mov")  # containers that store any time base exactly


@dataclass(frozen=True)
class EncodeOptions:
    """How a sink writes.

    Attributes:
        codec: a name of ``ffmpeg.CODECS``, or "png" for a sequence; None = the usual one for the suffix.
        crf: constant quality on the codec's own scale.
        preset: the encoder's own words.
        pixel_format: stored pixel format.
        audio: whether sound (and subtitles) are copied.
        overwrite: whether an existing output may be replaced.
        threads: threads of the encoder; None leaves it to the encoder.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None
    audio: bool = True
    overwrite: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.crf is not None and not 0 <= self.crf <= 63:
            raise UsageError("--crf must lie between 0 and 63")


@dataclass(frozen=True)
class Original:
    """The file that sound, subtitles, chapters and metadata are copied from.

    Attributes:
        path: the file.
        start: time in seconds on its clock that becomes 0 in the output; None = its earliest timestamp.
        end: packets from here on are left out; None = to its end.
    """

    path: Path
    start: float | None = None
    end: float | None = None


class Sink(Protocol):
    """Takes batches in order; the output is there after ``close`` and only then."""

    warnings: list[str]

    def write(self, batch: FrameBatch) -> None:
        """Takes one batch."""

    def close(self) -> Path:
        """Finishes, verifies and names the output."""

    def abort(self) -> None:
        """Leaves nothing behind. May be called twice, and after ``close``."""


def _refusal(stream: Any, packet: Any, container: str) -> str:
    """Why a container does not take a stream, "" if it does: its header and first packet are written to memory.

    What a container lists as allowed may still be refused when its header is written (TrueHD in mp4, FLAC in mov).
    """
    codec = stream.codec_context.codec
    name = getattr(codec, "canonical_name", codec.name)
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            allowed = TRANSPORT if container == "mpegts" else trial.supported_codecs
            if name not in allowed and codec.name not in allowed:
                return "not allowed there"
            copy = trial.add_stream_from_template(stream, opaque=True)
            if packet is None:
                trial.start_encoding()
            else:
                packet.pts = packet.dts = 0
                packet.stream = copy
                trial.mux(packet)
    except (FFmpegError, ValueError) as error:
        return f"not allowed there ({getattr(error, 'strerror', None) or error})"
    return ""


def _clock(ticks: list[int], delay: int, number: int) -> int:
    """Time of the ``number``-th decoding, ``delay`` frames ahead of presentation; extrapolated before the first."""
    position = number - delay
    if position >= 0:
        return ticks[position]
    step = max(1, ticks[1] - ticks[0]) if len(ticks) > 1 else 1
    return ticks[0] + position * step


class StreamEncoder:
    """Encodes frames at a constant rate into one file without sound; remembers each frame's true time.

    Args:
        target: the file to write.
        info: what the frames look like.
        codec: what to encode with.
        options: how.
    """

    def __init__(self, target: Path, info: VideoInfo, codec: ffmpeg.Codec, options: EncodeOptions) -> None:
        self.times: list[float] = []
        self._target, self._info, self._codec, self._options = target, info, codec, options
        self._process: ffmpeg.Process | None = None
        self._input_format = ""

    def write(self, batch: FrameBatch) -> None:
        """Encodes one batch; the first one starts ffmpeg."""
        height, width = batch.frames.shape[1:3]
        expected = (self._info.height, self._info.width)
        if batch.pixel_format == "i420":
            expected = (self._info.height * 3 // 2, self._info.width)
        if (height, width) != expected:
            raise ValueError(f"a frame of {width}x{height} for a video of {self._info.width}x{self._info.height}")
        if self._process is None:
            self._input_format = batch.pixel_format
            command = ffmpeg.encode_command(
                self._info,
                self._codec,
                self._target,
                crf=self._options.crf,
                preset=self._options.preset,
                pixel_format=self._options.pixel_format,
                input_format=batch.pixel_format,
                threads=self._options.threads,
            )
            self._process = ffmpeg.Process(command, write=True)
        if batch.pixel_format != self._input_format:
            raise ValueError(f"{batch.pixel_format} frames after {self._input_format} frames")
        self._process.write(np.ascontiguousarray(batch.frames))
        self.times.extend(float(t) for t in batch.pts)

    def close(self) -> None:
        """Waits until all is written.

        Raises:
            OutputError: if ffmpeg failed.
        """
        if self._process is not None:
            self._process.close()

    def kill(self) -> None:
        """Ends ffmpeg at once. May be called twice."""
        if self._process is not None:
            self._process.kill()


class VideoSink:
    """Encodes with ffmpeg at a constant rate into a scratch file, then muxes it with every frame's true time.

    No container and no encoder option of ffmpeg keeps arbitrary times through a raw pipe; giving each encoded
    packet its source's time afterwards is exact, costs a copy of the (small) stream, and puts the untouched
    sound, subtitles and chapters beside it in the same pass.

    Args:
        path: the output.
        info: what the frames look like.
        options: how to encode.
        original: where everything but the picture is copied from; None = a silent video.
        metadata: tags of the container, added to the original's; read when the file is finished.
        finish: called with the complete file before it is verified and named.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        options: EncodeOptions,
        original: Original | None = None,
        metadata: Mapping[str, str] | None = None,
        finish: Callable[[Path], object] | None = None,
    ) -> None:
        self._finish = finish
        self._codec = ffmpeg.codec_for(options.codec, path.suffix)
        if options.codec in ffmpeg.HARDWARE and not ffmpeg.encoder_works(self._codec.encoder):
            raise OutputError(
                f"the encoder {self._codec.encoder} does not work on this machine", hint="choose another --codec"
            )
        self.warnings: list[str] = []
        self._info = info
        self._options = options
        self._original = original
        self._metadata = metadata if metadata is not None else {}
        self._output = PendingOutput(path, overwrite=options.overwrite, sources=(original.path,) if original else ())
        self._times: list[float] = []
        # GIF and WebP have clocks and palettes of their own: ffmpeg writes these files itself.
        self._direct = not self._codec.stream
        self._chosen: list[int] = []  # numbers, in the original, of the streams that are to be copied
        self._copied: set[int] = set()  # numbers, in the original, of the streams that packets were copied from
        self._parts: list[Path] = [self._output.scratch]
        target = self._output.temporary if self._direct else self._output.scratch
        self._encoder = StreamEncoder(target, info, self._codec, options)
        if original is not None and not self._direct:
            try:
                self._choose(original.path)
            except BaseException:
                self._output.abort()
                raise

    @property
    def in_parts(self) -> bool:
        """Whether the output can be put together of parts that were encoded apart (``assemble``)."""
        return not self._direct

    def write(self, batch: FrameBatch) -> None:
        """Encodes one batch."""
        self._encoder.write(batch)

    def close(self) -> Path:
        """Finishes the encoder, muxes, verifies and renames.

        Raises:
            OutputError: if any of that failed; nothing is left behind then.
        """
        if not self._encoder.times:
            self.abort()
            raise OutputError(f"nothing to write to '{self._output.path}'", "there was no frame")
        try:
            self._encoder.close()
        except BaseException:
            self.abort()
            raise
        return self.assemble(self._parts, self._encoder.times)

    def assemble(self, parts: Sequence[Path], times: Sequence[float]) -> Path:
        """Makes the output of files that ``StreamEncoder`` wrote, one after the other, without encoding again.

        Args:
            parts: files in order, all encoded alike.
            times: the true time of every frame of all of them.

        Raises:
            OutputError: if that failed; nothing but ``parts`` is left behind then.
        """
        self._parts, self._times = list(parts), list(times)
        try:
            if self._direct:
                step = float(1 / ffmpeg.encoded_rate(self._info))
                self._warn_of_shifts([number * step for number in range(len(self._times))], max(step, 0.02))
            else:
                self._finish_mux()
            if self._finish is not None:
                self._finish(self._output.temporary)
            self._verify()
            return self._output.commit()
        except FFmpegError as error:
            raise OutputError(f"cannot finish '{self._output.path}'", str(error)) from error
        except OSError as error:
            raise disk_error(self._output.path, error) from error
        finally:
            self.abort()

    def abort(self) -> None:
        """Ends the encoder and removes what it wrote."""
        self._encoder.kill()
        self._output.abort()

    def _ticks(self, origin: float) -> tuple[list[int], Fraction]:
        """Every frame's time in units of the output's time base, strictly rising, and that base."""
        base = self._info.time_base
        if self._output.path.suffix.lower() not in FREE_CLOCK:
            base = Fraction(1, 90_000) if self._output.path.suffix.lower() == ".ts" else Fraction(1, 1000)
            if self._output.path.suffix.lower() == ".avi":
                # Its clock ticks once a frame, and what is shown first is shown at 0: parts of a tick before are lost.
                base = 1 / (self._info.fps or Fraction(25))
                origin = self._times[0] - math.floor((self._times[0] - origin) / base) * float(base)
        ticks: list[int] = []
        for time in self._times:
            tick = round((time - origin) / base)
            if ticks and tick <= ticks[-1]:
                if base > Fraction(1, 100_000) and self._output.path.suffix.lower() in FREE_CLOCK:
                    return self._ticks_on(Fraction(1, 90_000), origin), Fraction(1, 90_000)
                tick = ticks[-1] + 1
            ticks.append(tick)
        return ticks, base

    def _warn_of_shifts(self, shown: Sequence[float], tick: float) -> None:
        """Says by how much frames are shown too early or too late where that is more than the clock's coarseness."""
        errors = [time - self._times[0] - (there - shown[0]) for time, there in zip(self._times, shown, strict=True)]
        worst = max(map(abs, errors))
        if worst > 0.6 * tick + 0.002:
            self.warnings.append(
                f"{self._output.path.suffix} keeps no variable frame rate: frames are shown up to {worst:.2f} s early "
                "or late (choose .mp4 or .mkv, or a constant rate with --fps)"
            )

    def _ticks_on(self, base: Fraction, origin: float) -> list[int]:
        ticks: list[int] = []
        for time in self._times:
            tick = round((time - origin) / base)
            ticks.append(tick if not ticks else max(tick, ticks[-1] + 1))
        return ticks

    def _origin(self, source: Any) -> float:
        """The time that becomes 0: where the clip was cut, else its earliest timestamp."""
        if self._original is None or self._original.start is not None:
            return self._original.start if self._original and self._original.start is not None else self._times[0]
        starts = [
            float(s.start_time * s.time_base)
            for s in source.streams
            if s.start_time is not None and s.type in ("video", "audio")
        ]
        return min([*starts, self._times[0]])

    def _choose(self, path: Path) -> None:
        """Finds the sound and subtitle streams that the container takes; the others are said to be left out.

        It is done before the first frame is painted: what is refused at the end would cost the whole render.
        """
        suffix = self._output.path.suffix
        with open_container(path) as source:
            pictures = [stream.index for stream in source.streams if stream.type == "video"]
            for index in pictures[1:]:
                self.warnings.append(f"video stream {index} (a cover, or a second picture) is not copied")
            if not self._options.audio:
                return
            streams = [stream for stream in source.streams if stream.type in ("audio", "subtitle")]
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
                if why:
                    self.warnings.append(
                        f"{stream.type} stream {stream.index} ({codec}) cannot be copied into {suffix}: {why}"
                    )
                else:
                    self._chosen.append(stream.index)

    def _finish_mux(self) -> None:
        """Muxes; once more without a stream that is refused after all: the picture took longer to make."""
        chosen, said, why = list(self._chosen), list(self.warnings), ""
        for dropped in ([], *([index] for index in chosen), chosen):
            self._chosen = [index for index in chosen if index not in dropped]
            self._copied.clear()
            self.warnings[:] = said
            try:
                self._mux()
            except FFmpegError as error:
                if not self._chosen or error.errno in FULL:
                    raise
                why = why or str(error.strerror or error)
                continue
            if dropped:
                streams = ", ".join(map(str, dropped))
                self.warnings.append(f"sound or subtitles of stream {streams} could not be copied: {why}")
            return

    def _mux(self) -> None:
        suffix = self._output.path.suffix.lower()
        with contextlib.ExitStack() as stack:
            encoded = stack.enter_context(av.open(f"file:{self._parts[0]}"))
            source = stack.enter_context(open_container(self._original.path)) if self._original else None
            origin = self._origin(source) if source is not None else self._times[0]
            ticks, base = self._ticks(origin)
            self._warn_of_shifts([float(tick * base) for tick in ticks], float(base))
            options = (
                {"movflags": "+faststart+use_metadata_tags", "video_track_timescale": str(min(base.denominator, 10**6))}
                if suffix in FREE_CLOCK
                else {}
            )
            if suffix in (".mkv", ".webm"):
                options = {"default_mode": "infer_no_subs"}
            if suffix == ".avi":
                # A sound that begins a little early (an AAC encoder's run-in) would move the picture by a frame.
                options = {"avoid_negative_ts": "disabled"}
            muxer = stack.enter_context(
                av.open(f"file:{self._output.temporary}", "w", format=MUXERS[suffix], options=options)
            )
            video = muxer.add_stream_from_template(encoded.streams.video[0], opaque=True)
            # AVI has no place for H.264's set-up beside the packets, so that it must be inside them.
            inside = None
            if suffix == ".avi" and encoded.streams.video[0].codec_context.name == "h264":
                inside = BitStreamFilterContext("h264_mp4toannexb", encoded.streams.video[0], video)
                video.codec_context.codec_tag = "H264"
            video.time_base = base
            copies = self._copied_streams(source, muxer) if source is not None else {}
            if source is not None:
                self._copy_tags(source, muxer, origin)
            muxer.metadata.update(self._metadata)
            parts = [self._video_packets(encoded.streams.video[0], video, ticks, base, inside)]
            if copies:
                parts.append(self._copied_packets(source, copies, origin))
            for _, _, packet in heapq.merge(*parts, key=lambda part: part[:2]):
                muxer.mux(packet)
            for index in sorted(set(copies) - self._copied):
                kind = copies[index].type
                self.warnings.append(f"{kind} stream {index} has nothing in what was painted; it is left out or empty")

    def _video_packets(
        self, first: Any, video: Any, ticks: list[int], base: Fraction, inside: BitStreamFilterContext | None
    ) -> Iterator[tuple[float, int, Any]]:
        """Encoded packets with the frames' own times; the n-th to be shown gets the n-th time."""
        ranks: list[int] = []
        for part in self._parts:
            with av.open(f"file:{part}") as container:
                stream = container.streams.video[0]
                if stream.codec_context.extradata != first.codec_context.extradata:
                    raise OutputError(f"cannot finish '{self._output.path}'", f"'{part.name}' was encoded differently")
                order = [p.pts for p in container.demux(stream) if p.pts is not None]
            stamps = sorted(order)
            ranks += [len(ranks) + rank for rank in [bisect.bisect_left(stamps, pts) for pts in order]]
        if len(ranks) != len(ticks):
            raise OutputError(
                f"cannot finish '{self._output.path}'", f"the encoder kept {len(ranks)} of {len(ticks)} frames"
            )
        # Frames that wait for a later one to be decoded first are shown so many places after their decoding.
        delay = max((number - rank for number, rank in enumerate(ranks)), default=0)
        number = 0
        for part in self._parts:
            with av.open(f"file:{part}") as container:
                for packet in container.demux(container.streams.video[0]):
                    if packet.pts is None:
                        continue
                    if inside is not None:
                        (packet,) = inside.filter(packet)
                    packet.time_base = base
                    rank = ranks[number]
                    packet.pts = ticks[rank]
                    packet.dts = min(_clock(ticks, delay, number), packet.pts)
                    after = ticks[rank + 1] if rank + 1 < len(ticks) else None
                    packet.duration = after - ticks[rank] if after is not None else self._last_duration(ticks, base)
                    packet.stream = video
                    number += 1
                    yield float(packet.dts * base), 0, packet

    def _last_duration(self, ticks: list[int], base: Fraction) -> int:
        if len(ticks) > 1:
            return max(1, ticks[-1] - ticks[-2])
        return max(1, round(1 / ((self._info.fps or Fraction(25)) * base)))

    def _copied_streams(self, source: Any, muxer: Any) -> dict[int, Any]:
        """The streams of the output that the chosen ones of the original are copied to."""
        copies: dict[int, Any] = {}
        for index in self._chosen:
            stream = source.streams[index]
            copy = copies[index] = muxer.add_stream_from_template(stream, opaque=True)
            copy.metadata.update(stream.metadata)
            with contextlib.suppress(AttributeError, ValueError):
                copy.disposition = stream.disposition
        return copies

    def _copy_tags(self, source: Any, muxer: Any, origin: float) -> None:
        skipped = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "creation_time")
        for key, value in source.metadata.items():
            if key.lower() not in skipped:
                muxer.metadata[key] = value
        if "creation_time" in source.metadata:
            muxer.metadata["creation_time"] = source.metadata["creation_time"]
        chapters = []
        last = self._original.end if self._original and self._original.end is not None else None
        for chapter in source.chapters():
            base = Fraction(chapter["time_base"])
            start, end = (chapter[key] * base for key in ("start", "end"))
            end = min(end, Fraction(last)) if last is not None else end
            start, end = max(start - Fraction(origin), Fraction(0)), end - Fraction(origin)
            if end > start:
                chapters.append({**chapter, "start": round(start / base), "end": round(end / base)})
        if chapters:
            muxer.set_chapters(chapters)

    def _copied_packets(self, source: Any, copies: dict[int, Any], origin: float) -> Iterator[tuple[float, int, Any]]:
        streams = [source.streams[index] for index in copies]
        cut = self._original
        first = cut.start if cut and cut.start is not None else None
        latest = 0.0
        try:
            for packet in source.demux(streams):
                if packet.dts is None and packet.pts is None:
                    continue
                base = packet.time_base
                time = float((packet.pts if packet.pts is not None else packet.dts) * base)
                if (first is not None and time < first - 1e-6) or (cut and cut.end is not None and time >= cut.end):
                    continue
                shift = round(Fraction(origin).limit_denominator(10**9) / base)
                index = packet.stream.index
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.dts = None if packet.dts is None else packet.dts - shift
                packet.stream = copies[index]
                self._copied.add(index)
                # Sorted by time as far as the file is: the muxer puts the rest in order.
                latest = max(latest, time - origin)
                yield latest, 1, packet
        except FFmpegError as error:
            self.warnings.append(f"the sound could not be read to its end: {error}")

    def _verify(self) -> None:
        """Counts what was written: a file that plays is not yet a file that is whole."""
        with av.open(f"file:{self._output.temporary}") as container:
            if not container.streams.video:
                raise OutputError(f"cannot finish '{self._output.path}'", "the written file has no video stream")
            if self._direct:
                return
            # There may be more: chapters are a track of their own in some containers, and some keep empty ones.
            if len(container.streams) < 1 + len(self._copied):
                raise OutputError(
                    f"cannot finish '{self._output.path}'",
                    f"{len(container.streams) - 1} of {len(self._copied)} copied streams are in the written file",
                )
        written = stored_frames(self._output.temporary)
        if written != len(self._times):
            raise OutputError(
                f"cannot finish '{self._output.path}'",
                f"{written} of {len(self._times)} frames are in the written file",
            )


PLACE = re.compile(r"%0?\d*d")  # for the number of a picture of a sequence


def numbered(pattern: str | Path, number: int) -> Path:
    """The file of a picture: the last place for a number counts, all other per cent signs are part of the name."""
    text = str(pattern)
    place = list(PLACE.finditer(text))[-1]
    return Path(text[: place.start()] + place[0] % number + text[place.end() :])


class PictureSink:
    """Writes pictures: one still, or numbered files in a folder or by a printf-style pattern.

    Args:
        path: a picture file, a folder, or a pattern such as ``out_%05d.png``.
        info: what the frames look like.
        options: ``overwrite`` and ``crf`` (JPEG and WebP quality is 100 less twice it) count.
        finish: called with each written file.
        inputs: files none of which may be written.
        lock: whether another run may not write the same sequence meanwhile.

    Raises:
        UsageError: if such pictures cannot be written.
        OutputError: if they cannot be written there, or are being written by another run.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        options: EncodeOptions,
        finish: Callable[[Path], object] | None = None,
        inputs: tuple[Path, ...] = (),
        *,
        lock: bool = False,
    ) -> None:
        self.warnings: list[str] = []
        self._finish = finish
        self._inputs = {(status.st_dev, status.st_ino) for status in map(os.stat, filter(os.path.exists, inputs))}
        self._options = options
        self._path = path
        self._written: list[Path] = []
        self._still = info.still
        self._lock: IO[bytes] | None = None
        pattern = PLACE.search(path.name)
        if self._still and not pattern and path.suffix.lower() in PICTURES:
            self._pattern = ""
            self._pending: PendingOutput | None = PendingOutput(path, overwrite=options.overwrite, sources=inputs)
            return
        self._pending = None
        self._still = False
        folder = path.parent if pattern else path
        self._pattern = path.name if pattern else "%06d.png"
        if Path(self._pattern).suffix.lower() not in PICTURES:
            raise UsageError(f"cannot write pictures as '{path.name}'", hint=f"use one of {', '.join(PICTURES)}")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot write to '{folder}'", error.strerror or str(error)) from error
        self._folder = folder
        self._lock_path = path.with_name(f".{short_name(path.name)}.videostyle.lock")
        try:
            self._lock = lock_file(self._lock_path) if lock else None
        except BlockingIOError as error:
            raise OutputError(f"'{path}' is being written by another run", hint="wait for it or stop it") from error
        except OSError as error:
            raise OutputError(f"cannot write to '{folder}'", error.strerror or str(error)) from error

    @property
    def in_parts(self) -> bool:
        """Whether parts of the output can be written apart (``assemble``)."""
        return self._pending is None

    @property
    def pattern(self) -> str:
        """Path of the pictures of a sequence, with a place for the number (``numbered``)."""
        return str(self._folder.absolute() / self._pattern)

    def vet(self, frames: int) -> None:
        """Looks whether so many pictures may be written, before the first one is.

        Raises:
            OutputError: if one is an input, or exists and may not be replaced.
        """
        for number in range(frames):
            self._vet(numbered(self._folder / self._pattern, number))

    def _vet(self, target: Path) -> None:
        if not os.path.exists(target):
            return
        status = target.stat()
        if (status.st_dev, status.st_ino) in self._inputs:
            raise OutputError(f"the output '{target}' is an input", hint="choose another folder or pattern with -o")
        if not self._options.overwrite:
            raise OutputError(f"'{target}' exists already", hint="use --overwrite to replace it")

    def assemble(self, parts: Sequence[Path], times: Sequence[float]) -> Path:
        """Ends a sequence whose pictures are there already; returns its folder or pattern."""
        self.abort()
        return self._path

    def write(self, batch: FrameBatch) -> None:
        """Writes each frame of the batch."""
        for number, frame in enumerate(batch.frames, batch.index):
            if self._pending is not None:
                self._encode(self._pending.temporary, frame)
                self._written.append(self._pending.temporary)
                continue
            target = numbered(self._folder / self._pattern, number)
            self._vet(target)
            partial = target.with_name(f".{short_name(target.stem)}.part{target.suffix}")
            self._encode(partial, frame)
            try:
                os.replace(partial, target)
            except OSError as error:
                raise disk_error(target, error) from error
            self._written.append(target)

    def _encode(self, path: Path, frame: Any) -> None:
        cv2 = load_cv2()
        quality = 95 if self._options.crf is None else max(1, 100 - 2 * self._options.crf)
        flags = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".jpeg": cv2.IMWRITE_JPEG_QUALITY, ".webp": cv2.IMWRITE_WEBP_QUALITY}
        suffix = path.suffix.lower()
        ok, data = cv2.imencode(
            suffix, cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [flags[suffix], quality] if suffix in flags else []
        )
        if not ok:
            raise OutputError(f"cannot write '{path}'", "the picture could not be encoded")
        try:
            path.write_bytes(data.tobytes())
            if self._finish is not None:
                self._finish(path)
        except OSError as error:
            raise disk_error(path, error) from error

    def close(self) -> Path:
        """Names the still; a sequence is there already."""
        if not self._written:
            self.abort()
            raise OutputError(f"nothing to write to '{self._path}'", "there was no frame")
        if self._pending is not None:
            return self._pending.commit()
        self.abort()
        return self._path

    def abort(self) -> None:
        """Removes a still that is not committed; pictures of a sequence that are whole are kept."""
        if self._pending is not None:
            self._pending.abort()
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock_path.unlink()
            self._lock.close()
            self._lock = None


def open_sink(
    path: str | Path,
    info: VideoInfo,
    options: EncodeOptions | None = None,
    *,
    original: Original | None = None,
    metadata: Mapping[str, str] | None = None,
    finish: Callable[[Path], object] | None = None,
    inputs: tuple[Path, ...] = (),
) -> VideoSink | PictureSink:
    """Opens the sink that ``path`` and the codec ask for.

    Raises:
        UsageError: if the suffix or the codec is not known.
        OutputError: if the output cannot be created.
    """
    options = options or EncodeOptions()
    path = Path(path)
    animated = path.suffix.lower() == ".webp" and not info.still and not PLACE.search(path.name)
    pictures = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
    folder = os.path.isdir(path)
    if options.codec == "png" or (path.suffix.lower() in pictures and not animated) or folder or not path.suffix:
        if path.suffix.lower() in pictures and not PLACE.search(path.name) and not info.still and not folder:
            path = path.with_name(f"{path.stem}_%06d{path.suffix}")
        return PictureSink(path, info, options, finish, inputs, lock=True)
    return VideoSink(path, info, options, original, metadata, finish)
