"""Frames move through processors into a writer; a run can be cancelled at any moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from videostyle.errors import Interrupted
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.rendering.pipeline import run


class SlowSource:
    """Looks for its first frame until it is stopped."""

    def __init__(self) -> None:
        self.info, self.warnings = VideoInfo(width=4, height=4), []  # type: ignore[var-annotated]
        self.stopped = threading.Event()
        self.closed_while_reading = self.reading = False

    def __iter__(self) -> Iterator[FrameBatch]:
        self.reading = True
        self.stopped.wait(30)
        self.reading = False
        return iter(())

    def stop(self) -> None:
        self.stopped.set()

    def close(self) -> None:
        self.closed_while_reading = self.reading


class SlowSink:
    """Takes its time for every batch."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.warnings: list[str] = []
        self.seconds, self.aborted = seconds, False

    def write(self, batch: FrameBatch) -> None:
        time.sleep(self.seconds)

    def close(self) -> Path:
        return Path("out")

    def abort(self) -> None:
        self.aborted = True


def test_p6_a_run_that_waits_for_its_first_frame_can_be_cancelled() -> None:
    source, sink, cancel = SlowSource(), SlowSink(), threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        run(source, [], sink, cancel=cancel)
    assert time.monotonic() - began < 5
    assert sink.aborted
    assert not source.closed_while_reading  # which crashes OpenCV


def test_p6_a_run_that_waits_for_its_writer_can_be_cancelled() -> None:
    class Source(SlowSource):
        def __iter__(self) -> Iterator[FrameBatch]:
            for number in range(100):
                yield FrameBatch(np.zeros((1, 4, 4, 3), np.uint8), np.array([float(number)]), number)

    sink, cancel = SlowSink(1.0), threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        run(Source(), [], sink, cancel=cancel)
    assert time.monotonic() - began < 5
