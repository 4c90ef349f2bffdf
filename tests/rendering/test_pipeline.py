"""Frames move through processors into a writer; a run can be cancelled at any moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from videostyle.errors import Interrupted, VideostyleError
from videostyle.frames import FrameBatch, VideoInfo
from videostyle.media.readers.base import ReadOptions
from videostyle.media.readers.open import open_reader
from videostyle.media.writers.base import EncodeOptions
from videostyle.media.writers.mux import Original
from videostyle.media.writers.open import open_writer
from videostyle.rendering.pipeline import run

Clip = Callable[[str], Path]


class SlowReader:
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


class SlowWriter:
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
    source, writer, cancel = SlowReader(), SlowWriter(), threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        run(source, [], writer, cancel=cancel)
    assert time.monotonic() - began < 20
    assert writer.aborted
    assert not source.closed_while_reading  # which crashes OpenCV


def test_p6_a_run_that_waits_for_its_writer_can_be_cancelled() -> None:
    class Source(SlowReader):
        def __iter__(self) -> Iterator[FrameBatch]:
            for number in range(100):
                yield FrameBatch(np.zeros((1, 4, 4, 3), np.uint8), np.array([float(number)]), number)

    writer, cancel = SlowWriter(1.0), threading.Event()
    threading.Timer(0.2, cancel.set).start()
    began = time.monotonic()
    with pytest.raises(Interrupted):
        run(Source(), [], writer, cancel=cancel)
    assert time.monotonic() - began < 20


def test_p6_cancel_leaves_nothing(clip: Clip, tmp_path: Path) -> None:
    cancel = threading.Event()
    source = open_reader(clip("plain.mp4"), ReadOptions(batch_size=1))
    with pytest.raises(Interrupted):
        run(
            source,
            [],
            lambda info: open_writer(tmp_path / "out.mp4", info),
            on_progress=lambda n: cancel.set(),
            cancel=cancel,
        )
    assert not list(tmp_path.iterdir())


def test_errors_of_any_stage_reach_the_caller_and_leave_nothing(clip: Clip, tmp_path: Path) -> None:
    class Broken:
        def open(self, info: VideoInfo) -> VideoInfo:
            return info

        def __call__(self, batch: FrameBatch) -> FrameBatch:
            raise VideostyleError("painted badly")

        def close(self) -> None:
            pass

    source = open_reader(clip("plain.mp4"), ReadOptions(batch_size=1))
    with pytest.raises(VideostyleError, match="painted badly"):
        run(source, [Broken()], lambda info: open_writer(tmp_path / "out.mp4", info))
    assert not list(tmp_path.iterdir())


def test_nothing_leaks(clip: Clip, tmp_path: Path) -> None:
    def once() -> None:
        source = open_reader(clip("plain.mp4"))
        run(
            source,
            [],
            open_writer(
                tmp_path / "out.mp4", source.info, EncodeOptions(overwrite=True), original=Original(source.input.media)
            ),
        )

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    once()
    files, threads = held()
    for _ in range(3):
        once()
    # Fewer than before may be held: what an earlier test left to be collected goes in the meantime.
    assert held()[0] <= files
    assert held()[1] <= threads
