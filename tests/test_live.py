"""Live: the newest frame, statistics that follow the light, outputs that wait for nobody, cameras that fail."""

from __future__ import annotations

import errno
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import cv2
import numpy as np
import pytest
import tensorflow as tf

from tests.conftest import X264, ffmpeg, load_script
from videostyle.cli.main import main
from videostyle.errors import DeviceError, ModelError, OutputError, UsageError
from videostyle.frames import VideoInfo
from videostyle.live import capture as capture_module
from videostyle.live import loop as loop_module
from videostyle.live.capture import Capture
from videostyle.live.controls import Controls
from videostyle.live.dissolve import Dissolve
from videostyle.live.frame import LiveFrame
from videostyle.live.latest_slot import LatestSlot
from videostyle.live.loop import LiveLoop
from videostyle.live.outputs import output as output_module
from videostyle.live.outputs import stream as stream_module
from videostyle.live.outputs.encoder import Encoder
from videostyle.live.outputs.page import Page
from videostyle.live.outputs.recording import Recording
from videostyle.live.outputs.stream import StreamOut
from videostyle.live.outputs.virtual_camera import VirtualCamera
from videostyle.live.pace import DOWN_AFTER, STEPS, UP_AFTER, Pace, painted_size
from videostyle.live.painter import LivePainter
from videostyle.live.scene_follower import (
    BRIGHTNESS_JUMP,
    COLUMNS,
    MEASURE_EVERY,
    MIN_JUMP_INTERVAL,
    SceneChangeDetector,
    SceneFollower,
    StatisticsAverage,
)
from videostyle.live.telemetry import LatencyHistogram, LiveReport, RollingRate
from videostyle.live.viewer import WindowViewer
from videostyle.media.address import INPUTS, parse_address
from videostyle.media.ffmpeg.process import ffmpeg_exe
from videostyle.media.readers import camera as camera_module
from videostyle.media.readers.camera import PacedFile, open_grabber
from videostyle.media.readers.open import open_reader
from videostyle.network.statistics import between, columns
from videostyle.styles import gallery
from videostyle.styles.style_file import Style, blend, interpolate

ROOT = Path(__file__).parent.parent
Clip = Callable[[str], Path]
SIZE = (96, 64)  # width, height
BITS, CELL = 16, 6  # of the time code: a row of cells, black or white


def coded(number: int) -> np.ndarray:
    """A frame that carries its number."""
    frame = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    for bit in range(BITS):
        frame[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return frame


def code_of(frame: np.ndarray) -> int:
    """The number that a frame carries."""
    cells = frame[:CELL].reshape(CELL, -1, CELL, 3)[:, :BITS].mean(axis=(0, 2, 3))
    return sum(1 << bit for bit in range(BITS) if cells[bit] > 127)


class FakeCamera:
    """A camera that gives coded frames at a rate, and can stall, fail, freeze, end, or change its size.

    Its own clock stands still while it is frozen, unless it ticks.
    """

    def __init__(self, fps: float = 100, *, stall_at: int = -1, fail_at: int = -1, freeze_at: int = -1,
                 end_at: int = -1, wide_at: int = -1, ticks: bool = False) -> None:  # fmt: skip
        self.info = VideoInfo(width=SIZE[0], height=SIZE[1], fps=Fraction(int(fps)))
        self.warnings: list[str] = []
        self.device_time: float | None = None
        self._ticks = ticks
        self.times: dict[int, float] = {}
        self._step, self._number, self._closed = 1 / fps, 0, threading.Event()
        self._faults = (stall_at, fail_at, freeze_at, end_at, wide_at)
        self._due = time.monotonic()

    def read(self) -> tuple[np.ndarray, float] | None:
        stall, fail, freeze, end, wide = self._faults
        number, self._number = self._number, self._number + 1
        if number == stall:
            self._closed.wait(20)
            return None
        if number == fail:
            raise cv2.error("unplugged")  # a kind of its own
        if number == end:
            return None
        self._due += self._step
        self._closed.wait(max(0.0, self._due - time.monotonic()))
        now = time.monotonic()
        shown = number if freeze < 0 else min(number, freeze)
        self.times[shown] = now
        self.device_time = (number if self._ticks else shown) / 100
        frame = coded(shown)
        return (frame.repeat(2, 0).repeat(2, 1) if 0 <= wide <= number else frame), now

    def close(self) -> None:
        self._closed.set()


class Identity:
    """A painter that hands frames on, after a while."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds, self.step = seconds, 0

    def __call__(self, frame: np.ndarray, now: float) -> np.ndarray:
        time.sleep(self.seconds)
        return frame

    def prepare(self, frame: np.ndarray, now: float) -> tuple[float, ...]:
        return (self.seconds,)

    def set_step(self, step: int, now: float) -> None:
        self.step = step

    def close(self) -> None:
        pass


class Keep:
    """An output that keeps codes and when they came; may be slow, or fail."""

    def __init__(self, seconds: float = 0.0, fail_at: int = -1) -> None:
        self.seen: list[tuple[int, float]] = []
        self._seconds, self._fail, self.closed = seconds, fail_at, False

    def open(self, width: int, height: int, fps: float) -> None:
        pass

    def write(self, frame: LiveFrame) -> None:
        if len(self.seen) == self._fail:
            raise OutputError("it broke")
        time.sleep(self._seconds)
        self.seen.append((code_of(frame.picture), time.monotonic()))

    def close(self) -> None:
        self.closed = True


class Clock:
    """Stands for the module ``time``: goes on only when something waits, or the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Waits(threading.Event):
    """An event that is waited for at once, on a clock of the test's."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0.0
        return self.is_set()


class InStep(LatestSlot[Any]):
    """A slot in which no item is late: whoever leaves one waits until the one before was taken.

    With such slots, and a clock of the test's, a run shows the same however busy the machine is.
    """

    def put(self, item: Any) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._item is None or self._closed, 60)
        super().put(item)

    def get(self, timeout: float) -> Any:
        item = super().get(timeout)
        with self._condition:
            self._condition.notify_all()
        return item


def run(camera: FakeCamera, outputs, *, painter=None, reopen=None, seconds: float = 1.0, stalled: float = 2.0,
        until: Callable[[], bool] | None = None):  # type: ignore[no-untyped-def]  # fmt: skip
    """Runs for some seconds, or until something has happened, but no longer than 30: a busy machine takes its time."""
    capture = Capture(camera, reopen, mirror=False, stalled=stalled)
    live = LiveLoop(capture, painter or Identity(), outputs, Pace(1.0, adaptive=False), SIZE, 100.0)
    return live.run(threading.Event(), seconds) if until is None else play(live, until, 30)


# -- pieces ------------------------------------------------------------------------------------------------------


def test_the_newest_item_wins_and_what_it_replaced_is_counted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    for number in range(5):
        slot.put(number)
    assert slot.get(0.1) == 4
    assert slot.get(0.01) is None
    assert slot.dropped == 4
    slot.put(9)
    slot.close()
    assert not slot.exhausted
    assert slot.get(0.1) == 9
    assert slot.exhausted


def simulate(pace: Pace, cost: Callable[[float], float], seconds: float) -> list[int]:
    """Steps over time of frames whose cost is that of their pixels."""
    now, steps = 0.0, [0]
    while now < seconds:
        took = cost(now) * STEPS[pace.step] ** 2
        now += max(took, 1 / 30)
        pace.add(took, now)
        steps.append(pace.step)
    return steps


def test_pace_goes_down_when_it_is_too_slow_at_once_as_far_as_it_takes_and_stays() -> None:
    steps = simulate(Pace(1 / 30), lambda now: 0.055, 30)
    assert set(steps) == {0, 2}  # 0.055 * 0.7^2 = 0.027: the first that fits into 85 per cent of 1/30
    assert sorted(steps) == steps  # never back and forth
    assert steps.index(2) / 30 >= DOWN_AFTER * 0.5


def test_pace_begins_with_the_size_that_fits() -> None:
    pace = Pace(1 / 30)
    pace.begin([0.06, 0.04, 0.02, 0.015, 0.01])
    assert pace.step == 2
    assert not any(pace.add(0.02, i / 30) for i in range(200))  # 0.04 would not do: it does not try
    slow = Pace(1 / 30)
    slow.begin([1.0] * 5)
    assert slow.step == len(STEPS) - 1
    spoilt = Pace(1 / 30)  # measured on a machine that was busy: it finds back
    spoilt.begin([0.4, 0.09, 0.14, 0.11, 0.04])
    assert spoilt.step == len(STEPS) - 1
    assert simulate(spoilt, lambda now: 0.02, 60)[-1] == 0
    fixed = Pace(1 / 30, adaptive=False)
    fixed.begin([1.0] * 5)
    assert fixed.step == 0


def test_pace_tries_ever_more_seldom_what_did_not_hold() -> None:
    # The larger size costs more than foretold: each attempt is a visible change.
    now, tries, pace = 0.0, [], Pace(1 / 30)
    pace.begin([0.05, 0.045, 0.024, 0.02, 0.01])
    while now < 200:
        now += 1 / 30
        before = pace.step
        took = {0: 0.06, 1: 0.06}.get(pace.step, 0.012)
        if pace.add(took, now) and pace.step < before and pace.step == 1:
            tries.append(now)
    gaps = np.diff(tries)
    assert 3 <= len(tries) <= 6
    assert (gaps[1:] > 1.5 * gaps[:-1]).all()
    assert tries[0] >= UP_AFTER


def test_pace_comes_back_when_there_is_room_and_not_before() -> None:
    steps = simulate(Pace(1 / 30), lambda now: 0.055 if now < 5 else 0.01, 40)
    assert max(steps) == 2
    assert steps[-1] == 0
    assert simulate(Pace(1 / 30, adaptive=False), lambda now: 0.5, 20)[-1] == 0


def test_a_short_hiccup_changes_nothing() -> None:
    assert max(simulate(Pace(1 / 30), lambda now: 0.2 if 3 < now < 3.3 else 0.02, 10)) == 0


@pytest.mark.parametrize("step", range(len(STEPS)))
def test_painted_sizes_suit_the_network(step: int) -> None:
    width, height = painted_size(640, 360, step)
    assert step == 0 or (width % 8 == 0 and height % 8 == 0)
    assert abs(width / height - 16 / 9) < 0.06


def scene(seed: int, light: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.uniform(0, 200, (9, 16, 3)) * light, 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)


def test_a_cut_and_a_light_switched_on_are_seen_at_once_and_a_strobe_now_and_then() -> None:
    watch, said = SceneChangeDetector(), []
    for i in range(150):  # 5 s: a cut at frame 60, a light at frame 100
        frame = scene(0 if i < 60 else 1, 1.0 if i < 100 else 1.25)
        if watch(frame, i / 30):
            said.append(i)
    assert said == [0, 60, 100]
    watch = SceneChangeDetector()
    flashes = [watch(scene(0, 1.0 + 0.15 * (i % 2)), i / 30) for i in range(300)]
    assert 5 < sum(flashes) <= 10 / MIN_JUMP_INTERVAL + 1


def test_a_light_that_rises_slowly_is_no_jump() -> None:
    watch = SceneChangeDetector()
    assert sum(watch(scene(0, 1 + 0.3 * i / 900), i / 30) for i in range(900)) == 1


class Measure:
    """Statistics that are those of the pixels, and which parts were looked at; None is a whole frame."""

    def __init__(self) -> None:
        self.parts: list[int | None] = []

    def __call__(self, frame: np.ndarray, part: int | None = None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        self.parts.append(part)
        cells = frame if part is None else columns(frame, COLUMNS)[part]
        values = cells.reshape(-1, 3).astype(np.float64)
        return {"layer": (values.mean(0).astype(np.float32), values.var(0).astype(np.float32))}


def test_a_scene_that_stays_is_measured_in_parts_that_give_what_the_whole_gives() -> None:
    measure = Measure()
    follow = SceneFollower(measure, measure)
    frame = scene(3)
    first = follow(frame, 0.0)
    assert first is not None
    whole = Measure()(frame)["layer"]
    assert first["layer"][0] == pytest.approx(whole[0], rel=1e-5)
    found = [follow(frame, i / 30) for i in range(1, 301)]
    changes = [value for value in found if value is not None]
    assert len(changes) == pytest.approx(10 / MEASURE_EVERY, abs=1)
    looks = len(measure.parts) - 1
    assert measure.parts == [None, *(i % COLUMNS for i in range(looks))]  # never all at once but at the start
    for value in changes:  # it does not breathe
        assert value["layer"][0] == pytest.approx(whole[0], rel=1e-5)
        assert value["layer"][1] == pytest.approx(whole[1], rel=1e-4)


def test_the_slow_mean_hardly_moves_in_a_second_and_jumps_when_it_shall() -> None:
    assert BRIGHTNESS_JUMP > 0.02
    mean = StatisticsAverage()
    one = {"layer": (np.ones(2, np.float32), np.ones(2, np.float32))}
    two = {"layer": (np.full(2, 2, np.float32), np.ones(2, np.float32))}
    mean.update(one, 0.0, restart=True)
    assert mean.update(two, 1.0, restart=False)["layer"][0] == pytest.approx(1 + (1 - np.exp(-1 / 8)), rel=1e-5)
    assert mean.update(two, 1.1, restart=True)["layer"][0] == pytest.approx(2)


def test_percentiles_of_delays_are_those_of_all_frames() -> None:
    rng, delays = np.random.default_rng(1), LatencyHistogram()
    values = rng.gamma(2.0, 0.02, 50_000)
    for value in values:
        delays.add(value)
    for percent in (5, 50, 95, 99):
        assert delays.percentile(percent) == pytest.approx(np.percentile(values, percent), abs=0.0006)
    delays.add(1e9)
    assert len(delays) == 50_001
    assert LatencyHistogram().percentile(50) == 0


def test_the_rate_shown_is_that_of_the_last_seconds() -> None:
    rate = RollingRate()
    assert rate.value == 0
    for i in range(100):
        rate.add(i / 10)
    for i in range(100):
        rate.add(10 + i / 30)
    assert rate.value == pytest.approx(30, abs=0.5)


# -- a change of size --------------------------------------------------------------------------------------------


def test_a_change_of_size_dissolves_where_nothing_moves_and_leaves_no_trail_where_something_does() -> None:
    dissolve = Dissolve()
    original = scene(0)
    old, new = np.full_like(original, 40), np.full_like(original, 200)
    assert np.array_equal(dissolve(old, original, 0.0), old)
    dissolve.begin(0.0)
    values = []
    for i in range(1, 20):
        moved = original.copy()
        moved[:, 64:] = scene(100 + i)[:, 64:]  # the right half is another picture in every frame
        shown = dissolve(new, moved, i / 30)
        values.append(int(shown[36, 20, 0]))
        assert (shown[:, 76:] == 200).all()
    walk = [40, *values]
    assert values[-1] == 200
    assert max(np.diff(walk)) < 0.15 * (200 - 40)  # no jump
    assert min(np.diff(walk)) >= -1
    assert values[6] == pytest.approx(40 + 160 * (7 / 30) / 0.5, abs=8)  # straight, over half a second


# -- the loop ----------------------------------------------------------------------------------------------------


def test_latency_read_from_the_frames_is_the_one_reported() -> None:
    camera, keep = FakeCamera(50), Keep()
    report = run(camera, {"keep": keep}, painter=Identity(0.01), until=lambda: len(keep.seen) > 60)
    measured = [1e3 * (arrived - camera.times[code]) for code, arrived in keep.seen]
    assert report.latency_p50 == pytest.approx(np.percentile(measured, 50), abs=4)
    assert report.latency_p95 == pytest.approx(np.percentile(measured, 95), abs=30)
    assert report.latency_p50 >= 10
    codes = [code for code, _ in keep.seen]
    assert codes == sorted(set(codes))


def test_p11_frames_that_come_too_fast_are_dropped_and_counted_and_never_queued() -> None:
    camera, keep = FakeCamera(200), Keep()
    report = run(camera, {"keep": keep}, painter=Identity(0.04))
    assert report.dropped > 2 * report.painted  # of 200 frames a second 25 are painted
    assert report.painted + report.dropped == pytest.approx(report.captured, abs=report.captured * 0.1 + 5)
    delays = [arrived - camera.times[code] for code, arrived in keep.seen]
    assert np.median(delays) < 0.2  # two frames' time; a queue would grow by 0.035 s a frame, to a median of 0.4


def test_p11_a_slow_output_holds_nobody_up() -> None:
    slow, quick = Keep(0.2), Keep()
    report = run(FakeCamera(50), {"slow": slow, "quick": quick}, until=lambda: len(quick.seen) > 40)
    assert 1 <= len(slow.seen) <= len(quick.seen) / 3
    assert report.outputs["slow"]["dropped"] > 20


def test_an_output_that_breaks_is_said_and_the_rest_goes_on() -> None:
    broken, whole = Keep(fail_at=3), Keep()
    report = run(FakeCamera(50), {"broken": broken, "whole": whole}, until=lambda: len(whole.seen) > 20)
    assert len(whole.seen) > 20
    assert "it broke" in report.outputs["broken"]["error"]
    assert broken.closed
    assert whole.closed


@pytest.mark.parametrize("fault", ["stall_at", "fail_at", "end_at"])
def test_p10_a_camera_that_fails_comes_back(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "RETRY_FIRST", 0.05)
    keep, opened = Keep(), []

    def reopen() -> FakeCamera:
        opened.append(FakeCamera(50))
        if len(opened) == 1:
            raise DeviceError("not there yet")
        return opened[-1]

    stalled = 1.0 if fault == "stall_at" else 5.0
    camera = FakeCamera(50, **{fault: 10})
    report = run(camera, {"keep": keep}, reopen=reopen, stalled=stalled, until=lambda: len(keep.seen) > 30)
    assert report.reconnects == 1
    assert len(keep.seen) > 30
    assert "the camera failed" in report.warnings[0]


@pytest.mark.parametrize(("fault", "message"), [("stall_at", "no frame for"), ("fail_at", "unplugged")])
def test_p10_a_camera_that_fails_for_good_ends_the_run_and_finishes_outputs(fault: str, message: str) -> None:
    keep = Keep()
    with pytest.raises(DeviceError, match=message) as caught:
        run(FakeCamera(50, **{fault: 10}), {"keep": keep}, stalled=0.5, seconds=10)
    assert caught.value.exit_code == 6
    assert keep.closed
    assert len(keep.seen) > 2


def test_p10_a_frozen_camera_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "FROZEN", 20)
    with pytest.raises(DeviceError, match="frozen: 20 identical"):
        run(FakeCamera(100, freeze_at=10), {"keep": Keep()}, seconds=5)


def test_p10_a_slide_or_a_lens_cap_is_not_frozen_while_the_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "FROZEN", 20)
    report = run(FakeCamera(100, freeze_at=10, end_at=60, ticks=True), {"keep": Keep()}, seconds=5)
    assert report.captured == 60


@pytest.mark.parametrize("place", [None, 0.0])
def test_p10_without_a_clock_that_moves_nothing_counts_as_frozen(
    place: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_module, "FROZEN", 20)

    class NoClock(FakeCamera):
        def read(self) -> tuple[np.ndarray, float] | None:
            found = super().read()
            self.device_time = place
            return found

    report = run(NoClock(100, freeze_at=10, end_at=60), {"keep": Keep()}, seconds=5)
    assert report.captured == 60


def test_the_only_frame_is_painted() -> None:
    keep = Keep()
    report = run(FakeCamera(100, end_at=1), {"keep": keep}, seconds=5)
    assert report.painted == 1
    assert [code for code, _ in keep.seen] == [0]


def test_a_capture_that_gives_no_frame_at_all_is_a_failure() -> None:
    keep = Keep()
    with pytest.raises(DeviceError, match="before its first frame"):
        run(FakeCamera(100, end_at=0), {"keep": keep}, seconds=5)
    assert keep.closed


def test_a_file_that_ends_is_no_failure() -> None:
    report = run(FakeCamera(100, end_at=30), {"keep": Keep()}, seconds=5)
    assert report.captured == 30


def test_frames_of_another_size_are_scaled_and_said() -> None:
    keep = Keep()
    report = run(FakeCamera(50, wide_at=10), {"keep": keep}, until=lambda: len(keep.seen) > 20)
    assert "192x128 instead of 96x64" in report.warnings[0]
    assert keep.seen[-1][0] > 10
    assert [code for code, _ in keep.seen] == sorted(code for code, _ in keep.seen)


@pytest.mark.parametrize("jitter", [0.0, 0.003])
def test_a_camera_faster_than_the_rate_aimed_at_is_thinned_and_nothing_counts_as_late(
    jitter: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)

    class Quick(FakeCamera):
        """Sixty frames a second by their own times; the test does not wait for them."""

        def read(self) -> tuple[np.ndarray, float] | None:
            found = super().read()
            return None if found is None else (found[0], self._number / 60 + rng.uniform(-jitter, jitter))

    class Taken(LatestSlot[LiveFrame]):
        """A slot whose frames are taken as they come."""

        def put(self, item: LiveFrame) -> None:
            super().put(item)
            got = self.get(0)
            assert got is not None
            numbers.append(got.number)

    numbers: list[int] = []
    monkeypatch.setattr(capture_module, "LatestSlot", Taken)
    capture = Capture(Quick(10_000, end_at=240), None, mirror=False, fps=30, stalled=10)
    capture._reader.join(20)
    capture.close()
    assert capture.captured == 240
    assert capture.skipped == pytest.approx(120, abs=2)
    assert capture.slot.dropped == 0
    assert np.median(np.diff(numbers)) == 2
    assert max(np.diff(numbers)) <= 3


def test_a_picture_is_turned_left_to_right() -> None:
    capture = Capture(FakeCamera(50), None, mirror=True, stalled=2)
    frame = capture.slot.get(10.0)
    capture.close()
    assert frame is not None
    assert code_of(frame.picture[:, ::-1]) == frame.number


def test_a_recording_on_a_full_disk_is_said_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, keep = Recording(tmp_path / "out.mp4"), Keep()
    encode, count = Encoder.write, itertools.count()

    def full(self: Encoder, frame: LiveFrame) -> None:
        if next(count) >= 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        encode(self, frame)

    monkeypatch.setattr(Encoder, "write", full)
    broke: list[int] = []  # how many frames the other output had when there was no more room

    def done() -> bool:
        if not broke and recording._frames == 20:
            broke.append(len(keep.seen))
        return bool(broke) and len(keep.seen) > broke[0] + 10

    report = run(FakeCamera(50), {"recording": recording, "keep": keep}, until=done)
    assert "disk" in report.outputs["recording"]["error"].lower() or "space" in report.outputs["recording"]["error"]
    assert report.outputs["recording"]["frames"] == 20
    assert len(keep.seen) > broke[0] + 10
    assert len(times_of(tmp_path / "out.mp4")) == 20  # what there was room for is kept


def test_an_output_that_hangs_does_not_keep_the_program_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "PATIENCE", 0.3)
    hanging, keep = Keep(20), Keep()
    began = time.monotonic()
    report = run(FakeCamera(50), {"hanging": hanging, "keep": keep}, seconds=0.5)
    assert time.monotonic() - began < 12  # it hangs for 20 s
    assert "does not end" in report.outputs["hanging"]["error"]
    assert not hanging.closed  # what it hangs in is not freed under it
    assert keep.closed


def test_an_output_that_cannot_be_opened_lets_go_of_everything() -> None:
    class Closed(Keep):
        def open(self, width: int, height: int, fps: float) -> None:
            raise OutputError("no")

    camera, keep = FakeCamera(50), Keep()
    with pytest.raises(OutputError):
        run(camera, {"keep": keep, "closed": Closed()})
    assert keep.closed
    assert camera._closed.is_set()


def test_a_bug_in_painting_ends_the_run_and_finishes_outputs() -> None:
    class Broken(Identity):
        def __call__(self, frame: np.ndarray, now: float) -> np.ndarray:
            raise ZeroDivisionError

    keep = Keep()
    with pytest.raises(ZeroDivisionError):
        run(FakeCamera(50), {"keep": keep}, painter=Broken())
    assert keep.closed


# -- painting ----------------------------------------------------------------------------------------------------


@pytest.fixture
def flat_style(random_style: Style) -> Style:
    return Style(random_style.card, {name: 0.5 * value for name, value in random_style.weights.items()})


@pytest.fixture
def painter(random_style: Style, flat_style: Style) -> LivePainter:
    """One that paints at full size only: each size is a program to compile."""
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    return LivePainter(random_style, [random_style, flat_style], info, device="cpu", adaptive=False)


@pytest.fixture
def resizing(random_style: Style, flat_style: Style) -> LivePainter:
    """One that paints at all sizes."""
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    return LivePainter(random_style, [random_style, flat_style], info, device="cpu")


def test_blending_is_the_walk_of_interpolation(random_style: Style, flat_style: Style) -> None:
    for share in (0.0, 0.3, 1.0):
        mine, theirs = blend(random_style, flat_style, share), interpolate(random_style, [(flat_style, 1.0)], share)
        assert mine.card == theirs.card
        for name, value in theirs.weights.items():
            assert mine.weights[name] == pytest.approx(value, abs=1e-6)


def traces(painter: LivePainter) -> list[int]:
    """How often each program of each size was compiled."""
    programs = [p for one in painter._processors for p in (one._painter.program, one._measurement._program)]
    return [program.experimental_get_tracing_count() for program in programs]


def test_nothing_is_compiled_after_the_start_whatever_is_changed(resizing: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    costs = resizing.prepare(frame, 0.0)
    assert len(costs) == len(STEPS)
    assert all(cost > 0 for cost in costs)
    compiled = traces(resizing)
    first = resizing(frame, 0.0)
    resizing.select_style(1, 0.1)
    second = resizing(frame, 0.1)
    assert not np.array_equal(first, second)
    resizing.select_style(2, 0.2)  # counted round: the first again
    assert np.array_equal(resizing(frame, 0.2), first)
    resizing.set_strength(0.5, 0.3)
    for step in (4, 1, 0):
        resizing.set_step(step, 0.4)
        assert resizing(frame, 1.0 + step).shape == frame.shape
    resizing(scene(8)[: SIZE[1], : SIZE[0]], 9.0)  # a cut
    assert traces(resizing) == compiled


def test_a_cut_is_painted_with_its_own_statistics_from_its_first_frame_on(
    random_style: Style, painter: LivePainter
) -> None:
    one, two = (scene(seed)[: SIZE[1], : SIZE[0]] for seed in (3, 4))
    two = 255 - two // 3
    for i in range(20):
        painter(one, i / 30)
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    fresh = LivePainter(random_style, [random_style], info, device="cpu", adaptive=False)
    assert np.array_equal(painter(two, 20 / 30), fresh(two, 0.0))


@pytest.mark.parametrize("step", [0, 2])
def test_a_style_is_painted_with_its_own_statistics_once_it_is_chosen(
    random_style: Style, flat_style: Style, step: int
) -> None:
    frame, info = scene(3)[: SIZE[1], : SIZE[0]], VideoInfo(width=SIZE[0], height=SIZE[1])
    painter, other = (
        LivePainter(random_style, styles, info, device="cpu", adaptive=step > 0)
        for styles in ([random_style, flat_style], [flat_style])
    )
    for live in (painter, other):
        live.prepare(frame, 0.0)
        live.set_step(step, 0.0)
    painter(frame, 0.0)
    painter.select_style(1, 0.1)
    switched = painter(frame, 0.1)
    assert np.array_equal(switched, other(frame, 0.1))
    painter.select_style(0, 0.2, seconds=0.5)
    painter.select_style(1, 0.4, seconds=0.5)
    for i in range(10):
        crossed = painter(frame, 0.4 + i / 10)
    assert np.array_equal(crossed, switched)


def test_half_strength_is_neither_lighter_nor_darker_than_both_ends() -> None:
    style = gallery.resolve("great-wave")
    base = gallery.base(style.architecture)
    frame = np.ascontiguousarray(cv2.imread(str(ROOT / "samples" / "harbour.jpg"))[::2, ::2, ::-1])
    info = VideoInfo(width=frame.shape[1], height=frame.shape[0])
    painter = LivePainter(base, [style], info, device="cpu", adaptive=False)
    light = []
    for i, strength in enumerate((0.0, 0.5, 1.0)):
        painter.set_strength(strength, i)
        light.append(painter(frame, i).mean())
    assert light[1] == pytest.approx((light[0] + light[2]) / 2, abs=5)
    painter.set_strength(0.5, 3.0)
    for second in range(3, 12):  # and stays so while the scene is measured anew, in parts
        half = painter(frame, second).mean()
    assert half == pytest.approx(light[1], abs=1)


def test_statistics_between_two_fade_the_correction_of_colours() -> None:
    one, two, three = (np.full(3, v, np.float32) for v in (1, 2, 3))
    plain, corrected = {"a": (one, one)}, {"a": (two, three), "out": (one, one), "line": (three, two)}
    for first, second, share in ((plain, corrected, 0.25), (corrected, plain, 0.75)):
        found = between(first, second, share)
        assert found["a"][0] == pytest.approx(1.25)
        assert found["line"][0] == pytest.approx(3)
        assert found["out"][0] == pytest.approx(3 + 0.25 * (1 - 3))


def test_a_scene_that_stays_is_painted_the_same_for_minutes(painter: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    first = painter(frame, 0.0).astype(int)
    for i in range(1, 120):
        last = painter(frame, i)
    assert np.abs(last - first).max() <= 1


def test_a_cross_over_walks_from_one_to_the_other(painter: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    start = painter(frame, 0.0).astype(int)
    painter.select_style(1, 0.0, seconds=2.0)
    walk = [painter(frame, t / 10).astype(int) for t in range(0, 22)]
    end = walk[-1]
    away = [np.abs(w - start).mean() for w in walk]
    assert away[0] < 0.1 * away[-1]
    assert 0.1 * away[-1] < away[10] < 0.95 * away[-1]
    assert np.abs(walk[-2] - end).mean() < 1  # it has arrived; only the slow mean of the light still moves
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(walk)]
    assert max(steps) < 0.4 * away[-1]  # no jump


def test_strength_is_kept_within_its_bounds_and_leaves_a_cross_over_its_time(painter: LivePainter) -> None:
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    start = painter(frame, 0.0).astype(int)
    painter.set_strength(1.4, 0.1)
    assert painter.strength == 1.0
    painter.select_style(1, 1.0, seconds=2.0)
    painter.set_strength(0.8, 1.2)
    early = np.abs(painter(frame, 1.3).astype(int) - start).mean()
    late = np.abs(painter(frame, 3.3).astype(int) - start).mean()
    assert early < 0.5 * late
    assert painter._transition is None


def test_a_style_of_another_base_is_painted_but_not_walked(random_style: Style, flat_style: Style) -> None:
    stranger = Style(replace(flat_style.card, base_sha256="0" * 64), flat_style.weights)
    info = VideoInfo(width=SIZE[0], height=SIZE[1])
    with pytest.raises(ModelError, match="another base"):
        LivePainter(random_style, [stranger], info, device="cpu", strength=0.5)
    painter = LivePainter(random_style, [random_style, stranger], info, device="cpu")
    assert not painter.can_interpolate
    frame = scene(3)[: SIZE[1], : SIZE[0]]
    first = painter(frame, 0.0)
    painter.set_strength(0.5, 0.1)
    assert painter.strength == 1.0
    painter.select_style(1, 0.2, seconds=5.0)
    changed = painter(frame, 0.3)  # at once: what lies between them is no picture
    assert not np.array_equal(changed, first)
    assert np.array_equal(painter(frame, 0.4), changed)


def test_another_size_is_no_jump_in_a_still_picture(resizing: LivePainter) -> None:
    frame = cv2.GaussianBlur(scene(3)[: SIZE[1], : SIZE[0]], (0, 0), 2)
    shown = [resizing(frame, 0.0).astype(int)]
    resizing.set_step(2, 0.0)
    shown += [resizing(frame, i / 30).astype(int) for i in range(1, 20)]
    change = np.abs(shown[-1] - shown[0]).mean()
    assert change > 1  # it is another picture in the end
    assert max(np.abs(b - a).mean() for a, b in itertools.pairwise(shown)) < 0.2 * change
    assert np.array_equal(shown[-1], shown[-2])


def test_switching_styles_leaves_no_gap_in_the_output(painter: LivePainter, monkeypatch: pytest.MonkeyPatch) -> None:
    """At ten frames a second and 60 ms for a frame, whether painted or measured; to compile a program takes a second.

    The clock goes on by what is computed, so that a busy machine leaves no gaps of its own.
    """
    clock, real = Clock(), tf.function

    def function(body: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
        if body is None:
            return real(**options)  # of Keras, for one operation

        def compiled(*arguments: Any) -> Any:
            clock.now += 1.0
            return body(*arguments)

        def computed(*arguments: Any) -> Any:
            pictures = (value for value in arguments if getattr(value, "dtype", None) == tf.uint8)
            clock.now += 0.06 * sum(int(tf.size(picture)) for picture in pictures) / (3 * SIZE[0] * SIZE[1])
            return program(*arguments)

        program = real(compiled, **options)
        return computed

    free = threading.Semaphore(2)  # the first frame is for preparing

    class Camera(FakeCamera):
        """Gives the frame of the moment, once the one before has come out; asks for other styles on the way."""

        given = 0

        def read(self) -> tuple[np.ndarray, float] | None:
            if not free.acquire(timeout=60) or self.given == 60:
                return None
            self.given += 1
            if self.given > 20 and self.given % 3 == 0:
                turn = self.given // 3
                painter.select_style(turn, clock.now, 0.0 if turn % 2 else 0.2)
            number = int(10 * (clock.now - 1000.0)) + 1
            clock.now = 1000.0 + number / 10
            return coded(number), clock.now

    # The painter paints beside, the code is handed on.
    class Coded(Identity):
        def prepare(self, frame: np.ndarray, now: float) -> tuple[float, ...]:
            return painter.prepare(frame, now)

        def __call__(self, frame: np.ndarray, now: float) -> np.ndarray:
            painted = painter(frame, now).copy()
            painted[:CELL] = frame[:CELL]
            return painted

    class Freeing(Keep):
        def write(self, frame: LiveFrame) -> None:
            super().write(frame)
            free.release()

    monkeypatch.setattr(tf, "function", function)
    for module in (capture_module, loop_module):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(capture_module, "LatestSlot", InStep)
    keep = Freeing()
    capture = Capture(Camera(10), None, mirror=False, stalled=1000)
    LiveLoop(capture, Coded(), {"keep": keep}, Pace(1 / 10, adaptive=False), SIZE, 10.0).run(threading.Event())
    gaps = np.diff([code for code, _ in keep.seen[1:]])  # the first one came before all was compiled
    assert len(gaps) == 57
    assert max(gaps[:18]) == 1
    # Measuring for another style delays one frame, and no more.
    assert max(gaps[18:]) == 2
    assert np.count_nonzero(gaps[18:] == 2) == 13


class FakeScreen:
    """Keys that come one a frame, and what was shown."""

    def __init__(self, keys: list[str]) -> None:
        self.keys, self.shown, self.toggled = iter(keys), [], 0

    def show(self, picture: np.ndarray | None) -> str:
        if picture is not None:
            self.shown.append(picture)
        return next(self.keys)

    def toggle_fullscreen(self) -> None:
        self.toggled += 1


def test_keys_change_what_they_say(painter: LivePainter, tmp_path: Path) -> None:
    keys = ["n", "+", "-", "s", "c", "o", "f", "", "q"]
    screen = FakeScreen(keys)
    viewer = WindowViewer(Controls(painter, snapshots=tmp_path), screen)
    painted, original = np.full((*SIZE[::-1], 3), 200, np.uint8), np.zeros((*SIZE[::-1], 3), np.uint8)
    results, composed = [], []
    for _ in keys:
        composed.append(viewer.compose(painted, original))
        results.append(viewer.show(composed[-1], LiveReport()))
    assert painter.style_index == 1
    assert painter.strength == pytest.approx(0.9)
    assert results == [True] * 8 + [False]
    assert np.array_equal(composed[0], painted)
    assert (composed[5][:, : SIZE[0] // 2 - 1] == 0).all()
    assert (composed[5][:, SIZE[0] // 2 + 1 :] == 200).all()
    assert len(list(tmp_path.glob("*.png"))) == 1
    assert screen.toggled == 1
    assert not np.array_equal(screen.shown[0], painted)  # the overlay is drawn on what is shown
    assert (painted == 200).all()  # and not on what is handed out
    assert np.array_equal(screen.shown[-1][:, SIZE[0] // 2 + 1 :], painted[:, SIZE[0] // 2 + 1 :])  # switched off


def test_what_a_key_cannot_do_is_shown_and_the_show_goes_on(painter: LivePainter, tmp_path: Path) -> None:
    def recorder() -> tuple[str, Recording]:
        raise OutputError("the disk is full")

    screen = FakeScreen(["o", "c", "r", ""])
    controls = Controls(painter, snapshots=tmp_path / "missing", recorder=recorder)
    controls.loop = object()  # type: ignore[assignment]
    viewer = WindowViewer(controls, screen)
    picture = np.full((*SIZE[::-1], 3), 200, np.uint8)
    notices = []
    for _ in range(4):
        assert viewer.show(viewer.compose(picture, picture), LiveReport())
        notices.append(controls.notice.rpartition(":")[2].strip())
    assert notices == ["", "No such file or directory", "the disk is full", "the disk is full"]


def test_a_window_lives_on_and_takes_keys_while_the_camera_is_away(painter: LivePainter) -> None:
    screen = FakeScreen(["", "", "q"])
    viewer = WindowViewer(Controls(painter), screen)
    picture = np.full((*SIZE[::-1], 3), 200, np.uint8)
    assert viewer.show(picture, LiveReport())
    assert viewer.show(None, LiveReport(), "waiting for the camera")
    assert len(screen.shown) == 2
    assert (screen.shown[1][28:42] != screen.shown[0][28:42]).any()  # it says so
    assert not viewer.show(None, LiveReport(), "waiting for the camera")


def test_a_recording_begun_and_ended_by_key_while_frames_run(painter: LivePainter, tmp_path: Path) -> None:
    made: list[Path] = []

    def recorder() -> tuple[str, Recording]:
        made.append(tmp_path / f"{len(made)}.mp4")
        return made[-1].name, Recording(made[-1])

    screen = FakeScreen([*[""] * 5, "r", *[""] * 20, "r", *[""] * 3, "r", *[""] * 15, "q"])
    controls = Controls(painter, recorder=recorder)
    keep = Keep()
    capture = Capture(FakeCamera(50), None, mirror=False, stalled=2)
    live = LiveLoop(capture, Identity(), {"keep": keep}, Pace(1.0), SIZE, 50.0, viewer=WindowViewer(controls, screen))
    controls.loop = live
    report = live.run(threading.Event(), 10)
    assert [path.name for path in made] == ["0.mp4", "1.mp4"]  # the second one is finished at the end
    for path in made:
        assert len(times_of(path)) == report.outputs[path.name]["frames"] > 3
    assert len(keep.seen) > 20


def test_a_recording_that_breaks_down_is_said_and_not_said_to_be_saved(painter: LivePainter, tmp_path: Path) -> None:
    class Full(Recording):
        def write(self, frame: LiveFrame) -> None:
            super().write(frame)
            if self._frames == 3:
                raise OutputError("the disk is full")

    made: list[Recording] = []

    def recorder() -> tuple[str, Recording]:
        made.append((Full if not made else Recording)(tmp_path / f"{len(made)}.mp4"))
        return made[-1].path.name, made[-1]

    said: list[tuple[str, str]] = []

    class Screen(FakeScreen):
        """Presses the key that the test is waiting to press."""

        def show(self, picture: np.ndarray | None) -> str:
            note = (controls.recording, controls.notice)
            said.extend([note] if said[-1:] != [note] else [])
            notices = [notice for _, notice in said]
            if not made or (len(made) == 1 and "the disk is full" in notices):
                return "r"
            if len(made) == 2 and controls.recording and made[1]._frames > 3:
                return "r"
            return "q" if "saved as 1.mp4" in notices else ""

    controls = Controls(painter, recorder=recorder)
    capture = Capture(FakeCamera(50), None, mirror=False, stalled=5)
    live = LiveLoop(capture, Identity(), {}, Pace(1.0), SIZE, 50.0, viewer=WindowViewer(controls, Screen([])))
    controls.loop = live
    report = live.run(threading.Event(), 20)
    assert ("", "the disk is full") in said  # no longer REC
    assert "saved as 0.mp4" not in [notice for _, notice in said]
    assert said[-1] == ("", "saved as 1.mp4")
    assert report.outputs["0.mp4"]["error"] == "the disk is full"
    assert report.outputs["1.mp4"]["error"] == ""


# -- outputs -----------------------------------------------------------------------------------------------------


def frames_at(times: list[float]) -> list[LiveFrame]:
    return [LiveFrame(coded(i), t, i) for i, t in enumerate(times)]


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def recorded(path: Path) -> tuple[list[int], list[float]]:
    with av.open(str(path)) as container:
        found = [(code_of(f.to_ndarray(format="rgb24")), float(f.time or 0)) for f in container.decode(video=0)]
    return [code for code, _ in found], [t for _, t in found]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_recording_keeps_the_times_of_capture(suffix: str, tmp_path: Path) -> None:
    times = [100.0, 100.031, 100.08, 100.3, 100.31, 101.5]
    output = Recording(tmp_path / f"out{suffix}")
    output.open(*SIZE, 30.0)
    for frame in frames_at(times):
        output.write(frame)
    output.close()
    output.close()
    codes, found = recorded(tmp_path / f"out{suffix}")
    assert codes == list(range(6))
    assert found == pytest.approx([t - 100 for t in times], abs=0.0011)
    assert os.listdir(tmp_path) == [f"out{suffix}"]


def test_a_recording_that_is_never_finished_plays_all_the_same(tmp_path: Path) -> None:
    # A process of its own, killed with the recording open.
    code = f"""
import os, sys, signal
sys.path.insert(0, {str(ROOT)!r})
from tests.test_live import *
output = Recording({str(tmp_path / "out.mp4")!r})
output.open(*SIZE, 30.0)
for frame in frames_at([i / 30 for i in range(150)]):
    output.write(frame)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "out.mp4").exists()
    codes, _ = recorded(tmp_path / "out.recording.mp4")
    assert len(codes) >= 90  # of five seconds at most the last is lost
    assert codes == list(range(len(codes)))


def test_a_recording_without_a_frame_leaves_nothing(tmp_path: Path) -> None:
    output = Recording(tmp_path / "out.mp4")
    output.open(*SIZE, 30.0)
    output.close()
    assert os.listdir(tmp_path) == []
    with pytest.raises(UsageError):
        Recording(tmp_path / "out.gif")
    (tmp_path / "out.mp4").touch()
    with pytest.raises(OutputError, match="exists"):
        Recording(tmp_path / "out.mp4")


def test_footage_of_a_recording_that_was_broken_off_is_kept_by_the_next_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "out.recording.mp4").write_bytes(b"all that is left of the show")
    (tmp_path / "out.recording-2.mp4").write_bytes(b"and of the one after it")
    output = Recording(tmp_path / "out.mp4")
    output.open(*SIZE, 30.0)
    assert output.running.name == "out.recording-3.mp4"
    for frame in frames_at([0.0, 0.1]):
        output.write(frame)
    output.close()
    assert sorted(os.listdir(tmp_path)) == ["out.mp4", "out.recording-2.mp4", "out.recording.mp4"]
    assert (tmp_path / "out.recording.mp4").read_bytes() == b"all that is left of the show"
    assert (tmp_path / "out.recording-2.mp4").read_bytes() == b"and of the one after it"
    assert "out.recording.mp4' is left of an unfinished recording and is kept" in caplog.text


def test_what_plays_of_a_recording_that_was_not_finished_is_said_only_if_it_is_there(tmp_path: Path) -> None:
    for gone in (False, True):
        output = Recording(tmp_path / f"{gone}.mp4")
        output.open(*SIZE, 30.0)
        for frame in frames_at([0.0, 0.1]):
            output.write(frame)
        output._pending.temporary.unlink()
        output._pending.temporary.mkdir()  # so that it cannot be put in order
        if gone:
            output.running.unlink()
        with pytest.raises(OutputError, match="was not finished") as caught:
            output.close()
        assert ("recording.mp4' holds the recording" in str(caught.value)) is not gone


@pytest.mark.parametrize("kind", ["the input itself", "a link to it"])
def test_n8_a_recording_never_replaces_the_input(
    kind: str, clip: Clip, tmp_path: Path, home: None, capsys: pytest.CaptureFixture[str]
) -> None:
    show, record = tmp_path / "show.mp4", tmp_path / ("show.mp4" if kind == "the input itself" else "link.mp4")
    shutil.copy(clip("plain.mp4"), show)
    if record != show:
        os.link(show, record)
    words = ["live", "--style", "great-wave", "--page", "0", "--input", str(show), "--record", str(record), "-y", "-q"]
    assert main(words) == 5
    assert "is the input itself" in capsys.readouterr().err
    assert show.read_bytes() == clip("plain.mp4").read_bytes()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Listener:
    """A server for one stream: ffmpeg, which writes what it gets, unchanged, into a file."""

    ADDRESSES = {  # noqa: RUF012 - scheme -> what it listens on, and what is sent to
        "rtmp": ("rtmp://127.0.0.1:{0}/live/key", "rtmp://127.0.0.1:{0}/live/key"),
        "srt": ("srt://127.0.0.1:{0}?mode=listener", "srt://127.0.0.1:{0}"),
        "udp": ("udp://127.0.0.1:{0}", "udp://127.0.0.1:{0}?pkt_size=1316"),
        "rtp": ("rtp://127.0.0.1:{0}", "rtp://127.0.0.1:{0}"),
        "tcp": ("tcp://127.0.0.1:{0}?listen=1", "tcp://127.0.0.1:{0}"),
    }

    def __init__(self, scheme: str, port: int, path: Path) -> None:
        self.path = path
        words = [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y", "-fflags", "nobuffer"]
        words += ["-analyzeduration", "300000"]
        words += ["-listen", "1"] if scheme == "rtmp" else []
        words += ["-f", "mpegts"] if scheme in ("srt", "udp", "tcp") else []
        words += ["-i", self.ADDRESSES[scheme][0].format(port), "-c", "copy", "-flush_packets", "1"]
        self.child = subprocess.Popen([*words, "-f", "nut", str(path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE)

    def received(self) -> list[int]:
        """Numbers of the frames that came so far, decoded."""
        try:
            return recorded(self.path)[0]
        except (OSError, av.error.FFmpegError):
            return []

    def stop(self) -> None:
        self.child.kill()
        self.child.communicate()


def play(live: LiveLoop, done: Callable[[], bool], seconds: float) -> LiveReport:
    """Runs until something has happened."""
    stop = threading.Event()

    def wait() -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not done():
            time.sleep(0.2)
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    return live.run(stop)


@pytest.mark.parametrize("scheme", ["rtmp", "srt", "udp", "rtp", "tcp"])
def test_a_stream_arrives_at_its_server(scheme: str, tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme in ("srt", "udp", "rtp") else socket.SOCK_STREAM)
    server = Listener(scheme, port, tmp_path / "got.nut")
    output = StreamOut(Listener.ADDRESSES[scheme][1].format(port))
    capture = Capture(FakeCamera(25), None, mirror=False, stalled=2)
    live = LiveLoop(capture, Identity(), {"stream": output}, Pace(1.0), SIZE, 25.0)
    try:
        play(live, lambda: len(server.received()) > 20, 25)
        codes = server.received()
    finally:
        server.stop()
    assert len(codes) > 20
    assert codes == sorted(set(codes))
    assert max(np.diff(codes)) <= 3


@pytest.mark.parametrize("scheme", ["rtmp", "srt"])
def test_a_stream_whose_server_dies_comes_back_and_the_rest_never_stops(
    scheme: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme == "srt" else socket.SOCK_STREAM)
    servers = [Listener(scheme, port, tmp_path / "0.nut")]
    output, keep = StreamOut(Listener.ADDRESSES[scheme][1].format(port)), Keep()
    capture = Capture(FakeCamera(25), None, mirror=False, stalled=2)
    live = LiveLoop(capture, Identity(), {"stream": output, "keep": keep}, Pace(1.0), SIZE, 25.0)

    away: list[float] = []  # from when to when it was

    def happened() -> bool:
        if len(servers) == 1 and len(servers[0].received()) > 20:
            servers[0].stop()
            away.append(time.monotonic())
            servers.append(Listener(scheme, port, tmp_path / "1.nut"))
        if len(servers) == 2 and len(servers[1].received()) > 20:
            away.append(time.monotonic())
        return len(away) == 2

    try:
        report = play(live, happened, 45)
    finally:
        for server in servers:
            server.stop()
    assert len(servers) == 2
    assert len(servers[1].received()) > 20
    assert report.outputs["stream"]["reconnects"] >= 1
    assert report.outputs["stream"]["error"] == ""
    # Whoever looks on did not notice; a busy machine may lose some frames all the time.
    meanwhile = [t for _, t in keep.seen if away[0] < t < away[1]]
    assert len(meanwhile) > 0.4 * 25 * (away[1] - away[0])
    assert max(np.diff(meanwhile)) < 2
    if scheme == "rtmp":
        said = " ".join(record.getMessage() for record in caplog.records)
        assert "is broken" in said
        assert "/key" not in said  # the stream's key is a secret


def test_the_encoder_of_a_stream_that_is_killed_is_started_again(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_DGRAM)
    server = Listener("udp", port, tmp_path / "got.nut")
    output = StreamOut(f"udp://127.0.0.1:{port}?pkt_size=1316")
    output.open(*SIZE, 25.0)
    try:
        for number in range(120):
            output.write(LiveFrame(coded(number), time.monotonic(), number))
            if number == 20:
                assert output._connection is not None
                output._connection._process._child.kill()
            time.sleep(0.03)
        output.close()
    finally:
        server.stop()
    assert output.reconnects == 1
    assert max(server.received()) > 80


def test_pauses_between_attempts_grow_while_a_server_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, tried = Clock(), []

    class Refused:
        def __init__(self, *words: object) -> None:
            tried.append(clock.now)
            raise OSError("refused")

    monkeypatch.setattr(stream_module, "_Connection", Refused)
    monkeypatch.setattr(stream_module, "time", clock)
    output = StreamOut("tcp://127.0.0.1:9")
    output.open(*SIZE, 25.0)
    for _ in range(25 * 60):
        output.write(LiveFrame(coded(0), clock.now, 0))
        clock.now += 1 / 25
    expected = [0.5, 1, 2, 4, 8, stream_module.LONGEST_PAUSE, stream_module.LONGEST_PAUSE]
    assert np.diff(tried) == pytest.approx(expected, abs=0.041)


def test_a_server_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "SILENT", 1.0)
    silent = socket.create_server(("127.0.0.1", 0))  # it accepts in the kernel, and nobody ever reads
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    output = StreamOut(f"tcp://127.0.0.1:{silent.getsockname()[1]}")
    output.open(640, 360, 25.0)
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), np.uint8)
    deadline = time.monotonic() + 40
    while not output.reconnects and time.monotonic() < deadline:
        output.write(LiveFrame(noise, time.monotonic(), 0))
    began = time.monotonic()
    output.close()
    silent.close()
    assert output.reconnects == 1
    assert time.monotonic() - began < 5


def test_addresses_are_shown_without_what_is_secret() -> None:
    for url, shown in (
        ("rtmp://live.example/app/sECRET", "rtmp://live.example/app/..."),
        ("srt://host:9000?passphrase=sECRET", "srt://host:9000/..."),
        ("rtsp://me:sECRET@host/cam", "rtsp://host/..."),
        ("udp://239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("rtp://[::1]:5004", "rtp://[::1]:5004"),
    ):
        assert str(parse_address(url, [*INPUTS], "open")) == shown
    with pytest.raises(UsageError, match="cannot open 'srt://'"):
        parse_address("srt://", INPUTS, "open")


@pytest.mark.parametrize("scheme", ["srt", "tcp"])
def test_what_is_streamed_can_be_painted_again(scheme: str) -> None:
    port = free_port(socket.SOCK_DGRAM if scheme == "srt" else socket.SOCK_STREAM)
    found: list[int] = []

    def receive() -> None:
        query = "mode=listener" if scheme == "srt" else "listen=1"
        grabber = open_grabber(0, f"{scheme}://127.0.0.1:{port}?{query}")
        while len(found) < 20 and (got := grabber.read()) is not None:
            found.append(code_of(got[0]))
        grabber.close()

    receiver = threading.Thread(target=receive, daemon=True)
    receiver.start()
    time.sleep(0.5)
    output = StreamOut(Listener.ADDRESSES[scheme][1].format(port))
    output.open(*SIZE, 25.0)
    deadline = time.monotonic() + 25
    for number in itertools.count():
        if len(found) >= 20 or time.monotonic() > deadline:
            break
        output.write(LiveFrame(coded(number), time.monotonic(), number))
        time.sleep(0.03)
    output.close()
    receiver.join(5)
    assert len(found) >= 20
    assert found == sorted(set(found))


@pytest.fixture(scope="module")
def packets(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A transport stream of 250 frames with a key frame every three seconds, in pieces of a frame on average."""
    path = tmp_path_factory.mktemp("stream") / "sent.ts"
    keys = ("-g", "75", "-keyint_min", "75", "-sc_threshold", "0")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25", "-t", "10", *X264, *keys, "-f", "mpegts", path)
    data = path.read_bytes()
    count = len(data) // 188
    borders = [188 * (count * n // 250) for n in range(251)]
    return [data[low:high] for low, high in itertools.pairwise(borders)]


def sent(pieces: list[bytes]) -> str:
    """The address at which whoever connects first gets these."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        server.close()
        with connection:
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return

    threading.Thread(target=serve, daemon=True).start()
    return f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_a_stream_joined_between_key_frames_begins_with_the_next_one(packets: list[bytes]) -> None:
    grabber = open_grabber(0, sent(packets[30:]))
    assert (grabber.info.width, grabber.info.height) == (64, 48)
    pictures = []
    while (found := grabber.read()) is not None:
        pictures.append(found[0])
    grabber.close()
    assert len(pictures) == 250 - 75
    assert pictures[0].shape == (48, 64, 3)
    assert not np.array_equal(pictures[0], pictures[-1])


def test_what_cannot_be_decoded_of_a_stream_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    class Packet:
        def __init__(self, number: int) -> None:
            self.number = number

        def decode(self) -> list[av.VideoFrame]:
            if self.number in (0, 1, 5):
                raise av.error.InvalidDataError(1, "Invalid data")
            return [av.VideoFrame.from_ndarray(coded(self.number), format="rgb24")]

    class Container:
        def __init__(self) -> None:
            self.streams, self.average_rate = self, Fraction(25)
            self.video = [self]
            self.closed = False

        def demux(self, stream: object) -> list[Packet]:
            return [Packet(number) for number in range(8)]

        def decode(self, stream: object) -> Iterator[av.VideoFrame]:
            return (frame for packet in self.demux(stream) for frame in packet.decode())

        def close(self) -> None:
            self.closed = True

    container = Container()
    monkeypatch.setattr(av, "open", lambda *words, **options: container)
    grabber = open_grabber(0, "tcp://127.0.0.1:1")
    assert (grabber.info.width, grabber.info.height) == SIZE
    found = []
    while (got := grabber.read()) is not None:
        found.append(code_of(got[0]))
    assert found == [2, 3, 4, 6, 7]
    grabber.close()
    assert container.closed


@pytest.mark.parametrize("seconds", [0.0, 15.0])
def test_a_stream_without_a_picture_is_given_up(
    seconds: float, packets: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "FIRST_FRAME", seconds)
    with pytest.raises(DeviceError, match="gives no picture"):
        # Joined just after a key frame: there is none any more, or the next one comes too late.
        open_grabber(0, sent(packets[230:] if seconds else packets[80:]))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "out.mp4", "http://x/y"])
def test_a_stream_goes_only_where_streams_go(url: str) -> None:
    with pytest.raises(UsageError):
        StreamOut(url)


@pytest.fixture
def page() -> object:
    output = Page(0)
    output.open(*SIZE, 30.0)
    output.write(LiveFrame(coded(5), 0.0, 0))
    yield output
    output.close()


def decoded_jpeg(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def ask(page: Page, path: str, host: str | None = None, origin: str | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{page.port}")
    if origin is not None:
        connection.putheader("Origin", origin)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_h1_the_page_answers_its_own_address_and_no_other(page: Page) -> None:
    status, body = ask(page, f"/{page.token}/")
    assert status == 200
    assert b"<img" in body
    status, body = ask(page, f"/{page.token}/frame.jpg")
    assert status == 200
    assert code_of(decoded_jpeg(body)) == 5
    assert ask(page, "/")[0] == 403
    assert ask(page, "/wrong-token/frame.jpg")[0] == 403
    assert ask(page, f"/{page.token}/", host="evil.example")[0] == 403
    assert ask(page, f"/{page.token}/", origin="http://evil.example")[0] == 403
    assert ask(page, f"/{page.token}/", origin=f"http://127.0.0.1:{page.port}")[0] == 200
    assert ask(page, f"/{page.token}/../../etc/passwd")[0] == 404
    assert page._server.server_address[0] == "127.0.0.1"


def test_the_page_streams_frames_as_they_come(page: Page) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=5)
    connection.request("GET", f"/{page.token}/frames")
    answer = connection.getresponse()
    assert "multipart/x-mixed-replace" in answer.headers["Content-Type"]
    for number in (5, 6, 7):
        if number > 5:
            page.write(LiveFrame(coded(number), 0.0, number))
        size = 0
        while line := answer.readline().strip():
            if line.startswith(b"Content-Length:"):
                size = int(line.split(b":")[1])
        assert code_of(decoded_jpeg(answer.read(size))) == number
        answer.readline()
    connection.close()


BROWSER = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine; the page's answers are tested above")
def test_the_page_shows_the_picture_in_a_browser(page: Page, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    words = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", *quiet]
    words += [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", "--window-size=480,320"]
    done = threading.Event()

    def play() -> None:
        number = 0
        while not done.wait(0.05):
            page.write(LiveFrame(coded(number % 7 + 1), 0.0, number))
            number += 1

    player = threading.Thread(target=play)
    player.start()
    try:
        # A page that never ends loading is what this one is: after some time the picture is taken all the same.
        subprocess.run([*words, "--timeout=4000", page.address], timeout=60, capture_output=True, check=True)
    finally:
        done.set()
        player.join()
    picture = cv2.imread(str(shot))
    assert picture.shape[:2] == (320, 480)
    assert picture[160, 240] == pytest.approx(90, abs=6)  # the middle of the painted frame, grey on a dark page
    assert picture.max() > 200  # and its white cells


def test_without_the_extra_a_virtual_camera_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(DeviceError, match=r"videostyle\[live\]"):
        VirtualCamera()


class FakeLibrary:
    """pyvirtualcam, as far as it is used."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.sent, self.opened, self.closed = fails, [], {}, False

    def Camera(self, **words: object) -> FakeLibrary:
        if self.fails:
            raise RuntimeError(self.fails)
        self.opened = words
        return self

    def send(self, picture: np.ndarray) -> None:
        self.sent.append(code_of(picture))

    def close(self) -> None:
        self.closed = True


def test_a_virtual_camera_gets_what_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    library = FakeLibrary()
    monkeypatch.setitem(sys.modules, "pyvirtualcam", library)
    run(FakeCamera(50), {"virtual camera": VirtualCamera()}, until=lambda: len(library.sent) > 15)
    assert library.opened == {"width": SIZE[0], "height": SIZE[1], "fps": 100.0}
    assert len(library.sent) > 15
    assert library.sent == sorted(set(library.sent))
    assert library.closed


def test_without_a_device_a_virtual_camera_says_what_makes_one(
    monkeypatch: pytest.MonkeyPatch, clip: Clip, home: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", FakeLibrary("'v4l2loopback' backend: no device"))
    monkeypatch.setattr(sys, "platform", "linux")
    words = ["live", "--style", "great-wave", "--input", str(clip("plain.mp4")), "--virtual-camera"]
    assert main(words) == 6
    said = capsys.readouterr().err
    assert "there is no virtual camera: 'v4l2loopback' backend: no device (sudo modprobe v4l2loopback" in said


# -- the window --------------------------------------------------------------------------------------------------


def test_a_display_that_cannot_be_reached_is_said_and_does_not_end_the_program(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: None
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for display in (":9871", "127.0.0.1:50000", "nonsense"):
        monkeypatch.setenv("DISPLAY", display)
        assert main(["live", "--style", "great-wave", "--window", "--input", "x.mp4"]) == 6
        said = capsys.readouterr().err
        assert display in said
        assert "--page" in said


WINDOWS = all(shutil.which(tool) for tool in ("Xvfb", "xdotool")) and "GUI:                           NONE" not in (
    cv2.getBuildInformation()
)


@pytest.mark.skipif(not WINDOWS, reason="needs Xvfb, xdotool and an OpenCV with windows; a fake screen is used above")
def test_a_real_window_shows_the_painting_and_takes_keys(clip: Clip, tmp_path: Path) -> None:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24"], pass_fds=[write], stderr=subprocess.DEVNULL
    )
    os.close(write)
    display = f":{os.read(read, 16).decode().strip()}"
    environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(ROOT), "VIDEOSTYLE_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "videostyle", "live", "--style", "great-wave", "--window", "--loop", "--json"]
    child = subprocess.Popen(
        [*command, "--input", str(clip("plain.mp4")), "--duration", "60"],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )

    def press(key: str) -> None:
        subprocess.run(["xdotool", "key", key], env=environment, check=True, timeout=10)

    try:
        find = ["xdotool", "search", "--sync", "--name", "^videostyle$", "windowfocus", "--sync"]
        subprocess.run(find, env=environment, check=True, timeout=60)
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("videostyle-*.png")) and time.monotonic() < deadline:
            press("c")
            time.sleep(0.5)
        for key in ("s", "n", "f", "r"):
            press(key)
        time.sleep(2)
        press("r")
        press("q")
        output, _ = child.communicate(timeout=30)
    finally:
        child.kill()
        server.terminate()
        server.wait()
        os.close(read)
    assert child.returncode == 0
    report = json.loads(output.splitlines()[-1])
    assert len(times_of(tmp_path / "videostyle-001.mp4")) == report["outputs"]["videostyle-001.mp4"]["frames"] > 5
    assert cv2.imread(str(next(tmp_path.glob("*.png")))).shape == (48, 64, 3)


# -- sources -----------------------------------------------------------------------------------------------------


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[PacedFile, Clock]]:
    """Plays a file on a clock of the test's."""

    def play(path: Path, *, repeat: bool = False) -> tuple[PacedFile, Clock]:
        clock = Clock()
        monkeypatch.setattr(camera_module, "time", clock)
        camera = PacedFile(path, repeat=repeat)
        camera._closed = Waits(clock)
        return camera, clock

    return play


def test_a_file_is_played_at_its_own_pace(clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]) -> None:
    camera, clock = paced(clip("variable.mp4"))
    stamps, when = [], []
    while (found := camera.read()) is not None:
        stamps.append(found[1])
        when.append(clock.now)
    with open_reader(clip("variable.mp4")) as source:
        times = np.concatenate([b.pts for b in source])
    assert np.diff(when) == pytest.approx(np.diff(times), abs=1e-6)
    assert np.diff(stamps) == pytest.approx(np.diff(times), abs=1e-6)
    camera.close()


def test_a_file_that_is_decoded_too_slowly_gives_what_it_has(
    clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    camera, clock = paced(clip("silent.mkv"))
    for _ in range(25):
        found = camera.read()
        assert found is not None
        assert clock.now - 0.5 <= found[1] <= clock.now
        clock.now += 0.2  # five frames' time
    assert camera.read() is None
    camera.close()


def test_a_still_begun_anew_is_paced_and_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    cv2.imwrite(str(tmp_path / "slide.png"), coded(7))
    opened: list[object] = []
    monkeypatch.setattr(camera_module, "open_reader", lambda *words: opened.append(words) or open_reader(*words))
    camera, clock = paced(tmp_path / "slide.png", repeat=True)
    began, frames = clock.now, [camera.read() for _ in range(11)]
    assert clock.now - began == pytest.approx(0.4)  # 25 a second
    assert len(opened) == 1
    assert all(found is not None and code_of(found[0]) == 7 for found in frames)
    assert camera.device_time is None
    camera.close()


def test_a_clip_begun_anew_gives_its_last_frame_its_time(
    clip: Clip, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    camera, _ = paced(clip("silent.mkv"), repeat=True)
    stamps = [found[1] for found in (camera.read() for _ in range(60)) if found is not None]
    camera.close()
    assert np.diff(stamps) == pytest.approx([0.04] * 59, abs=0.001)


def test_a_picture_of_a_file_that_stays_for_long_is_given_again(
    tmp_path: Path, paced: Callable[..., tuple[PacedFile, Clock]]
) -> None:
    """Who waits for frames would otherwise think that the file is stuck."""
    slides = tmp_path / "slides.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=1/10", "-t", "20", *X264, slides)
    camera, _ = paced(slides)
    frames = []
    while (found := camera.read()) is not None:
        frames.append(found)
    camera.close()
    assert len(frames) == 11
    assert max(np.diff([moment for _, moment in frames])) <= camera_module.HELD + 0.001
    assert all(np.array_equal(frames[0][0], picture) for picture, _ in frames[:-1])
    assert not np.array_equal(frames[0][0], frames[-1][0])
    assert frames[-1][1] - frames[0][1] == pytest.approx(10.0, abs=0.01)


class Device:
    """What OpenCV makes of a camera: what it was asked for, in order, and what it gives."""

    def __init__(self, opens: bool = True, gives: int = 100, size: tuple[int, int] = (64, 48), fps: float = 30,
                 fourcc: str = "MJPG") -> None:  # fmt: skip
        self.opens, self.size, self.fps, self.fourcc = opens, size, fps, fourcc
        self.gives = self.left = gives
        self.asked: list[tuple[int, float]] = []
        self.released = False

    def isOpened(self) -> bool:
        return self.opens

    def set(self, name: int, value: float) -> bool:
        self.asked.append((name, value))
        return True

    def get(self, name: int) -> float:
        if name == cv2.CAP_PROP_POS_MSEC:
            return 40.0 * (self.gives - self.left)
        return {cv2.CAP_PROP_FPS: self.fps, cv2.CAP_PROP_FOURCC: cv2.VideoWriter_fourcc(*self.fourcc)}[name]

    def grab(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.full((self.size[1], self.size[0], 3), (10, 20, 30), np.uint8)

    def release(self) -> None:
        self.released = True


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Callable[[Device], Device]:
    def put(made: Device) -> Device:
        monkeypatch.setattr(cv2, "VideoCapture", lambda number: made)
        return made

    return put


def test_a_camera_is_asked_for_mjpeg_first_then_size_and_rate(device: Callable[[Device], Device]) -> None:
    found = device(Device())
    camera = open_grabber(0, size=(64, 48), fps=30)
    assert found.asked == [
        (cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"MJPG")),
        (cv2.CAP_PROP_FRAME_WIDTH, 64),
        (cv2.CAP_PROP_FRAME_HEIGHT, 48),
        (cv2.CAP_PROP_FPS, 30),
        (cv2.CAP_PROP_BUFFERSIZE, 1),
    ]
    assert camera.warnings == []
    assert (camera.info.width, camera.info.height, camera.info.fps) == (64, 48, 30)
    got = camera.read()
    assert got is not None
    assert got[0][0, 0].tolist() == [30, 20, 10]  # RGB
    assert got[1] == pytest.approx(time.monotonic(), abs=0.5)
    assert camera.device_time == pytest.approx(0.08)  # its own clock, after the second frame
    camera.close()
    assert found.released


def test_a_camera_that_gives_something_else_says_so(device: Callable[[Device], Device]) -> None:
    found = device(Device(size=(96, 64), fps=15, fourcc="MJPG"))
    camera = open_grabber(0, size=(64, 48), fps=30, pixels="yuyv")
    assert found.asked[0] == (cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"YUYV"))
    assert camera.warnings == [
        "camera 0 gives 96x64 instead of 64x48",
        "camera 0 gives 15 frames/s instead of 30",
        "camera 0 gives the format 'MJPG' instead of 'YUYV'",
    ]
    assert camera.info.width == 96  # what it gives is what is painted
    capture = Capture(camera, None, mirror=False)
    assert capture.warnings == camera.warnings  # and it stands in the report
    capture.close()


def test_a_camera_that_is_busy_says_so(
    device: Callable[[Device], Device], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: None
) -> None:
    monkeypatch.setattr("videostyle.media.readers.camera.list_cameras", lambda: ["/dev/video0"])
    device(Device(opens=False))
    with pytest.raises(DeviceError, match="another program uses it"):
        open_grabber(0)
    found = device(Device(gives=0))  # opened, but the other one has the stream
    assert main(["live", "--style", "great-wave", "--page", "0"]) == 6
    assert "another program may use it" in capsys.readouterr().err
    assert found.released


def test_a_camera_that_is_unplugged_ends(device: Callable[[Device], Device]) -> None:
    device(Device(gives=5))
    with pytest.raises(DeviceError, match="was it unplugged"):
        run(open_grabber(0), {"keep": Keep()}, seconds=5)


def test_p9_a_missing_camera_lists_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("videostyle.media.readers.camera.list_cameras", lambda: ["/dev/video3"])
    with pytest.raises(DeviceError, match="/dev/video3") as caught:
        open_grabber(77)
    assert caught.value.exit_code == 6


@pytest.mark.parametrize("url", ["ftp://x/y", "concat://x", "subfile://x"])
def test_n3_only_addresses_of_streams_are_opened(url: str) -> None:
    with pytest.raises(UsageError):
        open_grabber(0, url)


# -- the benchmark -----------------------------------------------------------------------------------------------


@pytest.fixture
def bench() -> ModuleType:
    return load_script("bench_live")


@pytest.mark.parametrize("size", [(640, 360), (424, 240)])
def test_the_benchmark_reads_its_numbers_back_in_whatever_colours_they_come(
    bench: ModuleType, size: tuple[int, int]
) -> None:
    code = bench.Code(*size)
    rng = np.random.default_rng(0)
    for number in (0, 1, 77, 4711, 2**bench.BITS - 1):
        frame = rng.integers(0, 256, (size[1], size[0], 3), np.uint8)
        code.draw(frame, number)
        # Painted small and in blue on cream, then as a JPEG.
        small = cv2.resize(frame, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        painted = cv2.resize(small, size).astype(float) * [0.4, 0.5, 0.3] + [90, 60, 70]
        jpeg = cv2.imencode(".jpg", painted.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
        assert code.read(cv2.imdecode(jpeg, cv2.IMREAD_COLOR)) == number
    broken = np.zeros((size[1], size[0], 3), np.uint8)
    code.draw(broken, 1)
    broken[:, 2 * code._cell : 3 * code._cell] = 0  # a bit that was lost
    assert code.read(broken) is None


def test_the_benchmark_counts_gaps_and_losses_by_the_numbers(bench: ModuleType) -> None:
    class Reader:
        unreadable = 0
        # 16380 ... over the wrap: 30 frames/s, 20 ms late, frames 100 to 102 never seen.
        seen = [(i / 30, (16380 + i) % 2**bench.BITS, 0.02) for i in range(300) if not 100 <= i <= 102]  # noqa: RUF012

    report = LiveReport(captured=300, dropped=3, fps_in=30.0, size=(640, 360))
    found = bench.figures(Reader(), report, [(0.0, 700.0), (5.0, 710.0)], [99.5 / 30, 6.0], 30)
    assert found["not_seen_percent"] == pytest.approx(1.0)
    assert found["dropped_percent"] == pytest.approx(1.0)
    assert found["longest_gap_frames"] == 4
    assert found["switch_gap_frames"] == 4
    assert found["delay_p95_ms"] == pytest.approx(20)
    assert found["rss_last_mb"] == 710
    assert bench.table({"case": "adaptive", **found}).startswith("adaptive: painted at 640x360")


# -- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOSTYLE_HOME", str(tmp_path_factory.mktemp("home")))


def test_live_paints_a_file_into_a_recording(
    clip: Clip, tmp_path: Path, home: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from videostyle.media.probe import probe
    from videostyle.media.provenance import read

    clock = Clock()

    def await_(self: PacedFile, due: float) -> bool:
        clock.now = max(clock.now, due)
        if clock.now > 1004.0 and not self._closed.wait(60):
            raise TimeoutError("the run goes on and on")
        return not self._closed.is_set()

    monkeypatch.setattr(PacedFile, "_await", await_)
    for module in (camera_module, capture_module, loop_module, output_module):
        monkeypatch.setattr(module, "time", clock)
    for module in (capture_module, output_module):
        monkeypatch.setattr(module, "LatestSlot", InStep)
    out = tmp_path / "out.mp4"
    words = ["live", "--style", "great-wave", "--style", "starry-night", "--every", "0.5", "--crossfade", "0.2"]
    words += ["--input", str(clip("plain.mp4")), "--loop", "--record", str(out), "--duration", "2.5", "--json", "-q"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 2.5 <= report["seconds"] < 4.1
    assert report["painted"] == pytest.approx(25 * report["seconds"], abs=4)  # at the clip's own pace
    assert report["outputs"]["recording"]["frames"] == report["painted"]
    assert report["latency_p95"] < 200
    times = times_of(out)
    assert len(times) == report["painted"]
    assert np.diff(times) == pytest.approx(0.04, abs=0.001)
    painted = read(out, probe(out).metadata)
    assert painted is not None
    assert "great-wave" in painted.style


def test_a_run_whose_recording_broke_down_is_no_success(
    clip: Clip, tmp_path: Path, home: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Recording, frame: LiveFrame) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(Recording, "write", broken)
    words = ["live", "--style", "great-wave", "--input", str(clip("plain.mp4")), "--page", "0", "--json", "-q"]
    assert main([*words, "--record", str(tmp_path / "out.mp4"), "--fixed-size"]) == 5
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "the disk is full" in report["outputs"]["recording"]["error"]
    assert report["outputs"]["page"]["frames"] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_recording(number: int, clip: Clip, tmp_path: Path, home: None) -> None:
    out = tmp_path / "out.mp4"
    command = [sys.executable, "-m", "videostyle", "live", "--style", "great-wave", "--loop", "--input"]
    command += [str(clip("plain.mp4")), "--record", str(out), "--json", "-q"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    running = out.with_name("out.recording.mp4")
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline and not (running.exists() and running.stat().st_size > 3000):
        time.sleep(0.05)
    child.send_signal(number)
    output, _ = child.communicate(timeout=30)
    assert child.returncode == 0
    assert json.loads(output.splitlines()[-1])["painted"] > 0
    assert len(times_of(out)) > 0
    assert not running.exists()


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 6, "--page"),
        (["--camera", "77", "--page", "0"], 6, "cannot open camera 77"),
        (["--input", "missing.mp4", "--page", "0"], 3, "no such file"),
        (["--strength", "2", "--page", "0"], 2, "outside 0..1"),
        (["--target-fps", "0", "--page", "0"], 2, "--target-fps"),
        (["--size", "big", "--page", "0"], 2, "cannot use the size"),
        (["--record", "x.gif"], 2, "use .mp4"),
        (["--record", "EXISTING"], 5, "use --overwrite to replace it, or another name with --record"),
        (["--stream-to", "file:///x"], 2, "cannot stream"),
    ],
)
def test_live_refuses_in_one_line(
    words: list[str], code: int, message: str, home: None, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    (tmp_path / "show.mp4").touch()
    words = [str(tmp_path / "show.mp4") if word == "EXISTING" else word for word in words]
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["live", "--style", "great-wave", *words]) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("videostyle:")]
    assert len(lines) == 1
    assert message in lines[0]
