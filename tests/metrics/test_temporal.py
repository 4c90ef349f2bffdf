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


def still_flows(count: int, shape: tuple[int, int]) -> list:
    return [(np.zeros((*shape, 2), np.float32), np.ones((*shape, 1), np.float32))] * count


def test_warping_error_of_a_shift_is_zero_and_of_a_step_its_square() -> None:
    wide = texture(64, 200, 4)
    frames = np.stack([wide[:, 2 * i : 2 * i + 100] for i in range(4)])
    move = np.zeros((64, 100, 2), np.float32)
    move[..., 0] = 2.0
    mask = np.ones((64, 100, 1), np.float32)
    mask[:, -2:] = 0
    assert temporal.warping_error(frames, [(move, mask)] * 3) == pytest.approx(0, abs=1e-12)
    step = np.stack([np.full((20, 20, 3), v, np.uint8) for v in (100, 151, 100)])
    assert temporal.warping_error(step, still_flows(2, (20, 20))) == pytest.approx(0.04, rel=1e-4)
    assert temporal.sintel_error(step, still_flows(2, (20, 20))) == pytest.approx(0.2, rel=1e-4)


def test_figures_of_pure_noise() -> None:
    rng = np.random.default_rng(0)
    base = np.full((64, 64, 3), 128.0)
    noisy = np.clip(np.rint(base + rng.normal(0, 8, (16, 64, 64, 3))), 0, 255).astype(np.uint8)
    expected = 2 * (64 + 1 / 12) / 255**2  # of both frames, and of rounding
    assert temporal.warping_error(noisy, still_flows(15, (64, 64))) == pytest.approx(expected, rel=0.02)
    calm = np.repeat(base[None], 16, 0).astype(np.uint8)
    assert temporal.static_flicker(noisy, calm) == pytest.approx(8 * np.sqrt(15 / 16), rel=0.02)
    assert temporal.static_flicker(calm, calm) == 0


def test_colour_drift_and_noise_gain() -> None:
    drifting = np.stack([np.full((8, 8, 3), 100 + i, np.uint8) for i in range(21)])
    assert temporal.color_drift(drifting, np.repeat(drifting[:1], 21, 0), 1) == pytest.approx(20)
    assert temporal.noise_gain(lambda f: f, np.full((32, 32, 3), 128, np.uint8)) == pytest.approx(1)
    halved = temporal.noise_gain(lambda f: f // 2, np.full((32, 32, 3), 128, np.uint8), sigma=8)
    assert halved == pytest.approx(0.5, rel=0.05)
