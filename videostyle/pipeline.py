"""Runs frames from a source through processors into a sink, with decoding, painting and encoding overlapped."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from videostyle.errors import Interrupted
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.processors.base import Processor

log = logging.getLogger("videostyle")

# name of the stage, when it began and ended its work on a batch (time.monotonic), number of the batch's first frame
Trace = Callable[[str, float, float, int], None]

DEPTH = 2  # batches that wait between two stages: enough to overlap, few enough to keep memory flat


class SourceLike(Protocol):
    """What the pipeline needs of a source."""

    info: VideoInfo
    warnings: list[str]

    def __iter__(self) -> Any:
        """The batches, once."""

    def close(self) -> None:
        """Frees the file."""


class SinkLike(Protocol):
    """What the pipeline needs of a sink."""

    warnings: list[str]

    def write(self, batch: FrameBatch) -> None:
        """Takes one batch."""

    def close(self) -> Path:
        """Finishes and names the output."""

    def abort(self) -> None:
        """Leaves nothing behind."""


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        output: the finished file.
        frames: frames written.
        seconds: from the first batch asked for to the finished file.
        first_frame: seconds until the first painted batch.
        warnings: what was not as it should be, in words.
        busy: seconds that each stage worked ("decode", "process", "encode"), waiting not counted.
        resumed: frames that an earlier run had painted already; they are among ``frames``.
    """

    output: Path
    frames: int
    seconds: float
    first_frame: float
    warnings: tuple[str, ...]
    busy: dict[str, float] = field(default_factory=dict)
    resumed: int = 0

    @property
    def fps(self) -> float:
        """Frames painted a second over the whole run."""
        return (self.frames - self.resumed) / self.seconds if self.seconds > 0 else 0.0


class _Stop(Exception):
    """Another stage has failed or the user has had enough."""


class _Stage:
    """A thread at one end of a bounded queue; an exception in it is kept and stops the others."""

    def __init__(self, name: str, work: Callable[[], None], stop: threading.Event) -> None:
        self.busy = 0.0
        self.error: BaseException | None = None
        self._work, self._stop = work, stop
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self._work()
        except _Stop:
            pass
        except BaseException as error:
            self.error = error
            self._stop.set()


def _put(to: queue.Queue[FrameBatch | None], item: FrameBatch | None, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            return to.put(item, timeout=0.1)
        except queue.Full:
            continue
    raise _Stop


def _get(of: queue.Queue[FrameBatch | None], stop: threading.Event) -> FrameBatch | None:
    while not stop.is_set():
        try:
            return of.get(timeout=0.1)
        except queue.Empty:
            continue
    raise _Stop


def chain(info: VideoInfo, processors: Iterable[Processor]) -> VideoInfo:
    """Opens the processors one after the other; returns what the last one delivers."""
    for processor in processors:
        info = processor.open(info)
    return info


def run(
    source: SourceLike,
    processors: Sequence[Processor],
    sink: SinkLike | Callable[[VideoInfo], SinkLike],
    *,
    progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> RunReport:
    """Moves every frame of ``source`` through ``processors`` into ``sink`` and finishes the output.

    Decoding and encoding have a thread each, the processors run in the calling thread; a full queue holds the
    stage before it back. Whatever fails, everything is closed and an unfinished output is removed.

    Args:
        source: where batches come from; closed at the end.
        processors: the chain, opened and closed here.
        sink: where they go, or a function that opens it once the chain has said what it delivers.
        progress: called with the number of frames after each batch that was written.
        cancel: set by another thread or a signal handler to stop.
        trace: told of each piece of work of each stage, in the stage's own thread.

    Raises:
        Interrupted: if ``cancel`` was set.
        VideostyleError: whatever a stage met.
    """
    stop = threading.Event()
    decoded: queue.Queue[FrameBatch | None] = queue.Queue(DEPTH)
    painted: queue.Queue[FrameBatch | None] = queue.Queue(DEPTH)
    frames, first, painting, failed = 0, 0.0, 0.0, False
    began = time.monotonic()
    opened: SinkLike | None = None if callable(sink) and not hasattr(sink, "write") else sink  # type: ignore[assignment]

    def worked(stage: str, since: float, batch: FrameBatch) -> float:
        now = time.monotonic()
        if trace is not None:
            trace(stage, since, now, batch.index)
        return now - since

    def read() -> None:
        at = time.monotonic()
        for batch in source:
            reader.busy += worked("decode", at, batch)
            _put(decoded, batch, stop)
            at = time.monotonic()
        _put(decoded, None, stop)

    def write() -> None:
        nonlocal frames
        while (batch := _get(painted, stop)) is not None:
            at = time.monotonic()
            if opened is None:
                raise RuntimeError("the sink was never opened")
            opened.write(batch)
            writer.busy += worked("encode", at, batch)
            frames += len(batch)
            if progress is not None:
                progress(len(batch))

    reader, writer = _Stage("decode", read, stop), _Stage("encode", write, stop)
    try:
        # Decoding begins while the processors get ready, which may mean compiling.
        reader.thread.start()
        info = chain(source.info, processors)
        if opened is None:
            opened = sink(info)  # type: ignore[operator]
        writer.thread.start()
        try:
            while (batch := _get(decoded, stop)) is not None:
                if cancel is not None and cancel.is_set():
                    raise Interrupted("stopped", hint="nothing was left behind")
                at = time.monotonic()
                for processor in processors:
                    batch = processor(batch)
                painting += worked("process", at, batch)
                first = first or time.monotonic() - began
                _put(painted, batch, stop)
            _put(painted, None, stop)
        except _Stop:
            pass
        while writer.thread.is_alive():
            writer.thread.join(0.1)
            if cancel is not None and cancel.is_set():
                raise Interrupted("stopped", hint="nothing was left behind")
        for stage in (reader, writer):
            if stage.error is not None:
                raise stage.error
        output = opened.close()
    except BaseException:
        failed = True
        stop.set()
        if opened is not None:
            opened.abort()
        raise
    finally:
        stop.set()
        for stage in (reader, writer):
            if stage.thread.ident is not None:
                stage.thread.join(10)
        if failed and opened is not None:
            opened.abort()  # the writer may have begun a file after the first abort
        source.close()
        for processor in processors:
            processor.close()
    warnings = (*source.warnings, *opened.warnings)
    busy = {"decode": reader.busy, "process": painting, "encode": writer.busy}
    return RunReport(output, frames, time.monotonic() - began, first, warnings, busy)
