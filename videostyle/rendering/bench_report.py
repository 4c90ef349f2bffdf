"""What ``bench`` measures, as numbers."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

AGREEMENT = 40.0  # smallest PSNR to float32, in dB, at which another precision may be chosen


@dataclass(frozen=True)
class Spread:
    """A value measured several times: its median, and (largest - smallest) / median."""

    median: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        middle = statistics.median(values)
        return cls(middle, (max(values) - min(values)) / middle if middle else 0.0)


@dataclass(frozen=True)
class DeviceRow:
    """The device program at one size, batch and precision.

    Attributes:
        size: width and height.
        precision: dtype.
        batch: frames in one call.
        workers: calls side by side.
        fps: frames per second of the computation alone, over all workers.
        upload: milliseconds per frame.
        download: milliseconds per frame.
        p50: median time in milliseconds from giving a batch to the processor until it is painted.
        p95: the 95th percentile of it.
        flops: achieved FLOP/s.
        share: ``flops`` over the matrix-multiply peak of the machine in that precision.
        intensity: FLOP per byte, with input and output of each layer counted once.
        decibels: PSNR to float32.
    """

    size: tuple[int, int]
    precision: str
    batch: int
    workers: int
    fps: Spread
    upload: float
    download: float
    p50: float
    p95: float
    flops: float
    share: float
    intensity: float
    decibels: float


@dataclass(frozen=True)
class SizeRow:
    """A whole render at one size.

    Attributes:
        size: width and height.
        frames: number of frames of the clip.
        decode: frames per second of reading alone.
        device: of the style processor alone, copies included.
        encode: of the encoder alone.
        together: of all three at once.
        ideal: the rate that the stages allow: that of the slowest alone, or all processor time over all cores.
        share: together / ideal.
        processor: seconds of processor time a frame of each stage alone, by "decode", "device" and "encode".
    """

    size: tuple[int, int]
    frames: int
    decode: Spread
    device: Spread
    encode: Spread
    together: Spread
    ideal: float
    share: float
    processor: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class AgainstRow:
    """Ours and the classic network (``inference.classic``) in turns, at one size, each with all cores.

    Attributes:
        size: width and height.
        precision: dtype of both.
        ours: frames per second, copies included.
        classic: likewise.
        times: ours / classic.
    """

    size: tuple[int, int]
    precision: str
    ours: Spread
    classic: Spread
    times: float


@dataclass
class BenchReport:
    """All measurements on one device."""

    device: str
    cores: int
    peaks: dict[str, float] = field(default_factory=dict)
    bandwidth: float = 0.0
    rows: list[DeviceRow] = field(default_factory=list)
    sizes: list[SizeRow] = field(default_factory=list)
    against: list[AgainstRow] = field(default_factory=list)
    peak_memory: float = 0.0

    def best(self, size: tuple[int, int]) -> DeviceRow:
        """The fastest row of a size that agrees with float32; of rows within 3 %, the one with the smallest batch."""
        rows = [row for row in self.rows if row.size == size and row.decibels >= AGREEMENT]
        fastest = max(row.fps.median for row in rows)
        return min((row for row in rows if row.fps.median >= 0.97 * fastest), key=lambda row: row.batch)
