"""Latency histogram and rolling rate."""

from __future__ import annotations

import numpy as np
import pytest

from videostyle.live.telemetry import LatencyHistogram, RollingRate


def test_percentiles_of_the_histogram_are_those_of_all_latencies() -> None:
    rng, delays = np.random.default_rng(1), LatencyHistogram()
    values = rng.gamma(2.0, 0.02, 50_000)
    for value in values:
        delays.add(value)
    for percent in (5, 50, 95, 99):
        assert delays.percentile(percent) == pytest.approx(np.percentile(values, percent), abs=0.0006)
    delays.add(1e9)
    assert len(delays) == 50_001
    assert LatencyHistogram().percentile(50) == 0


def test_the_rolling_rate_is_that_of_the_last_seconds() -> None:
    rate = RollingRate()
    assert rate.value == 0
    for i in range(100):
        rate.add(i / 10)
    for i in range(100):
        rate.add(10 + i / 30)
    assert rate.value == pytest.approx(30, abs=0.5)
