"""The benchmark of live runs."""

from __future__ import annotations

from types import ModuleType

import cv2
import numpy as np
import pytest

from tests.conftest import load_script
from videostyle.live.telemetry import LiveReport


@pytest.fixture
def bench() -> ModuleType:
    return load_script("bench_live")


@pytest.mark.parametrize("size", [(640, 360), (424, 240)])
def test_frame_numbers_are_read_back_whatever_the_colours(bench: ModuleType, size: tuple[int, int]) -> None:
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


def test_gaps_and_losses_are_counted_by_frame_numbers(bench: ModuleType) -> None:
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
