"""Muxes encoded video with the sound, subtitles, chapters and tags of the original, every frame at its own time."""

from __future__ import annotations

import bisect
import contextlib
import errno
import heapq
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
from videostyle.media.clock import FITS, DecodingOrder, SteadyClock
from videostyle.media.probe import MediaInfo, open_container
from videostyle.media.writers import ffmpeg_copy, sound
from videostyle.media.writers.original_tags import (
    Track,
    add_attachments,
    language_for,
    lost_of_tracks,
    picture_tags,
    titled,
)
from videostyle.media.writers.streams import MUXERS, Chosen, add_copy
from videostyle.media.writers.timestamps import (
    EXACT_CLOCK,
    decoding_ticks,
    durations,
    presentation_ticks,
    shift_warning,
)

Timed = tuple[float, int, Any]  # a packet behind its decoding time in seconds and a number that settles ties
LARGEST_TIMESCALE = 10**6  # ticks a second of an MP4's video; more overflow its 32 bits within the hour
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # no fault of a stream: trying again is no use


@dataclass(frozen=True)
class Original:
    """The file that sound, subtitles, chapters and tags are copied from.

    Attributes:
        media: its content.
        start: time in seconds on its clock that becomes 0 in the output; None = its earliest timestamp.
        end: time in seconds from which on nothing is copied; None = to its end.
        shown_until: when the last frame stops being shown, seconds on its clock; None = it is shown for as long as
            the one before it.
    """

    media: MediaInfo
    start: float | None = None
    end: float | None = None
    shown_until: float | None = None


class Muxer:
    """Writes a file of encoded parts and of streams that are copied from the original.

    Args:
        path: final name of the output, for its suffix and for messages.
        target: the file to write.
        info: description of the frames.
        original: the file that everything but the video is copied from; None = a silent video without tags.
        chosen: what becomes of the original's sound and subtitles (``choose_streams``).
        metadata: tags of the container, added to those of the original.

    Attributes:
        copied: numbers, in the original, of the streams that have packets in the output.
        warnings: messages about what could not be kept.
    """

    def __init__(
        self,
        path: Path,
        target: Path,
        info: VideoInfo,
        original: Original | None,
        chosen: Chosen,
        metadata: Mapping[str, str],
    ) -> None:
        self.copied: set[int] = set()
        self.warnings: list[str] = []
        self._path, self._target, self._info = path, target, info
        self._suffix = path.suffix.lower()
        self._original, self._chosen, self._metadata = original, list(chosen.copied), metadata
        self._encoded, self._by_ffmpeg = dict(chosen.encoded), list(chosen.by_ffmpeg)
        self._refused: dict[int, int] = {}  # packets that the muxer refused, by their stream's number
        self._parts: list[Path] = []
        self._times: list[float] = []

    def write(self, parts: Sequence[Path], times: Sequence[float]) -> None:
        """Muxes. If the container rejects a stream after all, muxes again without it: encoding again is too expensive.

        Args:
            parts: encoded files, in order, all with the same parameters.
            times: time of each frame of all of them, seconds on the original's clock.

        Raises:
            OutputError: if the parts do not hold these frames.
            FFmpegError: if the file cannot be written.
        """
        self._parts, self._times = list(parts), list(times)
        chosen, encoded, beside, why = list(self._chosen), dict(self._encoded), list(self._by_ffmpeg), ""
        every = [*chosen, *encoded, *beside]
        for dropped in ([], *([index] for index in every), every):
            self._chosen = [index for index in chosen if index not in dropped]
            self._encoded = {index: encoder for index, encoder in encoded.items() if index not in dropped}
            self._by_ffmpeg = [index for index in beside if index not in dropped]
            self.copied.clear()
            self.warnings.clear()
            self._refused.clear()
            try:
                self._mux()
            except FFmpegError as error:
                if not (self._chosen or self._encoded or self._by_ffmpeg) or error.errno in DISK_ERRORS:
                    raise
                why = why or str(error.strerror or error)
                continue
            if dropped:
                streams = ", ".join(map(str, dropped))
                self.warnings.append(f"sound or subtitles of stream {streams} could not be copied: {why}")
            return

    def _mux(self) -> None:
        original, origin = self._original, self._origin()
        ticks, base = presentation_ticks(self._times, origin, self._suffix, self._info.time_base, self._info.fps)
        shown = [float(tick * base) for tick in ticks]
        self.warnings += shift_warning(self._times, shown, float(base), self._path.suffix)
        with contextlib.ExitStack() as stack:
            encoded = stack.enter_context(av.open(f"file:{self._parts[0]}")).streams.video[0]
            source = (
                stack.enter_context(open_container(original.media.path))
                if original and (self._chosen or self._encoded or self._by_ffmpeg)
                else None
            )
            muxer = stack.enter_context(
                av.open(f"file:{self._target}", "w", format=MUXERS[self._suffix], options=self._muxer_options(base))
            )
            video = muxer.add_stream_from_template(encoded, opaque=True)
            if self._suffix == ".avi" and encoded.codec_context.name == "h264":
                video.codec_context.codec_tag = "H264"
            video.time_base = base
            if original is not None:
                begun = 0.0 if original.start is None else original.start - original.media.start
                video.metadata.update(picture_tags(original.media, self._suffix, begun, original.media.video_rate))
                add_attachments(original.media, muxer, self._suffix)
            if "alpha_mode" in encoded.metadata:
                video.metadata["alpha_mode"] = encoded.metadata["alpha_mode"]
            copies = self._copied_streams(source, muxer, self._chosen) if source is not None else {}
            beside: Any = None
            if source is not None and self._by_ffmpeg:
                beside = stack.enter_context(av.open(f"file:{self._beside}", "w", format=ffmpeg_copy.CONTAINER))
                copies |= self._copied_streams(source, beside, self._by_ffmpeg)
            added = {
                index: sound.add_stream(muxer, source.streams[index], encoder)
                for index, encoder in self._encoded.items()
                if source is not None
            }
            tracks = [Track.of(source.streams[index]) for index in (*copies, *added)] if source is not None else []
            if original is not None:
                self._copy_tags(original, muxer, origin)
            muxer.metadata.update(_joined(muxer.metadata, self._metadata))
            packets = [self._video_packets(encoded, video, ticks, base)]
            if source is not None and copies:
                packets.append(self._copied_packets(source, copies, origin))
            packets += [self._encoded_packets(index, stream, origin) for index, stream in added.items()]
            orders: dict[int, DecodingOrder] = {}
            for _, number, packet in heapq.merge(*packets, key=lambda timed: timed[:2]):
                if number > 0:
                    into = beside if number - 1 in self._by_ffmpeg else muxer
                    self._mux_copy(into, number - 1, packet, orders)
                else:
                    muxer.mux(packet)
        self._join()
        self._compare_tracks(tracks)
        for index in sorted(set(copies) - self.copied - set(self._refused)):
            kind = copies[index].type
            self.warnings.append(f"{kind} stream {index} has nothing in the painted range; it is left out or empty")
        for index, count in sorted((index, count) for index, count in self._refused.items() if count):
            kind, lost = copies[index].type, "some are missing" if index in self.copied else "it is lost"
            packs = "1 packet" if count == 1 else f"{count} packets"
            self.warnings.append(f"{packs} of {kind} stream {index} could not be copied, their times are wrong: {lost}")

    @property
    def _beside(self) -> Path:
        """The file of the sound that the ffmpeg program copies."""
        return self._target.with_name(f"{self._target.name}.sound")

    def _join(self) -> None:
        """Adds the sound that the ffmpeg program copies."""
        found = [index for index in self._by_ffmpeg if index in self.copied]
        try:
            if found and self._original is not None:
                with open_container(self._original.media.path) as source:
                    streams = [source.streams[index] for index in self._by_ffmpeg]
                    ffmpeg_copy.join(self._target, self._beside, streams, MUXERS[self._suffix])
        except OutputError as error:
            self.copied -= set(found)
            self._refused |= dict.fromkeys(found, 0)
            streams_lost = ", ".join(map(str, found))
            self.warnings.append(f"sound of stream {streams_lost} could not be copied, it is lost: {error.why}")
        finally:
            self._beside.unlink(missing_ok=True)

    def _compare_tracks(self, tracks: Sequence[Track]) -> None:
        """Warns of what the file does not say of the tracks that were copied or encoded, in order."""
        if self._original is None:
            return
        media = self._original.media
        with av.open(f"file:{self._target}") as container:
            written = [Track.of(stream) for stream in container.streams]
        pairs = [(Track("video", media.video_index or 0, media.video_metadata), written[0])]
        others = [track for track in written if track.kind in ("audio", "subtitle")]
        order = [track for track in tracks if track.index not in self._by_ffmpeg]
        order += [track for track in tracks if track.index in self._by_ffmpeg and track.index in self.copied]
        if len(order) == len(others):  # otherwise one is missing, and that is said
            pairs += list(zip(order, others, strict=True))
        self.warnings += lost_of_tracks(pairs, self._suffix)

    def _muxer_options(self, base: Fraction) -> dict[str, str]:
        if self._suffix in EXACT_CLOCK:
            timescale = str(min(base.denominator, LARGEST_TIMESCALE))
            return {"movflags": "+faststart+use_metadata_tags", "video_track_timescale": timescale}
        if self._suffix in (".mkv", ".webm"):
            return {"default_mode": "infer_no_subs"}
        if self._suffix == ".avi":
            # Sound may begin a little before 0, where an AAC encoder starts up. ffmpeg would shift everything by that,
            # and the video by a whole frame.
            return {"avoid_negative_ts": "disabled"}
        return {}

    def _video_packets(self, first: Any, video: Any, ticks: Sequence[int], base: Fraction) -> Iterator[Timed]:
        """The encoded packets with the times of their frames: the n-th frame in presentation order gets the n-th time.

        Args:
            first: video stream of the first part.
            video: stream of the output.
            ticks: when each frame is shown, in presentation order.
            base: seconds in a tick.
        """
        ranks = self._ranks(first)
        if len(ranks) != len(ticks):
            raise self._incomplete(f"the encoder kept {len(ranks)} of {len(ticks)} frames")
        until = self._original.shown_until if self._original is not None else None
        end = None if until is None else round(Fraction(until - self._origin()) / base)
        decoded, shown_for = decoding_ticks(ranks, ticks), durations(ticks, base, self._info.fps, end)
        held = shown_for[-1] - (shown_for[-2] if len(ticks) > 1 else shown_for[-1])
        if self._suffix in EXACT_CLOCK and held > 0 and ranks[-1] != len(ticks) - 1:
            # MP4 adds up durations in decoding order: what the last frame is held for counts there.
            shown_for[ranks[-1]] += held
        # AVI has no place for the parameters of H.264 but in the stream itself.
        in_stream: BitStreamFilterContext | None = None
        if self._suffix == ".avi" and first.codec_context.name == "h264":
            in_stream = BitStreamFilterContext("h264_mp4toannexb", first, video)
        number = 0
        for part in self._parts:
            with av.open(f"file:{part}") as container:
                for packet in container.demux(container.streams.video[0]):
                    if packet.pts is None:
                        continue
                    if in_stream is not None:
                        (packet,) = in_stream.filter(packet)
                    rank = ranks[number]
                    packet.time_base = base
                    packet.pts, packet.dts, packet.duration = ticks[rank], decoded[number], shown_for[rank]
                    packet.stream = video
                    number += 1
                    yield float(packet.dts * base), 0, packet

    def _ranks(self, first: Any) -> list[int]:
        """For each packet of all parts, in decoding order, the position of its frame in presentation order."""
        ranks: list[int] = []
        for part in self._parts:
            with av.open(f"file:{part}") as container:
                stream = container.streams.video[0]
                if stream.codec_context.extradata != first.codec_context.extradata:
                    raise self._incomplete(f"'{part.name}' was encoded with other parameters")
                decoded = [packet.pts for packet in container.demux(stream) if packet.pts is not None]
            shown = sorted(decoded)
            ranks += [len(ranks) + rank for rank in [bisect.bisect_left(shown, pts) for pts in decoded]]
        return ranks

    def _incomplete(self, why: str) -> OutputError:
        return OutputError(
            f"cannot finish '{self._path}'",
            why,
            hint="run it again; if it fails again, try another `codec` or container",
        )

    def _copied_streams(self, source: Any, muxer: Any, chosen: Sequence[int]) -> dict[int, Any]:
        """Adds streams for what is copied; the output's stream for each number of a stream in the original."""
        copies: dict[int, Any] = {}
        for index in chosen:
            stream = source.streams[index]
            copy = copies[index] = add_copy(muxer, stream)
            copy.metadata.update(titled(stream.metadata))
            if "language" in stream.metadata:
                copy.metadata["language"] = language_for(stream.metadata["language"], self._suffix)
            with contextlib.suppress(AttributeError, ValueError):
                copy.disposition = stream.disposition
        return copies

    def _copy_tags(self, original: Original, muxer: Any, origin: float) -> None:
        """Copies tags, and the chapters that lie between the cuts."""
        skipped = ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "creation_time")
        tags = original.media.metadata
        for key, value in tags.items():
            if key.lower() not in skipped:
                # Matroska writes its keys in capitals, and MP4 knows them in small letters only.
                muxer.metadata[key.lower() if self._suffix in EXACT_CLOCK and key.isupper() else key] = value
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

    def _copied_packets(self, source: Any, copies: dict[int, Any], origin: float) -> Iterator[Timed]:
        """The packets of the streams that are copied, between the cuts, their times shifted by ``origin``.

        Where the clock of the picture jumps, they move along with it.
        """
        cut = self._original
        streams = [source.streams[index] for index in copies]
        first = cut.start if cut and cut.start is not None else None
        clocks = {index: SteadyClock(cut.media.segments if cut else (), FITS) for index in copies}
        latest = 0.0
        try:
            for packet in source.demux(streams):
                if packet.dts is None and packet.pts is None:
                    continue
                base, index = packet.time_base, packet.stream.index
                stored = float((packet.pts if packet.pts is not None else packet.dts) * base)
                offset = clocks[index].offset(stored)
                time = stored + offset
                if (first is not None and time < first - 1e-6) or (cut and cut.end is not None and time >= cut.end):
                    continue
                shift = round(Fraction(origin - offset).limit_denominator(10**9) / base)
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.dts = None if packet.dts is None else packet.dts - shift
                packet.stream = copies[index]
                # Merging needs rising times. Within a file they rise only roughly; the muxer puts the rest in order.
                latest = max(latest, time - origin)
                yield latest, 1 + index, packet
        except FFmpegError as error:
            self.warnings.append(f"sound or subtitles could not be read to their end: {error}")

    def _encoded_packets(self, index: int, stream: Any, origin: float) -> Iterator[Timed]:
        """The packets of a stream of sound that is encoded anew, between the cuts."""
        cut = self._original
        if cut is not None:
            clock = SteadyClock(cut.media.segments, FITS)
            for time, _, packet in sound.packets(cut.media.path, index, stream, (cut.start, cut.end), origin, clock):
                self.copied.add(index)
                yield time, -1, packet

    def _mux_copy(self, muxer: Any, index: int, packet: Any, orders: dict[int, DecodingOrder]) -> None:
        """Muxes a packet of a stream that is copied; one that the muxer refuses is left out and counted.

        Raises:
            FFmpegError: if the disk fails.
        """
        order = orders.setdefault(index, DecodingOrder(Fraction(packet.time_base)))
        times = order.next(packet.pts, packet.dts)
        if times is None:
            self._refused[index] = self._refused.get(index, 0) + 1
            return
        packet.pts, packet.dts = times
        try:
            muxer.mux(packet)
        except FFmpegError as error:
            if error.errno in DISK_ERRORS:
                raise
            self._refused[index] = self._refused.get(index, 0) + 1
            return
        self.copied.add(index)

    def _origin(self) -> float:
        """The time that becomes 0: the cut, or else the earliest timestamp."""
        if self._original is None:
            return self._times[0]
        if self._original.start is not None:
            return self._original.start
        return min(self._original.media.start, self._times[0])


def _joined(tags: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Tags to add; a comment of the original stays before the one that is added, unless that is of the same kind."""
    joined = dict(added)
    for key, value in tags.items():
        own = added.get(key.lower(), "")
        if key.lower() == "comment" and own and value and value.split(" ")[:3] != own.split(" ")[:3]:
            joined[key] = f"{value} | {own}"
            if key != "comment":
                joined.pop("comment", None)
    return joined
