"""Capture: cameras that stall, fail, freeze, end, change their size or are too fast."""

from __future__ import annotations

import numpy as np
import pytest

from tests.live.fakes import FakeCamera, Keep, code_of, run
from videostyle.errors import DeviceError
from videostyle.live import capture as capture_module
from videostyle.live.capture import Capture
from videostyle.live.frame import LiveFrame
from videostyle.live.latest_slot import LatestSlot


@pytest.mark.parametrize("fault", ["stall_at", "fail_at", "end_at"])
def test_p10_a_camera_that_fails_is_reopened(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_p10_without_reopening_a_failed_camera_ends_the_run_and_finishes_outputs(fault: str, message: str) -> None:
    keep = Keep()
    with pytest.raises(DeviceError, match=message) as caught:
        run(FakeCamera(20, **{fault: 10}), {"keep": keep}, stalled=1.0 if fault == "stall_at" else 5.0, seconds=30)
    assert caught.value.exit_code == 6
    assert keep.closed
    assert len(keep.seen) > 2


def test_p10_a_frozen_camera_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "FROZEN", 20)
    with pytest.raises(DeviceError, match="frozen: 20 identical"):
        run(FakeCamera(100, freeze_at=10), {"keep": Keep()}, seconds=5)


def test_p10_identical_frames_are_no_failure_while_the_device_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "FROZEN", 20)
    report = run(FakeCamera(100, freeze_at=10, end_at=60, ticks=True), {"keep": Keep()}, seconds=5)
    assert report.captured == 60


@pytest.mark.parametrize("place", [None, 0.0])
def test_p10_identical_frames_are_no_failure_without_a_device_clock(
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


def test_a_camera_without_any_frame_is_an_error() -> None:
    keep = Keep()
    with pytest.raises(DeviceError, match="before its first frame"):
        run(FakeCamera(100, end_at=0), {"keep": keep}, seconds=5)
    assert keep.closed


def test_the_end_of_a_file_is_no_error() -> None:
    report = run(FakeCamera(100, end_at=30), {"keep": Keep()}, seconds=5)
    assert report.captured == 30


def test_frames_of_another_size_are_scaled_and_reported() -> None:
    keep = Keep()
    report = run(FakeCamera(50, wide_at=10), {"keep": keep}, until=lambda: len(keep.seen) > 20)
    assert "192x128 instead of 96x64" in report.warnings[0]
    assert keep.seen[-1][0] > 10
    assert [code for code, _ in keep.seen] == sorted(code for code, _ in keep.seen)


@pytest.mark.parametrize("jitter", [0.0, 0.003])
def test_frames_above_the_target_rate_are_skipped_and_do_not_count_as_dropped(
    jitter: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)

    class Quick(FakeCamera):
        """Stamps frames with 60 per second, and delivers them as fast as it can."""

        def read(self) -> tuple[np.ndarray, float] | None:
            found = super().read()
            return None if found is None else (found[0], self._number / 60 + rng.uniform(-jitter, jitter))

    class Taken(LatestSlot[LiveFrame]):
        """A slot whose frames are taken at once."""

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


def test_mirrored_frames_are_flipped_left_to_right() -> None:
    capture = Capture(FakeCamera(50), None, mirror=True, stalled=2)
    frame = capture.slot.get(10.0)
    capture.close()
    assert frame is not None
    assert code_of(frame.picture[:, ::-1]) == frame.number
