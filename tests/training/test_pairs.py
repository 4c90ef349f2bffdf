"""Pairs of frames: exact flow, noise, and batches that depend on seed and step alone."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.pictures import picture
from videostyle.errors import InputError
from videostyle.motion.flow import warp
from videostyle.training import pairs as data


def test_pairs_of_stills_have_exact_flow() -> None:
    rng = np.random.default_rng(3)
    for seed in range(8):
        pair = data.warped_pair(picture(seed), picture(seed + 50), rng, 128, noise=False)
        change = (warp(pair.previous, pair.flow) - pair.current) ** 2
        inner = pair.mask[..., 0] > 0
        assert inner.mean() > 0.3
        # What is left is the blur of sampling twice, at the edge of a cut-out above all.
        assert change[inner].mean() < 2e-3
        assert np.median(change[inner]) < 1e-4


def test_still_pairs_differ_by_noise_only() -> None:
    pair = data.noise_pair(picture(1), np.random.default_rng(0), 64)
    assert not pair.flow.any()
    assert pair.mask.all()
    assert 0.002 < np.abs(pair.previous - pair.current).mean() < 0.06


def test_some_scenes_are_dim_in_both_frames_and_as_noisy_as_the_others() -> None:
    white = np.full((96, 96, 3), 200, np.uint8)
    pairs = [data.noise_pair(white, np.random.default_rng(seed), 64) for seed in range(60)]
    light = np.array([[pair.previous.mean(), pair.current.mean()] for pair in pairs])
    np.testing.assert_allclose(light[:, 0], light[:, 1], atol=0.02)
    dim = light[:, 1] < 0.7
    assert 5 < dim.sum() < 30
    noise = np.array([(pair.current - pair.previous).std() for pair in pairs])
    assert noise[dim].mean() > 0.4 * noise[~dim].mean()


def test_batches_depend_on_seed_and_step_alone() -> None:
    pictures = [picture(i) for i in range(3)]
    clip = data.ClipPair(
        picture(7), picture(7), np.zeros((200, 260, 2), np.float32), np.ones((200, 260, 1), np.float32)
    )
    one, two = (data.PairSampler(pictures, [clip], size=64, batch=3, seed=5) for _ in range(2))
    two.batch(1)
    for name, value in one.batch(9).items():
        assert value.shape[:3] == ((3, 16, 16) if "canvas" in name else (3, 64, 64))
        np.testing.assert_array_equal(value, two.batch(9)[name])
    assert (one.batch(9)["current"] != one.batch(10)["current"]).any()
    small = data.PairSampler([picture(0, 40, 300)], size=128, batch=1)
    assert small.batch(0)["current"].shape == (1, 128, 128, 3)


def test_nothing_to_train_on_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to train on"):
        data.PairSampler([np.zeros((8, 8, 3), np.uint8)])
