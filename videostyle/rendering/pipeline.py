"""Moves frames from a reader through processors into writers; decoding, painting and encoding overlap."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from videostyle.errors import Interrupted
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.writers.base import FrameWriter
from videostyle.processors.chain import Chain, Part
from videostyle.processors.protocol import Processor

log = logging.getLogger("videostyle")

# (stage, start and end of its work on a batch in time.monotonic(), number of the first frame of the batch)
Trace = Callable[[str, float, float, int], None]

DEPTH = 2  # batches that may wait between two stages: enough for overlap, few enough for constant memory


class BatchReader(Protocol):
    """The part of a reader that a run needs (``media.readers.base.FrameReader``)."""

    info: VideoInfo
    warnings: list[str]

    def __iter__(self) -> Iterator[FrameBatch]:
        """The batches, once."""

    def stop(self) -> None:
        """Ends an iteration in another thread before its next frame."""

    def close(self) -> None:
        """Frees the file."""


@dataclass(frozen=True)
class Branch:
    """One output of a run.

    Attributes:
        processors: the chain; the run opens and closes it.
        writer: the writer, or a function that opens it for the frames that the chain delivers.
        part: the frames to deliver, if the reader reads more than these; None = all.
    """

    processors: Sequence[Processor]
    writer: FrameWriter | Callable[[VideoInfo], FrameWriter]
    part: Part | None = None


@dataclass(frozen=True)
class RunReport:
    """The result of a run.

    Attributes:
        output: the finished file.
        frames: number of frames in it.
        seconds: time from the start of the run to the finished file.
        first_frame: seconds until the first painted batch.
        warnings: messages for the user about damage and about what could not be kept.
        busy: seconds that each stage worked ("decode", "process", "encode"), without waiting.
        resumed: number of frames that an earlier run had painted.
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
        """Painted frames per second over the whole run."""
        return (self.frames - self.resumed) / self.seconds if self.seconds > 0 else 0.0


class _Stopped(Exception):
    """Another stage has failed, or the run was cancelled."""


class _Stage:
    """A thread at one end of a bounded queue. If it fails, the exception is kept and all stages stop."""

    def __init__(self, name: str, work: Callable[[], None], stop: threading.Event) -> None:
        self.busy = 0.0
        self.error: BaseException | None = None
        self._work, self._stop = work, stop
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self._work()
        except _Stopped:
            pass
        except BaseException as error:
            self.error = error
            self._stop.set()


def _put(
    to: queue.Queue[FrameBatch | None],
    item: FrameBatch | None,
    stop: threading.Event,
    cancel: threading.Event | None = None,
) -> None:
    while not stop.is_set():
        _check(cancel)
        try:
            return to.put(item, timeout=0.1)
        except queue.Full:
            continue
    raise _Stopped


def _get(
    of: queue.Queue[FrameBatch | None], stop: threading.Event, cancel: threading.Event | None = None
) -> FrameBatch | None:
    while not stop.is_set():
        _check(cancel)
        try:
            return of.get(timeout=0.1)
        except queue.Empty:
            continue
    raise _Stopped


def _check(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Interrupted("stopped", hint="nothing was left behind")


class _Encoding:
    """The end of a branch: a queue, and a thread that writes its batches."""

    def __init__(self, branch: Branch, stop: threading.Event, written: Callable[[float, FrameBatch], float]) -> None:
        self.chain, self.frames, self.painting = Chain(branch.processors, branch.part), 0, 0.0
        self.queue: queue.Queue[FrameBatch | None] = queue.Queue(DEPTH)
        self.writer: FrameWriter | None = None
        self._open = branch.writer
        if hasattr(branch.writer, "write"):
            self.writer = branch.writer  # type: ignore[assignment]
        self._stop, self._written = stop, written
        self.stage = _Stage("encode", self._write, stop)

    def open(self, info: VideoInfo) -> None:
        """Opens chain and writer, and starts the thread."""
        info = self.chain.open(info)
        if self.writer is None:
            self.writer = self._open(info)  # type: ignore[operator]
        self.stage.thread.start()

    def abort(self) -> None:
        """Removes the unfinished output."""
        if self.writer is not None:
            self.writer.abort()

    def _write(self) -> None:
        while (batch := _get(self.queue, self._stop)) is not None:
            at = time.monotonic()
            if self.writer is None:
                raise RuntimeError("the writer was never opened")
            self.writer.write(batch)
            self.frames += len(batch)
            self.stage.busy += self._written(at, batch)


def run(
    reader: BatchReader,
    processors: Sequence[Processor],
    writer: FrameWriter | Callable[[VideoInfo], FrameWriter],
    *,
    on_progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> RunReport:
    """``run_all`` with one branch: moves every frame of ``reader`` through ``processors`` into ``writer``."""
    return run_all(reader, [Branch(processors, writer)], on_progress=on_progress, cancel=cancel, trace=trace)[0]


def run_all(
    reader: BatchReader,
    branches: Sequence[Branch],
    *,
    on_progress: Callable[[int], None] | None = None,
    cancel: threading.Event | None = None,
    trace: Trace | None = None,
) -> list[RunReport]:
    """Moves every frame of ``reader`` through all branches, decoding it once, and finishes all outputs.

    One thread decodes, one thread for each branch encodes, and the processors run in the calling thread, branch by
    branch for each batch. A full queue makes the stage before it wait. If anything fails, everything is closed and
    unfinished outputs are removed.

    Args:
        reader: the source of batches; closed at the end.
        branches: the outputs.
        on_progress: called after each batch that a branch has written, with its number of frames.
        cancel: set it, from another thread or a signal handler, to stop the run.
        trace: called for each piece of work of each stage, in the thread of the stage.

    Returns:
        A report for each branch; decoding counts in each of them.

    Raises:
        Interrupted: if ``cancel`` was set.
        VideostyleError: if a stage fails.
    """
    stop, reporting = threading.Event(), threading.Lock()
    decoded: queue.Queue[FrameBatch | None] = queue.Queue(DEPTH)
    first, failed = 0.0, False
    began = time.monotonic()

    def worked(stage: str, since: float, batch: FrameBatch) -> float:
        now = time.monotonic()
        if trace is not None:
            trace(stage, since, now, batch.index)
        return now - since

    def read() -> None:
        at = time.monotonic()
        for batch in reader:
            decoding.busy += worked("decode", at, batch)
            _put(decoded, batch, stop)
            at = time.monotonic()
        _put(decoded, None, stop)

    def written(since: float, batch: FrameBatch) -> float:
        seconds = worked("encode", since, batch)
        if on_progress is not None:
            with reporting:
                on_progress(len(batch))
        return seconds

    decoding, encodings = _Stage("decode", read, stop), [_Encoding(branch, stop, written) for branch in branches]
    try:
        # Decoding begins while the processors are opened, which may mean compiling.
        decoding.thread.start()
        for encoding in encodings:
            encoding.open(reader.info)
        try:
            while (batch := _get(decoded, stop, cancel)) is not None:
                for encoding in encodings:
                    _check(cancel)
                    at = time.monotonic()
                    painted = encoding.chain(batch)
                    encoding.painting += worked("process", at, batch)
                    if painted is not None:
                        first = first or time.monotonic() - began
                        _put(encoding.queue, painted, stop, cancel)
            for encoding in encodings:
                if (rest := encoding.chain.finish()) is not None:
                    _put(encoding.queue, rest, stop, cancel)
                _put(encoding.queue, None, stop, cancel)
        except _Stopped:
            pass
        for encoding in encodings:
            while encoding.stage.thread.is_alive():
                encoding.stage.thread.join(0.1)
                _check(cancel)
        for stage in (decoding, *(encoding.stage for encoding in encodings)):
            if stage.error is not None:
                raise stage.error
        outputs = [encoding.writer.close() for encoding in encodings if encoding.writer is not None]
    except BaseException:
        failed = True
        stop.set()
        for encoding in encodings:
            encoding.abort()
        raise
    finally:
        stop.set()
        reader.stop()
        for stage in (decoding, *(encoding.stage for encoding in encodings)):
            if stage.thread.ident is not None:
                stage.thread.join(10)
        for encoding in encodings:
            if failed:
                encoding.abort()  # again: the writer may have begun a file after the first time
        reader.close()
        for encoding in encodings:
            encoding.chain.close()
    seconds = time.monotonic() - began
    return [
        RunReport(
            output,
            encoding.frames,
            seconds,
            first,
            (*reader.warnings, *(encoding.writer.warnings if encoding.writer else ())),
            {"decode": decoding.busy, "process": encoding.painting, "encode": encoding.stage.busy},
        )
        for output, encoding in zip(outputs, encodings, strict=True)
    ]
