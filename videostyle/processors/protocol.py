"""The processor protocol: one step of the frame chain.

A chain is a plain list of processors, visible at the call site; ``rendering.pipeline`` opens each with what the one
before it delivers, and then passes batches through in order.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from videostyle.frames import FrameBatch, VideoInfo


@runtime_checkable
class Processor(Protocol):
    """One step of the frame chain: declares its output, then maps batches to batches.

    A processor delivers exactly one frame for each frame it is given, with the same ``pts`` and ``index``.
    """

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames described by ``info``; returns what the delivered frames look like."""

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes one batch. The argument's arrays are not changed."""

    def close(self) -> None:
        """Frees what ``open`` took. May be called twice, and without ``open``."""


class Borrowed:
    """Lends a processor to a run, which opens it but cannot close it: what it has compiled serves the next run.

    Args:
        inner: the processor; its owner closes it.
    """

    def __init__(self, inner: Processor) -> None:
        self._inner = inner

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the inner processor."""
        return self._inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes a batch with the inner processor."""
        return self._inner(batch)

    def close(self) -> None:
        """Does nothing."""
