"""What each processor does to a picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from tests.processors import contract
from videostyle.frames import FrameBatch
from videostyle.processors.registry import choice_from, make


def run(words: str, batch: FrameBatch, size: int = 8) -> np.ndarray:
    return contract.run(lambda: make(choice_from(words)), batch, size).frames


def standing(noise: float, count: int = 5) -> tuple[FrameBatch, np.ndarray]:
    """A still scene of one edge, with and without grain, as frames that are to be painted."""
    clean = np.full((48, 64, 3), 80.0)
    clean[:, 32:] = 180.0
    grain = np.random.default_rng(0).normal(0, noise, (count, 48, 64, 1))
    frames = np.clip(np.rint(clean + grain), 0, 255).astype(np.uint8)
    return FrameBatch(frames, np.arange(count) / 25, 0), clean


def test_degrain_removes_grain_and_keeps_the_edge() -> None:
    batch, clean = standing(6.0)
    alone, together = run("degrain:grain=6,frames=0", batch), run("degrain:grain=6,frames=2", batch)
    noise = [np.abs(frames[2] - clean).mean() for frames in (batch.frames, alone, together)]
    assert noise[1] < 0.75 * noise[0]
    assert noise[2] < 0.75 * noise[1]
    middle = together[2].mean(axis=(0, 2))
    assert middle[33] - middle[30] > 85  # of 100


def test_degrain_averages_nothing_that_moves() -> None:
    frames = np.zeros((3, 24, 60, 3), np.uint8)
    for number in range(3):
        frames[number, :, 20 * number : 20 * number + 20] = 200
    moved = run("degrain:grain=4,frames=1", FrameBatch(frames, np.arange(3.0), 0))
    assert np.abs(moved.astype(int) - frames).max() <= 2


def test_grain_comes_back_as_it_was() -> None:
    batch, _ = standing(5.0)
    painted = FrameBatch(np.full_like(batch.frames, 128), batch.pts, 0, original=batch.frames)
    grain = run("grain:grain=5", painted).astype(float) - 128
    own = batch.frames.astype(float) - batch.frames.astype(float).mean(axis=(0, 1), keepdims=True)
    even = np.s_[:, 5:-5, 5:25, 0]
    assert np.corrcoef(grain[even].ravel(), own[even].ravel())[0, 1] > 0.8
    assert 0.6 < grain[even].std() / 5.0 < 1.1
    assert np.abs(grain).max() <= 13  # the edge of the clip does not come along
    assert not np.any(run("grain:amount=0", painted) - 128)


def test_simplify_says_how_much() -> None:
    rng = np.random.default_rng(1)
    leaves = cv2.GaussianBlur(rng.uniform(0, 255, (64, 64, 3)), (0, 0), 1.0)
    leaves[:, 32:] += 90  # a large shape
    batch = FrameBatch(np.clip(leaves, 0, 255).astype(np.uint8)[None], np.zeros(1), 0)
    left = [run(f"simplify:amount={amount}", batch)[0] for amount in (0.0, 0.3, 0.6, 1.0)]
    detail = [picture[8:-8, 6:26].std() for picture in left]
    assert detail == sorted(detail, reverse=True)
    assert detail[3] < 0.45 * detail[0]
    for picture in left:
        assert picture[:, 40:].mean() - picture[:, :24].mean() > 80


def test_sharpen_steepens_edges_and_keeps_colour() -> None:
    soft = cv2.GaussianBlur(standing(0.0, 1)[0].frames[0], (0, 0), 1.5)
    soft[..., 2] //= 2
    sharp = run("sharpen:amount=3", FrameBatch(soft[None], np.zeros(1), 0))[0].astype(int)
    assert np.diff(sharp[24, :, 0]).max() > 1.3 * np.diff(soft[24, :, 0].astype(int)).max()
    kept = (sharp - soft)[..., 0] - (sharp - soft)[..., 2]
    assert np.abs(kept).max() <= 1


def test_lightness_keeps_the_dark_of_the_clip() -> None:
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (20, 1, 3))
    batch = FrameBatch(np.full((1, 20, 64, 3), 200, np.uint8), np.zeros(1), 0, original=ramp[None])
    found = run("lightness:shadows=0,midtones=1,highlights=0.5", batch)[0, 10, :, 0].astype(int)
    assert found[2] < 30
    assert abs(found[32] - 200) <= 6
    assert 220 < found[-2] < 232
    same = run("lightness:shadows=1,midtones=1,highlights=1", replace(batch, original=ramp[None]))
    np.testing.assert_array_equal(same, batch.frames)
