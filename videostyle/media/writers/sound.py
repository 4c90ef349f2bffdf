"""Encodes sound that the output's container does not take as it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from videostyle.media.clock import SteadyClock
from videostyle.media.probe import open_container
from videostyle.media.writers.original_tags import titled

# Container -> the encoder of sound that every one of its players knows.
ENCODERS = {
    ".webm": "libopus",
    ".avi": "libmp3lame",
    ".mkv": "flac",
    **dict.fromkeys((".mp4", ".m4v", ".mov", ".ts", ".flv"), "aac"),
}
NAMES = {"libopus": "Opus", "libmp3lame": "MP3", "aac": "AAC", "flac": "FLAC (lossless)"}
BITS_A_CHANNEL = {"libopus": 80_000, "libmp3lame": 112_000, "aac": 96_000}  # per second; transparent to most ears
OPUS_RATE = 48_000  # samples per second, the only rate that Opus plays at


def add_stream(muxer: Any, stream: Any, encoder: str) -> Any:
    """Adds a stream to an output that holds the sound of an input's stream, encoded anew.

    Args:
        muxer: the output.
        stream: of the input.
        encoder: one of ``ENCODERS``.
    """
    rate = OPUS_RATE if encoder == "libopus" else stream.codec_context.sample_rate
    if encoder not in ("libopus", "flac") and rate not in (44_100, 48_000):
        rate = 48_000
    added = muxer.add_stream(encoder, rate=rate, layout=layout_of(stream, encoder))
    if encoder in BITS_A_CHANNEL:
        added.bit_rate = BITS_A_CHANNEL[encoder] * added.layout.nb_channels
    added.metadata.update(titled(stream.metadata))
    with contextlib.suppress(AttributeError, ValueError):
        added.disposition = stream.disposition
    return added


def layout_of(stream: Any, encoder: str) -> str:
    """The layout of channels in which a stream of an input is encoded; "stereo" where its own is rare."""
    channels = stream.codec_context.layout.nb_channels
    if encoder == "libmp3lame":
        return "mono" if channels == 1 else "stereo"
    return {1: "mono", 4: "quad", 6: "5.1", 8: "7.1"}.get(channels, "stereo")


def packets(
    path: Path,
    index: int,
    added: Any,
    cut: tuple[float | None, float | None],
    origin: float,
    clock: SteadyClock,
) -> Iterator[tuple[float, int, Any]]:
    """Decodes a stream of an input and encodes it for ``added``.

    Args:
        path: the input.
        index: number of the stream in it.
        added: stream of the output (``add_stream``).
        cut: times between which sound is kept, seconds on the input's clock; None = from its beginning, to its end.
        origin: time on the input's clock that is 0 in the output.
        clock: puts jumps of the input's clock right.

    Yields:
        Packets with their decoding time in seconds, and a number that settles ties, in order.
    """
    first, last = cut
    context = added.codec_context
    context.open()
    resampler = av.AudioResampler(
        format=context.format, layout=context.layout, rate=context.sample_rate, frame_size=context.frame_size or None
    )
    latest = 0.0
    following, base = 0, Fraction(1)

    def timed(encoded: list[Any]) -> Iterator[tuple[float, int, Any]]:
        nonlocal latest
        for packet in encoded:
            packet.stream = added
            latest = max(latest, float((packet.dts or 0) * packet.time_base))
            yield latest, 2, packet

    with open_container(path) as source:
        for frame in source.decode(source.streams[index]):
            if frame.pts is None:  # the last frame of a decoder that holds one back
                frame.pts, frame.time_base = following, base
            following, base = frame.pts + round(frame.samples / frame.sample_rate / frame.time_base), frame.time_base
            offset = clock.offset(frame.time)
            time = frame.time + offset
            if first is not None and time < first - 1e-6:
                continue
            if last is not None and time >= last:
                break
            frame.pts -= round(Fraction(origin - offset).limit_denominator(10**9) / frame.time_base)
            for part in resampler.resample(frame):
                yield from timed(context.encode(part))
    for part in resampler.resample(None):
        yield from timed(context.encode(part))
    yield from timed(context.encode(None))
