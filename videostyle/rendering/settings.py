"""What to paint with and how: the settings of one render, as plain data that can be kept and sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from videostyle.errors import UsageError
from videostyle.media.readers.base import ReadOptions
from videostyle.media.timecode import TimePoint
from videostyle.media.writers.base import EncodeOptions


@dataclass(frozen=True)
class RenderSettings:
    """What to paint with and how; everything but names of files.

    Attributes:
        style: bundled or own style, style file, picture to train on, or mix.
        strength: 0 leaves the clip as it is, 1 paints fully.
        preserve_color: keep the clip's own colours.
        start: where to begin.
        end: where to stop.
        max_size: longest side of the output.
        frame_rate: constant rate instead of the source's own times.
        encode: how to encode.
        batch_size: frames computed at once; None chooses.
        device: "auto", "cpu", "gpu", "gpu:1".
        precision: "auto", "float32", "bfloat16", "float16".
        strict: damage in the input is an error.
        allow_hdr: whether HDR is mapped to SDR (else refused).
    """

    style: str
    strength: float = 1.0
    preserve_color: bool = False
    start: TimePoint | None = None
    end: TimePoint | None = None
    max_size: int | None = None
    frame_rate: Fraction | None = None
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    batch_size: int | None = None
    device: str = "auto"
    precision: str = "auto"
    strict: bool = False
    allow_hdr: bool = True

    def reading(self, batch_size: int) -> ReadOptions:
        """The part that the source needs."""
        return ReadOptions(
            batch_size=batch_size,
            start=self.start,
            end=self.end,
            max_size=self.max_size,
            frame_rate=self.frame_rate,
            strict=self.strict,
            tone_map=self.allow_hdr,
        )


ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Engine:
    """Who paints.

    Attributes:
        name: one of ``ENGINES``.
        workers: processes (local), or chunks at once (ray; None = as many as the cluster has room for).
        address: of a Ray cluster; None = one of its own on this machine.
        devices: of the local workers, one each ("gpu:0", "gpu:1"); () = the settings' device for all.
    """

    name: str = "local"
    workers: int | None = None
    address: str | None = None
    devices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise UsageError(f"no engine '{self.name}'", hint=f"use one of {', '.join(ENGINES)}")
        if self.workers is not None and not 1 <= self.workers <= 10_000:
            raise UsageError("--workers must lie between 1 and 10000")
        if self.devices and self.name != "local":
            raise UsageError("a cluster chooses devices itself", hint="give --device with the local engine only")
        if self.devices and self.workers not in (None, len(self.devices)):
            raise UsageError(f"{len(self.devices)} devices have one worker each", hint="leave --workers out")

    @property
    def alone(self) -> bool:
        """Whether this process paints itself."""
        return self.name == "local" and (self.workers or len(self.devices) or 1) == 1
