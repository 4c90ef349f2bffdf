"""The newest-frame loop: latency, dropped frames, outputs that are slow, hang or fail."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.live.fakes import FakeCamera, Identity, Keep, run
from videostyle.errors import OutputError
from videostyle.live.outputs import output as output_module


def test_the_reported_latency_is_the_one_read_from_the_frames() -> None:
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


def test_p11_a_slow_output_delays_no_other() -> None:
    slow, quick = Keep(0.2), Keep()
    report = run(FakeCamera(50), {"slow": slow, "quick": quick}, until=lambda: len(quick.seen) > 40)
    assert 1 <= len(slow.seen) <= len(quick.seen) / 3
    assert report.outputs["slow"]["dropped"] > 20


def test_an_output_that_fails_is_reported_and_the_others_go_on() -> None:
    broken, whole = Keep(fail_at=3), Keep()
    report = run(FakeCamera(50), {"broken": broken, "whole": whole}, until=lambda: len(whole.seen) > 20)
    assert len(whole.seen) > 20
    assert "it broke" in report.outputs["broken"]["error"]
    assert broken.closed
    assert whole.closed


def test_a_single_frame_is_painted() -> None:
    keep = Keep()
    report = run(FakeCamera(100, end_at=1), {"keep": keep}, seconds=5)
    assert report.painted == 1
    assert [code for code, _ in keep.seen] == [0]


def test_an_output_that_hangs_does_not_keep_the_run_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output_module, "PATIENCE", 0.3)
    hanging, keep = Keep(20), Keep()
    began = time.monotonic()
    report = run(FakeCamera(50), {"hanging": hanging, "keep": keep}, seconds=0.5)
    assert time.monotonic() - began < 12  # it hangs for 20 s
    assert "does not end" in report.outputs["hanging"]["error"]
    assert not hanging.closed  # closing it could free memory that its thread still uses
    assert keep.closed


def test_an_output_that_cannot_be_opened_closes_camera_and_outputs() -> None:
    class Closed(Keep):
        def open(self, width: int, height: int, fps: float) -> None:
            raise OutputError("no")

    camera, keep = FakeCamera(50), Keep()
    with pytest.raises(OutputError):
        run(camera, {"keep": keep, "closed": Closed()})
    assert keep.closed
    assert camera._closed.is_set()


def test_an_error_in_painting_ends_the_run_and_finishes_outputs() -> None:
    class Broken(Identity):
        def __call__(self, frame: np.ndarray, now: float) -> np.ndarray:
            raise ZeroDivisionError

    keep = Keep()
    with pytest.raises(ZeroDivisionError):
        run(FakeCamera(50), {"keep": keep}, painter=Broken())
    assert keep.closed
