"""The clip's own colours on the painted frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow")
from tests.painting import batch, scene
from videostyle.frames import FrameBatch
from videostyle.processors.preserve_color import PreserveColor, PreserveColorOptions

LUMA = np.array([0.299, 0.587, 0.114])


def painted_and_kept(**options: object) -> tuple[FrameBatch, np.ndarray]:
    frames = scene(2, 48, 64)
    painted = replace(batch(255 - scene(2, 48, 64, seed=3) // 2), original=frames)
    return painted, PreserveColor(PreserveColorOptions.model_validate(options))(painted).frames


def test_preserved_colour_is_the_clips() -> None:
    painted, kept = painted_and_kept()
    found, plain, original = kept.astype(float), painted.frames.astype(float), painted.original.astype(float)
    inside = ((found > 2) & (found < 253)).all(axis=-1)  # where nothing was clipped
    assert np.abs((found - plain) @ LUMA)[inside].mean() < 2
    chroma = (found - (found @ LUMA)[..., None]) - (original - (original @ LUMA)[..., None])
    assert np.abs(chroma)[inside].mean() < 2


def test_mean_and_covariance_are_the_clips() -> None:
    painted, kept = painted_and_kept(mode="mean")
    for found, original in zip(kept, painted.original, strict=True):
        one, other = found.reshape(-1, 3).astype(float), original.reshape(-1, 3).astype(float)
        assert np.abs(one.mean(axis=0) - other.mean(axis=0)).max() < 6  # of 255; some values are clipped
        apart = np.abs(np.cov(one.T) - np.cov(other.T)).max()
        assert apart < 0.1 * np.cov(other.T).max()


def test_histograms_are_the_clips() -> None:
    painted, kept = painted_and_kept(mode="histogram")
    for found, original in zip(kept, painted.original, strict=True):
        for channel in range(3):
            levels = [np.sort(picture[..., channel].ravel()).astype(float) for picture in (found, original)]
            assert np.abs(levels[0] - levels[1]).mean() < 4


def test_an_amount_of_none_changes_nothing() -> None:
    painted, kept = painted_and_kept(amount=0.0)
    np.testing.assert_array_equal(kept, painted.frames)
    _, half = painted_and_kept(amount=0.5)
    _, full = painted_and_kept()
    assert np.abs(half - (painted.frames / 2 + full / 2)).max() <= 1
