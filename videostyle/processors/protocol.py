"""The processor protocol: one step of the frame chain.

A chain is a list of processors. ``rendering.pipeline`` opens each with the description of the frames that the one
before it delivers, and then passes batches through all of them in order.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from videostyle.frames import FrameBatch, VideoInfo


@runtime_checkable
class Processor(Protocol):
    """One step of the frame chain: declares its output, then maps batches to batches.

    A processor delivers exactly one frame for each frame that it gets, with the same ``pts`` and ``index``.
    """

    def open(self, info: VideoInfo) -> VideoInfo:
        """Prepares for frames described by ``info``; returns the description of the delivered frames."""

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Processes one batch. The arrays of the argument are not changed."""

    def close(self) -> None:
        """Frees what ``open`` allocated. May be called twice, and without ``open``."""


class Borrowed:
    """Lends a processor to a run. The run opens it but cannot close it, so its compiled program serves later runs.

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
