"""Muxes an encoded stream with the original's sound, subtitles, chapters and tags, every frame at its own time."""

from __future__ import annotations

import bisect
import contextlib
import errno
import heapq
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError

from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.media.probe import MediaInfo, open_container

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
class Original:
    """The file that sound, subtitles, chapters and metadata are copied from.

    Attributes:
        media: what it holds.
        start: time in seconds on its clock that becomes 0 in the output; None = its earliest timestamp.
        end: packets from here on are left out; None = to its end.
    """

    media: MediaInfo
    start: float | None = None
    end: float | None = None


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


def choose_streams(media: MediaInfo, suffix: str, *, copy: bool) -> tuple[list[int], list[str]]:
    """Finds the sound and subtitle streams of a file that a container takes.

    It is done before the first frame is painted: what is refused at the end would cost the whole render.

    Args:
        media: what the file holds.
        suffix: of the output.
        copy: whether any are wanted.

    Returns:
        The streams' numbers in the file, and a warning for each stream that is left out.
    """
    chosen: list[int] = []
    warnings = [
        f"video stream {stream.index} (a cover, or a second picture) is not copied"
        for stream in media.others
        if stream.kind == "picture"
    ]
    candidates = [stream.index for stream in media.others if stream.kind in ("audio", "subtitle")]
    if not copy or not candidates:
        return chosen, warnings
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
            if why:
                warnings.append(f"{stream.type} stream {stream.index} ({codec}) cannot be copied into {suffix}: {why}")
            else:
                chosen.append(stream.index)
    return chosen, warnings


def shift_warning(times: Sequence[float], shown: Sequence[float], tick: float, suffix: str) -> list[str]:
    """Says by how much frames are shown too early or too late where that is more than the clock's coarseness.

    Args:
        times: when each frame should be shown, seconds.
        shown: when it is, on a clock of any offset.
        tick: of that clock, seconds.
        suffix: of the file, for the message.
    """
    errors = [time - times[0] - (there - shown[0]) for time, there in zip(times, shown, strict=True)]
    worst = max(map(abs, errors))
    if worst <= 0.6 * tick + 0.002:
        return []
    return [
        f"{suffix} keeps no variable frame rate: frames are shown up to {worst:.2f} s early "
        "or late (choose .mp4 or .mkv, or a constant rate with --fps)"
    ]


class Muxer:
    """Writes one file of encoded parts and of streams of the original.

    Args:
        path: final name of the output, for its suffix and for messages.
        target: the file to write.
        info: what the frames look like.
        original: where everything but the picture is copied from; None = a silent video.
        chosen: numbers, in the original, of the streams that are to be copied.
        metadata: tags of the container, added to the original's.

    Attributes:
        copied: numbers, in the original, of the streams that packets were copied from.
        warnings: what could not be kept.
    """

    def __init__(
        self,
        path: Path,
        target: Path,
        info: VideoInfo,
        original: Original | None,
        chosen: Sequence[int],
        metadata: Mapping[str, str],
    ) -> None:
        self.copied: set[int] = set()
        self.warnings: list[str] = []
        self._path, self._target, self._info = path, target, info
        self._original, self._chosen, self._metadata = original, list(chosen), metadata
        self._parts: list[Path] = []
        self._times: list[float] = []

    def write(self, parts: Sequence[Path], times: Sequence[float]) -> None:
        """Muxes; once more without a stream that is refused after all: the picture took longer to make.

        Args:
            parts: files in order, all encoded alike.
            times: the true time of every frame of all of them, seconds on the original's clock.

        Raises:
            OutputError: if the parts do not hold these frames.
            FFmpegError: if the file cannot be written.
        """
        self._parts, self._times = list(parts), list(times)
        chosen, why = list(self._chosen), ""
        for dropped in ([], *([index] for index in chosen), chosen):
            self._chosen = [index for index in chosen if index not in dropped]
            self.copied.clear()
            self.warnings.clear()
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
        suffix = self._path.suffix.lower()
        with contextlib.ExitStack() as stack:
            encoded = stack.enter_context(av.open(f"file:{self._parts[0]}"))
            original = self._original
            source = stack.enter_context(open_container(original.media.path)) if original and self._chosen else None
            origin = self._origin()
            ticks, base = self._ticks(origin)
            shown = [float(tick * base) for tick in ticks]
            self.warnings += shift_warning(self._times, shown, float(base), self._path.suffix)
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
            muxer = stack.enter_context(av.open(f"file:{self._target}", "w", format=MUXERS[suffix], options=options))
            video = muxer.add_stream_from_template(encoded.streams.video[0], opaque=True)
            # AVI has no place for H.264's set-up beside the packets, so that it must be inside them.
            inside = None
            if suffix == ".avi" and encoded.streams.video[0].codec_context.name == "h264":
                inside = BitStreamFilterContext("h264_mp4toannexb", encoded.streams.video[0], video)
                video.codec_context.codec_tag = "H264"
            video.time_base = base
            copies = self._copied_streams(source, muxer) if source is not None else {}
            if original is not None:
                self._copy_tags(original, muxer, origin)
            muxer.metadata.update(self._metadata)
            parts = [self._video_packets(encoded.streams.video[0], video, ticks, base, inside)]
            if source is not None:
                parts.append(self._copied_packets(source, copies, origin))
            for _, _, packet in heapq.merge(*parts, key=lambda part: part[:2]):
                muxer.mux(packet)
            for index in sorted(set(copies) - self.copied):
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
                    raise OutputError(
                        f"cannot finish '{self._path}'",
                        f"'{part.name}' was encoded differently",
                        hint="run it again; if it fails again, try another --codec or container",
                    )
                order = [p.pts for p in container.demux(stream) if p.pts is not None]
            stamps = sorted(order)
            ranks += [len(ranks) + rank for rank in [bisect.bisect_left(stamps, pts) for pts in order]]
        if len(ranks) != len(ticks):
            raise OutputError(
                f"cannot finish '{self._path}'",
                f"the encoder kept {len(ranks)} of {len(ticks)} frames",
                hint="run it again; if it fails again, try another --codec or container",
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

    def _copy_tags(self, original: Original, muxer: Any, origin: float) -> None:
        skipped = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "creation_time")
        tags = original.media.metadata
        for key, value in tags.items():
            if key.lower() not in skipped:
                muxer.metadata[key] = value
        if "creation_time" in tags:
            muxer.metadata["creation_time"] = tags["creation_time"]
        chapters = []
        last = original.end
        for chapter in original.media.chapters:
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
                self.copied.add(index)
                # Sorted by time as far as the file is: the muxer puts the rest in order.
                latest = max(latest, time - origin)
                yield latest, 1, packet
        except FFmpegError as error:
            self.warnings.append(f"the sound could not be read to its end: {error}")

    def _ticks(self, origin: float) -> tuple[list[int], Fraction]:
        """Every frame's time in units of the output's time base, strictly rising, and that base."""
        base = self._info.time_base
        if self._path.suffix.lower() not in FREE_CLOCK:
            base = Fraction(1, 90_000) if self._path.suffix.lower() == ".ts" else Fraction(1, 1000)
            if self._path.suffix.lower() == ".avi":
                # Its clock ticks once a frame, and what is shown first is shown at 0: parts of a tick before are lost.
                base = 1 / (self._info.fps or Fraction(25))
                origin = self._times[0] - math.floor((self._times[0] - origin) / base) * float(base)
        ticks: list[int] = []
        for time in self._times:
            tick = round((time - origin) / base)
            if ticks and tick <= ticks[-1]:
                if base > Fraction(1, 100_000) and self._path.suffix.lower() in FREE_CLOCK:
                    return self._ticks_on(Fraction(1, 90_000), origin), Fraction(1, 90_000)
                tick = ticks[-1] + 1
            ticks.append(tick)
        return ticks, base

    def _ticks_on(self, base: Fraction, origin: float) -> list[int]:
        ticks: list[int] = []
        for time in self._times:
            tick = round((time - origin) / base)
            ticks.append(tick if not ticks else max(tick, ticks[-1] + 1))
        return ticks

    def _origin(self) -> float:
        """The time that becomes 0: where the clip was cut, else its earliest timestamp."""
        if self._original is None:
            return self._times[0]
        if self._original.start is not None:
            return self._original.start
        return min(self._original.media.start, self._times[0])
