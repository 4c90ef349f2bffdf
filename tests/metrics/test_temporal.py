"""Figures of stillness against a plain loop, and along estimated flow."""

from __future__ import annotations

import numpy as np
import pytest

from tests.metrics.pictures import still_flow, texture
from videostyle.metrics import temporal
from videostyle.motion.dis import dis_flow, flow_and_mask
from videostyle.motion.flow import endpoint_error

RNG = np.random.default_rng(7)


def test_pair_error_agrees_with_a_loop_over_pixels() -> None:
    now, before = (RNG.integers(0, 256, (7, 9, 3), np.uint8) for _ in range(2))
    flow = RNG.uniform(-3, 3, (7, 9, 2)).astype(np.float32)
    mask = (RNG.random((7, 9, 1)) > 0.4).astype(np.float32)
    total = 0.0
    for y in range(7):
        for x in range(9):
            column, row = np.clip(x + flow[y, x, 0], 0, 8), np.clip(y + flow[y, x, 1], 0, 6)
            left, top = min(int(column), 7), min(int(row), 5)
            a, b = column - left, row - top
            patch = before[top : top + 2, left : left + 2].astype(np.float64)
            sample = (patch[0, 0] * (1 - a) + patch[0, 1] * a) * (1 - b) + (patch[1, 0] * (1 - a) + patch[1, 1] * a) * b
            total += mask[y, x, 0] * (((now[y, x] - sample) / 255) ** 2).sum()
    assert temporal.pair_error(now, before, flow, mask) == pytest.approx(total / (3 * mask.sum()), rel=1e-4)


def test_flow_of_real_frames_has_the_direction_that_warping_needs() -> None:
    wide = texture(96, 140)
    before, now = wide[:, :128], wide[:, 3:131]  # what was at x + 3 is at x now
    truth = np.zeros((96, 128, 2), np.float32)
    truth[..., 0] = 3
    flow = dis_flow(now, before)
    assert endpoint_error(flow[8:-8, 8:-8], truth[8:-8, 8:-8]) < 0.2
    with_mask = flow_and_mask(now, before)
    assert temporal.pair_error(now, before, *with_mask) < 0.05 * temporal.pair_error(
        now, before, *still_flow(now, before)
    )
