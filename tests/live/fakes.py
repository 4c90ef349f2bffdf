"""Fake cameras, painters, outputs, clocks and screens for the tests of live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from videostyle.errors import OutputError
from videostyle.frames import VideoInfo
from videostyle.live.capture import Capture
from videostyle.live.frame import LiveFrame
from videostyle.live.latest_slot import LatestSlot
from videostyle.live.loop import LiveLoop
from videostyle.live.pace import Pace
from videostyle.live.telemetry import LiveReport

ROOT = Path(__file__).parent.parent.parent


SIZE = (96, 64)  # width, height


BITS, CELL = 16, 6  # the frame number is drawn as a row of BITS cells, CELL pixels wide, black or white


def coded(number: int) -> np.ndarray:
    """A grey frame, uint8 ``[H, W, 3]``, with its number drawn into it."""
    frame = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
    for bit in range(BITS):
        frame[:CELL, bit * CELL : (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return frame


def code_of(frame: np.ndarray) -> int:
    """The number that is drawn into a frame."""
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
            raise cv2.error("unplugged")  # OpenCV raises a type of its own
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
    """A painter that returns frames unchanged after ``seconds``."""

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
    """An output that stores frame numbers with their times of arrival; it can be slow, or fail."""

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


class FakeScreen:
    """A screen that presses one key per frame and stores the pictures shown."""

    def __init__(self, keys: list[str]) -> None:
        self.keys, self.shown, self.toggled = iter(keys), [], 0

    def show(self, picture: np.ndarray | None) -> str:
        if picture is not None:
            self.shown.append(picture)
        return next(self.keys)

    def toggle_fullscreen(self) -> None:
        self.toggled += 1


class Clock:
    """Replaces the module ``time``. Time passes only when something waits, or when the test changes ``now``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Waits(threading.Event):
    """An event whose ``wait`` returns at once and advances a ``Clock``."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.now += timeout or 0.0
        return self.is_set()


class InStep(LatestSlot[Any]):
    """A slot that drops nothing: ``put`` waits until the item before it has been taken.

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
    """Runs for ``seconds``, or until ``until`` returns True, for 30 s at most."""
    capture = Capture(camera, reopen, mirror=False, stalled=stalled)
    live = LiveLoop(capture, painter or Identity(), outputs, Pace(1.0, adaptive=False), SIZE, 100.0)
    return live.run(threading.Event(), seconds) if until is None else play(live, until, 30)


def play(live: LiveLoop, done: Callable[[], bool], seconds: float) -> LiveReport:
    """Runs until ``done`` returns True, for ``seconds`` at most."""
    stop = threading.Event()

    def wait() -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not done():
            time.sleep(0.2)
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    return live.run(stop)


def scene(seed: int, light: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.clip(rng.uniform(0, 200, (9, 16, 3)) * light, 0, 255).astype(np.uint8).repeat(8, 0).repeat(8, 1)


def frames_at(times: list[float]) -> list[LiveFrame]:
    return [LiveFrame(coded(i), t, i) for i, t in enumerate(times)]


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.time or 0) for frame in container.decode(video=0)]


def recorded(path: Path) -> tuple[list[int], list[float]]:
    with av.open(str(path)) as container:
        found = [(code_of(f.to_ndarray(format="rgb24")), float(f.time or 0)) for f in container.decode(video=0)]
    return [code for code, _ in found], [t for _, t in found]


class FakeLibrary:
    """The part of pyvirtualcam that is used."""

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
