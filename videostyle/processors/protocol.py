"""The processor protocol: one step of the frame chain.

A chain is a plain list of processors, visible at the call site; ``pipeline.run`` opens each with what the
one before it delivers, then passes batches through in order.
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


class Identity:
    """Hands every batch on unchanged."""

    def open(self, info: VideoInfo) -> VideoInfo:
        """Returns ``info`` itself."""
        return info

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """Returns ``batch`` itself."""
        return batch

    def close(self) -> None:
        """Has nothing to free."""


class Borrowed:
    """A processor that outlives a run, with what it has compiled: the owner of the inner one closes it."""

    def __init__(self, inner: Processor) -> None:
        self._inner = inner

    def open(self, info: VideoInfo) -> VideoInfo:
        """Opens the inner one again, for a clip that may be another."""
        return self._inner.open(info)

    def __call__(self, batch: FrameBatch) -> FrameBatch:
        """What the inner one gives."""
        return self._inner(batch)

    def close(self) -> None:
        """Nothing."""
