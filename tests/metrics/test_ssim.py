"""Structural similarity against an explicit window, and in cases known on paper."""

from __future__ import annotations

import numpy as np
import pytest

from tests.metrics.pictures import texture
from videostyle.metrics.ssim import edge_ssim, edges, ssim

RNG = np.random.default_rng(7)


def test_ssim_agrees_with_an_explicit_window() -> None:
    a, b = RNG.uniform(0, 255, (24, 20)), RNG.uniform(0, 255, (24, 20))
    b = 0.5 * a + 0.5 * b
    offsets = np.arange(-5, 6)
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for picture_a, picture_b in [(np.pad(a, 5, mode="reflect"), np.pad(b, 5, mode="reflect"))]:
        for y in range(24):
            for x in range(20):
                pa, pb = picture_a[y : y + 11, x : x + 11], picture_b[y : y + 11, x : x + 11]
                ma, mb = (window * pa).sum(), (window * pb).sum()
                va, vb = (window * (pa - ma) ** 2).sum(), (window * (pb - mb) ** 2).sum()
                cov = (window * (pa - ma) * (pb - mb)).sum()
                c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
                values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    assert ssim(a, b, 255.0) == pytest.approx(np.mean(values), rel=1e-6)


def test_ssim_of_equal_and_of_constant_pictures() -> None:
    a = RNG.uniform(0, 1, (16, 16))
    assert ssim(a, a, 1.0) == pytest.approx(1)
    c1 = 0.01**2
    expected = (2 * 0.2 * 0.6 + c1) / (0.2**2 + 0.6**2 + c1)
    assert ssim(np.full((16, 16), 0.2), np.full((16, 16), 0.6), 1.0) == pytest.approx(expected, rel=1e-9)


def test_edges_of_a_ramp_and_edge_ssim_is_blind_to_contrast() -> None:
    ramp = np.repeat(np.arange(0, 128, 4, dtype=np.uint8)[None, :, None], 16, 0).repeat(3, 2)
    assert edges(ramp) == pytest.approx(4.0)
    picture = texture(48, 64)
    assert edge_ssim(picture // 2, picture) > 0.97
    assert edge_ssim(texture(48, 64, seed=3), picture) < 0.5
